"""Step 10 in the tour: cold payments beside warm ones, and which model answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli import findings
from workshop.cli.render.bars import row as bar_row
from workshop.cli.render.table import Column, table
from workshop.cli.render.telemetry import heading
from workshop.cli.render.text import asked, labelled, printable
from workshop.metrics.platform import read_report
from workshop.metrics.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from workshop.cli.render.tour.telemetry import Telemetry
    from workshop.signals import DataPoint, LogEvent

_VERSION = "model_version"
_DURATIONS = ("ModelLoadDuration", "InferenceDuration")


def inference(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw what cold and warm payments waited for, and what each release of the model decided."""
    yield from _waits(telemetry.log_events, width)
    rows = _durations(telemetry.points)
    if rows:
        columns = (
            Column("metric", least=17),
            Column(_VERSION, least=13),
            Column("SampleCount", "right", keep=False),
            Column("p50 ms", "right"),
            Column("p99 ms", "right"),
        )
        yield Text()
        yield table(columns, rows, width)
    decided: dict[str, Counter[str]] = defaultdict(Counter)
    for record in findings.records(telemetry.log_events):
        if _VERSION in record and "decision" in record:
            decided[str(record[_VERSION])][str(record["decision"])] += 1
    for version, decisions in sorted(decided.items()):
        yield Text()
        question = f'annotation.{_VERSION} = "{printable(version)}"'
        yield asked("trace", question)
        said = ", ".join(f"{printable(one)} {count}" for one, count in sorted(decisions.items()))
        yield labelled("", f"{decisions.total()} payments scored by it: {said}", width)


def _waits(events: Iterable[LogEvent], width: int) -> Iterator[Text]:
    """Draw how long a payment waited at the median, init phase included."""
    cold: list[float] = []
    warm: list[float] = []
    for line in map(read_report, events):
        if line is None:
            continue
        init = line.report.init_duration_ms
        (warm if init is None else cold).append(line.report.duration_ms + (init or 0))
    if not cold or not warm:
        return
    yield heading("Init + Duration", "of the REPORT lines: the medians, in ms")
    medians = {f"{len(cold)} cold": percentile(cold, 50), f"{len(warm)} warm": percentile(warm, 50)}
    for name, value in medians.items():
        style = "bar.bad" if name.endswith("cold") else "bar"
        yield bar_row(
            name, f"{value:,.1f}", value, most=max(medians.values()), width=width, style=style
        )


def _durations(points: Iterable[DataPoint]) -> list[Sequence[str | Text]]:
    """Return a row of figures for each duration of each release of the model."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for point in points:
        if point.name in _DURATIONS:
            values[point.name, point.dimensions.get(_VERSION, "?")].extend(point.values)
    return [
        (
            name,
            printable(version),
            f"{len(found):,}",
            f"{percentile(found, 50):,.2f}",
            f"{percentile(found, 99):,.2f}",
        )
        for name, version in sorted(values, key=lambda key: (_DURATIONS.index(key[0]), key[1]))
        if (found := values[name, version])
    ]
