"""A trace as a waterfall: who worked when, within one request."""

from collections.abc import Iterator

from rich.text import Text

from workshop.cli.render.bars import span as bar
from workshop.cli.render.text import cut, printable
from workshop.traces import Span, Trace

MOST_SPANS = 24

_FIGURES = 10


def waterfall(trace: Trace, width: int) -> Iterator[Text]:
    """Draw a trace: a line for each span, its bar placed by when it ran, and milliseconds.

    Args:
        trace: What was assembled of one trace id.
        width: Columns; no line takes more.
    """
    rows = trace.flat()
    label_width = min(
        max(len("  " * depth + _label(span)) for depth, span in rows), (width - 2) * 2 // 5
    )
    bar_width = width - 2 - label_width - 1 - _FIGURES
    for depth, span in rows[:MOST_SPANS]:
        label = cut("  " * depth + _label(span), label_width)
        start = span.start_time - trace.start_time
        end = (trace.end_time if span.end_time is None else span.end_time) - trace.start_time
        yield Text.assemble(
            f"  {label:<{label_width}} ",
            bar(start, end, trace.duration, bar_width, _style(span)),
            f"{_milliseconds(span):>{_FIGURES}}",
        )
    if len(rows) > MOST_SPANS:
        yield Text(f"  … {len(rows) - MOST_SPANS} more spans", "quiet")


def _label(span: Span) -> str:
    kind = (span.origin or "").removeprefix("AWS::")
    return printable(f"{span.name} ({kind})" if kind else span.name)


def _style(span: Span) -> str:
    return "bar.bad" if span.error or span.fault or span.throttle else "bar"


def _milliseconds(span: Span) -> str:
    return "running" if span.duration is None else f"{span.duration * 1000:.1f} ms"
