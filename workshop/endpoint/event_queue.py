"""The queue of asynchronous invocations: events wait in it, also those that are throttled.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from workshop.errors import WorkshopError
from workshop.local_lambda import TooManyRequestsError

WORKERS = 10
"""How many events are served at once."""

MAX_EVENT_AGE_SECONDS = 6 * 3600
"""How long an event that is throttled is tried again: MaximumEventAgeInSeconds, unless set."""

MAX_PAUSE_SECONDS = 300
"""The longest pause between two attempts."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One event in the queue.

    Attributes:
        function: The name of its function.
        payload: The event, as JSON.
        trace_header: The X-Amzn-Trace-Id header that came with it.
        client_context: The client context, as JSON.
    """

    function: str
    payload: bytes
    trace_header: str | None = None
    client_context: str | None = None


@dataclass(order=True, slots=True)
class _Waiting:
    """An event in line: from when on it may be served, and what has become of it so far."""

    due: float
    number: int
    event: Event
    since: float
    throttles: int = 0


class EventQueue:
    """Serves events as they come; those that are throttled, again later. Thread-safe.

    Args:
        invoke: Serves an event; called in a worker thread.
        clock: Gives the time in seconds, from any moment on.
    """

    def __init__(
        self, invoke: Callable[[Event], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._invoke = invoke
        self._clock = clock
        self._changed = threading.Condition()
        self._line: list[_Waiting] = []
        self._numbers = itertools.count()
        self._workers: list[threading.Thread] = []
        self._closed = False

    def put(self, event: Event) -> None:
        """Put an event in line."""
        now = self._clock()
        with self._changed:
            if len(self._workers) < WORKERS and not self._closed:
                worker = threading.Thread(
                    target=self._work, name="asynchronous invocation", daemon=True
                )
                self._workers.append(worker)
                worker.start()
            self._push(_Waiting(now, next(self._numbers), event, now))

    def close(self) -> None:
        """Forget the events in line, and wait until those under way have ended."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()

    def _push(self, waiting: _Waiting) -> None:
        """Put in line; whoever is idle is to know when the first in line is due."""
        heapq.heappush(self._line, waiting)
        self._changed.notify_all()

    def _next(self) -> _Waiting | None:
        """Wait for an event that is due; None when there will be none."""
        with self._changed:
            while not self._closed:
                pause = self._line[0].due - self._clock() if self._line else None
                if pause is not None and pause <= 0:
                    return heapq.heappop(self._line)
                self._changed.wait(pause)
            return None

    def _work(self) -> None:
        while (waiting := self._next()) is not None:
            try:
                self._invoke(waiting.event)
            except TooManyRequestsError:
                self._put_back(waiting)
            except (WorkshopError, RuntimeError) as error:
                _LOG.warning("an event for %s was lost: %s", waiting.event.function, error)

    def _put_back(self, waiting: _Waiting) -> None:
        """Put a throttled event in line again, unless it is too old for that."""
        due = self._clock() + pause_seconds(waiting.throttles)
        if due - waiting.since > MAX_EVENT_AGE_SECONDS:
            name = waiting.event.function
            _LOG.warning("an event for %s was dropped: it was throttled for too long", name)
            return
        again = _Waiting(
            due, next(self._numbers), waiting.event, waiting.since, waiting.throttles + 1
        )
        with self._changed:
            self._push(again)


def pause_seconds(throttles: int) -> int:
    """Return how long an event waits that has been throttled so often before."""
    return min(1 << throttles, MAX_PAUSE_SECONDS)
