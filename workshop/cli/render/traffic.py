"""`workshop traffic` on the screen: what is sent, what came of it, and what to ask next."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.text import labelled, printable
from workshop.metrics.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workshop.cli.traffic_plan import Outcome, Plan, Streamed
    from workshop.course.catalogue import Step

_LABEL = 12
_PERCENTILES = (50, 90, 99)
_DAY = 24 * 3600
_MINUTE = 60
_HOUR = 3600


def opening(step: Step, plan: Plan, planned: int, width: int, *, finished: bool) -> Iterator[Text]:
    """Draw what is going to be sent."""
    whose = "the solution" if finished else "your code"
    yield Text.assemble((step.name, "title"), (f"  {whose}, seed {plan.seed}", "quiet"))
    rate = f"{planned:,} payments, {plan.per_minute} a minute"
    long = _length(plan.window.seconds)
    if plan.past:
        yield _row("when", f"{_span(plan)}, {long} that are over", width)
        yield _row("what", rate, width)
        yield _row(
            "how",
            "the handler runs now, as fast as it goes; the times in its log events, metrics and "
            "traces are shifted back to when each payment would have come",
            width,
        )
    else:
        yield _row("what", f"{rate}, for {long}; Ctrl-C ends it", width)
    if plan.incident is None:
        return
    if plan.secret:
        yield _row("incident", "one is planted: find its cause, its scope and its start", width)
        return
    window = plan.incident.window
    when = f"{_clock(window.start)} to {_clock(window.end)}"
    yield _row("incident", f"{plan.incident}, {when}", width)


def result(
    plan: Plan, outcome: Outcome, folder: str, width: int, *, serving: bool
) -> Iterator[Text]:
    """Draw what came of it, where it is kept, and what to ask of it."""
    whole = outcome.through >= outcome.planned
    mark = ("✓ ", "good") if whole else ("! ", "warn")
    yield Text.assemble(
        mark,
        (f"sent {_sent(outcome, whole=whole)}", "strong"),
        (f"  in {outcome.seconds:.1f} s", "quiet"),
    )
    if outcome.sent:
        yield _row("came of it", " · ".join(_outcomes(outcome)), width)
        ranks = " · ".join(
            f"p{rank} {percentile(outcome.durations, rank):.1f} ms" for rank in _PERCENTILES
        )
        yield _row("Duration", ranks, width)
    if outcome.streamed:
        yield from _stream(outcome.streamed, outcome.planned, width)
    if plan.deploys and outcome.sent:
        times = ", ".join(_clock(at) for at in plan.deploys)
        yield _row("deployed", f"{times}, so that cold starts follow", width)
    if plan.incident is not None and not plan.secret and whole:
        yield _row("incident", f"hit {outcome.struck:,} payments", width)
    kept = "as they were" if not plan.past else "with their times shifted"
    yield _row(
        "kept",
        f"{outcome.log_events:,} log events and {outcome.segments:,} segments, {kept}, in {folder}",
        width,
    )
    if outcome.dropped:
        yield _row("not kept", f"{outcome.dropped:,} log events of very long outputs", width)
    if outcome.sent:
        yield Text()
        for label, typed in _next(
            plan, streamed=outcome.streamed is not None, serving=serving
        ).items():
            yield labelled(f"  {label:<7} ", typed, width, "quiet", "command")


def _sent(outcome: Outcome, *, whole: bool) -> str:
    """Say how much was sent, and in what."""
    if outcome.streamed:
        some = "" if whole else f"{outcome.through:,} of "
        return f"{some}{outcome.planned:,} payments, in {outcome.sent:,} invocations"
    if not whole:
        return f"{outcome.sent:,} of {outcome.planned:,}"
    events = f" in {outcome.planned:,} events" if outcome.planned != outcome.payments else ""
    return f"{outcome.payments:,} payments{events}"


def _stream(streamed: Streamed, planned: int, width: int) -> Iterator[Text]:
    """Draw what an event source mapping made of the records."""
    settings = streamed.settings
    noted = f"{settings.name}: {settings.stream} to {settings.function}"
    yield _row("mapping", printable(f"{noted}, batches of {settings.batch_size}"), width)
    waiting = planned - streamed.through
    parts = [f"{streamed.done:,} done"]
    if streamed.given_up:
        where = settings.destination or "nobody"
        parts.append(f"{streamed.given_up:,} given up, {streamed.told:,} told to {where}")
    if waiting:
        parts.append(f"{waiting:,} still waiting, behind a batch that fails")
    yield _row("records", printable(" · ".join(parts)), width)
    yield _row("IteratorAge", f"Maximum {streamed.oldest_ms:,.0f} ms", width)


def _outcomes(outcome: Outcome) -> Iterator[str]:
    good = outcome.sent - outcome.failed - outcome.refused
    yield f"{good:,} succeeded"
    yield f"{outcome.failed:,} failed ({outcome.failed / outcome.sent:.1%})"
    if outcome.refused:
        yield f"{outcome.refused:,} refused"
    if outcome.timed_out:
        yield f"{outcome.timed_out:,} timed out"
    yield f"{outcome.cold:,} cold"


def _next(plan: Plan, *, streamed: bool, serving: bool) -> dict[str, str]:
    """Return what to type next, by what it asks."""
    since = "1h"
    if plan.past:
        ago = datetime.now().astimezone().timestamp() - plan.window.start
        since = f"{-int(-ago // _HOUR)}h"
    rows = {} if serving else {"serve": "workshop up"}
    if streamed:
        rows["age"] = f"workshop metrics AWS/Lambda/IteratorAge --stat Maximum --since {since}"
    return {
        **rows,
        "metrics": f"workshop metrics --since {since}",
        "logs": f'workshop query "stats count(*) by level" --since {since}',
        "traces": f'workshop traces "responsetime > 0.3" --since {since}',
    }


def _row(label: str, text: str, width: int) -> Text:
    return labelled(f"  {label:<{_LABEL}}", text, width, "quiet")


def _span(plan: Plan) -> str:
    start, end = (
        datetime.fromtimestamp(at).astimezone() for at in (plan.window.start, plan.window.end)
    )
    first = f"{start:%a %d %b %H:%M}" if plan.window.seconds >= _DAY else f"{start:%H:%M}"
    last = f"{end:%a %d %b %H:%M}" if plan.window.seconds >= _DAY else f"{end:%H:%M}"
    return f"{first} to {last} {end:%Z}"


def _clock(at: float) -> str:
    moment = datetime.fromtimestamp(at).astimezone()
    return f"{moment:%H:%M}" if moment.second == 0 else f"{moment:%H:%M:%S}"


def _length(seconds: float) -> str:
    """Write a length of time in the largest unit that is whole."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second")):
        if seconds % unit == 0 and seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds:.0f} seconds"
