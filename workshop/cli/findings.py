"""What stored telemetry can answer: the readings behind the tour's pictures. Pure.

Each reading takes what the store holds and nothing else; what was sent is not looked at, so that
a step that tells nothing has nothing to show.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from workshop.metrics.platform import read_report
from workshop.signals import DataPoint, LogEvent

Record: TypeAlias = Mapping[str, Any]
"""A log event that is a JSON object: its keys and values."""


@dataclass(frozen=True)
class Failure:
    """A charge that failed, as the log tells it; None for what it does not tell."""

    payment_id: str | None
    customer_id: str | None
    amount: float | None
    error: str


@dataclass(frozen=True)
class Request:
    """One request followed through the log.

    Attributes:
        correlation_id: The caller's id for it.
        customer_id: Whose it was, if a log event says.
        records: What was logged on its way, in order.
    """

    correlation_id: str
    customer_id: str | None
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Numbers:
    """All samples of one metric.

    Attributes:
        name: The metric's name.
        unit: Its unit.
        values: Every sample.
    """

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def total(self) -> float:
        """The statistic Sum."""
        return sum(self.values)

    @property
    def average(self) -> float:
        """The statistic Average."""
        return self.total / len(self.values)


def records(events: Iterable[LogEvent]) -> Iterator[Record]:
    """Read the log events the function wrote as JSON objects; EMF records are not among them."""
    for event in events:
        if not event.message.startswith("{"):
            continue
        try:
            value = json.loads(event.message)
        except ValueError:
            continue
        if isinstance(value, dict) and "level" in value and "_aws" not in value:
            yield value


def failures(found: Iterable[Record]) -> list[Failure]:
    """Return the errors, each with the keys that say what it was about."""
    return [
        Failure(
            record.get("payment_id"),
            record.get("customer_id"),
            record.get("amount"),
            _error(record),
        )
        for record in found
        if record["level"] == "ERROR"
    ]


def requests(found: Iterable[Record]) -> list[Request]:
    """Gather what was logged by the correlation id it carries."""
    gathered: dict[str, list[Record]] = defaultdict(list)
    for record in found:
        if "correlation_id" in record:
            gathered[str(record["correlation_id"])].append(record)
    return [
        Request(
            correlation_id,
            next((str(one["customer_id"]) for one in one_by_one if "customer_id" in one), None),
            tuple(one_by_one),
        )
        for correlation_id, one_by_one in gathered.items()
    ]


def cold_starts(found: Iterable[Record]) -> tuple[int, int]:
    """Count invocations by the context keys: those that met a cold start, and all."""
    cold = {
        record["function_request_id"]: record.get("cold_start") is True
        for record in found
        if "function_request_id" in record
    }
    return sum(cold.values()), len(cold)


def numbers(points: Iterable[DataPoint]) -> dict[str, Numbers]:
    """Gather data points by metric name."""
    gathered: dict[str, list[DataPoint]] = defaultdict(list)
    for point in points:
        gathered[point.name].append(point)
    return {
        name: Numbers(name, same[0].unit, tuple(value for point in same for value in point.values))
        for name, same in gathered.items()
    }


def durations(events: Iterable[LogEvent]) -> list[float]:
    """Return the Duration of each invocation in milliseconds, from its REPORT."""
    reports = (read_report(event) for event in events)
    return [line.report.duration_ms for line in reports if line is not None]


def histogram(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Count values between edges.

    Args:
        values: The samples.
        edges: Upper ends, ascending; a value on an edge counts below it.

    Returns:
        Counts, one more than there are edges: the last is of all above them.
    """
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[sum(value > edge for edge in edges)] += 1
    return counts


def _error(record: Record) -> str:
    """Return the exception's name; without one its last line, without any the message."""
    text = str(record.get("exception", "")).strip().splitlines()
    return str(record.get("exception_name") or (text[-1] if text else record.get("message", "")))
