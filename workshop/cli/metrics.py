"""`workshop metrics`: which metrics there are, and their values over time."""

import argparse
import difflib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from workshop.cli.connection import connected
from workshop.cli.project import Project
from workshop.cli.render import metrics as drawing
from workshop.cli.render.screen import Screen
from workshop.endpoint.client import Client
from workshop.errors import UsageError

Metric = Mapping[str, Any]

_QUERIES_AT_ONCE = 100
_MINUTE = 60
_HOUR = 60 * _MINUTE
_PERIODS = (
    *(minutes * _MINUTE for minutes in (1, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 6, 12, 24)),
)


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop metrics`."""
    return metrics(
        project,
        screen,
        options.metric,
        stat=options.stat or "Sum",
        period=options.period,
        since=options.since,
    )


def metrics(
    project: Project,
    screen: Screen,
    wanted: Sequence[str],
    *,
    stat: str,
    period: int | None,
    since: int,
) -> int:
    """List the metrics, or show values and a chart of those that are named.

    Args:
        project: The checkout.
        screen: Where to draw.
        wanted: Metrics as NAMESPACE/NAME; each is shown for all its dimensions.
        stat: A CloudWatch statistic.
        period: Seconds; None for one that shows all there is in few rows.
        since: How far back to look, in seconds.

    Returns:
        Exit status 0.
    """
    with connected(project) as client:
        there = list(client.pages("cloudwatch", "ListMetrics", "Metrics", "NextToken"))
        if not wanted:
            screen.show(drawing.listed(there, screen.width))
            return 0
        chosen = [metric for name in wanted for metric in _named(name, there)]
        used = period or _PERIODS[0]
        results = _values(client, chosen, stat=stat, period=used, since=since)
        if period is None and (suited := fitting(results)) != used:
            used = suited
            results = _values(client, chosen, stat=stat, period=used, since=since)
    screen.show(*drawing.charts(chosen, results, stat, used, screen.width))
    return 0


def fitting(results: Sequence[Mapping[int, float]]) -> int:
    """Return the shortest period by which the time from first to last value fits the screen."""
    starts = [start for values in results for start in values]
    if not starts:
        return _PERIODS[0]
    first, last = min(starts), max(starts)
    return next(
        (period for period in _PERIODS if last // period - first // period < drawing.MOST_ROWS),
        _PERIODS[-1],
    )


def _named(name: str, there: Sequence[Metric]) -> list[Metric]:
    found = [metric for metric in there if _name(metric) == name]
    if not found:
        close = difflib.get_close_matches(name, map(_name, there), n=1)
        look = f"did you mean {close[0]}?" if close else "workshop metrics lists those there are"
        raise UsageError(f"there is no metric “{name}”", look)
    return found


def _name(metric: Metric) -> str:
    return f"{metric['Namespace']}/{metric['MetricName']}"


def _values(
    client: Client, chosen: Sequence[Metric], *, stat: str, period: int, since: int
) -> list[dict[int, float]]:
    """Return each metric's values by the start of their period, oldest first."""
    now = time.time()
    start = (now - since) // period * period  # so that periods begin on the clock's own
    found: list[dict[int, float]] = [{} for _ in chosen]
    for first in range(0, len(chosen), _QUERIES_AT_ONCE):
        queries = [
            {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
            for number, metric in enumerate(chosen[first : first + _QUERIES_AT_ONCE], first)
        ]
        for result in client.pages(
            "cloudwatch",
            "GetMetricData",
            "MetricDataResults",
            "NextToken",
            MetricDataQueries=queries,
            StartTime=start,
            EndTime=now + 1,
            ScanBy="TimestampAscending",
        ):
            points = zip(result["Timestamps"], result["Values"], strict=True)
            found[int(result["Id"][1:])].update(points)
    return found
