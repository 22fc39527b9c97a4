"""Steps 05 and 06 in the tour: the trace of one payment, and every call that left the function."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import asked, labelled, printable
from workshop.cli.render.waterfall import waterfall as draw_trace
from workshop.metrics.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workshop.cli.render.tour.telemetry import Telemetry
    from workshop.traces import Span, Trace


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
        yield asked("trace", f'annotation.{printable(key)} = "{printable(value)}"', width)
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
    yield asked("traces", f'service("{printable(remote[0].name)}")', width)
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
    yield asked("trace", f"of {len(telemetry.traces)}, {what}: {chosen.id}", width)
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
