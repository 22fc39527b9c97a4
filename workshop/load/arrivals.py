"""When events arrive: a Poisson process over a window, with the rhythm of a day. Pure.

The rate is the mean over the window, whatever the hour: the rhythm only shares the arrivals out. So
the same seed gives the same number of arrivals at four in the morning and at noon, and figures can
be compared from one day to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import accumulate
from math import exp
from random import Random
from typing import NamedTuple

FLAT: tuple[float, ...] = (1.0,)
"""A rhythm without one: every hour is alike."""

DAILY: tuple[float, ...] = (
    *(0.45, 0.30, 0.22, 0.18, 0.18, 0.25),
    *(0.40, 0.65, 0.90, 1.05, 1.15, 1.25),
    *(1.40, 1.30, 1.15, 1.15, 1.20, 1.35),
    *(1.55, 1.70, 1.75, 1.55, 1.20, 0.75),
)
"""What shops see: the factor of each local hour, from midnight; their mean is about 1."""

_STEP_SECONDS = 60


class Timed(NamedTuple):
    """An event and when it arrives.

    Attributes:
        at: Seconds since the epoch.
        event: What is sent.
    """

    at: float
    event: object


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time.

    Attributes:
        start: Seconds since the epoch.
        end: Seconds since the epoch; it is not part of the window.
    """

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    def part(self, begin: float, end: float) -> "Window":
        """Return a part, named by fractions of the whole: `part(1 / 3, 1 / 2)`."""
        return Window(self.start + begin * self.seconds, self.start + end * self.seconds)


def arrivals(
    seed: int,
    window: Window,
    per_minute: float,
    *,
    rhythm: Sequence[float] = FLAT,
    zone: tzinfo | None = UTC,
) -> list[float]:
    """Draw arrival times.

    Args:
        seed: The same seed gives as many arrivals in any window of that length, and with a flat
            rhythm the same distances from its start.
        window: When they arrive.
        per_minute: How many a minute, on average over the window.
        rhythm: A factor for each of 24 local hours, such as `DAILY`; or `FLAT`.
        zone: The time zone of those hours; None for the machine's own.

    Returns:
        Seconds since the epoch, in order, in milliseconds' steps.
    """
    random = Random(f"arrivals {seed}")  # Not a secret: reproducible traffic.
    count = _poisson(random, per_minute * window.seconds / 60)
    shares = sorted(random.random() for _ in range(count))
    steps = max(1, round(window.seconds / _STEP_SECONDS))
    length = window.seconds / steps
    weights = [
        rhythm[_hour(window.start + (step + 0.5) * length, zone) % len(rhythm)]
        for step in range(steps)
    ]
    sums = [0.0, *accumulate(weights)]
    times, step = [], 0
    for share in shares:
        wanted = share * sums[-1]
        while step < steps - 1 and sums[step + 1] <= wanted:
            step += 1
        within = (wanted - sums[step]) / (weights[step] or 1.0)
        # Cut, not rounded: the window's end is no part of it.
        times.append(int((window.start + (step + within) * length) * 1000) / 1000)
    return times


def _hour(at: float, zone: tzinfo | None) -> int:
    moment = datetime.fromtimestamp(at, tz=UTC)
    return moment.astimezone(zone).hour


def _poisson(random: Random, mean: float) -> int:
    """Draw how many: by Knuth's product in parts small enough for a float."""
    count = 0
    while mean > 0:
        part = min(mean, 500.0)
        limit, product = exp(-part), random.random()
        while product > limit:
            count += 1
            product *= random.random()
        mean -= part
    return count
