"""Metric math expressions: text to a tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.errors import MetricQueryError
from workshop.metrics.expressions import (
    Array,
    Call,
    Number,
    Operation,
    Reference,
    Text,
    Word,
    calls,
    parse,
    references,
)


def op(operator, *operands):
    return Operation(operator, operands)


A, B, C = (Reference(name) for name in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a+b*c", op("+", A, op("*", B, C))),
        ("(a+b)*c", op("*", op("+", A, B), C)),
        ("a-b-c", op("-", op("-", A, B), C)),
        ("a/b*c", op("*", op("/", A, B), C)),
        ("a^b^c", op("^", A, op("^", B, C))),
        ("-a^b", op("-", op("^", A, B))),
        ("a^-b", op("^", A, op("-", B))),
        ("a - -b", op("-", A, op("-", B))),
        ("+a", A),
        ("a>b AND b<c OR c", op("OR", op("AND", op(">", A, B), op("<", B, C)), C)),
        ("a && b || c", op("OR", op("AND", A, B), C)),
        ("a+b == c", op("==", op("+", A, B), C)),
        ("1.5e3", Number(1500)),
        (".5", Number(0.5)),
        ("[a, b]", Array((A, B))),
        ("METRICS()", Call("METRICS", ())),
        ('METRICS("err")', Call("METRICS", (Text("err"),))),
        ("SORT(a, AVG, DESC)", Call("SORT", (A, Word("AVG"), Word("DESC")))),
        ("\n IF ( a ,\n b ) ", Call("IF", (A, B))),
        ("orders + android", op("+", Reference("orders"), Reference("android"))),
        ("SEARCH('{N,d} x', 'Sum', 60)",
         Call("SEARCH", (Text("{N,d} x"), Text("Sum"), Number(60)))),
        # The documentation has single quotes inside single quotes.
        ("SEARCH(' :aws.AccountId = (1 OR 'LOCAL') ', 'Average')",
         Call("SEARCH", (Text(" :aws.AccountId = (1 OR 'LOCAL') "), Text("Average")))),
    ],
)  # fmt: skip
def test_an_expression_parses_to(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid syntax at character 1: found the end"),
        ("m1 +", "Invalid syntax at character 5: found the end"),
        ("m1 $ 2", r"Invalid syntax at character 4: found '\$ 2'"),
        ("m1 m2", "Invalid syntax at character 4: found 'm2'"),
        ("SUM(m1", "Invalid syntax at character 7: found the end"),
        ("sum(m1)", "functions are written in capitals"),
        ("m1 = 2", "Invalid syntax at character 4"),
        ("[]", "Invalid syntax at character 2"),
        ("m1" + "+m1" * 700, "2102 characters; at most 2048"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_place(text, message):
    with pytest.raises(MetricQueryError, match=message):
        parse(text)


@given(st.text("m12+-*/^(),[]<>=&|'\" SUMIFSEARCH.", max_size=40))
def test_any_text_parses_or_is_refused(text):
    try:
        parse(text)
    except MetricQueryError as error:
        assert error.what  # noqa: PT017 - either way is fine, nothing else is


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1000 + "m1" + ")" * 1000,
        "-" * 2000 + "m1",
        "m1" + "+m1" * 600,
        "ABS(" * 400 + "m1" + ")" * 400,
        "[" * 900 + "m1" + "]" * 900,
    ],
)
def test_deep_nesting_is_read(text):
    assert references(parse(text)) == {"m1"}


def test_an_expression_tells_what_it_refers_to_and_calls():
    tree = parse("IF(m1 > 2, SUM([e1, m2]), SEARCH('{N} m9', 'Sum'))")
    assert references(tree) == {"m1", "e1", "m2"}
    assert calls(tree, "SEARCH")
    assert not calls(tree, "METRICS")
