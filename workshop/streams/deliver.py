"""Records into a stream of a lab's template, and through its event source mapping."""

from __future__ import annotations

import time
from collections.abc import Iterable

from workshop.lab import Keeper, Lab
from workshop.metrics.platform_metrics import iterator_age_event
from workshop.signals import LogEvent
from workshop.streams.clock import Clock
from workshop.streams.mapping import Attempt, Delivery, EventSourceMapping
from workshop.streams.settings import Settings
from workshop.streams.shard import Record, Shard


def deliver(
    lab: Lab,
    settings: Settings,
    records: Iterable[Record],
    most: int | None = None,
    store: Keeper | None = None,
) -> tuple[Delivery, EventSourceMapping]:
    """Put records into an empty stream, now, and let a mapping of the lab's template read it.

    Args:
        lab: Runs the function.
        settings: The mapping's, such as `read_mappings(lab.template)` gives.
        records: Their data and partition keys are put; they get sequence numbers of this stream.
        most: As in `EventSourceMapping.run`.
        store: Where the function's IteratorAge is kept, at the times at which the batches were
            really sent: the waits between them are skipped.

    Returns:
        What it came to, and the mapping with what its destination was told.
    """
    shard = Shard(Clock())
    mapping = EventSourceMapping(
        settings, shard, lambda event: lab.invoke(event, settings.function)
    )
    for one in records:
        shard.put(one.data, one.partition_key)
    delivery = mapping.run(most)
    if store is not None:
        store.append([age_event(settings, one) for one in delivery.attempts])
    return delivery, mapping


def age_event(settings: Settings, attempt: Attempt) -> LogEvent:
    """Return the log event that keeps the function's IteratorAge, at the time of an attempt.

    That is when its invocation says it was, and not what the mapping's clock says.
    """
    logged = attempt.invocation.log_events
    sent = logged[0].timestamp if logged else int(time.time() * 1000)
    return iterator_age_event(settings.function, sent, attempt.iterator_age_ms)
