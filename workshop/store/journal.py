"""The journal: what is appended is kept before it is acknowledged.

A batch is one line of JSON, and one `write()` puts it into the page cache of the kernel: it
survives the death of this process, not a power cut (there is no fsync). A journal is a folder
of journal files. Each writer has one of its own, which it holds by `flock`, so that several
processes append to one folder without waiting for each other; a file that nobody holds is
complete, and is taken over into the database by whoever reads next.
"""

import fcntl
import json
import math
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from workshop.signals import LogEvent, SegmentDocument
from workshop.store.errors import StoreError

SUFFIX = ".ndjson"

# The types of a line, as DuckDB writes them. Short names: they are repeated in each line.
EVENT_TYPE = "STRUCT(g VARCHAR, s VARCHAR, t BIGINT, m VARCHAR)"
SEGMENT_TYPE = "STRUCT(t VARCHAR, i VARCHAR, p VARCHAR, n VARCHAR, b DOUBLE, e DOUBLE, d VARCHAR)"

_SURROGATE = re.compile("[\ud800-\udfff]")
_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


def line(
    ingestion_time: int, log_events: Sequence[LogEvent], segments: Sequence[SegmentDocument]
) -> bytes:
    """Write a batch as one line of JSON, in UTF-8.

    What JSON text cannot hold is replaced: a lone surrogate by U+FFFD, and a NaN or an infinity
    in a segment by null.
    """
    record = {
        "i": ingestion_time,
        "e": [
            {"g": event.log_group, "s": event.log_stream, "t": event.timestamp, "m": event.message}
            for event in log_events
        ],
        "s": [
            {
                "t": _string(document.get("trace_id")),
                "i": _string(document.get("id")),
                "p": _string(document.get("parent_id")),
                "n": _string(document.get("name")),
                "b": _float(document.get("start_time")),
                "e": _float(document.get("end_time")),
                "d": _document(document),
            }
            for document in segments
        ],
    }
    text = _encode(record) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def _document(document: SegmentDocument) -> str:
    """Write a segment document as JSON text; as text, so that it comes back as it was."""
    try:
        return _encode(document)
    except ValueError:
        return _encode(_finite(document))


def _finite(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and _float(value) is None:
        return None
    return value


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _float(value: object) -> float | None:
    """Give a number that is finite; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer beyond any float
        return None
    return number if math.isfinite(number) else None


class Journal:
    """The journal files in one folder, and the one among them that this process writes."""

    def __init__(self, folder: Path, *, file_bytes: int) -> None:
        """Make the folder when it is not there.

        Args:
            folder: Where the journal files lie.
            file_bytes: A file that has reached this size is closed and a new one begun.

        Raises:
            StoreError: When the folder cannot be made.
        """
        self.folder = folder
        self._file_bytes = file_bytes
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._make_folder()

    def append(self, batch: bytes) -> bool:
        """Keep one or more whole lines; on return they survive the death of this process.

        Returns:
            Whether a journal file has become full, so that absorbing would be worth while.

        Raises:
            StoreError: When they could not be kept. Then nothing of them is.
        """
        with self._lock:
            try:
                descriptor, size = self._open()
                try:
                    _write(descriptor, batch)
                except BaseException:  # Ctrl-C too may come between two halves
                    self._take_back(size)
                    raise
            except OSError as error:
                raise StoreError(
                    f"the telemetry could not be kept: {_reason(error)} ({self.folder})",
                    "make room or give permission, then try again; what was kept before is safe",
                ) from error
            if size + len(batch) < self._file_bytes:
                return False
            self._close()
            return True

    def finish(self) -> None:
        """Close the journal file in use, so that it can be absorbed."""
        with self._lock:
            self._close()

    def paths(self) -> list[Path]:
        """Name the journal files in order of creation, those in use included."""
        return sorted(self.folder.glob(f"*{SUFFIX}"))

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder for telemetry cannot be made: {_reason(error)} ({self.folder})"
            ) from error

    def _open(self) -> tuple[int, int]:
        """Give the descriptor of the journal file in use, or of a new one, and its size."""
        if self._descriptor is not None:
            status = os.fstat(self._descriptor)
            if status.st_nlink:
                return self._descriptor, status.st_size
            self._close()  # somebody has removed the file under us
        self._make_folder()
        while True:
            # In order of time; never the name of a file that was there before.
            name = f"{time.time_ns():020}-{os.urandom(6).hex()}{SUFFIX}"
            descriptor = os.open(
                self.folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644
            )
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                self._descriptor = descriptor
                return descriptor, 0
            os.close(descriptor)  # a reader took the empty file for a dead one in between

    def _take_back(self, size: int) -> None:
        """Cut off what a failed write has left, or leave the file: its torn end is cut later."""
        try:
            os.ftruncate(cast("int", self._descriptor), size)
        except OSError:
            self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            # Unlock first: a child that is being started holds a copy until its exec.
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def held(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Hold journal files that nobody writes any more, their torn ends cut off.

    Yields:
        Those of `paths` that are there, not in use, and not held by another absorber.
    """
    descriptors: list[int] = []
    kept: list[Path] = []
    try:
        for path in paths:
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDWR)
                descriptors.append(descriptor)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                _cut_torn_end(descriptor)
                kept.append(path)
        yield kept
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _write(descriptor: int, batch: bytes) -> None:
    """Write all of it: a disk that fills up takes a part first and fails on the rest."""
    written = os.write(descriptor, batch)
    while written < len(batch):
        written += os.write(descriptor, batch[written:])


def _cut_torn_end(descriptor: int) -> None:
    """Cut what follows the last newline: a batch that was never acknowledged."""
    size = end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - 65536)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
