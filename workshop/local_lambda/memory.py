"""How much memory a process and what it has started have used at most."""

import contextlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

# A look at the children lasts as long as there are pages, so that they are left in peace for nine
# times as long: a tenth of a core at most.
_REST = 9


class _Kernel(Protocol):
    """What the system says of a process and of its children, in bytes."""

    def high_water(self) -> int:
        """Return the most that the process itself has used so far; quick."""

    def children(self) -> list[int]:
        """Return the ids of its children, and of theirs; quick."""

    def used(self, process_ids: list[int]) -> int:
        """Return what processes use now. It takes its time, and may be called in any thread."""

    def close(self) -> None:
        """Let go of the process."""


class MemoryGauge:
    """Peak memory of a process and of what it has started, in bytes.

    The kernel keeps the peak of the process itself. Once it has children, all of them are looked at
    now and then, in a thread: whoever waits for an answer, or measures one, is not held up.
    """

    def __init__(self, process_id: int) -> None:
        self._process_id = process_id
        self._kernel: _Kernel
        if sys.platform == "darwin":
            from workshop.local_lambda.macos_memory import MacOSMemory

            self._kernel = MacOSMemory(process_id)
        else:
            self._kernel = _LinuxMemory(process_id)
        self._family_peak = 0
        self._next_look = 0.0
        self._look: threading.Thread | None = None

    def peak(self) -> int:
        """Return the peak so far, that of the children as it was when they were last looked at."""
        return max(self._kernel.high_water(), self._family_peak)

    def sample(self) -> int:
        """Begin a look at the children, if there are any and it is time; return the peak so far."""
        looking = self._look is not None and self._look.is_alive()
        if not looking and time.monotonic() >= self._next_look:
            children = self._kernel.children()
            if children:
                self._look = threading.Thread(
                    target=self._look_at,
                    args=([self._process_id, *children],),
                    name=f"memory of {self._process_id}",
                    daemon=True,
                )
                self._look.start()
        return self.peak()

    def close(self) -> None:
        """Let go of the process."""
        self._kernel.close()

    def _look_at(self, family: list[int]) -> None:
        begun = time.monotonic()
        self._family_peak = max(self._family_peak, self._kernel.used(family))
        ended = time.monotonic()
        self._next_look = ended + _REST * (ended - begun)


class _LinuxMemory:
    """As /proc tells it.

    A process alone is judged by its resident set. A page that a forked child shares would be in the
    resident set of each: several are judged by their proportional set sizes, for which the kernel
    visits every page (12 ms for 60 MB).
    https://docs.kernel.org/filesystems/proc.html
    """

    def __init__(self, process_id: int) -> None:
        self._process_id = process_id
        self._peak = 0
        self._status: int | None = None
        with contextlib.suppress(OSError):
            self._status = os.open(f"/proc/{process_id}/status", os.O_RDONLY)

    def high_water(self) -> int:
        if self._status is not None:
            with contextlib.suppress(OSError):
                status = os.pread(self._status, 4096, 0)
                self._peak = max(self._peak, _kilobytes(status, b"VmHWM:"))
        return self._peak

    def children(self) -> list[int]:
        return _descendants(self._process_id)

    def used(self, process_ids: list[int]) -> int:
        return sum(_proportional_set_size(process_id) for process_id in process_ids)

    def close(self) -> None:
        if self._status is not None:
            os.close(self._status)
            self._status = None


def _descendants(process_id: int) -> list[int]:
    tasks: list[Path] = []
    with contextlib.suppress(OSError):  # it ends while it is looked at
        tasks = list(Path(f"/proc/{process_id}/task").iterdir())
    found = []
    for task in tasks:
        with contextlib.suppress(OSError):
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _proportional_set_size(process_id: int) -> int:
    with contextlib.suppress(OSError):  # it has ended, perhaps while it was read
        return _kilobytes(Path(f"/proc/{process_id}/smaps_rollup").read_bytes(), b"\nPss:")
    return 0


def _kilobytes(text: bytes, name: bytes) -> int:
    """Return a figure of a file of /proc in bytes; 0 where it is not, as of a process that ends."""
    at = text.find(name)
    return int(text[at + len(name) : text.index(b"kB", at)]) * 1024 if at >= 0 else 0
