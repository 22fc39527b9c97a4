"""`workshop metrics` over hours: a chart that fits, whose rows are time."""

import time

import pytest

from workshop.cli import metrics
from workshop.cli.render import metrics as drawing

MINUTE, HOUR = 60, 3600
NOON = 1_795_435_200  # 2026-11-23T12:00Z, whole in every period


def metric(name="Failed", **dimensions):
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {"Namespace": "W", "MetricName": name, "Dimensions": pairs}


def drawn(*pairs, period=MINUTE):
    found, results = zip(*pairs, strict=True)
    return [line.plain for line in drawing.charts(found, results, "Sum", period, 60)]


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_listed_metric_keeps_its_name_whole_for_it_is_to_be_typed():
    name = "AnUncommonlyLongNameOfAMetric"
    drawn = drawing.listed([metric(name, service="payments", stage="production")], 40).plain
    assert f"W/{name}  " in drawn
    assert all(len(line) <= 40 for line in drawn.splitlines())


@pytest.mark.parametrize(
    ("seconds", "period"),
    [
        (0, MINUTE),
        (29 * MINUTE, MINUTE),
        (30 * MINUTE, 5 * MINUTE),
        (3 * HOUR, 10 * MINUTE),
        (24 * HOUR, HOUR),
        (13 * 24 * HOUR, 12 * HOUR),
    ],
)
def test_the_period_is_the_shortest_by_which_all_fits(seconds, period):
    first = NOON // (24 * HOUR) * 24 * HOUR

    assert metrics.fitting([{first: 1.0}, {first + seconds: 2.0}, {}]) == period


def test_without_values_the_period_is_a_minute():
    assert metrics.fitting([{}]) == MINUTE


def test_a_period_without_data_is_a_row_too():
    lines = drawn((metric(), {NOON: 2.0, NOON + 2 * MINUTE: 1.0}))

    assert [line.split()[:2] for line in lines[1:]] == [
        ["12:00", "2"],
        ["12:01", "-"],
        ["12:02", "1"],
    ]


def test_metrics_shown_together_have_the_same_rows():
    lines = drawn(
        (metric("Failed"), {NOON + MINUTE: 1.0}), (metric("Good"), {NOON: 5.0, NOON + 180: 5.0})
    )

    rows = ["12:00", "12:01", "12:02", "12:03"]
    assert [line.split()[0] for line in lines] == ["Failed", *rows, "Good", *rows]


def test_where_the_minutes_are_too_many_those_with_data_are_shown():
    lines = drawn((metric(), {NOON: 2.0, NOON + 8 * HOUR: 1.0}))

    assert [line.split()[0] for line in lines[1:]] == ["12:00", "20:00"]


def test_what_is_not_shown_is_counted():
    lines = drawn((metric(), {NOON + minute * MINUTE: 1.0 for minute in range(40)}))

    assert lines[-1].strip() == "10 earlier periods are not shown (--period)"
    assert lines[-2].split()[0] == "12:39"


def test_the_day_is_told_where_there_are_several():
    lines = drawn((metric(), {NOON: 2.0, NOON + 12 * HOUR: 1.0}), period=12 * HOUR)

    assert [line.split()[:3] for line in lines[1:]] == [
        ["23", "Nov", "12:00"],
        ["24", "Nov", "00:00"],
    ]
    assert "per 12 h" in lines[0]


def test_a_metric_with_the_same_values_under_other_dimensions_is_named_alone():
    values = {NOON: 2.0}
    lines = drawn(
        (metric("Errors"), values),
        (metric("Errors", FunctionName="payments"), values),
        (metric("Errors", FunctionName="other"), {NOON: 1.0}),
        (metric("Invocations"), {NOON: 1.0}),
    )

    assert "  the same by FunctionName=payments" in lines
    assert sum("12:00" in line for line in lines) == 3
