"""The service graph: who called whom, how often, how fast and how well.

Pure. Times are in seconds since the epoch, as the API's JSON has them.
https://docs.aws.amazon.com/xray/latest/api/API_GetServiceGraph.html
https://docs.aws.amazon.com/xray/latest/api/API_Service.html
https://docs.aws.amazon.com/xray/latest/devguide/xray-console-histograms.html
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from workshop.traces.assembly import Trace
from workshop.traces.services import CLIENT, Segment, ServiceId, segments
from workshop.traces.view import Outcome, outcome

Shape: TypeAlias = dict[str, Any]

MAX_BARS = 100
"""Bars of a histogram: with more values than that, they are rounded to fewer digits."""


def service_graph(traces: Iterable[Trace], start: float, end: float) -> Shape:
    """Draw the services of traces, as GetServiceGraph does.

    Args:
        traces: Those of the time range.
        start: Of the time range, in seconds since the epoch.
        end: Of the time range.

    Returns:
        `StartTime`, `EndTime`, `Services` and `ContainsOldGroupVersions`.
    """
    return {
        "StartTime": start,
        "EndTime": end,
        "Services": _draw(traces),
        "ContainsOldGroupVersions": False,
    }


def trace_graph(traces: Iterable[Trace]) -> Shape:
    """Draw the services of given traces, as GetTraceGraph does.

    Returns:
        `Services`.
    """
    return {"Services": _draw(traces)}


@dataclass(slots=True)
class _Tally:
    """What is counted of a service, or of the calls from one to another."""

    start: float | None = None
    end: float | None = None
    total: int = 0
    faults: int = 0
    throttles: int = 0
    errors: int = 0  # that are no throttles
    response_times: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)

    def spans(self, start: float, end: float | None) -> None:
        """Stretch the time that is covered."""
        last = start if end is None else end
        self.start = start if self.start is None else min(self.start, start)
        self.end = last if self.end is None else max(self.end, last)

    def count(self, how: Outcome, response_time: float | None) -> None:
        """Count one request; one in progress has neither an outcome nor a time yet."""
        if response_time is None:
            return
        self.total += 1
        self.response_times.append(response_time)
        if how.fault:
            self.faults += 1
        elif how.throttle:
            self.throttles += 1
        elif how.error:
            self.errors += 1

    @property
    def statistics(self) -> Shape:
        errors = self.throttles + self.errors
        return {
            "OkCount": self.total - self.faults - errors,
            "ErrorStatistics": {
                "ThrottleCount": self.throttles,
                "OtherCount": self.errors,
                "TotalCount": errors,
            },
            "FaultStatistics": {"OtherCount": self.faults, "TotalCount": self.faults},
            "TotalCount": self.total,
            "TotalResponseTime": round(sum(self.response_times), 3),
        }


@dataclass(slots=True)
class _Node:
    """A service in the making."""

    tally: _Tally = field(default_factory=_Tally)
    edges: dict[ServiceId, _Tally] = field(default_factory=dict)
    root: bool = False
    active: bool = False


def _draw(traces: Iterable[Trace]) -> list[Shape]:
    nodes: dict[ServiceId, _Node] = {}
    for trace in traces:
        for segment in segments(trace):
            _add(nodes, segment)
    numbers = {service: number for number, service in enumerate(nodes)}
    return [_service(service, node, numbers) for service, node in nodes.items()]


def _add(nodes: dict[ServiceId, _Node], segment: Segment) -> None:
    """Add a segment to its service, and its call to the edge from its caller."""
    span, seen = segment.span, segment.seen_by_caller
    if not (segment.is_root and segment.inferred):  # who called that one is not known yet
        caller = nodes.setdefault(segment.source, _Node())
        caller.tally.spans(seen.start_time, seen.end_time)
        edge = caller.edges.setdefault(segment.service, _Tally())
        edge.spans(seen.start_time, seen.end_time)
        edge.count(outcome(seen.document), seen.duration)
    node = nodes.setdefault(segment.service, _Node())
    node.root |= segment.is_root and not segment.inferred
    node.active |= not segment.inferred
    node.tally.spans(span.start_time, span.end_time)
    node.tally.count(outcome(segment.document), span.duration)
    if segment.duration is not None:
        node.tally.durations.append(segment.duration)


def _service(service: ServiceId, node: _Node, numbers: dict[ServiceId, int]) -> Shape:
    tally = node.tally
    shape: Shape = {
        "ReferenceId": numbers[service],
        "Name": service.name,
        "Names": [service.name],
        "State": "active" if node.active else "unknown",
        "StartTime": tally.start,
        "EndTime": tally.end,
        "Edges": [_edge(numbers[called], calls) for called, calls in node.edges.items()],
    }
    if node.root:
        shape["Root"] = True
    if service.account_id is not None:
        shape["AccountId"] = service.account_id
    if service.type is not None:
        shape["Type"] = service.type
    if service.type != CLIENT:
        shape["SummaryStatistics"] = tally.statistics
        shape["DurationHistogram"] = histogram(tally.durations)
        shape["ResponseTimeHistogram"] = histogram(tally.response_times)
    return shape


def _edge(number: int, tally: _Tally) -> Shape:
    return {
        "ReferenceId": number,
        "StartTime": tally.start,
        "EndTime": tally.end,
        "SummaryStatistics": tally.statistics,
        "ResponseTimeHistogram": histogram(tally.response_times),
        "Aliases": [],
    }


def histogram(seconds: Iterable[float]) -> list[Shape]:
    """Count times by their value in milliseconds, or coarser where that makes too many bars.

    Args:
        seconds: The times.

    Returns:
        `Value` in seconds and `Count` of each bar, in order of value; at most `MAX_BARS` where
        two significant digits leave no more.
    """
    values = list(seconds)
    bars = Counter(round(value, 3) for value in values)
    for digits in (3, 2):
        if len(bars) <= MAX_BARS:
            break
        bars = Counter(float(f"{round(value, 3):.{digits}g}") for value in values)
    return [{"Value": value, "Count": count} for value, count in sorted(bars.items())]
