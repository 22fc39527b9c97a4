"""Metrics on the screen: a list, or values and a chart of bars."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from workshop.cli.render import bars
from workshop.cli.render.table import Column, table
from workshop.cli.render.telemetry import heading
from workshop.cli.render.text import printable

MOST_ROWS = 30
"""Periods drawn of one metric: the latest."""

_MINUTE = 60
_LARGE = 10_000


def listed(metrics: Sequence[Mapping[str, Any]], width: int) -> Text:
    """Draw which metrics there are."""
    if not metrics:
        return Text("no metrics yet: invoke the function first", "quiet")
    rows = [
        (printable(f"{one['Namespace']}/{one['MetricName']}"), _dimensions(one)) for one in metrics
    ]
    return table((Column("metric", least=20), Column("dimensions", least=12)), rows, width)


def chart(
    metric: Mapping[str, Any], values: Mapping[int, float], stat: str, period: int, width: int
) -> Iterator[Text]:
    """Draw the values of a metric over time, each with a bar.

    Args:
        metric: Namespace, MetricName and Dimensions.
        values: Start of the period, in seconds since the epoch, to value; oldest first.
        stat: Which statistic they are.
        period: Seconds.
        width: Columns to draw in.
    """
    note = ", ".join(filter(None, [_dimensions(metric), stat, f"per {period} s"]))
    yield heading(printable(metric["MetricName"]), note)
    if not values:
        yield Text("  no data in that time", "quiet")
        return
    shown = list(values.items())[-MOST_ROWS:]
    most = max(value for _, value in shown)
    for start, value in shown:
        moment = datetime.fromtimestamp(start).astimezone()
        label = f"{moment:%H:%M}" if period % _MINUTE == 0 else f"{moment:%H:%M:%S}"
        yield bars.row(label, _figure(value), value, most=most, width=width)
    if len(values) > len(shown):
        yield Text(f"  {len(values) - len(shown)} earlier periods are not shown", "quiet")


def _dimensions(metric: Mapping[str, Any]) -> str:
    pairs = (f"{one['Name']}={one['Value']}" for one in metric["Dimensions"])
    return printable(", ".join(pairs))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"
