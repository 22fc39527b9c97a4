"""Data points as time series.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.errors import MetricQueryError
from workshop.metrics.series import (
    DAY,
    HOUR,
    Catalogue,
    Metric,
    Window,
    check_period,
    check_statistic,
    check_unit,
)
from workshop.signals import DataPoint

NOON = 1_700_049_600  # 2023-11-15 12:00:00 UTC
METRIC = Metric("Workshop", "ChargedAmount", (("service", "payments"),))


def point(second, *values, unit="None", resolution=60, **dimensions):
    return DataPoint(
        METRIC.namespace,
        METRIC.name,
        dimensions or {"service": "payments"},
        round(second * 1000),
        values,
        unit,
        resolution,
    )


def read(points, stat="Sum", period=60, start=NOON, end=NOON + HOUR, now=NOON + HOUR, unit=None):
    series = Catalogue(points).series(METRIC, stat, period, Window(start, end, now), unit)
    return dict(series.points)


@pytest.mark.parametrize(
    ("age", "start", "expected"),
    [
        (HOUR, NOON + 34 * 60 + 34, NOON + 34 * 60),  # less than 15 days: the minute
        (20 * DAY, NOON + 34 * 60 + 34, NOON + 30 * 60),  # the 5 minutes
        (64 * DAY, NOON + 34 * 60 + 34, NOON),  # the hour
    ],
)
def test_the_start_is_rounded_down_by_its_age(age, start, expected):
    assert Window(start, start + DAY, now=start + age).first(60) == expected


@pytest.mark.parametrize(
    ("period", "expected"), [(1, 23), (5, 20), (10, 20), (20, 20), (30, 0), (60, 0)]
)
def test_the_start_is_rounded_to_a_sub_minute_period(period, expected):
    # The page's own case: a query at 01:05:23 by 10 seconds.
    assert Window(NOON + 23.7, NOON + 60, now=NOON + 60).first(period) == NOON + expected


def test_points_are_stamped_with_the_start_of_their_period():
    points = [point(NOON + 59, 1), point(NOON + 60, 2), point(NOON + 119.999, 3)]
    assert read(points) == {NOON: 1, NOON + 60: 5}


def test_points_may_come_and_go_while_a_catalogue_is_asked():
    catalogue = Catalogue([point(NOON + 60, 1)])
    window = Window(NOON, NOON + HOUR, NOON + HOUR)

    def told():
        return dict(catalogue.series(METRIC, "Sum", 60, window).points)

    assert told() == {NOON + 60: 1}
    catalogue.add([point(NOON, 2), point(NOON + 60, 4)])
    assert told() == {NOON: 2, NOON + 60: 5}
    assert catalogue.first(METRIC) == NOON
    catalogue.remove([point(NOON, 2), point(NOON + 60, 1)])
    assert told() == {NOON + 60: 4}
    catalogue.remove([point(NOON + 60, 4)])
    assert (told(), catalogue.metrics(), catalogue.first(METRIC)) == ({}, [], None)


def test_an_empty_period_has_no_point():
    assert list(read([point(NOON, 1), point(NOON + 600, 1)])) == [NOON, NOON + 600]


def test_the_start_is_inclusive_and_the_end_exclusive():
    points = [point(NOON + second, 1) for second in (-60, 0, 60, 120)]
    assert list(read(points, end=NOON + 120)) == [NOON, NOON + 60]


def test_periods_follow_one_another_from_the_start():
    points = [point(NOON + 60 * minute, minute) for minute in range(12)]
    assert read(points, period=300, start=NOON + 120) == {
        NOON + 120: 2 + 3 + 4 + 5 + 6,
        NOON + 420: 7 + 8 + 9 + 10 + 11,
    }


def test_points_come_oldest_first_whatever_order_they_arrived_in():
    points = [point(NOON + 60 * minute, 1) for minute in (3, 1, 2, 0)]
    assert list(read(points)) == [NOON, NOON + 60, NOON + 120, NOON + 180]


def test_all_the_values_of_a_period_are_its_samples():
    points = [point(NOON, 1, 2), point(NOON + 30, 3)]
    assert read(points, "SampleCount") == {NOON: 3}
    assert read(points, "p50") == {NOON: 2}


def test_standard_resolution_is_stored_by_the_minute_and_has_no_finer_period():
    standard = point(NOON + 42, 1)
    high = point(NOON + 42, 5, resolution=1)
    assert read([standard, high], period=1) == {NOON + 42: 5}
    assert read([standard, high], period=30) == {NOON + 30: 5}
    assert read([standard, high], period=60) == {NOON: 6}


@pytest.mark.parametrize(
    ("age", "has"),
    [
        (2 * HOUR, {1, 60, 300, 3600}),
        (4 * HOUR, {60, 300, 3600}),
        (16 * DAY, {300, 3600}),
        (64 * DAY, {3600}),
        (456 * DAY, set()),
    ],
)
def test_old_data_is_kept_for_coarse_periods_alone(age, has):
    points = [point(NOON, 1, resolution=1)]
    got = {
        period
        for period in (1, 60, 300, 3600)
        if read(points, period=period, now=NOON + age, end=NOON + age)
    }
    assert got == has


def test_a_unit_that_does_not_match_gives_no_data_and_none_gives_all():
    points = [point(NOON, 1, unit="Count"), point(NOON, 2, unit="Bytes")]
    assert read(points, unit="Count") == {NOON: 1}
    assert read(points, unit="Kilobytes") == {}
    assert read(points) == {NOON: 3}
    assert Catalogue(points).units(METRIC) == ["Bytes", "Count"]


def test_other_dimensions_are_another_metric():
    catalogue = Catalogue(
        [
            point(NOON, 1),
            point(NOON, 2, service="payments", region="eu"),
            point(NOON, 3, b="", a=""),
        ]
    )
    assert catalogue.metrics() == [
        Metric("Workshop", "ChargedAmount", (("a", ""), ("b", ""))),
        Metric("Workshop", "ChargedAmount", (("region", "eu"), ("service", "payments"))),
        METRIC,
    ]
    assert read([point(NOON, 2, service="payments", region="eu")]) == {}


def test_metrics_without_recent_data_are_left_out_when_asked():
    catalogue = Catalogue([point(NOON, 1), point(NOON - DAY, 1, service="refunds")])
    assert catalogue.metrics(since=NOON - HOUR) == [METRIC]


def test_a_catalogue_asked_twice_answers_the_same():
    catalogue = Catalogue([point(NOON + 60 * minute, minute) for minute in range(60)])
    hour = Window(NOON, NOON + HOUR, NOON + HOUR)
    part = Window(NOON + 600, NOON + 1200, NOON + HOUR)
    whole = catalogue.series(METRIC, "Sum", 300, hour)
    assert list(catalogue.series(METRIC, "Sum", 300, part).points) == [NOON + 600, NOON + 900]
    assert catalogue.series(METRIC, "Sum", 300, hour) == whole
    assert len(whole.points) == 12


@pytest.mark.parametrize("period", [0, -60, 2, 45, 90, "60", 60.0, True, None])
def test_a_period_that_there_is_not_is_refused(period):
    with pytest.raises(MetricQueryError, match="Period"):
        check_period(period, "Period")


@pytest.mark.parametrize("period", [1, 5, 10, 20, 30, 60, 3600, 86400])
def test_a_period_that_there_is_passes(period):
    assert check_period(period, "Period") == period


def test_statistics_and_units_are_checked_by_name():
    with pytest.raises(MetricQueryError, match="Mean for parameter Stat is not a valid statistic"):
        check_statistic("Mean", "Stat")
    with pytest.raises(MetricQueryError, match="Apples for parameter Unit is not a valid unit"):
        check_unit("Apples", "Unit")
    assert check_statistic("TM(10%:90%)", "Stat") == "TM(10%:90%)"
    assert check_unit("Count", "Unit") == "Count"
    assert check_unit(None, "Unit") is None


def test_points_added_later_are_seen():
    catalogue = Catalogue([point(NOON, 1)])
    hour = Window(NOON, NOON + HOUR, NOON + HOUR)
    assert catalogue.series(METRIC, "Sum", 60, hour).points == {NOON: 1}
    catalogue.add([point(NOON, 2), point(NOON + 60, 3)])
    assert catalogue.series(METRIC, "Sum", 60, hour).points == {NOON: 3, NOON + 60: 3}


@given(
    st.lists(st.tuples(st.integers(-400, 4000), st.integers(0, 9))),
    st.sampled_from([60, 120, 300, 3600]),
    st.integers(0, 1000),
    st.integers(1, 3000),
)
def test_every_series_agrees_with_a_plain_reading(samples, period, start, length):
    begin, end = NOON + start, NOON + start + length
    got = read([point(NOON + at, value) for at, value in samples], "Sum", period, begin, end)
    first, plain = begin - begin % 60, {}
    while first < end:
        there = [v for at, v in samples if first <= (NOON + at) // 60 * 60 < first + period]
        if there:
            plain[first] = sum(there)
        first += period
    assert got == plain
