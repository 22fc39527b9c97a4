"""Saves: which files of a folder changed, told once each time they have settled."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from workshop.local_lambda.code_version import deployed_files

POLL_SECONDS = 0.2
_SETTLE_SECONDS = 0.05
_MISSING_SECONDS = 1.0
_TICK_MILLISECONDS = 1000

Snapshot: TypeAlias = dict[Path, tuple[int, int, int]]


def snapshot(folder: Path) -> Snapshot:
    """Look at a folder's files: inode, size and time of the last change of each."""
    found: Snapshot = {}
    for parent, names in deployed_files(folder):
        for path in (Path(parent, name) for name in names):
            try:
                status = path.stat()
            except OSError:  # between the old file's going and the new one's coming
                continue
            found[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def changes(folder: Path, before: Snapshot, *, poll: bool) -> Iterator[tuple[Path, ...]]:
    """Wait for saves, for ever.

    Args:
        folder: What to watch. It may vanish for a while.
        before: How it looked when it was last acted upon, so that nothing saved since is missed.
        poll: Whether to look now and then, and not to ask the system to tell.

    Yields:
        The files changed, added or removed, once they have been still for a moment.
    """
    for _ in _moments(folder, poll=poll):
        after = snapshot(folder)
        if after == before:
            continue
        after = _settled(folder, before, after)
        changed = [
            path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
        ]
        before = after
        if changed:
            yield tuple(sorted(changed))


def _settled(folder: Path, before: Snapshot, after: Snapshot) -> Snapshot:
    """Wait until nothing changes, and for a file that has gone to come back.

    Many editors save by writing a new file and renaming it over the old one.
    """
    patience = time.monotonic() + _MISSING_SECONDS
    while True:
        time.sleep(_SETTLE_SECONDS)
        latest = snapshot(folder)
        missing = before.keys() - latest.keys()
        if latest == after and (not missing or time.monotonic() > patience):
            return latest
        after = latest


def _moments(folder: Path, *, poll: bool) -> Iterator[None]:
    """Give moments at which to look: when the system tells of something, and now and then."""
    if not poll:
        # Where no watches are left, or the disk cannot tell, we look by ourselves.
        with suppress(ImportError, OSError, RuntimeError):
            yield from _told(folder)
    while True:
        time.sleep(POLL_SECONDS)
        yield


def _told(folder: Path) -> Iterator[None]:
    from watchfiles import watch  # without it, polling is as good

    # The folder above, since a folder put in the place of the old one would not be seen otherwise.
    for _ in watch(
        folder.parent,
        watch_filter=None,
        debounce=100,
        step=20,
        rust_timeout=_TICK_MILLISECONDS,
        yield_on_timeout=True,
        raise_interrupt=True,
    ):
        yield
