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
_HOUR = 3600
_LARGE = 10_000


def listed(metrics: Sequence[Mapping[str, Any]], width: int) -> Text:
    """Draw which metrics there are."""
    if not metrics:
        return Text("no metrics yet: invoke the function first", "quiet")
    rows = [
        (printable(f"{one['Namespace']}/{one['MetricName']}"), _dimensions(one)) for one in metrics
    ]
    # The name is there to be typed: half of it is of no use.
    return table((Column("metric", whole=True), Column("dimensions", least=12)), rows, width)


def charts(
    metrics: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[int, float]],
    stat: str,
    period: int,
    width: int,
) -> Iterator[Text]:
    """Draw the values of metrics over time, each with a bar, and all over the same time.

    A metric whose values are those of the one before, under other dimensions, is only named.

    Args:
        metrics: Namespace, MetricName and Dimensions of each.
        results: Of each, start of the period, in seconds since the epoch, to value.
        stat: Which statistic they are.
        period: Seconds.
        width: Columns to draw in.
    """
    starts = [start for values in results for start in values]
    rows = range(min(starts, default=0), max(starts, default=-1) + 1, period)
    former: tuple[str, Mapping[int, float]] | None = None
    for metric, values in zip(metrics, results, strict=True):
        name = f"{metric['Namespace']}/{metric['MetricName']}"
        if values and former == (name, values):
            yield Text(f"  the same by {_dimensions(metric)}", "quiet")
            continue
        yield from _chart(metric, values, stat, period, rows, width)
        former = (name, values)


def _chart(
    metric: Mapping[str, Any],
    values: Mapping[int, float],
    stat: str,
    period: int,
    whole: Sequence[int],
    width: int,
) -> Iterator[Text]:
    note = ", ".join(filter(None, [_dimensions(metric), stat, f"per {_length(period)}"]))
    yield heading(printable(metric["MetricName"]), note)
    if not values:
        yield Text("  no data in that time", "quiet")
        return
    # A quiet period is a row too, so that down is time; where that would be too many, it is not.
    rows = whole if len(whole) <= MOST_ROWS else list(values)[-MOST_ROWS:]
    form = _form(rows, period)
    most = max(values[start] for start in rows if start in values)
    for start in rows:
        label = f"{datetime.fromtimestamp(start).astimezone():{form}}"
        figure = _figure(values[start]) if start in values else "-"
        yield bars.row(label, figure, values.get(start, 0), most=most, width=width)
    hidden = sum(start not in rows for start in values)
    if hidden:
        yield Text(f"  {hidden} earlier periods are not shown (--period)", "quiet")


def _form(starts: Sequence[int], period: int) -> str:
    """Return how to write the starts of periods: the day too where they are of several."""
    days = {datetime.fromtimestamp(start).astimezone().date() for start in starts}
    if len(days) > 1:
        return "%d %b %H:%M"
    return "%H:%M" if period % _MINUTE == 0 else "%H:%M:%S"


def _length(seconds: int) -> str:
    for unit, name in ((_HOUR, "h"), (_MINUTE, "min")):
        if seconds % unit == 0:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def _dimensions(metric: Mapping[str, Any]) -> str:
    pairs = (f"{one['Name']}={one['Value']}" for one in metric["Dimensions"])
    return printable(", ".join(pairs))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"
