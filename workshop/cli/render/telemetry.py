"""What an invocation left behind: response, log events, data points."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import cut, fold, labelled, printable
from workshop.signals import DataPoint, Invocation, LogEvent

MOST_EVENTS = 40
"""Log events drawn of one invocation; the others are counted."""

MOST_CHARACTERS = 2000
"""Characters drawn of one log event; the others are counted."""

_MOST_POINTS = 30
_GUTTER = 5
_MOST_NAME = 36

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
    return Text.assemble((title, "title"), (f"  {note}" if note else "", "quiet"))


def figures(invocation: Invocation) -> Text:
    """Draw, in a line, how an invocation ended and what its REPORT line says."""
    report = invocation.report
    words, style = _OUTCOMES[invocation.status]
    parts = [f"{report.duration_ms:.1f} ms"]
    if report.init_duration_ms is not None:
        parts.append(f"cold, init {report.init_duration_ms:.0f} ms")
    elif not invocation.cold_start:
        parts.append("warm")
    parts.append(f"{report.max_memory_used_mb} of {report.memory_size_mb} MB")
    return Text.assemble((words, style), f"  {' · '.join(parts)}")


def response(invocation: Invocation, width: int) -> Iterator[Text]:
    """Draw what the caller got: the response, or the error object Lambda made."""
    text = invocation.payload.decode("utf-8", "replace")
    try:
        value = json.loads(text)
        lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    except (ValueError, RecursionError):  # bytes are handed on as they are
        value, lines = None, text.splitlines()
    if invocation.function_error is None:
        yield heading("response")
    else:
        yield heading("error")
        lines = _error(value) if isinstance(value, dict) else text.splitlines()
    for line in lines[:MOST_EVENTS]:
        for piece in fold(printable(line[:MOST_CHARACTERS]), width - 2):
            yield _keys(Text(f"  {piece.rstrip()}"))
    if len(lines) > MOST_EVENTS:
        yield Text(f"  … {len(lines) - MOST_EVENTS} more lines", "quiet")


def _error(error: dict[str, object]) -> list[str]:
    """Write an error object as Python writes an exception: where, then what."""
    trace = error.get("stackTrace")
    lines = "".join(map(str, trace)).splitlines() if isinstance(trace, list) else []
    kind, message = error.get("errorType"), error.get("errorMessage", "")
    return [*lines, *(f"{kind}: {message}" if kind else str(message)).splitlines()]


def log_events(
    events: Sequence[LogEvent], width: int, *, dropped: int = 0, most: int = MOST_EVENTS
) -> Iterator[Text]:
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


def log_event(event: LogEvent, width: int, number: int) -> Iterator[Text]:
    """Draw one log event: folded over lines, but without a character changed.

    INIT_START alone is cut to one line, since all it adds is the runtime's ARN.
    """
    message = event.message[:MOST_CHARACTERS]
    room = width - _GUTTER
    if message.startswith("INIT_START"):
        pieces = [cut(printable(message), room)]
    else:
        pieces = [piece for line in message.split("\n") for piece in fold(printable(line), room)]
    level = _LEVEL.search(message)
    style = _LEVEL_STYLES.get(level[1] or level[2], "quiet") if level else "quiet"
    gutters = chain([Text(f"{number:>{_GUTTER - 2}}  ", style)], repeat(Text(" " * _GUTTER)))
    platform = is_platform(message)
    for gutter, piece in zip(gutters, pieces, strict=False):
        text = Text(piece.rstrip(), "quiet" if platform else "")
        yield Text.assemble(gutter, text if platform else _keys(text))
    if len(event.message) > MOST_CHARACTERS:
        more = len(event.message) - MOST_CHARACTERS
        yield Text(f"{'':{_GUTTER}}… {more:,} more characters", "quiet")


def data_points(points: Sequence[DataPoint], width: int) -> Iterator[Text]:
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
        Column("metric", least=16),
        Column("value", "right", least=5),
        Column("unit", least=5),
        Column("dimensions", least=16),
        Column("namespace", least=9, keep=False),
    )
    yield _indented(table(columns, rows, width - 2))
    if len(points) > _MOST_POINTS:
        yield Text(f"  … {len(points) - _MOST_POINTS} more data points", "quiet")


def problems(found: Sequence[str], width: int) -> Iterator[Text]:
    """Draw what is wrong with records that were meant to be EMF."""
    for problem in found:
        yield labelled("  ! ", printable(problem), width, "warn")


def _indented(text: Text) -> Text:
    return Text("\n").join(Text("  ") + line for line in text.split("\n"))


def _values(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:4])
    return f"{shown}, …" if len(values) > len(values[:4]) else shown


def _keys(text: Text) -> Text:
    text.highlight_regex(_JSON_KEY, "accent")
    return text


def _groups(events: Sequence[LogEvent]) -> str:
    return cut(", ".join(dict.fromkeys(event.log_group for event in events)), _MOST_NAME)
