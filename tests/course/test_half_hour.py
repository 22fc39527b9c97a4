"""Half an hour of payments with an incident in it: what it is, and what alarms make of it."""

import random
import shutil
from pathlib import Path

import pytest

from workshop.course import half_hour as scene
from workshop.course.half_hour import HalfHour
from workshop.lab import Lab
from workshop.metrics.alarms import read_alarms

ROOT = Path(__file__).parents[2]
NOW = 1_795_444_864.5
MINUTE = 60


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("half an hour") / "04"
    ignored = shutil.ignore_patterns("test_step.py", "__pycache__")
    shutil.copytree(ROOT / "steps" / "04_percentiles", folder, ignore=ignored)
    shutil.copytree(ROOT / "solutions" / "04_percentiles", folder, dirs_exist_ok=True)
    with Lab.open(folder / "template.yaml") as lab:
        yield lab


@pytest.fixture(scope="module")
def half_hour(lab):
    return HalfHour.through(lab, random.Random(3), NOW)


def alarm(name, **properties):
    """An alarm on ChargeDuration, in the template's form."""
    resource = {
        "Namespace": "Workshop",
        "MetricName": "ChargeDuration",
        "Dimensions": [{"Name": "service", "Value": "payments"}],
        "ExtendedStatistic": "p99",
        "Period": 60,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 500,
        "EvaluationPeriods": 5,
        "DatapointsToAlarm": 3,
        "TreatMissingData": "notBreaching",
    } | properties
    kept = {key: value for key, value in resource.items() if value is not None}
    (read,) = read_alarms({name: {"Type": "AWS::CloudWatch::Alarm", "Properties": kept}})
    return read


def test_it_is_the_half_hour_that_has_just_passed(half_hour):
    assert half_hour.start % MINUTE == 0
    assert half_hour.end - half_hour.start == 30 * MINUTE
    assert NOW - MINUTE < half_hour.end <= NOW
    assert all(half_hour.start <= at < half_hour.end for at, _ in half_hour.failed)


def test_outcomes_are_those_of_the_invocations(half_hour):
    minutes = half_hour.outcomes(MINUTE)
    assert list(minutes) == list(range(half_hour.start, half_hour.end, MINUTE))
    assert sum(one.payments for one in minutes.values()) == len(half_hour.failed)
    assert sum(one.failed for one in minutes.values()) == sum(
        sum(point.values) for point in half_hour.points if point.name == "FailedCharge"
    )
    (whole,) = half_hour.outcomes(30 * MINUTE).values()
    assert whole.payments == len(half_hour.failed)


def test_the_minutes_are_quiet_but_for_one_and_then_bad_and_then_worse(half_hour):
    rates = {at: one.rate for at, one in half_hour.outcomes(MINUTE).items()}
    bad = {at for at, rate in rates.items() if rate > 0.15}
    assert bad == {half_hour.bad_minute, *range(half_hour.incident, half_hour.after, MINUTE)}
    assert {at for at, rate in rates.items() if rate == 1} == set(
        range(half_hour.down, half_hour.after, MINUTE)
    )


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_makes_the_same_minutes_of_other_payments(half_hour, seed):
    events = list(scene._events(half_hour.start, random.Random(seed)))  # noqa: SLF001
    endings = [
        sorted(
            one.event["card"]["number"][-4:]
            for one in events
            if half_hour.start <= one.at - minute * MINUTE < half_hour.start + MINUTE
        )
        for minute in range(scene.MINUTES)
    ]
    assert [(ours.count("0119"), ours.count("0341"), len(ours)) for ours in endings] == [
        (cards.count("0119"), cards.count("0341"), len(cards))
        for cards in map(scene._cards, range(scene.MINUTES))  # noqa: SLF001
    ]
    assert [one.at for one in events] == sorted(one.at for one in events)


def test_the_solutions_alarms_go_off_in_the_incident_and_only_then(half_hour, lab):
    for one in read_alarms(lab.template.resources):
        states = [(after.state, after.timestamp) for after in half_hour.states(one)]
        assert [state for state, _ in states] == ["OK", "ALARM", "OK"]
        assert half_hour.incident < states[1][1] <= half_hour.incident + 5 * MINUTE


def test_readings_are_by_the_alarms_own_period(half_hour):
    readings = half_hour.readings(alarm("a", Period=300))
    assert list(readings) == list(range(half_hour.start, half_hour.end, 300))
    assert readings[half_hour.start + 900] > 500


def test_the_average_of_the_incident_is_far_from_what_anybody_waited(half_hour):
    readings = half_hour.readings(alarm("a", ExtendedStatistic=None, Statistic="Average"))
    worst = max(value for at, value in readings.items() if at >= half_hour.incident)
    values = [v for p in half_hour.points if p.name == "ChargeDuration" for v in p.values]
    assert not [value for value in values if 0.9 * worst < value < 1.1 * worst]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"MetricName": "ChargeDurations"}, "nothing of that name"),
        ({"Namespace": "workshop"}, "nothing of that name"),
        ({"Dimensions": None}, "by no dimension"),
        ({"Unit": "Seconds"}, "nothing for the unit Seconds; its unit is Milliseconds"),
        ({"Period": 10}, "nothing for a period of 10 s"),
    ],
)
def test_a_series_that_nobody_writes_is_named(half_hour, change, said):
    assert said in half_hour.missing(alarm("a", **change))
    assert half_hour.missing(alarm("a")) is None


def test_lambdas_own_metrics_are_there_too(half_hour):
    lambdas = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "payments"}],
        "ExtendedStatistic": None,
        "Statistic": "Average",
    }
    rates = {at: one.rate for at, one in half_hour.outcomes(MINUTE).items()}
    assert half_hour.readings(alarm("a", **lambdas)) == pytest.approx(rates)


@pytest.mark.parametrize(
    ("statistic", "goes_off"),
    [("p99", False), ("p99.9", False), ("p100", True), ("PR(500:)", False)],
)
def test_one_slow_payment_of_thousands_is_no_matter_but_for_the_slowest(
    half_hour, statistic, goes_off
):
    threshold = 1 if statistic.startswith("PR") else 500
    watching = alarm("a", ExtendedStatistic=statistic, Threshold=threshold)
    assert half_hour.goes_off_when_busy(watching) is goes_off


@pytest.mark.parametrize(
    ("change", "goes_off"),
    [
        ({}, False),
        ({"Threshold": 300}, False),
        ({"Threshold": 15}, True),
        ({"ComparisonOperator": "LessThanThreshold"}, True),
    ],
)
def test_payments_that_take_a_little_longer_set_off_what_is_too_strict(half_hour, change, goes_off):
    assert half_hour.goes_off_when_unhurried(alarm("a", **change)) is goes_off


def test_metrics_are_described_by_namespace_name_and_dimensions():
    (metric,) = alarm("a").metrics
    assert scene.described(metric) == "Workshop ChargeDuration by service=payments"
    assert scene.statistics(alarm("a")) == ["p99"]
