"""Traces on the screen: a list, or one with its annotations."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from workshop.cli.render.telemetry import heading
from workshop.cli.render.text import cut, printable
from workshop.cli.render.waterfall import waterfall
from workshop.traces import Trace

MOST_ROWS = 40

_ON_EVERY_TRACE = frozenset({"ColdStart", "Service"})
_ROOMY = 72
_HALF_ROOMY = 55
"""Columns for id, duration and outcome in one line; with fewer, the latter two have their own."""

_FLAGS = (("HasFault", "fault"), ("HasThrottle", "throttle"), ("HasError", "error"))


def listed(summaries: Sequence[Mapping[str, Any]], width: int) -> Iterator[Text]:
    """Draw trace summaries, as GetTraceSummaries gives them: a line each, and one of annotations.

    A trace that has none but the Tracer's own goes without that one.
    """
    if not summaries:
        yield Text("no such traces in that time", "quiet")
        return
    yield Text(_line(("trace", "at", "duration", "outcome", "entry"), width), "quiet")
    for one in summaries[:MOST_ROWS]:
        moment = datetime.fromtimestamp(one["StartTime"]).astimezone()
        outcome = next((word for flag, word in _FLAGS if one.get(flag)), "ok")
        duration = f"{one['Duration'] * 1000:.0f} ms"
        entry = one.get("EntryPoint", {}).get("Name", "")
        row = (one["Id"], f"{moment:%H:%M:%S}", duration, outcome, printable(entry))
        yield _marked(_line(row, width), outcome)
        if width < _HALF_ROOMY:
            yield _marked(f"  {duration}  {outcome}", outcome)
        said = dict(_annotations(one))
        if said.keys() - _ON_EVERY_TRACE:
            pairs = (f"{key}={value}" for key, value in said.items())
            yield Text(cut(f"  {printable(' '.join(pairs))}", width), "quiet")
    if len(summaries) > MOST_ROWS:
        yield Text(f"… {len(summaries) - MOST_ROWS:,} more, earlier ones", "quiet")


def whole(trace: Trace, width: int) -> Iterator[Text]:
    """Draw a trace as a waterfall."""
    moment = datetime.fromtimestamp(trace.start_time).astimezone()
    yield heading(trace.id, f"{moment:%Y-%m-%d %H:%M:%S}, {trace.duration * 1000:.1f} ms")
    yield from waterfall(trace, width)


def _line(row: tuple[str, str, str, str, str], width: int) -> str:
    """Line the columns up; the id stands first and whole, as it is there to be copied.

    Where not all have room, when and where go first, and then all but the id.
    """
    number, at, duration, outcome, entry = row
    if width < _HALF_ROOMY:
        return number
    when, where = (f"  {at:<8}", f"  {entry}") if width >= _ROOMY else ("", "")
    return cut(f"{number:<35}{when}  {duration:>8}  {outcome:<8}{where}".rstrip(), width)


def _marked(line: str, outcome: str) -> Text:
    """Colour the outcome where it is a bad one."""
    text = Text(line)
    if outcome != "ok":
        text.highlight_regex(rf"(?<= ){outcome}(?= |$)", "bad")
    return text


def _annotations(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give annotations with their values; of a key with several values, the first.

    Those that the Tracer puts on every trace come last: what is cut off should be of them.
    """
    said = summary.get("Annotations", {}).items()
    for key, values in sorted(said, key=lambda pair: pair[0] in _ON_EVERY_TRACE):
        if values:
            yield key, str(next(iter(values[0]["AnnotationValue"].values())))
