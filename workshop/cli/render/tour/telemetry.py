"""What a picture is drawn from: all that was left behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from workshop.signals import DataPoint, LogEvent
from workshop.traces import Trace


@dataclass(frozen=True)
class Telemetry:
    """All that the store holds of one step's traffic.

    Attributes:
        log_events: In the order they happened.
        points: The data points read from them.
        traces: Assembled from the segments.
    """

    log_events: Sequence[LogEvent]
    points: Sequence[DataPoint]
    traces: Sequence[Trace]
