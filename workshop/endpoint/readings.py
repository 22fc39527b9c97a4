"""The store read as metrics, each log event only once.

Everything is read from the database when it is first asked for; after that only what is new. What
has been read stays in memory: about 1 KB for an EMF record.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from workshop.metrics import emf
from workshop.metrics.platform_metrics import LOG_GROUP_PREFIX, PlatformLog, throttle
from workshop.metrics.series import Catalogue
from workshop.signals import DataPoint, LogEvent
from workshop.store import Store

_NEW = """
SELECT id, log_group, log_stream, timestamp, message, contains(message, '"_aws"') AS is_emf
FROM log_events
WHERE id > ? AND (
    is_emf
    OR starts_with(message, 'START RequestId')
    OR starts_with(message, 'REPORT RequestId')
    OR starts_with(message, '[ERROR]')
    OR contains(message, '"platform.')
)
ORDER BY id
"""


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
        self._last = 0
        self._points: list[DataPoint] = []
        self._platform = PlatformLog()
        self._catalogue: Catalogue | None = None

    def throttled(self, function: str) -> None:
        """Count an event that was turned away: nothing is logged of it, so nothing is kept."""
        with self._lock:
            self._throttles += throttle(function, int(time.time() * 1000))
            self._catalogue = None

    def forget(self) -> None:
        """Read everything anew: log events have been deleted."""
        with self._lock:
            self._last, self._points, self._platform = 0, [], PlatformLog()
            self._catalogue = None

    @contextmanager
    def catalogue(self) -> Iterator[Catalogue]:
        """Have the metrics, with all that has been logged so far; nobody else has them meanwhile.

        Raises:
            StoreError: When the database failed.
        """
        with self._lock:
            with self._store.database() as connection:
                rows = connection.execute(_NEW, [self._last]).fetchall()
            self._read(rows)
            if rows or self._catalogue is None:
                measured = self._platform.points()
                self._catalogue = Catalogue([*self._points, *measured, *self._throttles])
            yield self._catalogue

    def _read(self, rows: list[tuple[int, str, str, int, str, bool]]) -> None:
        functions = self._functions()
        for number, group, stream, timestamp, message, is_emf in rows:
            if is_emf:
                self._points += emf.read(LogEvent(group, stream, timestamp, message)).points
            else:
                # By the name that Lambda gives a log group unless it is told another.
                named = LOG_GROUP_PREFIX + functions[group] if group in functions else group
                self._platform.add([LogEvent(named, stream, timestamp, message)])
            self._last = number
