"""A check's traffic: five payments through one fresh lab, and all that each left behind."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workshop.course import faults
from workshop.course.payments import UNAVAILABLE, payment, planted_card
from workshop.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from workshop.lab import Lab
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
        except ValueError:
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


class Sender:
    """Sends events to one lab and tells what is wrong in general, whatever the step asks.

    Attributes:
        sent: All that was sent, in order, the event that went wrong included.
    """

    def __init__(
        self,
        lab: Lab,
        code: faults.Code,
        sent: list[Sent],
        explain: faults.Explain | None = None,
    ) -> None:
        self._lab = lab
        self._code = code
        self.sent = sent
        self._explain = explain

    def __call__(self, event: dict[str, Any], *, may_fail: bool = False) -> Sent:
        """Send one event.

        Args:
            event: The event.
            may_fail: Whether the handler may raise. Else that is wrong.

        Raises:
            Wrong: The function could not be loaded, did not end well, or raised and should not.
        """
        sent = self.unjudged(event)
        if sent.succeeded:
            self._read(sent)
        else:
            faults.judge(sent, self._code, may_fail=may_fail, explain=self._explain)
        return sent

    def unjudged(self, event: dict[str, Any]) -> Sent:
        """Send one event to a function that may fail in any way, in its init phase too.

        Raises:
            Wrong: Lambda would not invoke the function.
        """
        try:
            sent = Sent(event, self._lab.invoke(event))
        except LearnerError as error:
            raise faults.refused(error) from None
        self.sent.append(sent)
        return sent

    def _read(self, sent: Sent) -> None:
        """Raise `Wrong` where Lambda hands on what is no JSON: it does so with bytes."""
        try:
            _ = sent.response
        except (ValueError, RecursionError):
            raise faults.unreadable(sent, self._code) from None


@dataclass(frozen=True)
class Traffic:
    """Five payments with random values, through one fresh execution environment, in this order.

    Attributes:
        first: On a cold start, with every field.
        warm: In the same environment, without the optional `campaign`.
        failed: The processor is unavailable; the invocation is expected to fail.
        planted: The one to search for private data (though all events carry planted cards).
        again: A plain one after the failure.
    """

    first: Sent
    warm: Sent
    failed: Sent
    planted: Sent
    again: Sent

    @classmethod
    def through(cls, send: Sender, random: Random) -> Traffic:
        """Send the five.

        Raises:
            Wrong: As `Sender` does, on the first event that shows something wrong.
        """
        return cls(
            first=send(payment(random)),
            warm=send(payment(random, campaign=None)),
            failed=send(payment(random, card={"number": _failing(random)}), may_fail=True),
            planted=send(payment(random)),
            again=send(payment(random, campaign=None)),
        )

    @property
    def all(self) -> tuple[Sent, ...]:
        """The five, in order."""
        return (self.first, self.warm, self.failed, self.planted, self.again)

    def __iter__(self) -> Iterator[Sent]:
        return iter(self.all)

    @property
    def environment_count(self) -> int:
        """How many execution environments served them: one, unless one of them ended."""
        return len({sent.invocation.environment_id for sent in self.all})


def _failing(random: Random) -> str:
    return planted_card(random, UNAVAILABLE)["number"]
