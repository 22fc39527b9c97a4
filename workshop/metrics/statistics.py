"""CloudWatch's statistics over the samples of one period.

Pure. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html

Two points that the page leaves open are chosen here:

- A percentile is interpolated linearly between the two nearest samples (the definition that
  spreadsheets, NumPy and SQL's `percentile_cont` share). CloudWatch computes it from a sketch,
  so its figure may differ a little.
- A boundary in percent may fall inside a sample: 5% of 10 samples is half a sample. That sample
  then counts by the part of it that is inside, and so a trimmed count can be fractional.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workshop.errors import UsageError


class UnknownStatisticError(UsageError):
    """There is no statistic of that name."""


_SIMPLE: dict[str, Callable[[Sequence[float]], float]] = {
    "SampleCount": len,
    "Sum": math.fsum,
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
}

_WHOLE = 100
_NUMBER = r"\d+(?:\.\d{1,10})?"
# p99.9, tm99: one number, in percent, in lower case.
_SINGLE = re.compile(rf"(p|tm|wm|tc|ts)({_NUMBER})")
# TM(10%:90%), TM(:1000), PR(100:): a range, in upper case.
_RANGE = re.compile(rf"(TM|WM|TC|TS|PR)\(({_NUMBER}%?)?:({_NUMBER}%?)?\)")


def statistic(values: Sequence[float], name: str) -> float | None:
    """Compute one statistic.

    Args:
        values: The samples of the period, in any order.
        name: As CloudWatch names it: `SampleCount`, `Sum`, `Average`, `Minimum`, `Maximum`,
            `p99`, `p99.9`, `tm99`, `TM(10%:90%)`, `TM(:1000)`, `IQM`, and `wm`, `tc`, `ts` in
            both forms, `PR(100:200)`.

    Returns:
        None when there is nothing to compute it from: no samples at all, none inside the
        boundaries of a mean, or a negative one where only `SampleCount`, `Sum`, `Average`,
        `Minimum` and `Maximum` are defined.

    Raises:
        UnknownStatisticError: When there is no such statistic.
    """
    compute = _SIMPLE.get(name)
    if compute is not None:
        return float(compute(values)) if values else None
    kind, bounds = _parse(name)
    if not values or min(values) < 0:
        return None
    return _BOUNDED[kind](sorted(values), bounds)


def percentile(values: Sequence[float], percent: float) -> float:
    """Interpolate the value below which `percent` of the samples lie.

    Args:
        values: At least one, in any order.
        percent: From 0 (the minimum) to 100 (the maximum).

    Raises:
        ValueError: When there are no values, or `percent` is out of range.
    """
    if not values or not 0 <= percent <= _WHOLE:
        raise ValueError(f"percentile {percent} of {len(values)} values")
    ordered = sorted(values)
    rank = (len(ordered) - 1) * percent / _WHOLE
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


@dataclass(frozen=True, slots=True)
class _Range:
    """Boundaries, both in percent of the samples or both as values; infinite where open."""

    low: float
    high: float
    is_percent: bool

    def weights(self, ordered: Sequence[float]) -> list[float]:
        """Give how much of each sample lies inside, from 0 to 1."""
        if not self.is_percent:  # above the low one, up to and including the high one
            return [float(self.low < value <= self.high) for value in ordered]
        first, last = (len(ordered) * share for share in self.shares())
        return [max(0.0, min(last, n + 1) - max(first, n)) for n in range(len(ordered))]

    def edges(self, ordered: Sequence[float]) -> tuple[float, float]:
        """Give the values at the boundaries."""
        if not self.is_percent:
            return self.low, self.high
        low, high = self.shares()
        return percentile(ordered, _WHOLE * low), percentile(ordered, _WHOLE * high)

    def shares(self) -> tuple[float, float]:
        """Give boundaries in percent as parts of 1."""
        return max(self.low, 0.0) / _WHOLE, min(self.high, _WHOLE) / _WHOLE


def _parse(name: str) -> tuple[str, _Range]:
    """Take a name apart: the statistic in upper case, and its range."""
    if name == "IQM":
        name = "TM(25%:75%)"
    single = _SINGLE.fullmatch(name)
    ranged = _RANGE.fullmatch(name)
    if single:
        kind, low, high = single[1].upper(), None, f"{single[2]}%"
    elif ranged:
        kind, low, high = ranged.groups()
    else:
        raise _unknown(name)
    told = [text for text in (low, high) if text]
    is_percent = any(text.endswith("%") for text in told)
    bounds = _Range(
        float(low.rstrip("%")) if low else -math.inf,
        float(high.rstrip("%")) if high else math.inf,
        is_percent,
    )
    if not told or bounds.low > bounds.high:
        raise _unknown(name)
    if is_percent and not (
        kind != "PR"
        and all(text.endswith("%") and 0 <= float(text[:-1]) <= _WHOLE for text in told)
    ):
        raise _unknown(name)
    return kind, bounds


def _unknown(name: str) -> UnknownStatisticError:
    return UnknownStatisticError(
        f"there is no statistic {name!r}",
        "statistics are SampleCount, Sum, Average, Minimum, Maximum, p99, tm99, TM(10%:90%), ...",
    )


def _trimmed_count(ordered: Sequence[float], bounds: _Range) -> float:
    return math.fsum(bounds.weights(ordered))


def _trimmed_sum(ordered: Sequence[float], bounds: _Range) -> float:
    weights = bounds.weights(ordered)
    return math.fsum(value * weight for value, weight in zip(ordered, weights, strict=True))


def _trimmed_mean(ordered: Sequence[float], bounds: _Range) -> float | None:
    count = _trimmed_count(ordered, bounds)
    return _trimmed_sum(ordered, bounds) / count if count else None


def _winsorized_mean(ordered: Sequence[float], bounds: _Range) -> float:
    """Average with what lies outside set to the value at the boundary."""
    low, high = bounds.edges(ordered)
    return math.fsum(min(max(value, low), high) for value in ordered) / len(ordered)


def _percentile_rank(ordered: Sequence[float], bounds: _Range) -> float:
    return _WHOLE * _trimmed_count(ordered, bounds) / len(ordered)


def _percentile(ordered: Sequence[float], bounds: _Range) -> float:
    return percentile(ordered, bounds.high)


_BOUNDED: dict[str, Callable[[Sequence[float], _Range], float | None]] = {
    "P": _percentile,
    "TM": _trimmed_mean,
    "TC": _trimmed_count,
    "TS": _trimmed_sum,
    "WM": _winsorized_mean,
    "PR": _percentile_rank,
}
