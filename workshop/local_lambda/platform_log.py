"""The log lines that the Lambda service itself writes around an invocation, from measured figures.

Text form, with tabs between the fields:
https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
JSON form, `{"time", "type", "record"}`, and the level of each record:
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from workshop.sam.model import Function
from workshop.signals import Report

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
"""Lambda's log levels, lowest first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an init phase or an invocation ended, as far as the platform can tell.

    Attributes:
        status: As in the platform's records.
        error_type: Such as `Runtime.ExitError`; None when the platform has nothing to tell, which
            is so when the handler itself raised.
        reason: What happened, such as `Task timed out after 5.00 seconds`.
    """

    status: Literal["success", "error", "timeout"] = "success"
    error_type: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Tracing:
    """What the lines say of a sampled trace: its id, the function segment's id, the header."""

    trace_id: str
    segment_id: str
    header: str


@dataclass(frozen=True, slots=True)
class InitStart:
    """The init phase begins."""

    function: Function
    runtime_version: str
    runtime_version_arn: str
    instance_id: str


@dataclass(frozen=True, slots=True)
class InitEnd:
    """The init phase is over; `phase` is `invoke` when an invocation had to do it again."""

    duration_ms: float
    phase: Literal["init", "invoke"]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Start:
    """The event goes to the runtime."""

    request_id: str
    tracing: Tracing | None


@dataclass(frozen=True, slots=True)
class End:
    """The invocation is over."""

    request_id: str
    outcome: Outcome
    report: Report
    produced_bytes: int
    tracing: Tracing | None


Moment: TypeAlias = InitStart | InitEnd | Start | End


def platform_lines(function: Function, moment: Moment, time_ms: int) -> list[str]:
    """Return what the platform logs at a moment, in the form that the function's template asks for.

    Args:
        function: Its `log_format` and `system_log_level` choose the form and what is kept.
        moment: What happened, and its figures.
        time_ms: When, in milliseconds since the epoch.
    """
    if function.log_format == "Text":
        return _text(moment, time_ms)
    kept = LEVELS.index((function.system_log_level or "INFO").upper())
    return [
        json.dumps({"time": iso(time_ms), "type": f"platform.{kind}", "record": record})
        for level, kind, record in _records(moment)
        if LEVELS.index(level) >= kept
    ]


def billed_duration_ms(duration_ms: float, init_duration_ms: float | None) -> int:
    """Return what is billed: duration and, since 2025-08-01, INIT, rounded up to a millisecond.

    https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
    """
    return math.ceil(duration_ms + (init_duration_ms or 0))


def iso(time_ms: int) -> str:
    """Return a time as the platform writes it: `2026-11-23T11:42:07.123Z`."""
    moment = datetime.fromtimestamp(time_ms // 1000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def _text(moment: Moment, time_ms: int) -> list[str]:
    match moment:
        case InitStart():
            version, arn = moment.runtime_version, moment.runtime_version_arn
            return [f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}"]
        case InitEnd():
            # An init that succeeds has its figure in the REPORT line instead.
            # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
            if moment.outcome.status == "success":
                return []
            duration = f"INIT_REPORT Init Duration: {moment.duration_ms:.2f} ms"
            return ["\t".join([duration, f"Phase: {moment.phase}", *_status(moment.outcome)])]
        case Start():
            return [f"START RequestId: {moment.request_id} Version: $LATEST"]
        case End():
            return [
                *_reason(moment, time_ms),
                f"END RequestId: {moment.request_id}",
                _report(moment),
            ]


def _reason(moment: End, time_ms: int) -> list[str]:
    outcome = moment.outcome
    if outcome.reason is None:
        return []
    if outcome.status == "timeout":
        return [f"{iso(time_ms)} {moment.request_id} {outcome.reason}"]
    return [f"RequestId: {moment.request_id} Error: {outcome.reason}\n{outcome.error_type}"]


def _report(moment: End) -> str:
    report = moment.report
    fields = [
        f"REPORT RequestId: {moment.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {report.billed_duration_ms} ms",
        f"Memory Size: {report.memory_size_mb} MB",
        f"Max Memory Used: {report.max_memory_used_mb} MB",
    ]
    if report.init_duration_ms is not None:
        fields.append(f"Init Duration: {report.init_duration_ms:.2f} ms")
    if moment.outcome.error_type is not None:
        fields += _status(moment.outcome)
    line = "\t".join(fields) + "\t"
    if moment.tracing:
        line += (
            f"\nXRAY TraceId: {moment.tracing.trace_id}\tSegmentId: {moment.tracing.segment_id}"
            "\tSampled: true\t"
        )
    return line


def _status(outcome: Outcome) -> list[str]:
    # The word for a time-out is its status alone.
    if outcome.status == "timeout" or outcome.error_type is None:
        return [f"Status: {outcome.status}"]
    return [f"Status: {outcome.status}", f"Error Type: {outcome.error_type}"]


def _records(moment: Moment) -> list[tuple[str, str, dict[str, Any]]]:
    """Return level, type (without `platform.`) and record of each JSON line of a moment."""
    match moment:
        case InitStart():
            function = moment.function
            record = {
                "initializationType": "on-demand",
                "phase": "init",
                "runtimeVersion": moment.runtime_version,
                "runtimeVersionArn": moment.runtime_version_arn,
                "functionName": function.name,
                "functionVersion": "$LATEST",
                "instanceId": moment.instance_id,
                "instanceMaxMemory": function.memory_mb * 1024 * 1024,
            }
            return [("INFO", "initStart", record)]
        case InitEnd():
            record = {
                "initializationType": "on-demand",
                "phase": moment.phase,
                **_outcome(moment.outcome),
            }
            level = "DEBUG" if moment.outcome.status == "success" else "WARN"
            metrics = {"metrics": {"durationMs": round(moment.duration_ms, 3)}}
            return [
                (level, "initRuntimeDone", record),
                (level, "initReport", {**record, **metrics}),
            ]
        case Start():
            record = {"requestId": moment.request_id, "version": "$LATEST"}
            return [("INFO", "start", {**record, **_tracing(moment.tracing)})]
        case End():
            report = moment.report
            record = {"requestId": moment.request_id, **_outcome(moment.outcome)}
            trace = _tracing(moment.tracing)
            done = {
                "durationMs": round(report.duration_ms, 3),
                "producedBytes": moment.produced_bytes,
            }
            figures = {
                "durationMs": round(report.duration_ms, 3),
                "billedDurationMs": report.billed_duration_ms,
                "memorySizeMB": report.memory_size_mb,
                "maxMemoryUsedMB": report.max_memory_used_mb,
            }
            if report.init_duration_ms is not None:
                figures["initDurationMs"] = round(report.init_duration_ms, 3)
            success = moment.outcome.status == "success"
            return [
                (
                    "DEBUG" if success else "WARN",
                    "runtimeDone",
                    {**record, "metrics": done, **trace},
                ),
                ("INFO" if success else "WARN", "report", {**record, "metrics": figures, **trace}),
            ]


def _outcome(outcome: Outcome) -> dict[str, Any]:
    record: dict[str, Any] = {"status": outcome.status}
    if outcome.error_type:
        record["errorType"] = outcome.error_type
    return record


def _tracing(tracing: Tracing | None) -> dict[str, Any]:
    if tracing is None:
        return {}
    context = {"spanId": tracing.segment_id, "type": "X-Amzn-Trace-Id", "value": tracing.header}
    return {"tracing": context}
