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
    period: int,
    since: int,
) -> int:
    """List the metrics, or show values and a chart of those that are named.

    Args:
        project: The checkout.
        screen: Where to draw.
        wanted: Metrics as NAMESPACE/NAME; each is shown for all its dimensions.
        stat: A CloudWatch statistic.
        period: Seconds.
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
        results = _values(client, chosen, stat=stat, period=period, since=since)
    for metric, values in zip(chosen, results, strict=True):
        screen.show(*drawing.chart(metric, values, stat, period, screen.width))
    return 0


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
            StartTime=now - since,
            EndTime=now + 1,
            ScanBy="TimestampAscending",
        ):
            points = zip(result["Timestamps"], result["Values"], strict=True)
            found[int(result["Id"][1:])].update(points)
    return found
