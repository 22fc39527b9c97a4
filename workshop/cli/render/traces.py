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

_FLAGS = (("HasFault", "fault"), ("HasThrottle", "throttle"), ("HasError", "error"))


def listed(summaries: Sequence[Mapping[str, Any]], width: int) -> Iterator[Text]:
    """Draw trace summaries, as GetTraceSummaries gives them, a line each."""
    if not summaries:
        yield Text("no such traces in that time", "quiet")
        return
    yield Text(_line("trace", "at", "duration", "outcome", "entry and annotations"), "quiet")
    for one in summaries[:MOST_ROWS]:
        moment = datetime.fromtimestamp(one["StartTime"]).astimezone()
        outcome = next((word for flag, word in _FLAGS if one.get(flag)), "ok")
        duration = f"{one['Duration'] * 1000:.0f} ms"
        entry = one.get("EntryPoint", {}).get("Name", "")
        rest = printable(" ".join([entry, *_annotations(one)]))
        line = Text(cut(_line(one["Id"], f"{moment:%H:%M:%S}", duration, outcome, rest), width))
        if outcome != "ok":
            line.highlight_words([f" {outcome} "], "bad")
        yield line
    if len(summaries) > MOST_ROWS:
        yield Text(f"… {len(summaries) - MOST_ROWS:,} more, earlier ones", "quiet")


def whole(trace: Trace, width: int) -> Iterator[Text]:
    """Draw a trace as a waterfall."""
    moment = datetime.fromtimestamp(trace.start_time).astimezone()
    yield heading(trace.id, f"{moment:%Y-%m-%d %H:%M:%S}, {trace.duration * 1000:.1f} ms")
    yield from waterfall(trace, width)


def _line(number: str, at: str, duration: str, outcome: str, rest: str) -> str:
    """Line the columns up; the id stands first and whole, as it is there to be copied."""
    return f"{number:<35}  {at:<8}  {duration:>8}  {outcome:<8}  {rest}".rstrip()


def _annotations(summary: Mapping[str, Any]) -> Iterator[str]:
    """Write annotations as key=value; of a key with several values, the first."""
    for key, values in summary.get("Annotations", {}).items():
        if values:
            yield f"{key}={next(iter(values[0]['AnnotationValue'].values()))}"
