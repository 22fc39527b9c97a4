"""The AWS/Lambda metrics of a function, read back from what the platform logged.

Pure. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html

The service measures these itself; here they are told from START, REPORT and error lines, in text
or in JSON. So they cannot tell of:

- invocations without a REPORT in the log: still running, or kept out by the function's system log
  level, as the JSON platform records of successes are at WARN;
- Throttles: a throttled event leaves no log event. Whoever answered 429 tells, by `throttle`;
- IteratorAge: nobody logs how old a record was. Whoever sent the batch tells, by `iterator_age`;
- failures that leave no mark: in text form an invocation failed when its REPORT has another status
  than success, or when the runtime's own `[ERROR] Type: message` stands before its REPORT. The
  runtime writes that when a handler raises; a handler that prints the same looks the same.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from operator import attrgetter

from workshop.metrics.platform import read_report
from workshop.signals import DataPoint, LogEvent

NAMESPACE = "AWS/Lambda"
LOG_GROUP_PREFIX = "/aws/lambda/"
MAPPING_LOG_GROUP = "/workshop/event-source-mapping"
"""Where `iterator_age_event` keeps what no log of AWS's tells."""

_MINUTE_MS = 60_000
_LIMIT_MS = 20 * _MINUTE_MS
"""More than an invocation may last, which is 15 minutes."""
_START = re.compile(r"START RequestId: (\S+)")
_MARKS = ("START ", "REPORT ", "[ERROR] ")
_JSON_MARK = '"platform.'
# The runtime sets a space after the level; the Lambda log format has a tab there.
_RAISED = re.compile(r"\[ERROR\] [\w.]+(:|\r|\n|$)")


@dataclass(frozen=True, slots=True)
class _Served:
    """One invocation, as the log tells it; times in milliseconds since the epoch."""

    function: str
    start: int
    end: int
    duration_ms: float
    failed: bool


@dataclass(slots=True)
class _Stream:
    """What is known of the invocation that a log stream is in."""

    request_id: str = ""
    start: int = 0
    raised: bool = False


class PlatformLog:
    """Log events read as metrics while they come in: what has been read once is not read again.

    The log group `/aws/lambda/NAME` is of the function NAME; other log groups are left out.
    """

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str], _Stream] = defaultdict(_Stream)
        self._served: dict[int, list[_Served]] = defaultdict(list)  # by the minute they began in
        self._points: dict[int, list[DataPoint]] = {}  # by minute, as they were worked out last
        self._stale: set[int] = set()  # minutes to work out anew
        self._longest = 0

    def add(self, events: Iterable[LogEvent]) -> None:
        """Read log events; those of one log stream come in the order in which they were written."""
        for event in events:
            message = event.message
            if message.startswith(_MARKS) or _JSON_MARK in message:
                function = event.log_group.removeprefix(LOG_GROUP_PREFIX)
                if function not in ("", event.log_group):
                    self._read(event, function, self._streams[event.log_group, event.log_stream])

    def changes(self) -> tuple[list[DataPoint], list[DataPoint]]:
        """Return what has changed of `points` since this was last asked.

        Returns:
            The data points that no longer hold, and those that hold now in their place.
        """
        gone: list[DataPoint] = []
        come: list[DataPoint] = []
        for minute in sorted(self._stale):
            gone += self._points.get(minute, ())
            self._points[minute] = self._of_minute(minute)
            come += self._points[minute]
        self._stale.clear()
        return gone, come

    def points(self) -> list[DataPoint]:
        """Return the data points of all that was read; only what is new is worked out.

        Invocations, Errors, Duration, Throttles and ConcurrentExecutions are each there for a
        function (`FunctionName`), for the function as a resource (`FunctionName` and `Resource`)
        and, without dimensions, for all functions together. A sample lies in the minute in which
        its invocation began, as Lambda stamps it. Errors and Throttles have a 0 for each invocation
        without, so that their Average is a rate. ConcurrentExecutions has a sample for each
        invocation: how many were running when it began, itself included; read its Maximum.

        Returns:
            One data point for each metric, dimension set and minute, oldest first.
        """
        self.changes()
        return [point for minute in sorted(self._points) for point in self._points[minute]]

    def _of_minute(self, minute: int) -> list[DataPoint]:
        """Work out the data points of one minute."""
        oldest = minute - self._longest // _MINUTE_MS * _MINUTE_MS - _MINUTE_MS
        before: Iterable[int] = range(oldest, minute, _MINUTE_MS)
        if minute - oldest > _LIMIT_MS:  # no invocation of Lambda's, but of somebody's log
            before = [start for start in self._served if oldest <= start < minute]
        near = (self._served.get(start, ()) for start in before)
        still_running = [one for some in near for one in some if one.end > minute]
        served = sorted([*still_running, *self._served[minute]], key=attrgetter("start", "end"))
        points: list[DataPoint] = []
        for dimensions, some in _by_dimensions(served):
            there = [
                (one, running)
                for one, running in zip(some, _concurrent(some), strict=True)
                if one.start >= minute
            ]
            columns = {
                "Invocations": ("Count", [1.0 for _ in there]),
                "Errors": ("Count", [float(one.failed) for one, _ in there]),
                "Duration": ("Milliseconds", [one.duration_ms for one, _ in there]),
                "Throttles": ("Count", [0.0 for _ in there]),
                "ConcurrentExecutions": ("Count", [float(running) for _, running in there]),
            }
            points += [
                DataPoint(NAMESPACE, name, dimensions, minute, tuple(values), unit)
                for name, (unit, values) in columns.items()
                if values
            ]
        return points

    def _keep(self, one: _Served) -> None:
        """Take in one more; how many were running changes in every minute that it lasted."""
        first, last = (moment // _MINUTE_MS * _MINUTE_MS for moment in (one.start, one.end))
        self._served[first].append(one)
        self._longest = max(self._longest, one.end - one.start)
        self._stale.add(first)
        if last - first <= _MINUTE_MS:
            self._stale.update({last} & self._served.keys())
        else:
            self._stale.update(minute for minute in self._served if first < minute <= last)

    def _read(self, event: LogEvent, function: str, stream: _Stream) -> None:
        started = _started(event.message)
        if started is not None:
            stream.request_id, stream.start, stream.raised = started, event.timestamp, False
        elif _RAISED.match(event.message):
            stream.raised = True
        elif line := read_report(event):
            begun = event.timestamp - round(line.report.duration_ms)
            if line.request_id == stream.request_id:
                begun = stream.start
            failed = line.status != "success" or stream.raised
            end = max(event.timestamp, begun)
            self._keep(_Served(function, begun, end, line.report.duration_ms, failed))
            stream.raised = False


def throttle(function: str, timestamp: int) -> list[DataPoint]:
    """Return the data points of one throttled event, which no log tells of.

    Args:
        function: Its name.
        timestamp: When it was turned away, in milliseconds since the epoch.
    """
    return [
        DataPoint(NAMESPACE, "Throttles", dimensions, timestamp, (1.0,), "Count")
        for dimensions in _dimension_sets(function)
    ]


def iterator_age(function: str, timestamp: int, age_ms: float) -> list[DataPoint]:
    """Return the data points of one batch read from a stream; read their Maximum.

    Args:
        function: Its name.
        timestamp: When the batch was sent to it, in milliseconds since the epoch.
        age_ms: How old the last record of the batch was then, in milliseconds.
    """
    return [
        DataPoint(NAMESPACE, "IteratorAge", dimensions, timestamp, (age_ms,), "Milliseconds")
        for dimensions in _dimension_sets(function)
    ]


def iterator_age_event(function: str, timestamp: int, age_ms: float) -> LogEvent:
    """Return a log event that keeps `iterator_age` for those who read metrics out of the log.

    It is an EMF record in a log group that AWS does not have.
    """
    sets = [list(one) for one in _dimension_sets(function)]
    metrics = [{"Name": "IteratorAge", "Unit": "Milliseconds"}]
    directive = {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": metrics}
    record = {
        "_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]},
        "FunctionName": function,
        "Resource": function,
        "IteratorAge": age_ms,
    }
    return LogEvent(MAPPING_LOG_GROUP, function, timestamp, json.dumps(record))


def _dimension_sets(function: str) -> tuple[dict[str, str], ...]:
    return ({"FunctionName": function}, {"FunctionName": function, "Resource": function}, {})


def _by_dimensions(
    served: Sequence[_Served],
) -> list[tuple[dict[str, str], Sequence[_Served]]]:
    functions: dict[str, list[_Served]] = defaultdict(list)
    for one in served:
        functions[one.function].append(one)
    sets: list[tuple[dict[str, str], Sequence[_Served]]] = []
    for function, some in functions.items():
        by_name, by_resource, _ = _dimension_sets(function)
        sets += [(by_name, some), (by_resource, some)]
    return [*sets, ({}, served)]


def _concurrent(served: Sequence[_Served]) -> list[int]:
    """Return how many run when each begins; they come in the order in which they begin."""
    ends: list[int] = []  # of those that run
    running = []
    for one in served:
        while ends and ends[0] <= one.start:
            heappop(ends)
        heappush(ends, one.end)
        running.append(len(ends))
    return running


def _started(message: str) -> str | None:
    """Return the request id of a START, in text or in JSON."""
    if found := _START.match(message):
        return found[1]
    if not message.startswith("{") or '"platform.start"' not in message:
        return None
    try:
        root = json.loads(message)
        if root["type"] == "platform.start":
            return str(root["record"]["requestId"])
    except (ValueError, TypeError, KeyError, RecursionError):
        pass  # somebody else's JSON that only mentions the type
    return None
