"""The database: DuckDB, opened only while it is in use.

DuckDB lets one process have a file, so nobody keeps it: the simplest rule by which two
`workshop run` in two terminals both work and are both found later. Opening and closing cost
about 12 ms together, so a caller with several readings to make nests them in one `use()`.

Log events are kept as text. Measured on 200,000 Lambda log events, two cores: absorbing takes
170,000 events/s with text alone; a count by `level` with JSON extraction then takes 0.025 s,
against 0.005 s from a VARIANT column, whose making takes 1.0 s more (and would halve the speed
of absorbing). A VARIANT can be made from `message` at any time: whoever needs it adds it.
"""

# ruff: noqa: S608 - only names of our own are put into SQL; values are parameters

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workshop.store.errors import StoreError
from workshop.store.journal import EVENT_TYPE, SEGMENT_TYPE, held

if TYPE_CHECKING:
    import duckdb

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_events (
    id BIGINT NOT NULL,              -- 1, 2, 3, ... in order of arrival; no other ever has it
    ingestion_time BIGINT NOT NULL,  -- milliseconds since the epoch, as is timestamp
    log_group VARCHAR NOT NULL,
    log_stream VARCHAR NOT NULL,
    timestamp BIGINT NOT NULL,
    message VARCHAR NOT NULL,
    size INTEGER                     -- bytes of message, for what a query is told it scanned
);
CREATE TABLE IF NOT EXISTS segments (
    number BIGINT NOT NULL,          -- in order of arrival
    ingestion_time BIGINT NOT NULL,
    trace_id VARCHAR,
    id VARCHAR,
    parent_id VARCHAR,
    name VARCHAR,
    start_time DOUBLE,               -- seconds since the epoch, as is end_time
    end_time DOUBLE,
    document VARCHAR NOT NULL        -- JSON
);
CREATE TABLE IF NOT EXISTS deleted (last_id BIGINT NOT NULL);  -- the last id when some were deleted
CREATE TABLE IF NOT EXISTS absorbed (name VARCHAR NOT NULL);  -- journal files taken over
"""

_FROM_FILES = (
    "read_json(?, format = 'newline_delimited', maximum_object_size = ?, columns = "
    f"{{'i': 'BIGINT', 'e': '{EVENT_TYPE}[]', 's': '{SEGMENT_TYPE}[]'}})"
)
_FROM_LINES = (
    "(SELECT unnest(from_json(line, "
    f"""'{{"i": "BIGINT", "e": ["{EVENT_TYPE}"], "s": ["{SEGMENT_TYPE}"]}}')) """
    "FROM (SELECT unnest(?::VARCHAR[]) AS line))"
)

_LAST_ID = (
    "SELECT greatest((SELECT coalesce(max(id), 0) FROM log_events), "
    "(SELECT coalesce(max(last_id), 0) FROM deleted))"
)

# Files for one transaction: each is held open meanwhile, and macOS allows a process 256.
_FILES_AT_ONCE = 64
# Lines for one statement: DuckDB's time for a list of long strings grows faster than the list.
_LINES_AT_ONCE = 500
# What `read_json` allows a line without being told, and a line may be as long as its file.
_MINIMUM_OBJECT_BYTES = 16 * 1024 * 1024

# DuckDB keeps what it has read while it is open, up to four fifths of the machine's memory. On ten
# million log events one gibibyte is as quick as all of it; reading journals takes 32 MB a core.
_MOST_GIBIBYTES = 2

_POLL_SECONDS = 0.005


class Database:
    """The tables, and the absorbing of journal lines into them. Thread-safe."""

    def __init__(self, path: Path | None, *, patience_seconds: float) -> None:
        """Do nothing yet: DuckDB is imported and the file opened at the first use.

        Args:
            path: The database file; None keeps it in memory, for as long as `close` is not
                called.
            patience_seconds: How long to wait for a process that has the file.
        """
        self._path = path
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._closed = threading.Condition(self._lock)
        # The lock guards these three.
        self._users = 0
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._gate: int | None = None
        self._absorbing = threading.Lock()
        self._own = threading.local()  # how deep the uses of a thread are nested

    @contextmanager
    def use(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Have the database open; uses may nest, and run in several threads at once.

        Where another process waits for the file, a new use lets it go first, as far as patience
        goes: uses that overlap would keep the file for ever.

        Yields:
            A connection of its own to each user.

        Raises:
            StoreError: When the file is in use for too long, damaged, or not to be opened.
        """
        depth = getattr(self._own, "depth", 0)
        with self._lock:
            if not depth:
                self._let_others_go_first()
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection.cursor()
            self._users += 1
        self._own.depth = depth + 1
        try:
            yield connection
        except RuntimeError as error:
            if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C
                raise KeyboardInterrupt from error
            raise
        finally:
            self._own.depth = depth
            connection.close()
            with self._lock:
                self._users -= 1
                if not self._users and self._path is not None:
                    self._close()

    def close(self) -> None:
        """Let go of a database in memory, and of all that is in it."""
        with self._lock:
            if not self._users:
                self._close()

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Read rows.

        Raises:
            StoreError: When the database failed.
        """
        import duckdb

        with self.use() as connection:
            try:
                return connection.execute(query, parameters).fetchall()
            except duckdb.Error as error:
                raise _failure(error) from error

    def delete(self, group: str) -> None:
        """Delete the log events of a log group, for good; their ids are not given again.

        Raises:
            StoreError: When that failed.
        """
        import duckdb

        with self.use() as connection, self._absorbing:
            try:
                connection.execute("BEGIN")
                connection.execute(f"INSERT INTO deleted {_LAST_ID}")
                connection.execute("DELETE FROM log_events WHERE log_group = ?", [group])
                connection.execute("COMMIT")
            except duckdb.Error as error:
                with suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                raise _failure(error) from error

    def absorb_lines(self, lines: Sequence[str]) -> None:
        """Take journal lines over, all or none.

        Raises:
            StoreError: When that failed.
        """
        with self.use() as connection, self._absorbing:
            chunks: list[list[object]] = [
                [list(lines[start : start + _LINES_AT_ONCE])]
                for start in range(0, len(lines), _LINES_AT_ONCE)
            ]
            self._transfer(connection, _FROM_LINES, chunks)

    def absorb_files(self, find: Callable[[], list[Path]]) -> None:
        """Take over the journal files that nobody writes any more, each exactly once.

        A file's name is recorded in the transaction that takes over its content, and the file
        is removed after that: whenever this process dies, what comes next finds either the
        file and no record of it, or a record.

        Args:
            find: Gives the journal files, those in use included: they are passed over. Called
                when no other process can absorb.

        Raises:
            StoreError: When the database failed; the files are still there then. Or when a file
                was damaged; it has been set aside then, and the others are absorbed.
        """
        with self.use() as connection, self._absorbing:
            paths = find()
            self._forget(paths)
            damaged: list[Path] = []
            try:
                for start in range(0, len(paths), _FILES_AT_ONCE):
                    with held(paths[start : start + _FILES_AT_ONCE]) as files:
                        damaged += self._absorb_held(connection, files)
            except OSError as error:
                raise StoreError(
                    f"the journal of telemetry cannot be read: {error.strerror} ({error.filename})"
                ) from error
        if damaged:
            names = ", ".join(str(path) for path in damaged)
            raise StoreError(
                f"a part of the journal of telemetry was damaged and has been set aside: {names}",
                "all else has been kept: type the same again",
            )

    def _forget(self, paths: Sequence[Path]) -> None:
        """Forget the names of files that are gone: no file gets a name again."""
        self.rows(
            "DELETE FROM absorbed WHERE NOT list_contains(?::VARCHAR[], name)",
            [[path.name for path in paths]],
        )

    def _absorb_held(
        self, connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]
    ) -> list[Path]:
        """Absorb files and remove them.

        Returns:
            What the damaged ones among them are called now.
        """
        known = {name for (name,) in self.rows("SELECT name FROM absorbed")}
        sizes = {path: path.stat().st_size for path in files if path.name not in known}
        new = [path for path, size in sizes.items() if size]
        object_bytes = max(_MINIMUM_OBJECT_BYTES, *sizes.values(), 0) + 1
        damaged: list[Path] = []
        if new:
            try:
                self._transfer_files(connection, new, object_bytes)
            except StoreError as failure:
                if not isinstance(failure.__cause__, _damage()):
                    raise
                damaged = self._transfer_singly(connection, new, object_bytes)
        for path in files:
            with suppress(OSError):  # its name is recorded: it will not be taken twice
                path.unlink()
        return damaged

    def _transfer_files(
        self, connection: "duckdb.DuckDBPyConnection", files: Sequence[Path], object_bytes: int
    ) -> None:
        parameters = [[str(path) for path in files], object_bytes]
        self._transfer(connection, _FROM_FILES, [parameters], [path.name for path in files])

    def _transfer_singly(
        self, connection: "duckdb.DuckDBPyConnection", files: Sequence[Path], object_bytes: int
    ) -> list[Path]:
        """Take over the files that can be read, and set the others aside.

        Returns:
            What the damaged files are called now.
        """
        damaged = []
        for path in files:
            try:
                self._transfer_files(connection, [path], object_bytes)
            except StoreError as failure:
                if not isinstance(failure.__cause__, _damage()):
                    raise
                damaged.append(path.replace(path.with_suffix(".damaged")))
        return damaged

    def _transfer(
        self,
        connection: "duckdb.DuckDBPyConnection",
        source: str,
        batches: Sequence[list[object]],
        names: Sequence[str] = (),
    ) -> None:
        """Take over what `source` gives for each of `batches` of parameters, all or nothing."""
        import duckdb

        try:
            connection.execute("BEGIN")
            for parameters in batches:
                connection.execute(
                    f"INSERT INTO log_events SELECT ({_LAST_ID}) "
                    "+ row_number() OVER (), i, e.g, e.s, e.t, e.m, strlen(e.m) "
                    f"FROM (SELECT i, unnest(e) AS e FROM {source})",
                    parameters,
                )
                connection.execute(
                    "INSERT INTO segments SELECT (SELECT coalesce(max(number), 0) FROM segments) "
                    "+ row_number() OVER (), i, s.t, s.i, s.p, s.n, s.b, s.e, s.d "
                    f"FROM (SELECT i, unnest(s) AS s FROM {source})",
                    parameters,
                )
            if names:
                connection.execute("INSERT INTO absorbed SELECT unnest(?)", [list(names)])
            connection.execute("COMMIT")
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            raise _failure(error) from error

    def _open(self) -> "duckdb.DuckDBPyConnection":
        import duckdb

        if self._path is None:
            return _connect(":memory:")
        self._enter(self._path)
        try:
            if not self._path.exists():
                _create(self._path)
            return _connect(self._path)
        except BaseException as error:  # Ctrl-C too must not leave the gate shut
            self._leave()
            if not isinstance(error, duckdb.Error | OSError):
                raise
            raise StoreError(
                f"the database of telemetry cannot be opened: {_first_line(error)}",
                # DuckDB's errors have no number.
                "make room on the disk, then try again"
                if "No space left" in str(error)
                else f"close what else has it open, or move {self._path} away to begin a new one",
            ) from error

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.close()
        finally:
            self._leave()
            self._closed.notify_all()

    def _enter(self, path: Path) -> None:
        """Wait for our turn.

        Who waits at the gate stands in the turnstile before it: so none that has just left the gate
        is back before one that waits, and who has the gate can tell that another waits.
        """
        deadline = time.monotonic() + self._patience_seconds
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            turnstile = _acquire(path.with_suffix(".turn"), deadline)
            try:
                self._gate = _acquire(path.with_suffix(".lock"), deadline)
            finally:
                _release(turnstile)
        except TimeoutError:
            raise StoreError(
                "another workshop command has been using the telemetry for "
                f"{self._patience_seconds:.0f} seconds",
                "wait for it to end, then try again",
            ) from None
        except OSError as error:
            raise StoreError(
                f"the database of telemetry cannot be opened: {error.strerror} ({path})"
            ) from error

    def _let_others_go_first(self) -> None:
        deadline = time.monotonic() + self._patience_seconds
        while self._connection is not None and self._is_awaited() and time.monotonic() < deadline:
            self._closed.wait(_POLL_SECONDS)

    def _is_awaited(self) -> bool:
        """Tell whether another process waits for the file that we have."""
        if self._path is None:
            return False
        try:
            _release(_acquire(self._path.with_suffix(".turn"), deadline=0))
        except TimeoutError:
            return True
        except OSError:  # such as no descriptors left
            return False
        return False

    def _leave(self) -> None:
        if self._gate is not None:
            _release(self._gate)
            self._gate = None


def _acquire(path: Path, deadline: float) -> int:
    """Take a lock file, which the kernel takes back from a process that dies.

    Returns:
        Its descriptor.

    Raises:
        TimeoutError: Others had it until the deadline.
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise TimeoutError from None
                time.sleep(_POLL_SECONDS)
            else:
                return descriptor
    except BaseException:
        os.close(descriptor)
        raise


def _release(descriptor: int) -> None:
    # Unlock first: a child that is being started holds a copy until its exec.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _connect(path: Path | str) -> "duckdb.DuckDBPyConnection":
    """Open a database and see to it that the tables are there."""
    import duckdb

    connection = duckdb.connect(path)
    try:
        _bound_memory(connection)
        connection.execute(_SCHEMA)
        try:
            connection.execute("SELECT size FROM log_events LIMIT 0")
        except duckdb.BinderException:  # made before there was such a column
            connection.execute("ALTER TABLE log_events ADD COLUMN size INTEGER")
            connection.execute("UPDATE log_events SET size = strlen(message)")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make a database under another name, then rename it.

    DuckDB cannot open a file whose making was cut short, by `kill -9` or a full disk.
    """
    unfinished = path.with_suffix(".new")
    for leftover in (unfinished, unfinished.with_name(f"{unfinished.name}.wal")):
        leftover.unlink(missing_ok=True)
    _connect(unfinished).close()
    unfinished.replace(path)


def _damage() -> tuple[type[Exception], ...]:
    """Name the errors that tell of a file's content, and not of the disk or the database."""
    import duckdb

    return duckdb.InvalidInputException, duckdb.DataError, duckdb.IntegrityError


def _failure(error: "duckdb.Error") -> StoreError:
    return StoreError(
        f"the database of telemetry failed: {_first_line(error)}",
        "nothing that was acknowledged is lost: the journal beside the database keeps it",
    )


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _bound_memory(connection: "duckdb.DuckDBPyConnection") -> None:
    """Lower how much memory DuckDB may take, never raise it: a container may have little."""
    allowed = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    number, unit = str(allowed).split()
    if unit == "TiB" or (unit == "GiB" and float(number) > _MOST_GIBIBYTES):
        connection.execute(f"SET memory_limit = '{_MOST_GIBIBYTES}GiB'")
