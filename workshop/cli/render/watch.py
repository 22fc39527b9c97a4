"""`workshop watch` on the screen: what each event of the check left behind, in brief."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.text import Text

from workshop.cli.render.telemetry import figures, heading
from workshop.cli.render.text import cut, labelled, printable
from workshop.course.sent import LogLine, Sent

_MOST_EVENTS = 3
_INDENT = 4
_USUAL = frozenset(
    [
        "level",
        "message",
        "location",
        "timestamp",
        "service",
        "xray_trace_id",
        "function_name",
        "function_memory_size",
        "function_arn",
        "function_request_id",
        "exception",
        "exception_name",
        "stack_trace",
    ]
)
"""Keys that say the same on every log event, or too much for one line."""


def saved(names: Sequence[str], width: int) -> Text:
    """Draw what was saved, and when."""
    now = datetime.now().astimezone()
    return Text(cut(f"{now:%H:%M:%S}  {', '.join(names)}", width), "quiet")


def traffic(sent: Sequence[Sent], width: int) -> Iterator[Text]:
    """Draw the check's events: how each ended, and the log events and data points it left."""
    if not sent:
        return
    yield heading(
        "what your function left behind", f"{len(sent)} event{'s' if len(sent) > 1 else ''} sent"
    )
    for number, one in enumerate(sent, 1):
        yield Text.assemble((f"{number:>3} ", "quiet"), figures(one.invocation))
        own = [line for line in one.own_logs if not line.is_emf]
        for line in own[:_MOST_EVENTS]:
            style = "bad" if line.level in {"ERROR", "CRITICAL"} else ""
            yield Text(" " * _INDENT + cut(printable(_brief(line)), width - _INDENT), style)
        if len(own) > _MOST_EVENTS:
            yield Text(f"{' ' * _INDENT}… {len(own) - _MOST_EVENTS} more log events", "quiet")
        if one.points:
            points = ", ".join(f"{p.name} {_values(p.values)}" for p in one.points)
            yield Text(" " * _INDENT + cut(printable(points), width - _INDENT), "accent")
    yield Text()


def waiting(folder: str, width: int) -> Text:
    """Draw that it waits for a save, and how to end it."""
    return labelled("", f"\nwaiting for a save in {folder}; Ctrl-C ends", width, style="quiet")


def _brief(line: LogLine) -> str:
    """Return a log event's level, message and own keys; of one that is no JSON, the first line."""
    if line.json is None:
        return line.text.partition("\n")[0]
    keys = " ".join(f"{name}={value}" for name, value in line.json.items() if name not in _USUAL)
    return f"{line.level or '?'} {line.key('message')}  {keys}"


def _values(values: Sequence[float]) -> str:
    return "+".join(f"{value:g}" for value in values)
