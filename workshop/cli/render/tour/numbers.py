"""Step 03 in the tour: what was charged and what failed, and how long it took."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.text import Text

from workshop.cli import findings
from workshop.cli.render.bars import row as bar_row
from workshop.cli.render.table import Column, table
from workshop.cli.render.telemetry import heading
from workshop.cli.render.text import asked, labelled, printable
from workshop.cli.render.tour.telemetry import Telemetry
from workshop.metrics.statistics import percentile

_DURATION_EDGES = (5.0, 10.0, 20.0, 50.0, 100.0, 500.0)
_NEAR = 0.2


def numbers(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw what was charged and what failed, and Duration: its average beside its edges."""
    metrics = findings.numbers(telemetry.points)
    columns = (
        Column("metric", least=14),
        Column("unit", least=5),
        Column("SampleCount", "right", keep=False),
        Column("Sum", "right"),
    )
    rows = [
        (printable(name), one.unit, f"{len(one.values):,}", f"{one.total:,.0f}")
        for name, one in sorted(metrics.items())
    ]
    yield table(columns, rows, width)
    charged, failed = metrics.get("SuccessfulCharge"), metrics.get("FailedCharge")
    if charged and failed:
        share = failed.total / (failed.total + charged.total)
        yield Text()
        yield asked("math", "FailedCharge / (FailedCharge + SuccessfulCharge)")
        yield Text(f"{share:.1%} of charges failed")
    durations = findings.durations(telemetry.log_events)
    if durations:
        yield Text()
        yield from duration(durations, width)


def duration(values: Sequence[float], width: int) -> Iterator[Text]:
    """Draw how many invocations took how long, then the average and the edges."""
    yield heading("Duration", "of the REPORT lines: how many took how many ms")
    edges = _DURATION_EDGES
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    names = [f"up to {edges[0]:g}", *between, f"over {edges[-1]:g}"]
    counts = findings.histogram(values, edges)
    for name, count in zip(names, counts, strict=True):
        yield bar_row(name, f"{count:,}", count, most=max(counts), width=width)
    yield Text()
    average = sum(values) / len(values)
    figures = {"Average": average}
    figures |= {f"p{rank}": percentile(values, rank) for rank in (50, 90, 99)}
    most = max(figures.values())
    for name, value in figures.items():
        style = "bar.bad" if name == "p99" else "bar"
        yield bar_row(name, f"{value:,.1f}", value, most=most, width=width, style=style)
    low, high = average * (1 - _NEAR), average * (1 + _NEAR)
    near = sum(low <= value <= high for value in values)
    but = "yet " if near < len(values) / 2 else ""
    yield Text()
    yield labelled(
        "",
        f"Average {average:.0f} ms: {but}{near} of {len(values)} invocations took anything near it"
        f" ({low:.0f} to {high:.0f} ms). Half take {figures['p50']:.0f} ms or less,"
        f" and one in a hundred {figures['p99']:.0f} ms or more.",
        width,
    )
