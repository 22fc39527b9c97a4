"""What `workshop traffic` is to send, and what has come of it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from workshop.course import crowd
from workshop.load import DAILY, FLAT, Timed, Window
from workshop.load.incident import Incident
from workshop.signals import Invocation
from workshop.streams import Attempt, Discarded, Settings

_RHYTHM_FROM = 6 * 3600
"""Length of a past from which the hours of the day can be told apart."""


@dataclass(frozen=True)
class Plan:
    """What is to be sent, and when.

    Attributes:
        seed: Decides the payments and their times.
        window: When they arrive.
        per_minute: How many a minute, on average.
        past: Whether the window lies behind us.
        deploys: When new code was deployed, in seconds since the epoch.
        incident: What goes wrong.
        secret: Whether the incident is for the reader to find.
    """

    seed: int
    window: Window
    per_minute: int
    past: bool
    deploys: tuple[float, ...] = ()
    incident: Incident | None = None
    secret: bool = False

    def payments(self) -> Iterator[Timed]:
        """Make the payments, with their times."""
        return crowd.payments(
            self.seed,
            self.window,
            self.per_minute,
            incidents=[self.incident] if self.incident else [],
            rhythm=DAILY if self.past and self.window.seconds >= _RHYTHM_FROM else FLAT,
        )


@dataclass
class Streamed:
    """What an event source mapping has made of the records of a stream, so far.

    Attributes:
        settings: The mapping's.
        done: How many records the function has dealt with.
        given_up: How many the mapping has given up.
        told: How many of those its on-failure destination was told of.
        oldest_ms: How old the last record of a batch was, at most: IteratorAge.
    """

    settings: Settings
    done: int = 0
    given_up: int = 0
    told: int = 0
    oldest_ms: float = 0.0

    @property
    def through(self) -> int:
        """How many are no longer in the mapping's way."""
        return self.done + self.given_up

    def count(self, attempt: Attempt, discarded: Iterable[Discarded]) -> None:
        """Count one more attempt, and what has been given up since the one before."""
        whole = attempt.failed_from is None
        self.done += len(attempt.records) if whole else attempt.failed_from or 0
        self.oldest_ms = max(self.oldest_ms, attempt.iterator_age_ms)
        for one in discarded:
            self.given_up += len(one.records)
            self.told += len(one.records) if one.message else 0


@dataclass
class Outcome:
    """What came of it, so far.

    Attributes:
        payments: How many payments there are to send.
        planned: In how many events, or records of a stream: of most steps a payment is one.
        struck: How many payments among them the incident hits.
        sent: How many events have been sent and answered.
        failed: Of those, the ones whose caller got an error that is not their own (in HTTP, 5xx).
        refused: Those whose caller got an error of their own (in HTTP, 4xx).
        timed_out: Those among the failed that were cut short by the function's time-out.
        cold: Those that had to wait for an execution environment.
        durations: Of each, in milliseconds.
        log_events: How many log events are kept.
        segments: How many segment documents are kept.
        dropped: How many log events are not: an invocation holds ten thousand.
        seconds: How long it took.
        streamed: What became of the records, where a stream stands before the function.
    """

    payments: int = 0
    planned: int = 0
    struck: int = 0
    sent: int = 0
    failed: int = 0
    refused: int = 0
    timed_out: int = 0
    cold: int = 0
    durations: list[float] = field(default_factory=list)
    log_events: int = 0
    segments: int = 0
    dropped: int = 0
    seconds: float = 0.0
    streamed: Streamed | None = None

    @property
    def through(self) -> int:
        """How much of what is planned is over and done with."""
        return self.sent if self.streamed is None else self.streamed.through

    def count(self, invocation: Invocation) -> None:
        """Count one more."""
        status = _status(invocation)
        self.sent += 1
        self.failed += status >= 500  # noqa: PLR2004 (HTTP)
        self.refused += 400 <= status < 500  # noqa: PLR2004 (HTTP)
        self.timed_out += invocation.status == "timeout"
        self.cold += invocation.cold_start
        self.durations.append(invocation.report.duration_ms)
        self.log_events += len(invocation.log_events)
        self.segments += len(invocation.segments)


def _status(invocation: Invocation) -> int:
    """Return what a caller by HTTP would have got: of an API's answer, its own status."""
    if invocation.function_error:
        return 500
    answer = read_json(invocation.payload)
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    return status if isinstance(status, int) else 200


def read_json(payload: bytes) -> Any:  # noqa: ANN401 (JSON)
    """Read a payload; None when it is no JSON."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None
