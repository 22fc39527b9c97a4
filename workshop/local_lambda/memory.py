"""How much memory a process group has used at most."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

_PS_REST_SECONDS = 0.5


class MemoryGauge:
    """Peak resident memory of a process and what it has started, in bytes.

    On Linux the kernel keeps the peak of each process; that of the children is sampled. On macOS
    the whole is sampled, and rarely, since `ps` has to be asked.
    """

    def __init__(self, process_id: int) -> None:
        self._process_id = process_id
        self._peak = 0
        self._children_peak = 0
        self._next_ps = 0.0
        self._status: int | None = None
        with contextlib.suppress(OSError):
            self._status = os.open(f"/proc/{process_id}/status", os.O_RDONLY)

    def peak(self) -> int:
        """Return the peak so far."""
        if self._status is not None:
            with contextlib.suppress(OSError):
                self._peak = max(self._peak, _high_water(os.pread(self._status, 4096, 0)))
        elif sys.platform == "darwin":
            self._ask_ps()
        return self._peak + self._children_peak

    def sample(self) -> int:
        """Look at the children too, which takes longer; return the peak so far."""
        if self._status is not None:
            children = sum(_resident(child) for child in _descendants(self._process_id))
            self._children_peak = max(self._children_peak, children)
        return self.peak()

    def close(self) -> None:
        """Let go of the process."""
        if self._status is not None:
            os.close(self._status)
            self._status = None

    def _ask_ps(self) -> None:
        now = time.monotonic()
        if now < self._next_ps:
            return
        self._next_ps = now + _PS_REST_SECONDS
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            table = subprocess.run(
                ["ps", "-axo", "pgid=,rss="], capture_output=True, text=True, timeout=1, check=True
            ).stdout
            rows = (line.split() for line in table.splitlines())
            group = str(self._process_id)
            self._peak = max(
                self._peak, sum(int(rss) * 1024 for pgid, rss in rows if pgid == group)
            )


def _high_water(status: bytes) -> int:
    at = status.find(b"VmHWM:")
    return int(status[at + 6 : status.index(b"kB", at)]) * 1024 if at >= 0 else 0


def _descendants(process_id: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process_id}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _resident(process_id: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0
