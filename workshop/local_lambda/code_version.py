"""Notices that the code of a function has changed on disk, or what else is deployed with it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

_REST = 20
_MOUNTS = "mnt"

_Stamp = tuple[int, int, int]


def deployed_files(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Name the files of a folder of code that a deployment takes along, whatever they hold.

    That is all but what is hidden, what Python compiled, what an editor sets aside, and what lies
    in `mnt`: it stands for the file systems that Lambda mounts at `/mnt`, and keeps no code.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem.html

    Yields:
        The path of a folder, of `folder` itself first, and the names of its files.
    """
    for path, subfolders, names in os.walk(folder):
        top = not path[len(str(folder)) :]
        subfolders[:] = [
            name
            for name in subfolders
            if name != "__pycache__" and name[0] != "." and not (top and name == _MOUNTS)
        ]
        yield path, [name for name in names if name[0] not in ".#" and name[-1] != "~"]


class CodeVersion:
    """A counter that goes up when one of a folder's `deployed_files` changes, comes or goes.

    It looks again only after a rest of twenty times what the last look took, so that looking costs
    at most a twentieth of the time, however large the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._folders: dict[str, _Stamp | None] = {}
        self._files: dict[str, _Stamp | None] = {}
        self._walk()
        self._next_look = 0.0

    def current(self) -> int:
        """Return the number of the code that is on disk now."""
        started = time.perf_counter()
        if started >= self._next_look:
            # A folder's own stamp changes when an entry comes or goes, whatever entry it is.
            seen = (self._files | self._folders).items()
            if any(_stamp(path) != stamp for path, stamp in seen):
                before = self._files
                self._walk()
                self._number += self._files != before
            ended = time.perf_counter()
            self._next_look = ended + _REST * (ended - started)
        return self._number

    def _walk(self) -> None:
        self._folders, self._files = {}, {}
        for folder, names in deployed_files(self._folder):
            self._folders[folder] = _stamp(folder)
            for name in names:
                path = f"{folder}/{name}"
                self._files[path] = _stamp(path)


def _stamp(path: str) -> _Stamp | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - on every invocation, and Path is five times slower
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
