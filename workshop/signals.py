"""The signals a function leaves behind: log events, data points, segments, and the invocation.

Plain values, at the bottom of everything: they import nothing of the project.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

SegmentDocument: TypeAlias = dict[str, Any]
"""An X-Ray segment or subsegment document, as its JSON says.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One CloudWatch Logs event.

    Attributes:
        log_group: Name of the log group, such as `/aws/lambda/payments`.
        log_stream: Name of the log stream; Lambda has one per execution environment.
        timestamp: When it happened, in milliseconds since the epoch.
        message: The text, without the newline that ended it.
    """

    log_group: str
    log_stream: str
    timestamp: int
    message: str


@dataclass(frozen=True, slots=True)
class DataPoint:
    """What one EMF record says of one metric under one dimension set.

    Attributes:
        namespace: CloudWatch namespace.
        name: Metric name.
        dimensions: Dimension name to value; at most 30.
        timestamp: Milliseconds since the epoch.
        values: The samples; an EMF array gives several.
        unit: A CloudWatch unit; `None` (the word) when the record gives none.
        storage_resolution: Seconds: 60, or 1 for high resolution.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    timestamp: int
    values: tuple[float, ...]
    unit: str = "None"
    storage_resolution: int = 60


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a REPORT line, measured.

    Attributes:
        duration_ms: Time in the handler, in milliseconds.
        billed_duration_ms: Duration, and INIT on a cold start, rounded up to a millisecond.
        memory_size_mb: What the template gives the function.
        max_memory_used_mb: Peak resident memory of the execution environment.
        init_duration_ms: Time of the init phase; None unless this was a cold start.
    """

    duration_ms: float
    billed_duration_ms: int
    memory_size_mb: int
    max_memory_used_mb: int
    init_duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """What came of one event: the answer to the caller and every signal left behind.

    Attributes:
        request_id: The AWS request id, a UUID.
        function_name: The name of the function.
        trace_id: X-Ray trace id, `1-<8 hex>-<24 hex>`.
        status: `success`; `error` when the handler raised, init failed or the process died;
            `timeout` when the function's time-out ended it.
        payload: The response, or the error object, as JSON bytes.
        function_error: `Unhandled` when status is not `success`, as in X-Amz-Function-Error.
        cold_start: Whether an execution environment was initialised for it.
        environment_id: Which execution environment served it.
        log_events: All that it logged, platform lines included, in order; see `dropped_log_events`.
        segments: Segment and subsegment documents of its trace, the service's own included.
        report: The figures of the REPORT line.
        dropped_log_events: How many further log events are in the store but not held here.
    """

    request_id: str
    function_name: str
    trace_id: str
    status: Literal["success", "error", "timeout"]
    payload: bytes
    function_error: str | None
    cold_start: bool
    environment_id: str
    log_events: tuple[LogEvent, ...]
    segments: tuple[SegmentDocument, ...]
    report: Report
    dropped_log_events: int = 0


Sink: TypeAlias = Callable[[Sequence[LogEvent], Sequence[SegmentDocument]], None]
"""Where telemetry goes: on return it is kept, so that an invocation may be acknowledged."""
