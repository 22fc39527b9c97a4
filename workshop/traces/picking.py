"""A few traces out of many, for a person to look at.

Pure.
"""

import heapq
from collections.abc import Iterable

from workshop.traces.assembly import Trace
from workshop.traces.view import View


def newest(traces: Iterable[Trace], count: int = 1) -> list[Trace]:
    """Pick the traces that began last, newest first.

    Args:
        traces: Any number; only `count` are held at a time.
        count: How many at most.
    """
    return heapq.nlargest(count, traces, key=lambda trace: (trace.start_time, trace.id))


def slowest(traces: Iterable[Trace], count: int = 1) -> list[Trace]:
    """Pick the traces with the longest duration, slowest first; of equals the newest first.

    Args:
        traces: Any number; only `count` are held at a time.
        count: How many at most.
    """
    return heapq.nlargest(
        count, traces, key=lambda trace: (View(trace).duration, trace.start_time, trace.id)
    )
