"""`workshop tour` on the screen: step by step, what can be answered now and could not before."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text

from workshop.cli import findings
from workshop.cli.render.bars import row as bar_row
from workshop.cli.render.table import Column, table
from workshop.cli.render.telemetry import heading, is_platform
from workshop.cli.render.text import cut, labelled, printable
from workshop.cli.render.tour_api import api
from workshop.cli.render.tour_inference import inference
from workshop.cli.render.tour_latency import dependencies, percentiles, waterfall
from workshop.cli.render.tour_ship import faults, ship
from workshop.cli.render.tour_stream import stream
from workshop.cli.render.verdict import activating, commands
from workshop.course.catalogue import Step
from workshop.course.release import Release
from workshop.metrics.alarms import Alarm
from workshop.metrics.statistics import percentile
from workshop.signals import DataPoint, LogEvent
from workshop.streams import Delivery, Settings
from workshop.traces import Trace

_RAW_LINES = 12
_MOST_ROWS = 8
_DURATION_EDGES = (5.0, 10.0, 20.0, 50.0, 100.0, 500.0)
_NEAR = 0.2
_TIME = re.compile(r"\d\d:\d\d:\d\d[.,]\d{3}")


@dataclass(frozen=True)
class Telemetry:
    """All that the store holds of one step's traffic.

    Attributes:
        log_events: In the order they happened.
        points: The data points read from them.
        traces: Assembled from the segments.
        retention_days: How long the template has the log group keep it; None for ever.
        alarms: Those of the template.
        delivery: What its event source mapping did, and its settings; None without one.
        noticed: Each seeded fault in words, and whether the weak test and the finished ones see it.
        release: What the template says of releases; None where that is not asked.
    """

    log_events: Sequence[LogEvent]
    points: Sequence[DataPoint]
    traces: Sequence[Trace]
    retention_days: int | None
    alarms: Sequence[Alarm] = ()
    delivery: tuple[Settings, Delivery] | None = None
    noticed: Sequence[tuple[str, bool, bool]] = ()
    release: Release | None = None


def opening(steps: int, count: int, width: int) -> Iterator[Text]:
    """Draw what is about to be seen."""
    yield _rule(f"{count} payments through {steps} functions", width)
    yield labelled(
        "",
        "The same customers' payments go through the finished function of every step, in a local"
        " Lambda on this machine. Some fail, some crawl. What can you tell afterwards?",
        width,
    )


def step(what: Step, telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw a step: its question, the picture that answers it, and what that reveals.

    Args:
        what: The step; its `tour.view` names the picture.
        telemetry: What the store holds of its traffic.
        width: Columns to draw in.
    """
    yield Text()
    yield _rule(f"{what.number:02} {what.title}", width)
    yield labelled("", what.question, width, style="strong")
    yield Text()
    yield from VIEWS[what.tour.view](telemetry, width)
    yield Text()
    yield labelled("→ ", what.tour.reveals, width, "good", "strong")


def lines(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw some raw lines with a failed request, and count how many errors say whose they are."""
    events = telemetry.log_events
    errors = [place for place, event in enumerate(events) if _tells_error(event)]
    fitting = _most_mixed([_request_around(events, place) for place in errors])
    # On a busy machine no failed request may fit: then the error alone has to be seen.
    first, last = fitting or ((errors[0], errors[0]) if errors else (0, 0))
    first = max(0, min((first + last + 1 - _RAW_LINES) // 2, len(events) - _RAW_LINES))
    for event in events[first : first + _RAW_LINES]:
        style = "bad" if _tells_error(event) else "quiet" if is_platform(event.message) else ""
        yield Text(cut(printable(event.message.partition("\n")[0]), width), style)
    named = sum("cus_" in events[place].message for place in errors)
    yield Text()
    yield Text(f"{len(events):,} log events, {len(errors)} of them errors.")
    yield Text(f"Whose charges failed? {named} of {len(errors)} say.")


def keys(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw the failed charges, found by the keys of their log events."""
    failed = findings.failures(findings.records(telemetry.log_events))
    yield _asked("where", 'level = "ERROR"')
    columns = (
        Column("payment_id", least=16),
        Column("customer_id", least=16),
        Column("amount", "right", least=6),
        Column("exception_name", least=10),
    )
    rows = [
        (_text(one.payment_id), _text(one.customer_id), _text(one.amount), _text(one.error))
        for one in failed[:_MOST_ROWS]
    ]
    yield table(columns, rows, width)
    if len(failed) > _MOST_ROWS:
        yield Text(f"… and {len(failed) - _MOST_ROWS} more", "quiet")


def context(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw one failed request from end to end, and count cold starts."""
    records = list(findings.records(telemetry.log_events))
    requests = findings.requests(records)
    failed = [one for one in requests if any(r["level"] == "ERROR" for r in one.records)]
    for chosen in (failed or requests)[:1]:
        yield _asked("where", f'correlation_id = "{printable(chosen.correlation_id)}"')
        columns = (
            Column("timestamp", least=8),
            Column("level", least=5),
            Column("message", least=18),
            Column("customer_id", least=16),
            Column("cold_start", least=10, keep=False),
            Column("function_request_id", least=36, keep=False),
        )
        rows = [
            (
                _time(one),
                Text(str(one["level"]), "bad" if one["level"] == "ERROR" else ""),
                _text(one.get("message")),
                _text(one.get("customer_id")),
                json.dumps(one.get("cold_start")),
                _text(one.get("function_request_id")),
            )
            for one in chosen.records[:_MOST_ROWS]
        ]
        yield table(columns, rows, width)
        yield Text()
    cold, invocations = findings.cold_starts(records)
    yield _asked("where", "cold_start = true")
    yield Text(f"{cold} of {invocations} invocations met a cold start")
    yield Text()
    days = telemetry.retention_days
    yield _asked("template", f"RetentionInDays = {days or 'none'}")
    yield Text(f"log events are kept {f'for {days} days' if days else 'for ever, at a price'}")


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
        (_text(name), one.unit, f"{len(one.values):,}", f"{one.total:,.0f}")
        for name, one in sorted(metrics.items())
    ]
    yield table(columns, rows, width)
    charged, failed = metrics.get("SuccessfulCharge"), metrics.get("FailedCharge")
    if charged and failed:
        share = failed.total / (failed.total + charged.total)
        yield Text()
        yield _asked("math", "FailedCharge / (FailedCharge + SuccessfulCharge)")
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


def closing(seconds: float, activation: str | None, width: int) -> Iterator[Text]:
    """Draw what to type next.

    Args:
        seconds: What all of it has taken.
        activation: What to type before `workshop` can be found, if it cannot.
        width: Columns to draw in.
    """
    yield Text()
    said = f"All of it measured here, in {seconds:.0f} s; nothing left this machine."
    yield labelled("", said, width, style="quiet")
    yield Text()
    yield Text("Your turn", "title")
    yield from commands(
        activating(activation)
        | {
            "workshop": "where you are, and what to do next",
            "workshop watch 00": "begin: a verdict on every save",
        },
        width,
    )


VIEWS: dict[str, Callable[[Telemetry, int], Iterator[Text]]] = {
    "lines": lines,
    "keys": keys,
    "context": context,
    "numbers": numbers,
    "percentiles": percentiles,
    "waterfall": waterfall,
    "dependencies": dependencies,
    "api": api,
    "stream": stream,
    "inference": inference,
    "faults": faults,
    "ship": ship,
}
"""The pictures a step's `tour.view` may name."""


def _rule(title: str, width: int) -> Text:
    name = cut(f" {title} ", width - 4)
    return Text.assemble(
        ("━━", "accent"), (name, "title"), ("━" * (width - 2 - len(name)), "accent")
    )


def _asked(where: str, question: str) -> Text:
    """Draw the question as one would ask it, with what it is asked of."""
    return Text.assemble((f"{where}  ", "quiet"), (question, "accent"))


def _tells_error(event: LogEvent) -> bool:
    return event.message.startswith("[ERROR]")


def _text(value: object) -> str:
    return "?" if value is None else printable(str(value))


def _time(record: findings.Record) -> str:
    """Return the time of day of a record's own timestamp."""
    found = _TIME.search(str(record.get("timestamp", "")))
    return found[0].replace(",", ".") if found else ""


def _request_around(events: Sequence[LogEvent], place: int) -> tuple[int, int]:
    """Return where the request of a log event begins and ends, as places in the list.

    A log stream is one execution environment's, and that serves one request at a time.
    """
    stream = events[place].log_stream

    def border(word: str, places: Iterable[int], otherwise: int) -> int:
        ours = (at for at in places if events[at].log_stream == stream)
        return next((at for at in ours if events[at].message.startswith(word)), otherwise)

    first = border("START RequestId", reversed(range(place)), place)
    return first, border("END RequestId", range(place, len(events)), place)


def _most_mixed(requests: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Choose the request with the most lines of others among its own, of those that fit."""
    fitting = [ends for ends in requests if ends[1] - ends[0] < _RAW_LINES]
    return max(fitting, key=lambda ends: ends[1] - ends[0], default=None)
