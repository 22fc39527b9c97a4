"""Step 04 in the tour: percentiles minute by minute, and what the alarms made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.bars import EMPTY, FULL
from workshop.cli.render.text import asked, cut, labelled, printable
from workshop.metrics.alarms import history
from workshop.metrics.query import get_metric_data
from workshop.metrics.series import MINUTE, Catalogue
from workshop.metrics.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workshop.cli.render.tour.telemetry import Telemetry
    from workshop.metrics.alarms import Alarm
    from workshop.signals import DataPoint

METRIC = "ChargeDuration"

_LEVELS = "▁▂▃▄▅▆▇█"
_LABEL = 18
_FIGURE = 18
_NEAR = 0.2
_SLOW_MS = 500


def percentiles(telemetry: Telemetry, alarms: Sequence[Alarm], width: int) -> Iterator[Text]:
    """Draw durations minute by minute, the average beside p99, and what the alarms made of them."""
    points = [point for point in telemetry.points if point.name == METRIC]
    if not points:
        return
    times = [point.timestamp // 1000 for point in points]
    start = min(times) // MINUTE * MINUTE
    minutes = range(start, max(times) + 1, MINUTE)
    catalogue = Catalogue(telemetry.points)
    lines = _Lines(minutes, width)
    title = f"ChargeDuration, minute by minute ({len(minutes)}), and the alarm on it"
    slow = [one for one in alarms if METRIC in {metric.name for metric in one.metrics}]
    yield asked("metric", title, width)
    average = _values(points, minutes, lambda values: sum(values) / len(values))
    worst = _values(points, minutes, lambda values: percentile(values, 99))
    most = max(worst.values())
    yield lines.values("Average", average, most, f"{max(average.values()):,.0f} ms at most")
    yield lines.values("p99", worst, most, f"{most:,.0f} ms at most", "warn")
    for alarm in slow:
        yield lines.states(alarm, catalogue)
    yield Text()
    yield _told(points, max(worst, key=lambda at: average[at]), width)
    for alarm in alarms:
        if alarm in slow:
            continue
        yield Text()
        yield asked("math", _expression(alarm), width)
        readings = _readings(alarm, catalogue, minutes)
        peak = max(readings.values(), default=0)
        yield lines.values("percent", readings, peak, f"{peak:,.0f}% at most")
        yield lines.states(alarm, catalogue)


class _Lines:
    """Lines with one column, or some, for each minute, all lined up."""

    def __init__(self, minutes: range, width: int) -> None:
        self._minutes = minutes
        self._width = width
        room = width - _LABEL - 2 - _FIGURE
        self._each = max(1, min(2, room // len(minutes)))

    def values(
        self, label: str, values: Mapping[int, float], most: float, figure: str, style: str = "bar"
    ) -> Text:
        """Draw how a value goes up and down; `most` is as high as a line gets."""
        drawn = "".join(
            (_level(values[at], most) if at in values else " ") * self._each for at in self._minutes
        )
        return self._line(label, Text(drawn, style), figure)

    def states(self, alarm: Alarm, catalogue: Catalogue) -> Text:
        """Draw when an alarm is in ALARM; a minute shows the state at its end."""
        first, last = self._minutes[0], self._minutes[-1] + MINUTE
        past = history(alarm, catalogue, first, last)
        drawn, off = Text(), 0
        for at in self._minutes:
            state = "INSUFFICIENT_DATA"
            for _, after in past.updates:
                if after.timestamp <= at + MINUTE:
                    state = after.state
            off += state == "ALARM"
            mark, style = (FULL, "bar.bad") if state == "ALARM" else (EMPTY, "quiet")
            drawn.append(mark * self._each, style)
        return self._line(alarm.name, drawn, f"ALARM for {off} min" if off else "stays OK")

    def _line(self, label: str, drawn: Text, figure: str) -> Text:
        line = Text.assemble(f"{cut(printable(label), _LABEL):>{_LABEL}}  ", drawn)
        if len(line) + 2 + len(figure) <= self._width:  # else the picture has to do
            line.append(f"  {figure}")
        return line


def _level(value: float, most: float) -> str:
    return _LEVELS[min(len(_LEVELS) - 1, int(len(_LEVELS) * value / most) if most > 0 else 0)]


def _values(
    points: Sequence[DataPoint], minutes: range, statistic: Callable[[Sequence[float]], float]
) -> dict[int, float]:
    """Return a statistic of each minute that has a sample."""
    samples = {at: _samples(points, at) for at in minutes}
    return {at: statistic(values) for at, values in samples.items() if values}


def _samples(points: Sequence[DataPoint], at: int) -> list[float]:
    return [
        value
        for point in points
        if at <= point.timestamp / 1000 < at + MINUTE
        for value in point.values
    ]


def _told(points: Sequence[DataPoint], at: int, width: int) -> Text:
    """Say what the average of a minute has to do with what its payments took."""
    values = sorted(_samples(points, at))
    average = sum(values) / len(values)
    near = sum(abs(value - average) <= _NEAR * average for value in values)
    slow = sum(value > _SLOW_MS for value in values)
    usual = percentile(values, 50)
    said = (
        f"The worst minute: {len(values)} payments took {average:.0f} ms on average, and"
        f" {near or 'none'} of them anything near it. Half took {usual:.0f} ms or less,"
        f" {slow or 'none'} over half a second."
    )
    return labelled("", said, width)


def _expression(alarm: Alarm) -> str:
    """Return what an alarm compares: its expression, or its statistic."""
    told = [str(query["Expression"]) for query in alarm.queries if "Expression" in query]
    return printable(told[0] if told else f"{alarm.statistic} of {alarm.name}")


def _readings(alarm: Alarm, catalogue: Catalogue, minutes: range) -> dict[int, float]:
    first, last = minutes[0], minutes[-1] + MINUTE
    answer = get_metric_data(alarm.queries, catalogue, first, last, now=last)
    result = answer["MetricDataResults"][0]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))
