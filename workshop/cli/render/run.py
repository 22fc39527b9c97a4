"""`workshop run` on the screen: one invocation in full, many in brief."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.text import Text

from workshop.cli.render import telemetry
from workshop.cli.render.bars import bar
from workshop.cli.render.text import cut
from workshop.cli.render.waterfall import waterfall
from workshop.course.catalogue import Step
from workshop.metrics import emf
from workshop.metrics.statistics import percentile
from workshop.signals import Invocation
from workshop.traces import assemble

MOST_LOGS = 3
"""Invocations whose log events are all drawn; of more, only those of the first are."""

MOST_LINES = 20
"""Invocations drawn with a line each; of more, only the summary is."""

_BAR_WIDTH = 24
_MOST_NAME = 24
_PERCENTILES = (50, 90, 99)


def opening(step: Step, whose: str, event: str, count: int) -> Text:
    """Draw what was run."""
    times = f" x {count}" if count > 1 else ""
    return Text.assemble(
        (step.name, "title"), (f"  {whose}, event {cut(event, _MOST_NAME)}{times}", "quiet")
    )


def invocation(what: Invocation, readings: Sequence[emf.EmfReading], width: int) -> Iterator[Text]:
    """Draw one invocation: how it ended, what the caller got, and every signal.

    Args:
        what: The invocation.
        readings: Its log events read as EMF.
        width: Columns to draw in.
    """
    yield telemetry.figures(what)
    yield Text()
    yield from telemetry.response(what, width)
    yield Text()
    yield from telemetry.log_events(what.log_events, width, dropped=what.dropped_log_events)
    yield Text()
    yield from telemetry.data_points([point for one in readings for point in one.points], width)
    problems = [problem for one in readings for problem in one.problems]
    problems += filter(None, map(emf.misplaced, what.log_events))
    yield from telemetry.problems(problems, width)
    for trace in assemble(what.segments):
        yield Text()
        yield telemetry.heading("trace", trace.id)
        yield from waterfall(trace, width)


def repeated(invocations: Sequence[Invocation], width: int) -> Iterator[Text]:
    """Draw what the invocations after the first logged, so that they can be compared with it."""
    for number, one in enumerate(invocations[1:], 2):
        yield Text()
        yield Text.assemble((f"invocation {number}", "title"), "  ", telemetry.figures(one))
        yield from telemetry.log_events(one.log_events, width, dropped=one.dropped_log_events)


def further(invocations: Sequence[Invocation], width: int) -> Iterator[Text]:
    """Draw several invocations of one function: a line each while they are few, then figures."""
    yield Text()
    yield telemetry.heading("all invocations", str(len(invocations)))
    durations = [one.report.duration_ms for one in invocations]
    if len(invocations) <= MOST_LINES:
        room = min(_BAR_WIDTH, width - 36)
        for number, one in enumerate(invocations, 1):
            style = "bar" if one.function_error is None else "bar.bad"
            drawn = bar(one.report.duration_ms, max(durations), room, style)
            drawn.pad_right(room - len(drawn.plain))
            note = "cold" if one.cold_start else ""
            note = note if one.function_error is None else f"{one.status} {note}"
            line = Text.assemble(
                f"{number:>5}  ", drawn, f"{one.report.duration_ms:>9.1f} ms  ", (note, "quiet")
            )
            line.rstrip()
            yield line
    outcomes = Counter(one.status for one in invocations)
    yield Text(
        f"  {' · '.join(f'{count} {status}' for status, count in outcomes.items())}"
        f" · {sum(one.cold_start for one in invocations)} cold"
    )
    shown = " · ".join(f"p{rank} {percentile(durations, rank):.1f} ms" for rank in _PERCENTILES)
    yield Text(f"  Duration  {shown}")
