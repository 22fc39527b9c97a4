"""A stream driven: records through an event source mapping, as they arrive or laid over the past.

Batches of a shard go one after the other, as they do without a parallelization factor. Each attempt
is an invocation, whose log events end with the function's IteratorAge.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from workshop.load.shift import Timeline
from workshop.streams import Attempt, Clock, EventSourceMapping, RealClock, Shard, age_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workshop.lab import Lab
    from workshop.load.arrivals import Window
    from workshop.signals import Invocation, Sink
    from workshop.streams import Record, Settings


def live_stream(
    lab: Lab,
    settings: Settings,
    records: Iterable[Record],
    window: Window,
    sink: Sink,
    clock: Clock | None = None,
) -> tuple[Iterator[Attempt], EventSourceMapping]:
    """Let a mapping read records as they arrive, and wait between its tries.

    Args:
        lab: Runs the function, and keeps what it leaves behind.
        settings: The mapping's, such as `reading_mapping(lab.template)` gives.
        records: In order, with the times at which they are to arrive.
        window: At its end the mapping stops trying again.
        sink: Where IteratorAge goes.
        clock: Tells the time and waits; None for the time of day.

    Returns:
        The attempts, as they are made; and the mapping, with what it gave up.
    """
    mapping = EventSourceMapping(
        settings, Shard(clock or RealClock()), lambda event: lab.invoke(event, settings.function)
    )

    def attempts() -> Iterator[Attempt]:
        for attempt in mapping.follow(records, window.end):
            sink([age_event(settings, attempt)], ())
            yield _with_age(settings, attempt)

    return attempts(), mapping


def backfill_stream(
    lab: Lab,
    settings: Settings,
    records: Iterable[Record],
    window: Window,
    deploys: Sequence[float] = (),
) -> tuple[Iterator[Attempt], EventSourceMapping]:
    """Let a mapping read a past as fast as it goes, and lay what comes of it over that past.

    The lab must keep nothing itself: what is to be kept is on the attempts' invocations.

    Args:
        lab: Runs the function.
        settings: The mapping's.
        records: In order, with the times at which they arrived.
        window: The past; at its end the mapping stops trying again.
        deploys: When new code was deployed, in seconds since the epoch.

    Returns:
        As `live_stream`, each attempt laid at the time at which it would have been sent.
    """
    clock = Clock(window.start)
    to_come = deque(sorted(deploys))

    def invoke(event: dict[str, object]) -> Invocation:
        while to_come and clock.now() >= to_come[0]:
            to_come.popleft()
            lab.renew()
        invocation = lab.invoke(event, settings.function)
        report = invocation.report
        clock.wait((report.duration_ms + (report.init_duration_ms or 0)) / 1000)
        return invocation

    mapping = EventSourceMapping(settings, Shard(clock), invoke)

    def attempts() -> Iterator[Attempt]:
        past = Timeline()
        for attempt in mapping.follow(records, window.end):
            laid = past.lay(attempt.invocation, attempt.at)
            yield _with_age(settings, replace(attempt, invocation=laid))

    return attempts(), mapping


def _with_age(settings: Settings, attempt: Attempt) -> Attempt:
    invocation = attempt.invocation
    log_events = (*invocation.log_events, age_event(settings, attempt))
    return replace(attempt, invocation=replace(invocation, log_events=log_events))
