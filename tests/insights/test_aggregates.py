"""Rates, histograms, other aggregates: by hand, against a plain evaluation, on odd values."""

import json
import math
import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insights.conftest import NOON
from workshop.insights import MalformedQuery, Scope, compile_query, parse, rows
from workshop.insights.expressions import AGGREGATES
from workshop.insights.results import computed


def of(*found: object) -> list[str]:
    return [json.dumps({"v": value}) for value in found]


# Rates: the events of `table` are a second apart.


@pytest.mark.parametrize(
    ("found", "call", "shown"),
    [
        ([10, 20, 30, 40], "rate(v, 1s)", "30"),
        ([10, 20, 30, 40], "rate(v, 1m)", "0.5"),
        ([10, 20, 30, 40], "rate(v, 500ms)", "60"),
        ([10, 20, 30, 40], "rate(v, 300s)", "0.5"),
        ([40, 10, 20, 0], "rate(v, 4s)", "-10"),
        ([7, 9, 7], "rate(v, 1s)", "0"),
        ([7, 7, 7], "rate(v, 1h)", "0"),
        ([7], "rate(v, 1s)", "0"),
        ([], "rate(v, 1s)", None),
        ([None, 1, "x", 5, None], "rate(v, 1s)", "4"),
        (["1", "2.5"], "rate(v, 1s)", "1.5"),
        ([None, "x"], "rate(v, 1s)", None),
        ([1, 2, 4], "rate(v * 2, 1s)", "6"),
        ([1, 2, 4], "rate(v, 1s) * 2", "6"),
        ([1, 2, 4], "rate(toMillis(@timestamp), 1s)", "2000"),
        ([1, 2, 4], "rate(jsonParse(@message), 1s)", None),
        ([1, 1e308], "rate(v * 100, 1s)", "0"),
    ],
)
def test_a_rate_is_the_change_from_first_to_last_per_second_of_the_interval(
    table, found, call, shown
):
    assert table(f"stats {call} as x", *of(*found)) == [{} if shown is None else {"x": shown}]


def test_each_group_has_its_own_rate(table):
    messages = [
        '{"k": "a", "v": 1}',
        '{"k": "b", "v": 9}',
        '{"k": "a", "v": 5}',
        '{"k": "b", "v": 1}',
    ]
    assert table("stats rate(v, 1s) as r by k", *messages) == [
        {"k": "a", "r": "4"},
        {"k": "b", "r": "-8"},
    ]


# Histograms


@pytest.mark.parametrize(
    ("found", "call", "shown"),
    [
        ([0, 1, 5, 9, 10], "histogram(v, 2)", {"0": 2, "5": 3}),
        ([0, 10], "histogram(v, 5)", {"0": 1, "2": 0, "4": 0, "6": 0, "8": 1}),
        ([1.5, 2, 2.5], "histogram(v, 4)", {"1.5": 1, "1.75": 0, "2": 1, "2.25": 1}),
        ([-1, 1], "histogram(v, 2)", {"-1": 1, "0": 1}),
        ([3, 3, 3], "histogram(v, 10)", {"3": 3}),
        ([3, 4], "histogram(v, 1)", {"3": 2}),
        (["1", "x", None, 2], "histogram(v, 2)", {"1": 1, "1.5": 1}),
        ([1, 2], "histogram(v * 10, 2)", {"10": 1, "15": 1}),
        ([-1e308, 0, 1e308], "histogram(v, 2)", {"-1e+308": 1, "0": 2}),
        ([1, 1e308], "histogram(v * 100, 2)", {"100": 1}),
        (["x", None], "histogram(v, 2)", None),
        ([], "histogram(v, 2)", None),
        ([1], "histogram(missing, 2)", None),
        ([1], "histogram(jsonParse(@message), 2)", None),
    ],
)
def test_a_histogram_counts_the_values_in_ranges_of_equal_width(table, found, call, shown):
    (row,) = table(f"stats {call} as x", *of(*found))
    assert json.loads(row.get("x", "null")) == shown


def test_the_ranges_of_a_histogram_can_be_read_one_by_one(table):
    query = "stats histogram(v, 2) as h by k | fields k, h.`0` as low, h.`5` as high"
    messages = [f'{{"k": "{key}", "v": {v}}}' for key in "ab" for v in (0, 1, 10)]
    assert table(query, *messages) == [
        {"k": "a", "low": "2", "high": "1"},
        {"k": "b", "low": "2", "high": "1"},
    ]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("rate(v)", "rate takes a field and an interval of fixed length"),
        ("rate(v, 60)", "rate takes a field and an interval of fixed length"),
        ("rate(v, 1mo)", "rate takes a field and an interval of fixed length"),
        ("rate(v, 1m, 2)", "rate takes a field and an interval of fixed length"),
        ("rate(*, 1m)", "'*' stands in count(*) alone"),
        ("histogram(v)", "histogram takes a field and a number of ranges, 1 to 1000"),
        ("histogram(v, 0)", "1 to 1000"),
        ("histogram(v, 1001)", "1 to 1000"),
        ("histogram(v, 2.5)", "1 to 1000"),
        ("histogram(v, -2)", "1 to 1000"),
        ("histogram(v, '5')", "1 to 1000"),
        ("histogram(v, 5, 6)", "1 to 1000"),
        ("pct(v, 101)", "pct does not take these arguments"),
        ("sum()", "sum does not take these arguments"),
        ("topk(v)", "topk does not take these arguments"),
    ],
)
def test_wrong_arguments_of_an_aggregate_are_refused(table, call, says):
    with pytest.raises(MalformedQuery, match=re.escape(says)):
        table(f"stats {call} as x", *of(1, 2))


def test_a_histogram_is_no_key_of_stats(table):
    with pytest.raises(MalformedQuery, match="histogram stands in stats alone"):
        table("stats count(*) by histogram(v, 50)", *of(1, 2))


# Against a plain evaluation

VALUES = st.one_of(
    st.integers(-50, 50),
    st.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
    st.sampled_from([None, "x", "", "12", "1e3", True, 1e15, 2**53]),
)
EVENTS = st.lists(st.tuples(st.integers(0, 9), VALUES), max_size=25)


def number(one: object) -> float | None:
    if isinstance(one, str):
        return {"12": 12.0, "1e3": 1000.0}.get(one)
    return None if one is None else float(one)  # type: ignore[arg-type]


def asked(connection, events, query):
    connection.execute("DELETE FROM log_events")
    for index, (second, value) in enumerate(events):
        connection.execute(
            "INSERT INTO log_events VALUES (?, 0, '/g', 's', ?, ?)",
            [index, NOON + 1000 * second, json.dumps({"v": value})],
        )
    (row,) = rows(compile_query(parse(query), Scope(("/g",), 0, NOON * 2, 0)), connection).rows
    return dict(row)


@settings(max_examples=80, deadline=None)
@given(EVENTS)
def test_a_rate_is_what_a_plain_evaluation_makes_of_it(connection, events):
    kept = sorted(
        (second, index, found)
        for index, (second, value) in enumerate(events)
        if (found := number(value)) is not None
    )
    expected = {}
    if kept:
        expected = {"r": computed((kept[-1][2] - kept[0][2]) / 60)}

    assert asked(connection, events, "stats rate(v, 1m) as r") == expected


@settings(max_examples=80, deadline=None)
@given(EVENTS, st.integers(1, 12))
def test_a_histogram_is_what_a_plain_evaluation_makes_of_it(connection, events, count):
    kept = [found for _, value in events if (found := number(value)) is not None]
    expected: list[int] = []
    if kept:
        low, high = min(kept), max(kept)
        expected = [0] * (count if low < high else 1)
        for one in kept:
            share = 0 if low == high else (one / 2 - low / 2) / (high / 2 - low / 2)
            expected[min(math.floor(share * count), count - 1)] += 1

    found = json.loads(
        asked(connection, events, f"stats histogram(v, {count}) as h").get("h", "{}")
    )

    assert list(found.values()) == expected
    assert sorted(map(float, found)) == [float(key) for key in found]
    if kept:
        assert float(next(iter(found))) == pytest.approx(min(kept), rel=1e-14)


# On values that nobody would think of

ODD = (
    *("nan", "inf", "1e400", "1e308", "-1e308", "9" * 400, "", "x", "1_000", " 5 ", "é"),
    *(1e308, -1e308, 5e-324, 2**63, -1, 0, None, True, [1], {"a": 1}),
)
ARGUMENTS = (
    *("v", "v * 1e308", "v * 0", "missing", "null", "@timestamp", "@message", "v = 1", "'x'", "7"),
    *(
        "jsonParse(@message)",
        "jsonParse(@message).v",
        "coalesce(v, 1)",
        "0 - v * 1e308",
        "1e308 * 10",
    ),
)
FORMS = {
    "topk": "2, {}",
    "pct": "{}, 99",
    "percentile": "{}, 0",
    "rate": "{}, 1s",
    "histogram": "{}, 3",
}


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("topk", ""),  # which takes no `by`
        *product(sorted(AGGREGATES - {"topk"}), ["", " by v", " by bin(1m), v = 1"]),
    ],
)
def test_an_aggregate_of_odd_values_gives_a_value_or_none_and_never_an_error(table, name, keys):
    form = FORMS.get(name, "{}")
    calls = [f"{name}({form.format(argument)})" for argument in ARGUMENTS]
    named = ", ".join(f"{call} as n{index}" for index, call in enumerate(calls))
    assert table(f"stats {named}{keys}", *of(*ODD))
