"""Arrival times: as many as the rate says, where the rhythm puts them, the same for a seed."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from statistics import mean, variance

import pytest

from workshop.load import DAILY, Window, arrivals

HOUR = 3600
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
DAY = Window(MIDNIGHT, MIDNIGHT + 24 * HOUR)


def by_hour(times):
    return Counter(datetime.fromtimestamp(at, tz=UTC).hour for at in times)


def test_they_lie_in_the_window_and_in_order():
    times = arrivals(1, DAY, 20, rhythm=DAILY)

    assert times == sorted(times)
    assert DAY.start <= times[0]
    assert times[-1] < DAY.end


@pytest.mark.parametrize("rhythm", [DAILY, (1.0,)])
def test_the_rate_is_the_mean_over_the_window(rhythm):
    counts = [len(arrivals(seed, DAY, 20, rhythm=rhythm)) for seed in range(10)]

    assert mean(counts) == pytest.approx(24 * 60 * 20, rel=0.01)


def test_their_number_varies_as_a_poisson_one_does():
    hour = Window(MIDNIGHT, MIDNIGHT + HOUR)
    counts = [len(arrivals(seed, hour, 10)) for seed in range(400)]

    assert mean(counts) == pytest.approx(600, rel=0.01)
    assert variance(counts) == pytest.approx(600, rel=0.25)


def test_counts_by_the_minute_vary_as_those_of_a_poisson_process_do():
    minutes = Counter(int(at // 60) for at in arrivals(3, DAY, 6))
    counts = [minutes[int(DAY.start // 60) + minute] for minute in range(24 * 60)]

    assert variance(counts) == pytest.approx(mean(counts), rel=0.15)


def test_the_rhythm_of_the_day_is_that_of_local_hours():
    west = timezone(timedelta(hours=-5))

    here = by_hour(arrivals(5, DAY, 20, rhythm=DAILY))
    there = by_hour(arrivals(5, DAY, 20, rhythm=DAILY, zone=west))

    assert here[20] > 5 * here[4]
    assert there[1] > 5 * there[9]  # 20:00 and 04:00 there


def test_a_seed_gives_the_same_times_and_another_seed_others():
    assert arrivals(7, DAY, 1) == arrivals(7, DAY, 1)
    assert arrivals(7, DAY, 1) != arrivals(8, DAY, 1)


def test_as_many_arrive_at_whatever_hour_the_window_lies():
    noon = Window(MIDNIGHT + 12 * HOUR, MIDNIGHT + 15 * HOUR)
    night = Window(MIDNIGHT + 2 * HOUR, MIDNIGHT + 5 * HOUR)

    assert len(arrivals(7, noon, 20, rhythm=DAILY)) == len(arrivals(7, night, 20, rhythm=DAILY))
    assert [round(at - noon.start, 2) for at in arrivals(7, noon, 20)] == [
        round(at - night.start, 2) for at in arrivals(7, night, 20)
    ]


def test_an_hour_without_customers_has_none():
    closed = (0.0,) * 8 + (1.0,) * 16

    assert min(by_hour(arrivals(7, DAY, 20, rhythm=closed))) == 8


def test_nothing_arrives_in_no_time():
    assert arrivals(7, Window(MIDNIGHT, MIDNIGHT), 20) == []
