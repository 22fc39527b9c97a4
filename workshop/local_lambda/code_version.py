"""Notices that the code of a function has changed on disk."""

import os
import time
from pathlib import Path

_SUFFIXES = (".py", ".json")
_REST = 20

_Stamp = tuple[int, int, int]


class CodeVersion:
    """A counter that goes up when a `.py` or `.json` file below a folder changes, comes or goes.

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
        for folder, subfolders, names in os.walk(self._folder):
            subfolders[:] = [n for n in subfolders if n != "__pycache__" and not n.startswith(".")]
            self._folders[folder] = _stamp(folder)
            for name in names:
                if name.endswith(_SUFFIXES):
                    path = f"{folder}/{name}"
                    self._files[path] = _stamp(path)


def _stamp(path: str) -> _Stamp | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - on every invocation, and Path is five times slower
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
