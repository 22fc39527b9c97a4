"""`workshop tour` on the screen: step by step, what can be answered now and could not before."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from workshop.cli import findings
from workshop.cli.render.bars import row as bar_row
from workshop.cli.render.table import Column, table
from workshop.cli.render.telemetry import heading, is_platform
from workshop.cli.render.text import cut, printable
from workshop.cli.render.waterfall import waterfall
from workshop.course.catalogue import Step
from workshop.metrics.statistics import percentile
from workshop.signals import DataPoint, LogEvent
from workshop.traces import Trace

_RAW_LINES = 12
_MOST_ROWS = 8
_DURATION_EDGES = (5.0, 10.0, 20.0, 50.0, 100.0, 500.0)
_TIME = re.compile(r"\d\d:\d\d:\d\d[.,]\d{3}")


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


def opening(steps: int, count: int, width: int) -> Iterator[RenderableType]:
    """Draw what is about to be seen."""
    yield _rule(f"{count} payments through {steps} functions", width)
    yield Text(
        "The same customers' payments go through the finished function of every step, in a local"
        " Lambda on this machine. Some fail, some crawl. What can you tell afterwards?"
    )


def step(what: Step, telemetry: Telemetry, width: int) -> Iterator[RenderableType]:
    """Draw a step: its question, the picture that answers it, and what that reveals.

    Args:
        what: The step; its `tour.view` names the picture.
        telemetry: What the store holds of its traffic.
        width: Columns to draw in.
    """
    yield Text()
    yield _rule(f"{what.number:02} {what.title}", width)
    yield Text(what.question, "strong")
    yield Text()
    yield from VIEWS[what.tour.view](telemetry, width)
    yield Text()
    yield Text.assemble(("→ ", "good"), what.tour.reveals)


def lines(telemetry: Telemetry, width: int) -> Iterator[RenderableType]:
    """Draw some raw lines around a failure, and count how many errors say whose they are."""
    events = telemetry.log_events
    failed = next((i for i, event in enumerate(events) if _tells_error(event)), 0)
    first = max(0, min(failed - _RAW_LINES // 2, len(events) - _RAW_LINES))
    for event in events[first : first + _RAW_LINES]:
        style = "bad" if _tells_error(event) else "quiet" if is_platform(event.message) else ""
        yield Text(cut(printable(event.message), width), style)
    errors = [event for event in events if _tells_error(event)]
    named = sum("cus_" in event.message for event in errors)
    yield Text()
    yield Text(
        f"{len(events):,} log events, {len(errors)} of them errors. "
        f"Whose charges failed? {named} of {len(errors)} say."
    )


def keys(telemetry: Telemetry, width: int) -> Iterator[RenderableType]:
    """Draw the failed charges, found by the keys of their log events."""
    failed = findings.failures(findings.records(telemetry.log_events))
    yield _query('level = "ERROR"')
    columns = (
        Column("payment_id", least=16),
        Column("customer_id", least=16),
        Column("amount", "right", least=6),
        Column("error", least=10),
    )
    rows = [
        (_text(one.payment_id), _text(one.customer_id), _text(one.amount), _text(one.error))
        for one in failed[:_MOST_ROWS]
    ]
    yield table(columns, rows, width)
    if len(failed) > _MOST_ROWS:
        yield Text(f"… and {len(failed) - _MOST_ROWS} more", "quiet")


def context(telemetry: Telemetry, width: int) -> Iterator[RenderableType]:
    """Draw one failed request from end to end, and count cold starts."""
    records = list(findings.records(telemetry.log_events))
    requests = findings.requests(records)
    failed = [one for one in requests if any(r["level"] == "ERROR" for r in one.records)]
    for chosen in (failed or requests)[:1]:
        yield _query(f'correlation_id = "{printable(chosen.correlation_id)}"')
        columns = (
            Column("timestamp", least=8),
            Column("level", least=5),
            Column("message", least=12),
            Column("customer_id", least=10),
            Column("cold_start", least=5),
            Column("function_request_id", least=8, keep=False),
        )
        rows = [
            (
                _time(one),
                Text(str(one["level"]), "bad" if one["level"] == "ERROR" else ""),
                _text(one.get("message")),
                _text(one.get("customer_id")),
                _text(one.get("cold_start")).lower(),
                _text(one.get("function_request_id")),
            )
            for one in chosen.records[:_MOST_ROWS]
        ]
        yield table(columns, rows, width)
        yield Text()
    cold, invocations = findings.cold_starts(records)
    yield _query("cold_start = true")
    yield Text(f"{cold} of {invocations} invocations met a cold start")


def numbers(telemetry: Telemetry, width: int) -> Iterator[RenderableType]:
    """Draw what was charged and what failed, and Duration: its average beside its edges."""
    metrics = findings.numbers(telemetry.points)
    columns = (
        Column("metric", least=14),
        Column("unit", least=5),
        Column("SampleCount", "right", keep=False),
        Column("Sum", "right"),
    )
    rows = [
        (_text(name), one.unit, f"{len(one.values):,}", f"{one.total:,.0f}")
        for name, one in sorted(metrics.items())
    ]
    yield table(columns, rows, width)
    charged, failed = metrics.get("SuccessfulCharge"), metrics.get("FailedCharge")
    if charged and failed:
        share = failed.total / (failed.total + charged.total)
        yield Text()
        yield _query("FailedCharge / (FailedCharge + SuccessfulCharge)")
        yield Text(f"{share:.1%} of charges failed")
    durations = findings.durations(telemetry.log_events)
    if durations:
        yield Text()
        yield from duration(durations, width)


def duration(values: Sequence[float], width: int) -> Iterator[RenderableType]:
    """Draw how many invocations took how long, then the average and the edges."""
    yield heading("Duration", "of the REPORT lines: how many took how many ms")
    edges = _DURATION_EDGES
    names = [f"up to {edges[0]:g}", *(f"to {edge:g}" for edge in edges[1:]), f"over {edges[-1]:g}"]
    counts = findings.histogram(values, edges)
    for name, count in zip(names, counts, strict=True):
        yield bar_row(name, f"{count:,}", count, most=max(counts), width=width)
    yield Text()
    figures = {"Average": sum(values) / len(values)}
    figures |= {f"p{rank}": percentile(values, rank) for rank in (50, 90, 99)}
    most = max(figures.values())
    for name, value in figures.items():
        style = "bar.bad" if name == "p99" else "bar"
        yield bar_row(name, f"{value:,.1f}", value, most=most, width=width, style=style)


def slowest(traces: Sequence[Trace], width: int) -> Iterator[RenderableType]:
    """Draw where the time went in the slowest trace, of those that met no cold start."""
    if not traces:
        return
    warm = [trace for trace in traces if not _was_cold(trace)]
    chosen = max(warm or traces, key=lambda trace: trace.duration)
    yield Text()
    yield _rule("Where did the time go?", width)
    yield Text(f"the slowest of {len(warm or traces)} warm requests, trace {chosen.id}", "quiet")
    yield Text()
    yield from waterfall(chosen, width)


def closing(next_command: str, seconds: float) -> Iterator[RenderableType]:
    """Draw what to type next."""
    yield Text()
    yield Text(f"All of it measured here, in {seconds:.0f} s; nothing left this machine.", "quiet")
    yield Text.assemble("Your turn   ", (next_command, "command"))


VIEWS: dict[str, Callable[[Telemetry, int], Iterator[RenderableType]]] = {
    "lines": lines,
    "keys": keys,
    "context": context,
    "numbers": numbers,
}
"""The pictures a step's `tour.view` may name."""


def _rule(title: str, width: int) -> Text:
    name = cut(f" {title} ", width - 4)
    return Text.assemble(
        ("━━", "accent"), (name, "title"), ("━" * (width - 2 - len(name)), "accent")
    )


def _query(condition: str) -> Text:
    """Draw the question as one would ask it: a condition on keys."""
    return Text.assemble(("where  ", "quiet"), (condition, "accent"))


def _tells_error(event: LogEvent) -> bool:
    return event.message.startswith("[ERROR]")


def _text(value: object) -> str:
    return "?" if value is None else printable(str(value))


def _time(record: findings.Record) -> str:
    """Return the time of day of a record's own timestamp."""
    found = _TIME.search(str(record.get("timestamp", "")))
    return found[0].replace(",", ".") if found else ""


def _was_cold(trace: Trace) -> bool:
    return any(span.name == "Initialization" for _, span in trace.flat())
