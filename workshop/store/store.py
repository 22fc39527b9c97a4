"""The store of telemetry: what a function has left behind, kept and read back."""

# ruff: noqa: S608 - only names of our own are put into SQL; values are parameters

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workshop import traces
from workshop.metrics import emf
from workshop.signals import DataPoint, LogEvent, SegmentDocument
from workshop.store import journal
from workshop.store.database import Database
from workshop.store.errors import StoreError

if TYPE_CHECKING:
    import duckdb

FILE_BYTES = 8 * 1024 * 1024
"""Size at which a journal file is absorbed in the background."""

PATIENCE_SECONDS = 30.0
"""How long a reading waits for another process that has the database."""


class Store:
    """Log events and segments. Thread-safe; several processes may share a folder.

    `append` writes the journal and never waits for DuckDB; readings absorb the journal first,
    so they see all that was appended before them in this process, and all that other processes
    had finished with (a living process lets go of its journal file when it reads, when the file
    has grown to `FILE_BYTES`, and when it closes its store).

    Use `open`, not the constructor.
    """

    def __init__(
        self,
        database: Database,
        files: "journal.Journal | None",
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._files = files
        self._clock = clock
        self._lines: list[str] = []  # the journal of a store in memory
        self._lines_lock = threading.Lock()
        self._taking = threading.Lock()  # from taking the lines until they can be read
        self._background: threading.Thread | None = None

    @classmethod
    def open(
        cls,
        folder: Path | None,
        *,
        clock: Callable[[], float] = time.time,
        file_bytes: int = FILE_BYTES,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Self:
        """Open a store.

        Args:
            folder: Where it lies; made when it is not there. None keeps all in memory.
            clock: Gives the time of ingestion, in seconds since the epoch.
            file_bytes: Size at which a journal file is absorbed in the background.
            patience_seconds: How long a reading waits for another process.

        Raises:
            StoreError: When the folder cannot be made.
        """
        if folder is None:
            return cls(Database(None, patience_seconds=patience_seconds), None, clock)
        files = journal.Journal(folder / "journal", file_bytes=file_bytes)
        database = Database(folder / "telemetry.duckdb", patience_seconds=patience_seconds)
        return cls(database, files, clock)

    def close(self) -> None:
        """Finish what runs in the background; all that was appended stays for the next reader."""
        if self._files is not None:
            self._files.finish()
        if self._background is not None:
            self._background.join()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(
        self, log_events: Sequence[LogEvent], segments: Sequence[SegmentDocument] = ()
    ) -> None:
        """Keep a batch; on return it survives the death of this process (not a power cut).

        A lone surrogate in a text comes back as U+FFFD, and a NaN or an infinity in a segment
        as null: JSON has neither.

        Raises:
            StoreError: When it could not be kept; nothing of it is kept then.
        """
        if not log_events and not segments:
            return
        line = journal.line(int(self._clock() * 1000), log_events, segments)
        if self._files is None:
            with self._lines_lock:
                self._lines.append(line.decode())
        elif self._files.append(line):
            self._absorb_in_background()

    def release(self) -> None:
        """Let other processes read all that was appended here, without reading it in this one."""
        if self._files is not None:
            self._files.finish()

    def delete(self, group: str) -> None:
        """Delete the log events of a log group, for good.

        Raises:
            StoreError: When the database failed; nothing is deleted then.
        """
        with self.database():
            self._database.delete(group)

    def sync(self) -> None:
        """Absorb the journal into the database; every reading does so by itself.

        Raises:
            StoreError: When the database failed. Nothing is lost: a later call takes it over.
        """
        if self._files is not None:
            self._files.finish()
            if self._files.paths():
                self._database.absorb_files(self._files.paths)
            return
        with self._taking:
            with self._lines_lock:
                lines, self._lines = self._lines, []
            if lines:
                try:
                    self._database.absorb_lines(lines)
                except BaseException:  # Ctrl-C too must not lose them
                    with self._lines_lock:
                        self._lines = lines + self._lines
                    raise

    @contextmanager
    def database(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Have the database open, with all that was appended in it.

        Readings inside the `with` share it, and other processes wait meanwhile.

        Yields:
            A connection; the tables are described in `workshop.store.database`.

        Raises:
            StoreError: When the database failed.
        """
        with self._database.use() as connection:
            self.sync()
            yield connection

    def log_events(
        self,
        group: str | None = None,
        stream: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[LogEvent]:
        """Read log events, in order of timestamp, and of arrival where that is the same.

        Args:
            group: Only those of this log group.
            stream: Only those of this log stream.
            since: Only those of this timestamp or later, in milliseconds since the epoch.
            until: Only those before this timestamp.

        Raises:
            StoreError: When the database failed.
        """
        return self._log_events(_conditions(group=group, stream=stream, since=since, until=until))

    def data_points(
        self,
        group: str | None = None,
        stream: str | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> list[DataPoint]:
        """Read log events as metrics: the data points of those that are EMF records.

        Args:
            group: Only those of this log group.
            stream: Only those of this log stream.
            since: Only those of log events of this timestamp or later, in milliseconds.
            until: Only those of log events before this timestamp.

        Returns:
            In order of their log events.

        Raises:
            StoreError: When the database failed.
        """
        conditions = _conditions(group=group, stream=stream, since=since, until=until)
        # What `emf.read` asks first, asked by DuckDB.
        events = self._log_events({**conditions, "contains(message, ?)": '"_aws"'})
        return [point for event in events for point in emf.read(event).points]

    def segments(self, trace_id: str | None = None) -> list[SegmentDocument]:
        """Read segment documents, in order of arrival; a complete one replaces its in-progress one.

        Args:
            trace_id: Only those of this trace.

        Raises:
            StoreError: When the database failed.
        """
        where, parameters = _where({} if trace_id is None else {"trace_id = ?": trace_id})
        rows = self._rows(f"SELECT document FROM segments{where} ORDER BY number", parameters)
        return traces.newest(json.loads(document) for (document,) in rows)

    def traces(self, trace_id: str | None = None) -> list[traces.Trace]:
        """Read segments as traces, in order of start.

        Args:
            trace_id: Only this trace.

        Raises:
            StoreError: When the database failed.
        """
        return traces.assemble(self.segments(trace_id))

    def count(self) -> int:
        """Count all log events.

        Raises:
            StoreError: When the database failed.
        """
        return int(self._rows("SELECT count(*) FROM log_events")[0][0])

    def _log_events(self, conditions: dict[str, object]) -> list[LogEvent]:
        where, parameters = _where(conditions)
        rows = self._rows(
            "SELECT log_group, log_stream, timestamp, message "
            f"FROM log_events{where} ORDER BY timestamp, id",
            parameters,
        )
        return [LogEvent(*row) for row in rows]

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self.database():
            return self._database.rows(query, parameters)

    def _absorb_in_background(self) -> None:
        """Absorb what is full, unless that is being done already."""
        if self._background is None or not self._background.is_alive():
            self._background = threading.Thread(
                target=self._absorb_quietly, name="store-absorb", daemon=True
            )
            self._background.start()

    def _absorb_quietly(self) -> None:
        # A failure here loses nothing, and meets whoever reads next.
        with suppress(StoreError):
            self.sync()


def _conditions(
    *, group: str | None, stream: str | None, since: int | None, until: int | None
) -> dict[str, object]:
    """Give the SQL conditions that were asked for, each with its parameter."""
    asked = {
        "log_group = ?": group,
        "log_stream = ?": stream,
        "timestamp >= ?": since,
        "timestamp < ?": until,
    }
    return {condition: value for condition, value in asked.items() if value is not None}


def _where(conditions: dict[str, object]) -> tuple[str, list[object]]:
    if not conditions:
        return "", []
    return " WHERE " + " AND ".join(conditions), list(conditions.values())
