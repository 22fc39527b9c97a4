"""What Ctrl-C, a closed terminal and `kill` do: stop, put everything away, say nothing ugly."""

import os
import signal
import time
from types import FrameType

PATIENCE_SECONDS = 5.0
"""How long putting away may take before a further Ctrl-C ends the process at once."""

_STATUS_BASE = 128

_first: list[float] = []


def take_over() -> None:
    """Handle SIGINT, and SIGTERM and SIGHUP like it, in this process from now on.

    The first one raises in the main thread, so that every `with` puts its things away: an
    execution environment left running would be worse than a moment's wait. Further ones are
    therefore ignored for `PATIENCE_SECONDS`; then they end the process.
    """
    signal.signal(signal.SIGINT, _handle)
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _handle)


def interrupted() -> bool:
    """Whether Ctrl-C came, even if a library on the way swallowed the exception."""
    return bool(_first)


def _handle(number: int, frame: FrameType | None) -> None:
    del frame
    now = time.monotonic()
    if not _first:
        _first.append(now)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(_STATUS_BASE + number)
    if now - _first[0] > PATIENCE_SECONDS:
        os._exit(_STATUS_BASE + number)
