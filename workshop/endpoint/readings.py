"""The store read as metrics, each log event only once.

Everything is read from the database when it is first asked for; after that only what is new. What
has been read stays in memory: about 1 KB for an EMF record.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from workshop.metrics import emf
from workshop.metrics.platform_metrics import LOG_GROUP_PREFIX, PlatformLog, throttle
from workshop.metrics.series import Catalogue
from workshop.signals import DataPoint, LogEvent
from workshop.store import Store

# What was read is still there, and is what it was, when as many log events as then have, together,
# the same time of ingestion: some may have been deleted, or the database begun anew.
_STATE = """
SELECT coalesce(max(id), 0), count(*), coalesce(sum(ingestion_time), 0),
    count(*) FILTER (id <= $last), coalesce(sum(ingestion_time) FILTER (id <= $last), 0)
FROM log_events
"""
_NEW = """
SELECT log_group, log_stream, timestamp, message, contains(message, '"_aws"') AS is_emf
FROM log_events
WHERE id > $after AND id <= $last AND (
    is_emf
    OR starts_with(message, 'START RequestId')
    OR starts_with(message, 'REPORT RequestId')
    OR starts_with(message, '[ERROR]')
    OR contains(message, '"platform.')
)
ORDER BY id
"""

_Rows: TypeAlias = list[tuple[str, str, int, str, bool]]


class Metrics:
    """The data points in the log events. Thread-safe.

    Args:
        store: Where the log events are.
        functions: Gives the log groups of functions, with the functions' names; any other group
            `/aws/lambda/NAME` is of the function NAME.
    """

    def __init__(self, store: Store, functions: Callable[[], Mapping[str, str]]) -> None:
        self._store = store
        self._functions = functions
        self._lock = threading.Lock()
        self._throttles: list[DataPoint] = []
        self._begin()

    def _begin(self) -> None:
        self._last = 0
        self._seen = (0, 0)  # of the log events up to the last: how many, and see `_STATE`
        self._platform = PlatformLog()
        self._catalogue = Catalogue(self._throttles)

    def throttled(self, function: str) -> None:
        """Count an event that was turned away: nothing is logged of it, so nothing is kept."""
        points = throttle(function, int(time.time() * 1000))
        with self._lock:
            self._throttles += points
            self._catalogue.add(points)

    @contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        """Have the metrics, with all that has been logged so far; nobody else has them meanwhile.

        Raises:
            StoreError: When the database failed.
        """
        with self._lock:
            self._read(self._new())
            yield self._catalogue

    def _new(self) -> _Rows:
        """Fetch what has not been read; that is everything when some of what was is gone."""
        with self._store.database() as connection:
            state = connection.execute(_STATE, {"last": self._last}).fetchall()[0]
            last, seen, still = state[0], state[1:3], state[3:5]
            if still != self._seen:
                self._begin()
            rows = connection.execute(_NEW, {"after": self._last, "last": last}).fetchall()
        self._last, self._seen = last, seen
        return rows

    def _read(self, rows: _Rows) -> None:
        functions = self._functions() if rows else {}
        for group, stream, timestamp, message, is_emf in rows:
            if is_emf:
                points = emf.read(LogEvent(group, stream, timestamp, message)).points
                self._catalogue.add(points)
            else:
                # By the name that Lambda gives a log group unless it is told another.
                named = LOG_GROUP_PREFIX + functions[group] if group in functions else group
                self._platform.add([LogEvent(named, stream, timestamp, message)])
        gone, come = self._platform.changes()
        self._catalogue.remove(gone)
        self._catalogue.add(come)
