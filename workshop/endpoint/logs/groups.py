"""Which log groups and streams there are, beyond those that log events tell of.

A log group is there when the template declares it, when somebody created it by the API, or when
something was logged to it. What was created is kept in one small file beside the store.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.endpoint.logs.kept import keep
from workshop.store import StoreError


@dataclass
class Created:
    """What the API has laid down of a log group.

    Attributes:
        creation_time: Milliseconds since the epoch.
        retention_days: How long log events are to be kept; None for ever.
        group_class: Its class.
        streams: Names of the log streams that were created, and when.
    """

    creation_time: int
    retention_days: int | None = None
    group_class: str = "STANDARD"
    streams: dict[str, int] = field(default_factory=dict)


class Groups:
    """The log groups that were created or declared. Thread-safe.

    Args:
        file: Where they are kept; None keeps them in memory.
        declared: Gives the log groups that the template declares, by name.
    """

    def __init__(self, file: Path | None, declared: Callable[[], Mapping[str, Created]]) -> None:
        self._file = file
        self._declared = declared
        self._lock = threading.RLock()
        self._created: dict[str, Created] = {}
        if file is not None and file.exists():
            self._created = _read(file)

    def all(self) -> dict[str, Created]:
        """Return them by name; those that are only declared too."""
        with self._lock:
            found = dict(self._declared())
            for name, created in self._created.items():
                days = created.retention_days
                if days is None and name in found:
                    days = found[name].retention_days
                found[name] = Created(
                    created.creation_time, days, created.group_class, dict(created.streams)
                )
            return found

    def has(self, group: str, stream: str | None = None) -> bool:
        """Whether a group, or a stream of it, was created; of a group, also whether declared."""
        with self._lock:
            created = self._created.get(group)
            if stream is None:
                return created is not None or group in self._declared()
            return created is not None and stream in created.streams

    def create(self, name: str, now: int, group_class: str = "STANDARD") -> None:
        """Create a group, unless it has been created."""
        with self._lock:
            self._created.setdefault(name, Created(now, group_class=group_class))
            self._write()

    def create_stream(self, group: str, stream: str, now: int) -> None:
        """Create a stream, and its group where that is only declared or logged to."""
        with self._lock:
            created = self._created.setdefault(group, Created(now))
            created.streams.setdefault(stream, now)
            self._write()

    def retain(self, group: str, days: int, now: int) -> None:
        """Lay down how long a group's log events are to be kept."""
        with self._lock:
            self._created.setdefault(group, Created(now)).retention_days = days
            self._write()

    def delete(self, group: str) -> None:
        """Forget what was created of a group."""
        with self._lock:
            self._created.pop(group, None)
            self._write()

    def _write(self) -> None:
        if self._file is None:
            return
        content = {name: vars(created) for name, created in self._created.items()}
        keep(self._file, json.dumps(content), "the log groups")


def _read(file: Path) -> dict[str, Created]:
    try:
        content: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        return {name: Created(**created) for name, created in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"the log groups cannot be read: {error}", f"move {file} away to begin anew"
        ) from error
