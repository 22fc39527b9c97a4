"""Kinesis for one shard: records, the event source mapping that sends them, what became of them."""

from workshop.streams.clock import Clock
from workshop.streams.deliver import deliver
from workshop.streams.mapping import Attempt, Delivery, EventSourceMapping
from workshop.streams.on_failure import Discarded
from workshop.streams.settings import Settings, read_mappings
from workshop.streams.shard import Record, Shard, records_of

__all__ = [
    "Attempt",
    "Clock",
    "Delivery",
    "Discarded",
    "EventSourceMapping",
    "Record",
    "Settings",
    "Shard",
    "deliver",
    "read_mappings",
    "records_of",
]
