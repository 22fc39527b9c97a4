"""What Ctrl-C, a closed terminal and `kill` do: stop, put everything away, say nothing ugly."""

import os
import signal
import threading
import time
from types import FrameType

PATIENCE_SECONDS = 5.0
"""How long putting away may take before a further signal ends the process at once."""

_SOON_SECONDS = 0.01
_STATUS_BASE = 128


class Interrupts:
    """The signals that ask this process to end.

    The first one raises KeyboardInterrupt in the main thread, so that every `with` puts its
    things away: an execution environment left running would be worse than a moment's wait.
    Further ones are therefore ignored for `PATIENCE_SECONDS`; then they end the process.

    Attributes:
        status: The exit status the first one asks for, 128 and its number as shells have it; None
            while there has been none.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self._first = 0.0

    def take_over(self) -> None:
        """Handle them in this process from now on."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):  # Windows has no SIGHUP
                signal.signal(getattr(signal, name), self._handle)

    def redeliver(self) -> None:
        """Have the signal come again, where its exception came up in a place that cannot raise."""
        if self.status is not None:
            number, self.status = self.status - _STATUS_BASE, None
            threading.Timer(_SOON_SECONDS, signal.raise_signal, [number]).start()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        now = time.monotonic()
        if self.status is None:
            self.status, self._first = _STATUS_BASE + number, now
            raise KeyboardInterrupt
        if now - self._first > PATIENCE_SECONDS:
            os._exit(self.status)
