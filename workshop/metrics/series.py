"""Data points read as metrics, and metrics as time series.

Pure. Times are in whole seconds since the epoch, for a period starts on a whole second.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

from workshop.metrics.emf import UNITS
from workshop.metrics.errors import MetricQueryError
from workshop.metrics.statistics import UnknownStatisticError, statistic
from workshop.signals import DataPoint

MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR

SUB_MINUTE_PERIODS = (1, 5, 10, 20, 30)
"""Periods, in seconds, that only a metric of high resolution has."""

# How long a point can be had by a period, finest first: (age, the period is a multiple of this).
_RETENTION = (
    (3 * HOUR, 1),
    (15 * DAY, MINUTE),
    (63 * DAY, 5 * MINUTE),
    (455 * DAY, HOUR),
)

LISTED_FOR = 14 * DAY
"""A metric without data for two weeks is neither listed nor found by a search."""


@dataclass(frozen=True, slots=True, order=True)
class Metric:
    """What identifies a metric: one with other dimensions is another metric.

    Attributes:
        namespace: CloudWatch namespace.
        name: Metric name.
        dimensions: Names and values, sorted by name.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """The time that a request asks about.

    Attributes:
        start: Inclusive.
        end: Exclusive.
        now: When the request is made; ages are told from here.
    """

    start: float
    end: float
    now: float

    def first(self, period: int) -> int:
        """Return where the first period starts: `start`, rounded down as CloudWatch does it.

        To a minute, to 5 minutes when it is 15 days ago, to an hour when it is 63 days ago; for
        periods under a minute to a multiple of the period.
        """
        age = self.now - self.start
        if period < MINUTE:
            grain = period
        elif age < 15 * DAY:
            grain = MINUTE
        elif age <= 63 * DAY:
            grain = 5 * MINUTE
        else:
            grain = HOUR
        return math.floor(self.start / grain) * grain

    def stamps(self, period: int) -> range:
        """Return the start of every period in the window, oldest first."""
        return range(self.first(period), math.ceil(self.end), period)


@dataclass(frozen=True, slots=True)
class Series:
    """A time series.

    Attributes:
        points: Start of the period to value, oldest first; a period without data is not there.
        period: Seconds.
        label: What a person calls it.
        is_metric: Whether it is a metric itself and not computed from one.
        dropped: Whether points were dropped on the way because they were no numbers.
    """

    points: Mapping[int, float]
    period: int
    label: str = ""
    is_metric: bool = False
    dropped: bool = False


_Sample: TypeAlias = tuple[int, DataPoint]
_Bins: TypeAlias = dict[int, list[float]]


@dataclass(slots=True)
class _Stored:
    """The data points of one metric, in the order of time."""

    samples: list[_Sample] = field(default_factory=list)
    bins: dict[tuple[str | None, int, int], _Bins] = field(default_factory=dict)

    def add(self, samples: Iterable[_Sample]) -> None:
        self.samples += samples
        self.samples.sort(key=itemgetter(0))
        self.bins.clear()

    def remove(self, sample: _Sample) -> None:
        self.samples.remove(sample)
        self.bins.clear()


class Catalogue:
    """Data points as metrics. Ask it often: it keeps what it has sorted out. Not thread-safe.

    Args:
        points: In any order.
    """

    def __init__(self, points: Iterable[DataPoint] = ()) -> None:
        self._new: dict[tuple[str, str], list[DataPoint]] = {}  # not asked for since they came
        self._stored: dict[tuple[str, str], dict[tuple[tuple[str, str], ...], _Stored]] = {}
        self.add(points)

    def add(self, points: Iterable[DataPoint]) -> None:
        """Take in further data points, in any order."""
        new = self._new
        for point in points:
            key = (point.namespace, point.name)
            if key in new:
                new[key].append(point)
            else:
                new[key] = [point]

    def remove(self, points: Iterable[DataPoint]) -> None:
        """Forget data points that were taken in."""
        for point in points:
            by_dimensions = self._sorted_out((point.namespace, point.name))
            dimensions, sample = _sample(point)
            stored = by_dimensions[dimensions]
            stored.remove(sample)
            if not stored.samples:
                del by_dimensions[dimensions]

    def metrics(self, since: float = -math.inf) -> list[Metric]:
        """Return every metric with a data point at or after a time, sorted."""
        return sorted(
            Metric(*key, dimensions)
            for key in self._stored.keys() | self._new.keys()
            for dimensions, stored in self._sorted_out(key).items()
            if stored.samples[-1][0] >= since
        )

    def first(self, metric: Metric) -> int | None:
        """Return when a metric's first data point was, in seconds; None when it has none."""
        stored = self._find(metric)
        return stored.samples[0][0] if stored else None

    def units(self, metric: Metric) -> list[str]:
        """Return the units that a metric's data points have, sorted."""
        stored = self._find(metric)
        return sorted({point.unit for _, point in stored.samples}) if stored else []

    def series(
        self, metric: Metric, stat: str, period: int, window: Window, unit: str | None = None
    ) -> Series:
        """Read a time series for one statistic.

        Periods follow one another from the window's start on. A point is stamped with the start
        of its period. Data that CloudWatch no longer keeps for such a period is not there, nor is
        data of another unit (nothing is converted), nor, for periods under a minute, data of
        standard resolution.

        Args:
            metric: Which; one that is not there has no points.
            stat: As `workshop.metrics.statistics.statistic` names it.
            period: Seconds; see `check_period`.
            window: When.
            unit: Only data of this unit; None takes all.
        """
        points: dict[int, float] = {}
        stored = self._find(metric)
        if stored is not None:
            first = window.first(period)
            bins = _bins(stored, unit, period, first % period)
            oldest = max(first, window.now - _kept_for(period))
            starts = list(bins)
            for start in starts[bisect_left(starts, oldest) : bisect_left(starts, window.end)]:
                value = statistic(bins[start], stat)
                if value is not None and math.isfinite(value):
                    points[start] = value
        return Series(points, period, metric.name, is_metric=True)

    def _find(self, metric: Metric) -> _Stored | None:
        return self._sorted_out((metric.namespace, metric.name)).get(metric.dimensions)

    def _sorted_out(self, key: tuple[str, str]) -> dict[tuple[tuple[str, str], ...], _Stored]:
        """Return a metric name's data points by dimensions, those that are new among them."""
        points = self._new.pop(key, None)
        if points is None:
            return self._stored.get(key, {})
        new: dict[tuple[tuple[str, str], ...], list[_Sample]] = {}
        for point in points:
            dimensions, sample = _sample(point)
            if dimensions in new:
                new[dimensions].append(sample)
            else:
                new[dimensions] = [sample]
        by_dimensions = self._stored.setdefault(key, {})
        for dimensions, samples in new.items():
            by_dimensions.setdefault(dimensions, _Stored()).add(samples)
        return by_dimensions


def _sample(point: DataPoint) -> tuple[tuple[tuple[str, str], ...], _Sample]:
    """Return a data point's dimensions in order, and the point with its second."""
    # Standard resolution is stored by the minute, high resolution by the second.
    grain = MINUTE if point.storage_resolution >= MINUTE else 1
    second = point.timestamp // 1000 // grain * grain
    return tuple(sorted(point.dimensions.items())), (second, point)


def check_period(period: object, where: str) -> int:
    """Return a period that CloudWatch takes.

    Raises:
        MetricQueryError: It is neither 1, 5, 10, 20, 30 nor a multiple of 60.
    """
    if (
        isinstance(period, int)
        and not isinstance(period, bool)
        and (period in SUB_MINUTE_PERIODS or (period > 0 and period % MINUTE == 0))
    ):
        return period
    raise MetricQueryError(
        f"The value {period} for parameter {where} is not a valid period: "
        "it must be 1, 5, 10, 20, 30 or a multiple of 60 seconds."
    )


def check_statistic(stat: object, where: str) -> str:
    """Return the name of a statistic that there is.

    Raises:
        MetricQueryError: There is none of that name.
    """
    try:
        statistic((), str(stat))
    except UnknownStatisticError as error:
        raise MetricQueryError(
            f"The value {stat} for parameter {where} is not a valid statistic: {error.look}."
        ) from None
    return str(stat)


def check_unit(unit: object, where: str) -> str | None:
    """Return a unit that there is; None for none given.

    Raises:
        MetricQueryError: There is none of that name.
    """
    if unit is None:
        return None
    if isinstance(unit, str) and unit in UNITS:
        return unit
    raise MetricQueryError(f"The value {unit} for parameter {where} is not a valid unit.")


def _kept_for(period: int) -> int:
    """Return for how many seconds CloudWatch keeps what a period is computed from."""
    return max(age for age, grain in _RETENTION if period % grain == 0)


def _bins(stored: _Stored, unit: str | None, period: int, phase: int) -> _Bins:
    """Return samples by the start of their period, oldest first.

    Args:
        stored: The metric.
        unit: Only samples of this unit.
        period: Seconds.
        phase: Seconds that the periods are off the multiples of the period.
    """
    key = (unit, period, phase)
    if key in stored.bins:
        return stored.bins[key]
    bins: _Bins = {}
    for second, point in stored.samples:
        if unit is not None and point.unit != unit:
            continue
        if period < MINUTE <= point.storage_resolution:
            continue
        start = (second - phase) // period * period + phase
        if start in bins:
            bins[start].extend(point.values)
        else:
            bins[start] = list(point.values)
    stored.bins[key] = bins
    return bins
