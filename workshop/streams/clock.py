"""A clock that waits without anybody waiting."""

from __future__ import annotations

import time


class Clock:
    """The time of day, and what was skipped of it: a back-off of a minute takes no time.

    Args:
        start: Seconds since the epoch at which it stands still, but for waiting; None to go with
            the time of day.
    """

    def __init__(self, start: float | None = None) -> None:
        self._start = start
        self._skipped = 0.0

    def now(self) -> float:
        """Return seconds since the epoch."""
        return (time.time() if self._start is None else self._start) + self._skipped

    def wait(self, seconds: float) -> None:
        """Be so many seconds later."""
        self._skipped += max(0.0, seconds)

    def wait_until(self, moment: float) -> None:
        """Be at a moment, in seconds since the epoch, unless it is past."""
        self.wait(moment - self.now())

    def copy(self) -> Clock:
        """Return a clock that shows the same and goes its own way."""
        other = Clock(self._start)
        other.wait(self._skipped)
        return other


class RealClock(Clock):
    """The time of day, for those who send in it: a wait takes as long as it says."""

    def wait(self, seconds: float) -> None:
        """Wait so many seconds."""
        time.sleep(max(0.0, seconds))
