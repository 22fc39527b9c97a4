"""SEARCH.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.errors import MetricQueryError
from workshop.metrics.search import parse_search
from workshop.metrics.series import Metric

ACCOUNT = "123456789012"


def metric(name, namespace="N", **dimensions):
    return Metric(namespace, name, tuple(sorted(dimensions.items())))


def found(search, *metrics):
    return [one.name for one in parse_search(search).find(metrics, ACCOUNT)]


@pytest.mark.parametrize(
    ("search", "finds"),
    [
        ("count", True),
        ("Count", True),
        ("COUNT", True),
        ("couNT", False),
        ("CustomCount", True),
        ("Count1", True),
        ("customcount", False),
        ("count1", False),
        ("1", True),
        ("Custom1", False),  # not one after another
        ('"CustomCount1"', True),
        ('"customcount1"', False),
        ('"Custom"', False),
        ("MetricName=count", True),
        ("Namespace=count", False),
    ],
)
def test_custom_count_1_is_found_by(search, finds):
    assert bool(found(search, metric("CustomCount1"))) is finds


@pytest.mark.parametrize("name", ["Network-Errors-2", "NetworkErrors2"])
@pytest.mark.parametrize(
    "search", ["network/errors", "network+errors", "network-errors", "Network_Errors"]
)
def test_other_characters_set_tokens_apart(search, name):
    assert found(search, metric(name)) == [name]


def test_an_exact_match_wants_the_very_characters():
    assert found('"Network-Errors-2"', metric("Network-Errors-2")) == ["Network-Errors-2"]
    assert found('"Network_Errors_2"', metric("Network-Errors-2")) == []


def test_quotes_backslashes_and_parentheses_are_escaped_in_an_exact_match():
    name = "Europe\\France Traffic(Network)"
    assert found(r'"Europe\\France Traffic\(Network\)"', metric(name)) == [name]


@pytest.mark.parametrize("search", ["sdb", "failure", "SDBFailure", "sdbfailure"])
def test_a_run_of_capitals_is_one_token(search):
    assert found(search, metric("SDBFailure"))


def test_the_schema_matches_the_namespace_and_all_dimensions():
    metrics = [
        metric("a", service="s"),
        metric("b", service="s", region="r"),
        metric("c"),
        metric("d", namespace="M", service="s"),
    ]
    assert found("{N,service}", *metrics) == ["a"]
    assert found("{N, region , service}", *metrics) == ["b"]
    assert found("{N}", *metrics) == ["c"]
    assert found('{"N", "service"}', *metrics) == ["a"]
    assert found("s", *metrics) == ["a", "b", "d"]


def test_names_with_spaces_stand_in_quotes():
    one = metric("Custom:Name[Special_Characters", "My Namespace", **{"Dimension@Name": "v"})
    search = '{"My Namespace", "Dimension@Name"}, "Custom:Name[Special_Characters"'
    assert found(search, one) == [one.name]


LAMBDA = [
    metric(name, "AWS/Lambda", FunctionName=function)
    for name in ("Errors", "Invocations")
    for function in ("ProjectA-pay", "ProjectC-pay")
]


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ('MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB))', 3),
        ("MetricName=Errors FunctionName=ProjectA", 1),
        ("Errors AND ProjectA", 1),
        ("Errors OR Invocations ProjectA", 3),  # AND binds closer
        ("(Errors OR Invocations) ProjectA", 2),
        ("NOT ProjectA", 2),
        ('MetricName="Errors" NOT ProjectA', 1),
        ("pay NOT ProjectA NOT Errors", 1),
        ("NOT Namespace=AWS", 0),
        ("FunctionName=(ProjectA OR ProjectC) MetricName=Errors", 2),
        ('"AWS/Lambda" MetricName="Errors"', 2),
        ("and", 0),  # operators are in capitals
        (":aws.AccountId=123456789012 Errors", 2),
        (":aws.AccountId=444455556666", 0),
        (":aws.AccountId = (444455556666 OR 'LOCAL')", 4),
        ("Andromeda OR Errors", 2),
    ],
)
def test_terms_are_combined_by_and_or_and_not(search, count):
    assert len(found("{AWS/Lambda, FunctionName} " + search, *LAMBDA)) == count


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("", "a search needs a schema in braces, a search term, or both"),
        ("{N,", "Invalid syntax in the search, at character"),
        ("(a", "Invalid syntax"),
        ("a OR", "Invalid syntax"),
        ("{N} x" + "y" * 1020, "1025 characters; at most 1024"),
        ("(" * 60 + "a" + ")" * 60, "nests deeper than 50"),
        ("NOT " * 60 + "a", "nests deeper than 50"),
    ],
)
def test_what_is_no_search_is_refused(search, message):
    with pytest.raises(MetricQueryError, match=message):
        parse_search(search)


@given(st.text("aB1 {}(),=\"'ORNOTAND:\\", max_size=40))
def test_any_text_is_a_search_or_refused(text):
    try:
        parse_search(text).find(LAMBDA, ACCOUNT)
    except MetricQueryError as error:
        assert error.what  # noqa: PT017 - either way is fine, nothing else is
