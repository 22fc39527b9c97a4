"""What an invocation left behind: response, log events, data points."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from rich.console import RenderableType
from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import fold, printable
from workshop.signals import DataPoint, Invocation, LogEvent

MOST_EVENTS = 40
"""Log events drawn of one invocation; the others are counted."""

MOST_CHARACTERS = 2000
"""Characters drawn of one log event; the others are counted."""

_MOST_POINTS = 30
_GUTTER = 5

_PLATFORM = re.compile(
    r"(INIT_START|START RequestId|END RequestId|REPORT RequestId|INIT_REPORT|RESTORE_|EXTENSION)\b"
    r'|\{"time":"[^"]*","type":"platform\.'
)
"""How the lines begin that Lambda writes itself, as text and as JSON.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
"""
_JSON_KEY = re.compile(r'"(?:[^"\\]|\\.)*"(?=\s*:)')
_LEVEL = re.compile(r'"(?:level|log_level)"\s*:\s*"([A-Z]+)"|\[(ERROR|WARNING|CRITICAL)\]')
_LEVEL_STYLES = {"ERROR": "bad", "CRITICAL": "bad", "WARNING": "warn"}

_OUTCOMES = {
    "success": ("✓ success", "good"),
    "error": ("✗ error", "bad"),
    "timeout": ("✗ timed out", "bad"),
}


def heading(title: str, note: str = "") -> Text:
    """Draw the title of a part, with a quiet note beside it."""
    text = Text(title, "title")
    if note:
        text.append(f"  {note}", "quiet")
    return text


def figures(invocation: Invocation) -> Text:
    """Draw, in a line, how an invocation ended and what its REPORT line says."""
    report = invocation.report
    words, style = _OUTCOMES[invocation.status]
    parts = [f"{report.duration_ms:.1f} ms"]
    if report.init_duration_ms is not None:
        parts.append(f"cold start: init {report.init_duration_ms:.0f} ms")
    elif not invocation.cold_start:
        parts.append("warm")
    parts.append(f"{report.max_memory_used_mb} of {report.memory_size_mb} MB")
    return Text.assemble((words, style), f"  {' · '.join(parts)}")


def response(invocation: Invocation, width: int) -> Iterator[RenderableType]:
    """Draw what the caller got: the response, or the error object Lambda made."""
    yield heading("response" if invocation.function_error is None else "error")
    text = invocation.payload.decode("utf-8", "replace")
    try:
        lines = json.dumps(json.loads(text), indent=2, ensure_ascii=False).splitlines()
    except ValueError:
        lines = text.splitlines()
    most = MOST_EVENTS
    for line in lines[:most]:
        for piece in fold(printable(line[:MOST_CHARACTERS]), width - 2):
            yield _keys(Text(f"  {piece}"))
    if len(lines) > most:
        yield Text(f"  … {len(lines) - most} more lines", "quiet")


def log_events(
    events: Sequence[LogEvent], width: int, *, dropped: int = 0, most: int = MOST_EVENTS
) -> Iterator[RenderableType]:
    """Draw log events: as they are, numbered, with the platform's own lines set back.

    Args:
        events: In the order they were logged.
        width: Columns to draw in.
        dropped: How many more there are that are not among them.
        most: How many to draw; of more, the first and the last.
    """
    total = len(events) + dropped
    yield heading("log events", f"{total} in {_groups(events)}" if events else "none")
    numbered = list(enumerate(events, 1))
    head, tail = numbered, []
    if len(numbered) > most:
        head, tail = numbered[: most - most // 4], numbered[-(most // 4) :]
    yield from chain.from_iterable(log_event(event, width, number) for number, event in head)
    hidden = len(numbered) - len(head) - len(tail)
    if hidden:
        yield Text(f"{'…':>{_GUTTER - 2}}  {hidden} more log events", "quiet")
    yield from chain.from_iterable(log_event(event, width, number) for number, event in tail)
    if dropped:
        yield Text(f"{'…':>{_GUTTER - 2}}  {dropped} more in the store", "quiet")


def is_platform(message: str) -> bool:
    """Whether Lambda wrote the line and not the function: START, END, REPORT and their like."""
    return bool(_PLATFORM.match(message))


def log_event(event: LogEvent, width: int, number: int | None = None) -> Iterator[Text]:
    """Draw one log event; folded over lines, but without a character changed."""
    message = event.message[:MOST_CHARACTERS]
    platform = is_platform(message)
    level = _LEVEL.search(message)
    marked = _LEVEL_STYLES.get(next(filter(None, level.groups())), "") if level else ""
    gutter = Text(f"{number or '':>{_GUTTER - 2}}  ", marked or "quiet")
    for line in message.split("\n"):
        for piece in fold(printable(line), width - _GUTTER):
            yield gutter + (Text(piece, "quiet") if platform else _keys(Text(piece)))
            gutter = Text(" " * _GUTTER)
    if len(event.message) > MOST_CHARACTERS:
        yield gutter + Text(f"… {len(event.message) - MOST_CHARACTERS:,} more characters", "quiet")


def data_points(points: Sequence[DataPoint], width: int) -> Iterator[RenderableType]:
    """Draw data points as a table."""
    if not points:
        yield heading("data points", "none: no log event is an EMF record")
        return
    yield heading("data points", f"{len(points)}, read from the log events in EMF")
    rows = [
        (
            printable(point.name),
            _values(point.values),
            point.unit,
            ", ".join(f"{printable(k)}={printable(v)}" for k, v in point.dimensions.items()),
            printable(point.namespace),
        )
        for point in points[:_MOST_POINTS]
    ]
    columns = (
        Column("metric", least=14),
        Column("value", "right", least=5),
        Column("unit", least=5),
        Column("dimensions", least=16),
        Column("namespace", least=9, keep=False),
    )
    yield _indented(table(columns, rows, width - 2))
    if len(points) > _MOST_POINTS:
        yield Text(f"  … {len(points) - _MOST_POINTS} more data points", "quiet")


def problems(found: Sequence[str]) -> Iterator[RenderableType]:
    """Draw what is wrong with records that were meant to be EMF."""
    for problem in found:
        yield Text(f"  ! {printable(problem)}", "warn")


def _indented(text: Text) -> Text:
    return Text("\n").join(Text("  ") + line for line in text.split("\n"))


def _values(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:4])
    return f"{shown}, …" if len(values) > len(values[:4]) else shown


def _keys(text: Text) -> Text:
    text.highlight_regex(_JSON_KEY, "accent")
    return text


def _groups(events: Sequence[LogEvent]) -> str:
    return ", ".join(dict.fromkeys(event.log_group for event in events))
