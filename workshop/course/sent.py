"""An event sent, and all that it left behind: what a check reads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workshop.metrics.emf import EmfReading
    from workshop.signals import DataPoint, Invocation, LogEvent, SegmentDocument
    from workshop.traces import Trace

# The platform's lines in text form; https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
_PLATFORM = re.compile(
    r"(INIT_START|INIT_REPORT|EXTENSION|LOGS|TELEMETRY|XRAY TraceId:)\b"
    r"|(START|END|REPORT|RequestId:?) (RequestId:|[0-9a-f]{8}-)"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z [0-9a-f\-]{36} Task timed out"
)
_TEXT_LEVEL = re.compile(r"\[([A-Z]+)\]")


@dataclass(frozen=True)
class LogLine:
    """A log event, read.

    Attributes:
        event: The log event itself.
    """

    event: LogEvent

    @property
    def text(self) -> str:
        """The message."""
        return self.event.message

    @cached_property
    def json(self) -> dict[str, Any] | None:
        """The message as a JSON object; None if it is not one."""
        if not self.text.lstrip().startswith("{"):
            return None
        try:
            value = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def is_platform(self) -> bool:
        """Whether Lambda wrote it and not the function: START, END, REPORT and their like."""
        if self.json is not None:
            return str(self.json.get("type", "")).startswith("platform.") and "record" in self.json
        return _PLATFORM.match(self.text) is not None

    @property
    def is_emf(self) -> bool:
        """Whether it carries metrics in CloudWatch's embedded metric format."""
        return self.json is not None and isinstance(self.json.get("_aws"), dict)

    @property
    def level(self) -> str | None:
        """The level in capitals, from the JSON key `level` or the prefix Lambda gives text logs."""
        if self.json is not None:
            level = self.json.get("level")
            return level.upper() if isinstance(level, str) else None
        match = _TEXT_LEVEL.match(self.text)
        return match[1] if match else None

    def key(self, name: str) -> Any:  # noqa: ANN401 (a JSON value)
        """The value of a top-level JSON key; None when it is not there."""
        return None if self.json is None else self.json.get(name)


@dataclass(frozen=True)
class Sent:
    """An event sent, and all that came of it.

    Attributes:
        event: The event.
        invocation: The answer and every signal.
    """

    event: dict[str, Any]
    invocation: Invocation

    @property
    def succeeded(self) -> bool:
        """Whether the handler returned."""
        return self.invocation.status == "success"

    @cached_property
    def response(self) -> Any:  # noqa: ANN401 (a JSON value)
        """What the handler returned, as JSON says it; None when it did not return."""
        return json.loads(self.invocation.payload) if self.succeeded else None

    @cached_property
    def error(self) -> dict[str, Any]:
        """The error object (errorType, errorMessage, stackTrace); empty when it returned."""
        return {} if self.succeeded else dict(json.loads(self.invocation.payload))

    @cached_property
    def logs(self) -> tuple[LogLine, ...]:
        """Every log event, the platform's lines included, in order."""
        return tuple(LogLine(event) for event in self.invocation.log_events)

    @cached_property
    def own_logs(self) -> tuple[LogLine, ...]:
        """The log events the function itself wrote: all but the platform's lines."""
        return tuple(line for line in self.logs if not line.is_platform)

    @cached_property
    def _emf(self) -> tuple[EmfReading, ...]:
        from workshop.metrics import emf  # Steps without metrics do not need it.

        return tuple(emf.read(line.event) for line in self.own_logs if line.json is not None)

    @property
    def points(self) -> tuple[DataPoint, ...]:
        """The data points its log events carry."""
        return tuple(point for reading in self._emf for point in reading.points)

    @property
    def emf_problems(self) -> tuple[str, ...]:
        """What is wrong with log events that mean to be EMF and are not."""
        return tuple(problem for reading in self._emf for problem in reading.problems)

    @property
    def segments(self) -> tuple[SegmentDocument, ...]:
        """Segment and subsegment documents of its trace."""
        return self.invocation.segments

    @cached_property
    def trace(self) -> Trace | None:
        """The trace its segments make up; None when there are none."""
        from workshop.traces import assemble  # Steps without traces do not need it.

        traces = assemble(self.segments)
        return traces[0] if traces else None
