"""The log events and segments of one execution environment on their way to the sink."""

import time
from collections.abc import Iterable

from workshop.signals import LogEvent, SegmentDocument, Sink

HELD_EVENTS = 10_000
"""How many log events of one invocation are given back with it; the rest is in the store alone."""

_HELD_CHARACTERS = 8 << 20
_BATCH_CHARACTERS = 4 << 20


class Telemetry:
    """Collects; gives to the sink in batches, so that no amount of output piles up in memory.

    Timestamps never run backwards within an environment, as in a log stream.
    """

    def __init__(self, sink: Sink, log_group: str, log_stream: str) -> None:
        self.log_stream = log_stream
        self._sink = sink
        self._log_group = log_group
        self._last_ms = 0
        self._batch: list[LogEvent] = []
        self._batch_characters = 0
        self._segments: list[SegmentDocument] = []
        self._failure: Exception | None = None
        self.begin()

    def begin(self) -> None:
        """Begin to hold what an invocation leaves behind."""
        self.held: list[LogEvent] = []
        self.held_segments: list[SegmentDocument] = []
        self.dropped = 0
        self._held_characters = 0

    def log(self, time_ms: int, message: str, *, hold: bool = False) -> None:
        """Add one log event; `hold` gives it back with the invocation however many there are."""
        self._last_ms = max(self._last_ms, time_ms)
        event = LogEvent(self._log_group, self.log_stream, self._last_ms, message)
        size = len(message)
        if hold or (
            len(self.held) < HELD_EVENTS and self._held_characters + size <= _HELD_CHARACTERS
        ):
            self.held.append(event)
            self._held_characters += size
        else:
            self.dropped += 1
        self._batch.append(event)
        self._batch_characters += size
        if len(self._batch) >= HELD_EVENTS or self._batch_characters >= _BATCH_CHARACTERS:
            self._send()

    def platform(self, time_ms: int, messages: Iterable[str]) -> None:
        """Add log lines of the platform."""
        for message in messages:
            self.log(time_ms, message, hold=True)

    def trace(self, documents: Iterable[SegmentDocument]) -> None:
        """Add segments."""
        for document in documents:
            self.held_segments.append(document)
            self._segments.append(document)

    def commit(self) -> None:
        """Give the sink all that it has not had.

        Raises:
            Exception: What the sink raised, now or for an earlier batch since the last commit.
        """
        self._send()
        failure, self._failure = self._failure, None
        if failure:
            raise failure

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        segments, self._segments = self._segments, []
        self._batch_characters = 0
        if not (batch or segments) or self._failure:
            return
        try:
            self._sink(batch, segments)
        except Exception as failure:  # noqa: BLE001 - kept for the caller of the invocation
            self._failure = failure


def now_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
