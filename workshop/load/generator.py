"""Real handlers driven: at the pace of the clock, or as fast as they go and laid over the past."""

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Protocol

from workshop.load.arrivals import Timed
from workshop.load.shift import Timeline
from workshop.signals import Invocation

CONCURRENCY = 8
"""Invocations at once. A slow card takes 0.6 s of real time: others hide it."""


class Target(Protocol):
    """What events are sent to: a `Lab`, or something that stands before its functions."""

    def invoke_many(
        self, events: Iterable[object], function: str | None = None, *, concurrency: int = 10
    ) -> Iterator[Invocation]:
        """Send events, so many at a time; yield what comes of them in the order sent."""
        ...

    def invoke_together(
        self, events: Sequence[object], function: str | None = None
    ) -> Sequence[Invocation]:
        """Send events at the same moment; return what comes of them in the order sent."""
        ...

    def renew(self) -> None:
        """End every execution environment, as a deployment does."""
        ...


def backfill(
    target: Target,
    events: Iterable[Timed],
    *,
    function: str | None = None,
    deploys: Sequence[float] = (),
    concurrency: int = CONCURRENCY,
    gently: bool = False,
) -> Iterator[Invocation]:
    """Run the real handlers as fast as they go, and lay what they leave behind over the past.

    The target must keep nothing itself (a lab without a store): this yields what is to be kept.

        events = crowd.payments(seed=7, window=window, per_minute=20, incidents=[incident])
        with Lab.open(template) as lab:
            for invocation in backfill(lab, events):
                store.append(invocation.log_events, invocation.segments)

    Args:
        target: Whose handlers.
        events: With the times at which they are to have arrived, in order.
        function: The function's name; None when the template has one function.
        deploys: When new code was deployed, in seconds since the epoch: the events after it meet
            new execution environments. The first event meets a cold start in any case.
        concurrency: How many run at once; as many cold starts follow each deployment, at most.
        gently: Whether execution environments start one after another and not all at once, so that
            a small machine does not make cold starts longer than they are. It takes longer.

    Yields:
        The invocations in the order of events, each laid at its event's time, or after the end of
        the one before in its execution environment: an environment serves one at a time.
    """
    past = Timeline()
    times: deque[float] = deque()

    def sent(release: Iterable[Timed]) -> Iterator[object]:
        for timed in release:
            times.append(timed.at)
            yield timed.event

    moments = sorted(deploys)
    for number, (_, release) in enumerate(
        groupby(events, key=lambda timed: bisect_right(moments, timed.at))
    ):
        if number:
            target.renew()
        stream = sent(release)
        growing = _growing(stream, concurrency if gently else 0)
        first = chain.from_iterable(target.invoke_together(some, function) for some in growing)
        rest = target.invoke_many(stream, function, concurrency=concurrency)
        for invocation in chain(first, rest):
            yield past.lay(invocation, times.popleft())


def _growing(events: Iterator[object], most: int) -> Iterator[list[object]]:
    """Give one event, then two, then three, up to `most`.

    Sent together, each finds as many warm execution environments as there were events before, so
    that one more starts.
    """
    for count in range(1, most + 1):
        if some := list(islice(events, count)):
            yield some


def live(
    target: Target,
    events: Iterable[Timed],
    *,
    function: str | None = None,
    concurrency: int = CONCURRENCY,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Invocation]:
    """Send each event at its time.

    Args:
        target: Whose handlers; a lab with a store keeps what they leave behind.
        events: With the times at which they are to arrive, in order; late ones are sent at once.
        function: The function's name; None when the template has one function.
        concurrency: How many run at once, at most.
        clock: Gives the time in seconds since the epoch.
        sleep: Waits for some seconds.

    Yields:
        The invocations, in the order of events, as they are done.
    """

    def paced() -> Iterator[object]:
        for timed in events:
            wait = timed.at - clock()
            if wait > 0:
                sleep(wait)
            yield timed.event

    yield from target.invoke_many(paced(), function, concurrency=concurrency)
