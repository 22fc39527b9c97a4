"""Half an hour of payments with an incident in it, and what alarms make of it.

The learner's own handler serves every payment, as fast as it goes; `workshop.load` lays what it
leaves behind over the half hour that has just passed. So an alarm can be judged by what it would
have done: at night, in a quiet quarter of an hour, in the incident, and after it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workshop.course.payments import payment, planted_card
from workshop.load import CONCURRENCY, Timed, backfill
from workshop.metrics import alarms, emf
from workshop.metrics.platform_metrics import PlatformLog
from workshop.metrics.query import get_metric_data, metric_named
from workshop.metrics.series import MINUTE, Catalogue, Metric
from workshop.metrics.series import Window as Asked
from workshop.processor.cards import SLOW, UNAVAILABLE
from workshop.signals import DataPoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    from workshop.load import Target
    from workshop.metrics.alarms import Alarm, Evaluation

QUIET_MINUTES = 13
SLOW_MINUTES = 7
DOWN_MINUTES = 5
AFTER_MINUTES = 5
MINUTES = QUIET_MINUTES + SLOW_MINUTES + DOWN_MINUTES + AFTER_MINUTES

SOON_MINUTES = 8
"""How long after the incident's begin an alarm may take to go off."""

NIGHT_MINUTES = 60
"""How long before the first payment an alarm is already there, with nothing to watch."""

_BAD_MINUTE = 6
_ONE_FAILS = frozenset({0, 1, 3, 4, 8, 9, 11, 26, 28})
"""Minutes, beside those of the incident, in which one payment fails: every day's business."""

_LATEST_SECOND = 50
"""A slow payment's metric still lies in the minute in which the payment arrived."""

UNHURRIED_MS = 200.0
"""How long a payment may take and bother nobody."""

_BUSY_PAYMENTS = 2_000
_UNHURRIED_PAYMENTS = 12
_ALIKE_MINUTES = 20


@dataclass(frozen=True)
class Outcome:
    """What truly came of some payments: of a minute, or of any other period."""

    failed: int
    charged: int

    @property
    def payments(self) -> int:
        """How many there were."""
        return self.failed + self.charged

    @property
    def rate(self) -> float:
        """The share that failed, from 0 to 1."""
        return self.failed / self.payments


@dataclass(frozen=True)
class HalfHour:
    """Half an hour of payments, laid over the past.

    All times are whole minutes, in seconds since the epoch.

    Attributes:
        start: When it begins.
        failed: For each payment, when it arrived and whether it failed.
        points: The data points that were left behind, those of Lambda itself among them.
        catalogue: The same, to be asked.
    """

    start: int
    failed: tuple[tuple[float, bool], ...]
    points: tuple[DataPoint, ...]
    catalogue: Catalogue

    @property
    def bad_minute(self) -> int:
        """Begin of a quiet minute in which one of three payments fails and one is slow."""
        return self.start + _BAD_MINUTE * MINUTE

    @property
    def incident(self) -> int:
        """When the incident begins: one payment of eight is slow, one of three fails."""
        return self.start + QUIET_MINUTES * MINUTE

    @property
    def down(self) -> int:
        """When the incident gets worse: all payments fail."""
        return self.incident + SLOW_MINUTES * MINUTE

    @property
    def after(self) -> int:
        """When the incident is over."""
        return self.down + DOWN_MINUTES * MINUTE

    @property
    def end(self) -> int:
        """When the half hour is over."""
        return self.after + AFTER_MINUTES * MINUTE

    @classmethod
    def through(
        cls, target: Target, random: Random, now: float, concurrency: int = CONCURRENCY
    ) -> HalfHour:
        """Send the payments of the half hour before `now`, and read what they leave behind.

        Args:
            target: Such as the lab of the code under check; it must not keep anything itself.
            random: Where the payments' values come from.
            now: Seconds since the epoch.
            concurrency: How many payments are served at once.

        Raises:
            LearnerError: Lambda would not take an event.
        """
        start = int(now) // MINUTE * MINUTE - MINUTES * MINUTE
        events = list(_events(start, random))
        served = list(backfill(target, events, concurrency=concurrency))
        log_events = [event for one in served for event in one.log_events]
        platform = PlatformLog()
        platform.add(log_events)
        points = [point for event in log_events for point in emf.read(event).points]
        points += platform.points()
        return cls(
            start,
            tuple(
                (sent.at, one.status != "success") for sent, one in zip(events, served, strict=True)
            ),
            tuple(points),
            Catalogue(points),
        )

    def outcomes(self, period: int) -> dict[int, Outcome]:
        """Return what truly came of the payments, by the begin of each period in seconds."""
        failed: Counter[int] = Counter()
        charged: Counter[int] = Counter()
        for at, fails in self.failed:
            begin = self.start + int(at - self.start) // period * period
            (failed if fails else charged)[begin] += 1
        return {begin: Outcome(failed[begin], charged[begin]) for begin in sorted(failed | charged)}

    def readings(self, alarm: Alarm) -> dict[int, float]:
        """Return what an alarm watches, by the begin of each of its periods in the half hour."""
        answer = get_metric_data(alarm.queries, self.catalogue, self.start, self.end, now=self.end)
        results = answer["MetricDataResults"]
        if not results:
            return {}
        return dict(sorted(zip(results[0]["Timestamps"], results[0]["Values"], strict=True)))

    def states(self, alarm: Alarm) -> list[Evaluation]:
        """Return each change of an alarm's state, from the night before to the half hour's end."""
        created = self.start - NIGHT_MINUTES * MINUTE
        past = alarms.history(alarm, self.catalogue, created, self.end)
        return [after for _, after in past.updates]

    def missing(self, alarm: Alarm) -> str | None:
        """Say which metric of an alarm has no data at all; None when each has some."""
        there = self.catalogue.metrics()
        for query in alarm.queries:
            stat = query.get("MetricStat")
            if stat is None:
                continue
            metric = metric_named(stat["Metric"])
            if metric not in there:
                return f"{described(metric)}: nothing of that name and those dimensions arrives"
            asked = Asked(self.start, self.end, self.end)
            unit = stat.get("Unit")
            found = self.catalogue.series(metric, stat["Stat"], stat["Period"], asked, unit)
            if not found.points:
                wanted = f"the unit {unit}" if unit else f"a period of {stat['Period']} s"
                units = ", ".join(self.catalogue.units(metric))
                return f"{described(metric)} has nothing for {wanted}; its unit is {units}"
        return None

    def goes_off_when_busy(self, alarm: Alarm) -> bool:
        """Whether one slow payment of 2,000 a minute sets an alarm off.

        The data points are those of the quiet minutes, as if as many more payments had come, and
        once a minute the slowest of all.
        """
        busy = {}
        for metric, points in self._durations().items():
            quick = sorted(
                value
                for point in points
                if self.start <= point.timestamp / 1000 < self.bad_minute
                for value in point.values
            )
            if not quick:
                continue
            # A laptop that is busy otherwise makes outliers of its own; they are not meant here.
            usual = quick[: max(1, len(quick) * 9 // 10)]
            slowest = max(value for point in points for value in point.values)
            times = _BUSY_PAYMENTS // len(usual) + 1
            busy[metric] = (*((*usual,) * times)[: _BUSY_PAYMENTS - 1], slowest)
        return self._goes_off(alarm, busy)

    def goes_off_when_unhurried(self, alarm: Alarm) -> bool:
        """Whether payments that take `UNHURRIED_MS` each, and none longer, set an alarm off."""
        values = (UNHURRIED_MS,) * _UNHURRIED_PAYMENTS
        return self._goes_off(alarm, dict.fromkeys(self._durations(), values))

    def _durations(self) -> dict[Metric, list[DataPoint]]:
        """The data points of how long the payments took, by metric."""
        kinds: dict[Metric, list[DataPoint]] = {}
        for point in self.points:
            metric = Metric(point.namespace, point.name, tuple(sorted(point.dimensions.items())))
            if metric.name in DURATIONS:
                kinds.setdefault(metric, []).append(point)
        return kinds

    def _goes_off(self, alarm: Alarm, minute: Mapping[Metric, tuple[float, ...]]) -> bool:
        """Whether some minutes that are all alike, of these values, set an alarm off."""
        begin = self.start - self.start % (_ALIKE_MINUTES * MINUTE)
        known = {metric: points[0] for metric, points in self._durations().items()}
        points = [
            DataPoint(
                metric.namespace,
                metric.name,
                dict(metric.dimensions),
                (begin + number * MINUTE) * 1000,
                values,
                known[metric].unit,
                known[metric].storage_resolution,
            )
            for metric, values in minute.items()
            for number in range(_ALIKE_MINUTES)
        ]
        past = alarms.history(alarm, Catalogue(points), begin, begin + _ALIKE_MINUTES * MINUTE)
        return any(after.state == "ALARM" for _, after in past.updates)


DURATIONS = ("ChargeDuration", "Duration")
"""Metrics of how long a payment takes: the function's own, and Lambda's."""

FAILURES = ("FailedCharge", "Errors")
"""Metrics of how many payments fail: the function's own, and Lambda's."""


def statistics(alarm: Alarm) -> list[str]:
    """Return the statistics that an alarm takes of its metrics."""
    return [str(query["MetricStat"]["Stat"]) for query in alarm.queries if "MetricStat" in query]


def described(metric: Metric) -> str:
    """Return a metric as text."""
    by = ", ".join(f"{key}={value}" for key, value in metric.dimensions) or "no dimension"
    return f"{metric.namespace} {metric.name} by {by}"


def _events(start: int, random: Random) -> Iterator[Timed]:
    """Make up the payments, in the order in which they arrive."""
    for minute in range(MINUTES):
        cards = _cards(minute)
        random.shuffle(cards)
        moments = sorted(random.uniform(0, _LATEST_SECOND) for _ in cards)
        for moment, last4 in zip(moments, cards, strict=True):
            event = payment(random)
            if last4:
                event["card"]["number"] = planted_card(random, last4)["number"]
            yield Timed(start + minute * MINUTE + round(moment, 3), event)


def _cards(minute: int) -> list[str | None]:
    """Return the last four digits of a minute's cards; None for one that works."""
    since = minute - QUIET_MINUTES
    if 0 <= since < SLOW_MINUTES:
        return [SLOW] * 2 + [UNAVAILABLE] * 5 + [None] * 9
    if SLOW_MINUTES <= since < SLOW_MINUTES + DOWN_MINUTES:
        return [UNAVAILABLE] * 12
    if minute == _BAD_MINUTE:
        return [SLOW] + [UNAVAILABLE] * 4 + [None] * 7
    return [UNAVAILABLE] * (minute in _ONE_FAILS) + [None] * 11
