"""The platform's own log events: figures of an invocation, read back from its REPORT.

Pure. Lambda writes the report as text or, where the function's LoggingConfig asks for JSON, as
a `platform.report` record:
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from workshop.metrics.emf import MAX_VALUE
from workshop.signals import LogEvent, Report


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What a REPORT says.

    Attributes:
        request_id: The AWS request id of the invocation.
        report: Its figures.
        status: `success`, `error`, `failure` or `timeout`; a text REPORT that names no status
            tells of a success.
        trace_id: X-Ray trace id; None when the invocation was not traced.
    """

    request_id: str
    report: Report
    status: str = "success"
    trace_id: str | None = None


_TEXT = re.compile(
    r"REPORT RequestId: (?P<request_id>\S+)\s+"
    r"Duration: (?P<duration>[\d.]+) ms\s+"
    r"Billed Duration: (?P<billed>\d+) ms\s+"
    r"Memory Size: (?P<size>\d+) MB\s+"
    r"Max Memory Used: (?P<used>\d+) MB"
    r"(?:\s+Init Duration: (?P<init>[\d.]+) ms)?"
)
_TEXT_TRACE = re.compile(r"\bXRAY TraceId: (\S+)")
_TEXT_STATUS = re.compile(r"\tStatus: (\w+)")
_JSON_TRACE = re.compile(r"\bRoot=([^;]+)")


def read_report(event: LogEvent) -> ReportLine | None:
    """Read the REPORT of an invocation, in text or in JSON.

    Args:
        event: Any log event.

    Returns:
        What it reports; None when it is not a REPORT. Never raises.
    """
    message = event.message
    if message.startswith("REPORT "):
        return _read_text(message)
    if "platform.report" in message:
        try:
            return _read_json(json.loads(message))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None  # somebody else's text or JSON that only mentions the type
    return None


def _read_text(message: str) -> ReportLine | None:
    found = _TEXT.match(message)
    if found is None:
        return None
    status = _TEXT_STATUS.search(message)
    trace = _TEXT_TRACE.search(message)
    try:
        report = Report(
            duration_ms=_duration(found["duration"]),
            billed_duration_ms=int(found["billed"]),
            memory_size_mb=int(found["size"]),
            max_memory_used_mb=int(found["used"]),
            init_duration_ms=None if found["init"] is None else _duration(found["init"]),
        )
    except ValueError:  # "1.2.3" is no duration
        return None
    return ReportLine(
        found["request_id"],
        report,
        status[1] if status else "success",
        trace[1] if trace else None,
    )


def _read_json(root: Any) -> ReportLine | None:  # noqa: ANN401 - any JSON, judged here
    if root["type"] != "platform.report":
        return None
    record = root["record"]
    metrics = record["metrics"]
    init = metrics.get("initDurationMs") if isinstance(metrics, dict) else None
    tracing = record.get("tracing")
    value = tracing.get("value") if isinstance(tracing, dict) else None
    trace = _JSON_TRACE.search(value) if isinstance(value, str) else None
    return ReportLine(
        str(record["requestId"]),
        Report(
            duration_ms=_duration(metrics["durationMs"]),
            billed_duration_ms=int(metrics["billedDurationMs"]),
            memory_size_mb=int(metrics["memorySizeMB"]),
            max_memory_used_mb=int(metrics["maxMemoryUsedMB"]),
            init_duration_ms=None if init is None else _duration(init),
        ),
        str(record.get("status", "success")),
        trace[1] if trace else None,
    )


def _duration(value: Any) -> float:  # noqa: ANN401 - any JSON, judged here
    """Read milliseconds that a metric can have for a value.

    Raises:
        ValueError: They are none, such as 1.2.3 or NaN.
        TypeError: They are no number either.
    """
    milliseconds = float(value)
    if 0 <= milliseconds <= MAX_VALUE:
        return milliseconds
    msg = f"{value} is no duration"
    raise ValueError(msg)
