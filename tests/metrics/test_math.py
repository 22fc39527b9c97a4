"""Metric math, evaluated.

The examples are those of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
where a missing value is `-`; here it is None.
"""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.errors import MetricQueryError
from workshop.metrics.expressions import parse
from workshop.metrics.math import Scope, evaluate
from workshop.metrics.series import Series, Window

START = 1_700_049_600  # Wednesday 2023-11-15 12:00:00 UTC


def series(values, label="", period=60):
    points = {START + period * n: float(v) for n, v in enumerate(values) if v is not None}
    return Series(points, period, label, is_metric=True)


def scope(length=5, **values):
    metrics = {name: series(value, name) for name, value in values.items()}
    window = Window(START, START + 60 * length, START + 60 * length)
    return Scope(window, 60, metrics, metrics, lambda *_: ())


def listed(one, length):
    return [one.points.get(START + one.period * n) for n in range(length)]


def run(text, **values):
    length = max((len(value) for value in values.values()), default=5)
    result = evaluate(parse(text), scope(length, **values))
    if isinstance(result, tuple):
        return [listed(one, length) for one in result]
    return listed(result, length)


METRICS = {"metric1": [30, 20, 0, 0], "metric2": [20, None, 20, None]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metric1 < metric2", [0, 0, 1, 0]),
        ("metric1 >= 30", [1, 0, 0, 0]),
        ("metric1 > 15 AND metric2 > 15", [1, 0, 0, 0]),
        ("metric1 > 15 && metric2 > 15", [1, 0, 0, 0]),
        ("metric1 == metric2", [0, 0, 0, 1]),
        ("metric1 != metric2", [1, 1, 1, 0]),
        ("metric1 OR metric2", [1, 1, 1, 0]),
        ("metric1 || 0", [1, 1, 0, 0]),
    ],
)
def test_comparisons_and_logic_treat_a_missing_value_as_0(expression, expected):
    assert run(expression, **METRICS) == expected


IF_METRICS = {
    "metric1": [1, 1, 0, 0, None],
    "metric2": [30, None, 0, 0, 30],
    "metric3": [0, 0, 20, None, 20],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(metric1, metric2, metric3)", [30, 0, 20, 0, None]),
        ("IF(metric1, 5, metric3)", [5, 5, 20, None, None]),
        ("IF(metric1, metric2, 5)", [30, 0, 5, 5, None]),
        ("IF(metric1, 5, 6)", [5, 5, 6, 6, None]),
        ("IF(metric1, metric2)", [30, 0, None, None, None]),
        ("IF(metric1, 5)", [5, 5, None, None, None]),
        ("IF(0 - metric1, 5, 6)", [5, 5, 6, 6, None]),  # negative is true
        ("IF(1, metric2, metric3)", [30, None, 0, 0, 30]),
        ("IF(0, metric2, metric3)", [0, 0, 20, None, 20]),
        ("IF(0, metric2)", [None] * 5),
        ("IF(1 > 2, metric2, 7)", [7] * 5),
    ],
)
def test_if_chooses_point_by_point(expression, expected):
    assert run(expression, **IF_METRICS) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", [3, 2, 3]),
        ("m1 - m2", [-1, -2, 3]),
        ("m1 * 2", [2, None, 6]),
        ("2 ^ m1", [2, None, 8]),
        ("m1 / m2", [0.5, 0, None]),  # a point that would divide by 0 is dropped
        ("m2 / m1", [2, None, 0]),
        ("m1 / 0", [None, None, None]),
        ("-m1", [-1, None, -3]),
        ("m1 * (1 / 0)", [None, None, None]),
        ("m1 * 1e308 * 1e10", [None, None, None]),  # no number
        ("(0 - m1) ^ 0.5", [None, None, None]),
        ("SUM(100/[m1, m2])", [150, 50, 100 / 3]),
        ("SUM(-[m1, m2])", [-3, -2, -3]),
        ("MIN(ABS([0-m1, 0-m2]))", [1, 2, 3]),
        ("SUM(METRICS())/SUM(m1)", [0.75, 0.5, 0.75]),
        ("m1-MIN(m1)", [0, None, 2]),
        ("MAX(m1)/m1", [3, None, 1]),
        ("m1/METRIC_COUNT(METRICS())", [0.5, None, 1.5]),
        ("m1*PERIOD(m1)/60", [1, None, 3]),
    ],
)
def test_arithmetic_treats_a_missing_value_as_0(expression, expected):
    assert run(expression, m1=[1, None, 3], m2=[2, 2, None]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[m1, m2] * 2", [[2, None, 6], [4, 4, None]]),
        ("6 / [m1, m2]", [[6, None, 2], [3, 3, None]]),
        ("[m1, m2] - m1", [[0, None, 0], [1, 2, -3]]),
        ("m1 - [m1, m2]", [[0, None, 0], [-1, -2, 3]]),
        ("[m1, m2] + [m2, m1]", [[3, 2, 3], [3, 2, 3]]),
        ("METRICS()", [[1, None, 3], [2, 2, None]]),
        ('METRICS("2")', [[2, 2, None]]),
        ('[METRICS("1"), METRICS("2")]', [[1, None, 3], [2, 2, None]]),
        ("ABS(-[m1, m2])", [[1, None, 3], [2, 2, None]]),
        ("REMOVE_EMPTY([m1, m1/0, m2])", [[1, None, 3], [2, 2, None]]),
        ("SLICE(METRICS(), 1)", [[2, 2, None]]),
        ("SLICE(METRICS(), 0, 1)", [[1, None, 3]]),
        ("SORT(METRICS(), SUM, DESC)", [[1, None, 3], [2, 2, None]]),
        ("SORT(METRICS(), MIN, DESC)", [[2, 2, None], [1, None, 3]]),
        ("SORT(METRICS(), MAX, ASC)", [[2, 2, None], [1, None, 3]]),
        ("SORT([m1/0, m1, m2], MAX, DESC)", [[1, None, 3], [2, 2, None], [None] * 3]),
        ("SORT(METRICS(), MAX, DESC, 1)", [[1, None, 3]]),
        ("FILL(METRICS(), 0)", [[1, 0, 3], [2, 2, 0]]),
        ("FILL(METRICS(), m2)", [[1, 2, 3], [2, 2, None]]),
    ],
)
def test_an_array_is_worked_on_series_by_series(expression, expected):
    assert run(expression, m1=[1, None, 3], m2=[2, 2, None]) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SUM([m1, m2])", [3, 2, 3]),
        ("AVG([m1, m2])", [1.5, 1, 1.5]),  # missing values count as 0
        ("MIN([m1, m2])", [1, 2, 3]),
        ("MAX([m1, m2])", [2, 2, 3]),
        ("STDDEV([m1, m2])", [0.5, 0, 0]),
        ("DATAPOINT_COUNT([m1, m2])", [2, 1, 1]),
        ("FIRST(METRICS())", [1, None, 3]),
        ("LAST(METRICS())", [2, 2, None]),
        ("TIME_SERIES(SUM(m1))", [4, 4, 4]),
        ("TIME_SERIES(AVG(m1))", [4 / 3] * 3),
        ("TIME_SERIES(SUM(m1) / DATAPOINT_COUNT(m1))", [2, 2, 2]),
        ("TIME_SERIES(MIN(m1))", [1, 1, 1]),
        ("TIME_SERIES(STDDEV(m1))", [1, 1, 1]),
        ("TIME_SERIES(MAX(m1/0))", [None] * 3),
        ("SUM(REMOVE_EMPTY([m1/0]))", [None] * 3),
        ("SUM([m1 * 1e308, m1 * 1e308])", [None] * 3),  # no float holds them
        ("AVG([m2 * 5e307, m2 * 5e307])", [None] * 3),
        ("STDDEV([m1 * 1e200, m2])", [None, 0, 0]),
    ],
)
def test_a_reduction_takes_a_series_to_a_scalar_and_an_array_to_a_series(expression, expected):
    assert run(expression, m1=[1, None, 3], m2=[2, 2, None]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DIFF(m1)", [None, None, 4, None, 6]),
        ("DIFF_TIME(m1)", [None, None, 120, None, 120]),
        ("RATE(m1)", [None, None, 4 / 120, None, 6 / 120]),
        ("RUNNING_SUM(m1)", [1, None, 6, None, 17]),
        ("FILL(m1, 9)", [1, 9, 5, 9, 11]),
        ("FILL(m1, REPEAT)", [1, 1, 5, 5, 11]),
        ("FILL(m1, LINEAR)", [1, 3, 5, 8, 11]),
        ("FILL(m1, MIN(m1))", [1, 1, 5, 1, 11]),
        ("CEIL(m1 / 2)", [1, None, 3, None, 6]),
        ("FLOOR(m1 / 2)", [0, None, 2, None, 5]),
        ("LOG(m1)", [0, None, math.log(5), None, math.log(11)]),
        ("LOG10(m1 - 1)", [None, None, math.log10(4), None, 1]),
        ("ABS(m1 - 6)", [5, None, 1, None, 5]),
    ],
)
def test_a_function_of_each_point(expression, expected):
    assert run(expression, m1=[1, None, 5, None, 11]) == pytest.approx(expected)


def test_filling_has_nothing_to_go_by_beyond_the_ends():
    values = [None, None, 4, None, 2, None]
    assert run("FILL(m1, LINEAR)", m1=values) == [None, None, 4, 3, 2, None]
    assert run("FILL(m1, REPEAT)", m1=values) == [None, None, 4, 4, 2, 2]
    assert run("FILL(m1, LINEAR)", m1=[None, 1, None]) == [None, 1, None]
    assert run("FILL(m1, 0)", m1=[None, None]) == [0, 0]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("MINUTE", [0, 1, 2]),
        ("HOUR", [12, 12, 12]),
        ("DAY", [3, 3, 3]),  # 1 is Monday
        ("DATE", [15, 15, 15]),
        ("MONTH", [11, 11, 11]),
        ("YEAR", [2023, 2023, 2023]),
        ("EPOCH", [START, START + 60, START + 120]),
    ],
)
def test_a_calendar_function_has_a_value_for_every_period(function, expected):
    assert run(f"{function}(m1)", m1=[None, 1, None]) == expected


def test_weekdays_alone():
    assert run("IF(DAY(m1)<6, m1)", m1=[1, None, 3]) == [1, 0, 3]
    assert run("IF(DAY(m1)>5, m1)", m1=[1, None, 3]) == [None, None, None]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SUM(m1)", "must give a time series or an array of time series; it gives a scalar"),
        ("5", "it gives a scalar number"),
        ("'text'", "it gives the string 'text'"),
        ("M1", "it gives the word M1"),
        ("NOPE(m1)", "Function 'NOPE' not found"),
        ("ABS()", "Function 'ABS' takes 1 arguments; it has 0"),
        ("IF(m1)", "Function 'IF' takes 2 to 3 arguments; it has 1"),
        ("ABS(5)", "Function 'ABS' takes a time series or an array of time series as argument 1"),
        ("FIRST(m1)", "Function 'FIRST' takes an array of time series as argument 1"),
        ("HOUR([m1])", "Function 'HOUR' takes a time series as argument 1"),
        ("IF([m1], 1, 0)", "it has an array of time series"),
        ("TIME_SERIES(m1)", "takes a scalar number as argument 1; it has a time series"),
        ("PERIOD(m1 + 1)", "'PERIOD' takes a metric, not the result of an expression"),
        ("FILL(m1, NEAREST)", "takes REPEAT or LINEAR or a time series or a scalar number"),
        ("FILL(m1, [m1])", "it has an array of time series"),
        ("SORT([m1], MEDIAN, ASC)", "takes AVG or MIN or MAX or SUM as argument 2"),
        ("SORT([m1], AVG, UP)", "takes ASC or DESC as argument 3"),
        ("SLICE([m1], 0.5)", "a whole number, 0 or more"),
        ("[m1, 5]", "An array holds time series; it cannot hold a scalar number"),
        ("METRICS(m1)", "takes a string in quotes"),
        ("m1 + 'x'", r"cannot take the string 'x'"),
        ("[m1] > 5", "cannot take an array of time series"),
        ("[m1, m1] + [m1]", "arrays of one length; these hold 2 and 1"),
        ("m1 + m7", "The Id 'm7' is not among the queries"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "'ANOMALY_DETECTION_BAND' is not offered here: it needs"),
        ("INSIGHT_RULE_METRIC('a', 'b')", "'INSIGHT_RULE_METRIC' is not offered here"),
        ("SERVICE_QUOTA(m1)", "'SERVICE_QUOTA' is not offered here"),
        ("DB_PERF_INSIGHTS('a', 'b', 'c')", "'DB_PERF_INSIGHTS' is not offered here"),
        ("LAMBDA('a')", "'LAMBDA' is not offered here"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_name(expression, message):
    with pytest.raises(MetricQueryError, match=message):
        run(expression, m1=[1, 2])


def test_search_gets_its_text_statistic_and_period():
    asked = []

    def search(text, stat, period):
        asked.append((text, stat, period))
        return (series([1, 2]), series([3, None]))

    window = Window(START, START + 120, START + 120)
    for text in ("SUM(SEARCH('{N} a', 'Sum', 300))", "SUM(SEARCH('{N} a', 'p99'))"):
        result = evaluate(parse(text), Scope(window, 60, {}, {}, search))
        assert listed(result, 2) == [4, 2]
    assert asked == [("{N} a", "Sum", 300), ("{N} a", "p99", 60)]


def test_deep_nesting_is_evaluated():
    assert run("-" * 2001 + "m1", m1=[1, None]) == [-1, None]
    assert run("m1" + "+m1" * 600, m1=[1, None]) == [601, None]
    assert run("ABS(" * 400 + "-m1" + ")" * 400, m1=[1, None]) == [1, None]


# ------------------------------------------------------- a second, plain evaluator, point by point

NUMBERS = st.none() | st.integers(-5, 5)
LENGTH = 4
LISTS = st.lists(NUMBERS, min_size=LENGTH, max_size=LENGTH)

# An expression as text, beside a function from the lists of a and b to its own list.
LEAVES = st.sampled_from([("a", lambda a, b: a), ("b", lambda a, b: b)])


PLAIN = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y if y else None,
    "<": lambda x, y: int(x < y),
    "==": lambda x, y: int(x == y),
    "AND": lambda x, y: int(x != 0 and y != 0),
    "OR": lambda x, y: int(x != 0 or y != 0),
}
PLAIN_REDUCTIONS = {
    "SUM": sum,
    "AVG": lambda there: sum(there) / 2,
    "MIN": min,
    "MAX": max,
    "STDDEV": statistics.pstdev,
    "DATAPOINT_COUNT": len,
}


def plain_binary(symbol, left, right):
    def point(x, y):
        return None if x is None and y is None else PLAIN[symbol](x or 0, y or 0)

    return lambda a, b: [point(x, y) for x, y in zip(left(a, b), right(a, b), strict=True)]


def plain_scalar(symbol, left, number):
    return lambda a, b: [None if x is None else PLAIN[symbol](x, number) for x in left(a, b)]


def plain_if(condition, true, false):
    def point(c, t, f):
        if c is None:
            return None
        return (t if c else f) or 0

    return lambda a, b: [
        point(*three) for three in zip(condition(a, b), true(a, b), false(a, b), strict=True)
    ]


def plain_reduce(function, left, right):
    def point(*values):
        there = [value for value in values if value is not None]
        return PLAIN_REDUCTIONS[function](there) if there else None

    return lambda a, b: [point(x, y) for x, y in zip(left(a, b), right(a, b), strict=True)]


def plain_fill(inner):
    def filled(a, b):
        last, result = None, []
        for value in inner(a, b):
            last = last if value is None else value
            result.append(last)
        return result

    return filled


def plain_diff(inner):
    def difference(a, b):
        before, result = None, []
        for value in inner(a, b):
            known = value is not None and before is not None
            result.append(value - before if known else None)
            before = before if value is None else value
        return result

    return difference


def grow(inner):
    symbols = st.sampled_from(sorted(PLAIN))
    reductions = st.sampled_from(sorted(PLAIN_REDUCTIONS))
    return st.one_of(
        st.builds(
            lambda s, x, y: (f"({x[0]} {s} {y[0]})", plain_binary(s, x[1], y[1])),
            symbols, inner, inner,
        ),
        st.builds(
            lambda s, x, n: (f"({x[0]} {s} {n})", plain_scalar(s, x[1], n)),
            symbols, inner, st.integers(0, 5),
        ),
        st.builds(
            lambda x, y, z: (f"IF({x[0]}, {y[0]}, {z[0]})", plain_if(x[1], y[1], z[1])),
            inner, inner, inner,
        ),
        st.builds(
            lambda f, x, y: (f"{f}([{x[0]}, {y[0]}])", plain_reduce(f, x[1], y[1])),
            reductions, inner, inner,
        ),
        st.builds(lambda x: (f"FILL({x[0]}, REPEAT)", plain_fill(x[1])), inner),
        st.builds(lambda x: (f"DIFF({x[0]})", plain_diff(x[1])), inner),
    )  # fmt: skip


@given(st.recursive(LEAVES, grow, max_leaves=6), LISTS, LISTS)
def test_every_expression_agrees_with_a_plain_evaluator(expression, a, b):
    text, plain = expression
    got, expected = run(text, a=a, b=b), plain(a, b)
    assert [value is None for value in got] == [value is None for value in expected], text
    assert [v for v in got if v is not None] == pytest.approx(
        [v for v in expected if v is not None], rel=1e-9, abs=1e-9
    ), text
