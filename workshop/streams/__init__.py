"""Kinesis for one shard: records, the event source mapping that sends them, what became of them."""

from workshop.streams.clock import Clock, RealClock
from workshop.streams.deliver import age_event, deliver
from workshop.streams.mapping import Attempt, Delivery, EventSourceMapping
from workshop.streams.on_failure import Discarded
from workshop.streams.settings import Settings, read_mappings, reading_mapping
from workshop.streams.shard import Record, Shard, records_of

__all__ = [
    "Attempt",
    "Clock",
    "Delivery",
    "Discarded",
    "EventSourceMapping",
    "RealClock",
    "Record",
    "Settings",
    "Shard",
    "age_event",
    "deliver",
    "read_mappings",
    "reading_mapping",
    "records_of",
]
