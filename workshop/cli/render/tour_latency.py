"""Steps 04 to 06 in the tour: percentiles and alarms over time, one payment's trace, its calls."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.bars import EMPTY, FULL
from workshop.cli.render.table import Column, table
from workshop.cli.render.text import cut, labelled, printable
from workshop.cli.render.waterfall import waterfall as draw_trace
from workshop.metrics import alarms
from workshop.metrics.query import get_metric_data
from workshop.metrics.series import MINUTE, Catalogue
from workshop.metrics.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from workshop.cli.render.tour import Telemetry
    from workshop.metrics.alarms import Alarm
    from workshop.signals import DataPoint
    from workshop.traces import Span, Trace

METRIC = "ChargeDuration"

_LEVELS = "▁▂▃▄▅▆▇█"
_LABEL = 18
_FIGURE = 18
_NEAR = 0.2
_SLOW_MS = 500


# -------------------------------------------------------------------------------------- step 04


def percentiles(telemetry: Telemetry, width: int) -> Iterator[Text]:
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
    slow = [one for one in telemetry.alarms if _watches(one, METRIC)]
    yield _asked("metric", title, width)
    average = _values(points, minutes, lambda values: sum(values) / len(values))
    worst = _values(points, minutes, lambda values: percentile(values, 99))
    most = max(worst.values())
    yield lines.values("Average", average, most, f"{max(average.values()):,.0f} ms at most")
    yield lines.values("p99", worst, most, f"{most:,.0f} ms at most", "warn")
    for alarm in slow:
        yield lines.states(alarm, catalogue)
    yield Text()
    yield _told(points, max(worst, key=lambda at: average[at]), width)
    for alarm in telemetry.alarms:
        if alarm in slow:
            continue
        yield Text()
        yield _asked("math", _expression(alarm), width)
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
        past = alarms.history(alarm, catalogue, first, last)
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


def _watches(alarm: Alarm, name: str) -> bool:
    return any(
        query["MetricStat"]["Metric"].get("MetricName") == name
        for query in alarm.queries
        if "MetricStat" in query
    )


def _expression(alarm: Alarm) -> str:
    """Return what an alarm compares: its expression, or its statistic."""
    told = [str(query["Expression"]) for query in alarm.queries if "Expression" in query]
    return printable(told[0] if told else f"{alarm.statistic} of {alarm.name}")


def _readings(alarm: Alarm, catalogue: Catalogue, minutes: range) -> dict[int, float]:
    first, last = minutes[0], minutes[-1] + MINUTE
    answer = get_metric_data(alarm.queries, catalogue, first, last, now=last)
    result = answer["MetricDataResults"][0]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


# ------------------------------------------------------------------------------- steps 05 and 06


def waterfall(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw the trace of one payment, found by an annotation, and say where its time went."""
    warm = [trace for trace in telemetry.traces if not _was_cold(trace)]
    annotated = [trace for trace in warm if _annotations(trace)] or warm or telemetry.traces
    if not annotated:
        return
    chosen = max(annotated, key=lambda trace: trace.duration)
    told = _annotations(chosen)
    if told:
        # That by which the fewest are found: a payment's id rather than a customer's.
        found = Counter(pair for trace in annotated for pair in _annotations(trace).items())
        key, value = min(told.items(), key=lambda pair: found[pair])
        yield _asked("trace", f'annotation.{printable(key)} = "{printable(value)}"', width)
    yield from draw_trace(chosen, width)
    own = _own(chosen)
    if own:
        longest = max(own, key=lambda span: span.duration or 0)
        yield Text()
        yield labelled(
            "",
            f"{printable(longest.name)} took {1000 * (longest.duration or 0):.0f} of"
            f" {1000 * chosen.duration:.0f} ms. The alarm said that payments are slow;"
            " the trace of one says where.",
            width,
        )


def dependencies(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw every call that left the function, and the trace of a payment that needed several."""
    calls = [
        (trace, [span for _, span in trace.flat() if span.namespace == "remote"])
        for trace in telemetry.traces
    ]
    remote = [span for _, spans in calls for span in spans]
    if not remote:
        return
    yield _asked("traces", f'service("{printable(remote[0].name)}")', width)
    yield table(
        (
            Column("answer", least=14),
            Column("calls", "right", least=5),
            Column("p50 ms", "right", least=7),
            Column("p99 ms", "right", least=7),
        ),
        list(_answers(remote)),
        width,
    )
    chosen, spans = max(calls, key=_tells)
    what = "one that was tried again" if len(spans) > 1 else "the slowest"
    yield Text()
    yield _asked("trace", f"of {len(telemetry.traces)}, {what}: {chosen.id}", width)
    yield from draw_trace(chosen, width)
    bad = sum(_is_bad(span) for span in spans)
    waited = 1000 * sum(span.duration or 0 for span in spans)
    yield Text()
    yield labelled(
        "",
        f"{len(spans)} {'call' if len(spans) == 1 else 'calls'} for one payment, {bad} of them"
        f" without success. {waited:.0f} of {1000 * chosen.duration:.0f} ms passed in waiting"
        " for the processor, not in your code.",
        width,
    )


def _tells(call: tuple[Trace, Sequence[Span]]) -> tuple[bool, bool, bool, float]:
    """Order traces by how much they tell: retried, with success in the end, warm, and slow."""
    trace, spans = call
    return (
        len(spans) > 1,
        bool(spans) and not _is_bad(spans[-1]),
        not _was_cold(trace),
        trace.duration,
    )


def _answers(remote: Sequence[Span]) -> Iterator[tuple[str | Text, ...]]:
    """Give a row for each kind of answer: how many, and how long they took."""
    counted = Counter(_answer(span) for span in remote)
    for answer, count in sorted(counted.items()):
        same = [span for span in remote if _answer(span) == answer]
        took = [1000 * (span.duration or 0) for span in same]
        style = "bad" if any(map(_is_bad, same)) else ""
        yield (
            Text(answer, style),
            f"{count:,}",
            f"{percentile(took, 50):,.1f}",
            f"{percentile(took, 99):,.1f}",
        )


def _answer(span: Span) -> str:
    """Return the HTTP status of a call, or what came instead of one."""
    http = span.document.get("http")
    response = http.get("response") if isinstance(http, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    if isinstance(status, int):
        return f"HTTP {status}"
    cause = span.document.get("cause")
    raised = cause.get("exceptions") if isinstance(cause, dict) else None
    if isinstance(raised, list) and raised and isinstance(raised[0], dict):
        return printable(str(raised[0].get("type", "none")))
    return "none"


def _is_bad(span: Span) -> bool:
    return span.error or span.fault or span.throttle


def _own(trace: Trace) -> list[Span]:
    """Return the subsegments that have none of their own: where the work was done."""
    return [
        span
        for _, span in trace.flat()
        if span.is_subsegment and not span.children and span.duration is not None
    ]


def _annotations(trace: Trace) -> dict[str, str]:
    """Return the annotations of a trace that were written by the function."""
    return {
        key: str(value)
        for _, span in trace.flat()
        for key, value in span.annotations.items()
        if key not in {"ColdStart", "Service"}
    }


def _was_cold(trace: Trace) -> bool:
    return any(span.name == "Initialization" for _, span in trace.flat())


def _asked(where: str, question: str, width: int) -> Text:
    """Draw the question as one would ask it, with what it is asked of."""
    room = width - len(where) - 2
    return Text.assemble((f"{where}  ", "quiet"), (cut(question, room), "accent"))
