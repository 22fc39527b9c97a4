"""A shard, and a mapping that reads it."""

import pytest

from tests.streams.bookings import ARN, NOON, QUEUE
from workshop.streams import Clock, EventSourceMapping, Settings, Shard


@pytest.fixture
def shard():
    """An empty shard, at noon."""
    return Shard(Clock(NOON))


@pytest.fixture
def mapping(shard):
    """Make a mapping: `mapping(function, "abc", retry_attempts=2)` reads the records a, b and c."""

    def make(function, texts="", **settings):
        usual = {"starting_position": "TRIM_HORIZON", "on_failure_arn": QUEUE}
        made = EventSourceMapping(
            Settings("Orders", ARN, "bookings", **{**usual, **settings}), shard, function
        )
        for text in texts:
            shard.put(text.encode(), text)
        return made

    return make
