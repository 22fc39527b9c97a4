"""`workshop traffic`: a crowd of customers for a step's function, now or over the past hours."""

import argparse
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime

from workshop.cli import incidents
from workshop.cli.project import Project
from workshop.cli.render import traffic as drawing
from workshop.cli.render.screen import Screen
from workshop.cli.traffic_plan import Outcome, Plan, Streamed, read_json
from workshop.course import crowd, stage, workspace
from workshop.course.catalogue import Step
from workshop.endpoint import background
from workshop.errors import LearnerError, UsageError
from workshop.lab import Lab
from workshop.load import (
    CONCURRENCY,
    Window,
    backfill,
    backfill_stream,
    live,
    live_stream,
)
from workshop.load.incident import Incident
from workshop.signals import Invocation, LogEvent, SegmentDocument
from workshop.store import Store
from workshop.streams import Attempt, EventSourceMapping, reading_mapping

LIVE_SECONDS = 60
LIVE_PER_MINUTE = 60
PAST_PER_MINUTE = 20
LONGEST_PAST = 14 * 24 * 3600
"""How far back CloudWatch takes metrics: two weeks.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

_DEPLOY_FROM = 3600
"""Length of a past from which the code was deployed once in it, half way."""

_MINUTE = 60
_BATCH = 64
_RELEASE_SECONDS = 1.0
_SEEDS = 100_000


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop traffic`."""
    if options.until is not None and options.backfill is None:
        raise UsageError("--until is the end of a past, and there is none", "add it: --backfill 3h")
    if options.backfill is not None and options.duration is not None:
        raise UsageError(
            "--for is the length of traffic now, --backfill that of a past",
            "send the past first, then the present: two commands",
        )
    now = time.time()
    seed = secrets.randbelow(_SEEDS) if options.seed is None else options.seed
    if options.backfill is None:
        window = Window(now, now + (options.duration or LIVE_SECONDS))
        rate = options.rate or LIVE_PER_MINUTE
    else:
        window = past(now, options.backfill, options.until)
        rate = options.rate or PAST_PER_MINUTE
    half_way = (window.start + window.end) / 2
    deployed = options.backfill is not None and window.seconds >= _DEPLOY_FROM
    incident = incidents.read(options.incident, window, seed) if options.incident else None
    plan = Plan(
        seed,
        window,
        rate,
        past=options.backfill is not None,
        deploys=(half_way // _MINUTE * _MINUTE,) if deployed else (),
        incident=incident,
        secret=options.incident == incidents.PLANTED,
    )
    return traffic(project, screen, project.step(options.step), plan, finished=options.solution)


def past(now: float, seconds: int, until: datetime | None) -> Window:
    """Return the past that is meant, to the minute.

    Args:
        now: Seconds since the epoch.
        seconds: How long it is.
        until: Its end; None for now.

    Raises:
        UsageError: It is not over yet, or too long ago.
    """
    end = (now if until is None else until.timestamp()) // _MINUTE * _MINUTE
    if end > now:
        raise UsageError("--until lies in the future", "a past ends now or before")
    if end - seconds < now - LONGEST_PAST:
        raise UsageError(
            "CloudWatch takes no metrics that are more than two weeks old", "a shorter --backfill"
        )
    return Window(end - max(_MINUTE, seconds), end)


def traffic(project: Project, screen: Screen, step: Step, plan: Plan, *, finished: bool) -> int:
    """Send a crowd's payments to a step's function; keep what they leave behind.

    Args:
        project: The checkout; its store keeps the telemetry.
        screen: Where to draw.
        step: Whose function.
        plan: What to send, and when.
        finished: Whether to send it to the solution and not to the learner's code.

    Returns:
        Exit status 0.

    Raises:
        LearnerError: The function cannot be loaded, or the first event runs into its time-out.
        StoreError: The telemetry cannot be kept.
        KeyboardInterrupt: After Ctrl-C, when what was sent by then is kept and told.
    """
    outcome = Outcome()
    with screen.progress(f"{step.name}: counting", 1):  # seconds, for many days
        for at, payment in plan.payments():
            outcome.payments += 1
            outcome.struck += _hit(plan.incident, payment, at)
        outcome.planned = outcome.payments
    screen.show(*drawing.opening(step, plan, outcome.payments, screen.width, finished=finished))
    screen.flush()
    begun = time.monotonic()
    stopped: KeyboardInterrupt | None = None
    try:
        with ExitStack() as put_away:
            send = _past if plan.past else _now
            folder = put_away.enter_context(
                workspace.solution(step) if finished else nullcontext(step.folder)
            )
            store = put_away.enter_context(Store.open(project.data))
            lab = put_away.enter_context(stage.open_lab(folder, store=None if plan.past else store))
            mapping = reading_mapping(lab.template)
            if mapping is not None:
                outcome.streamed = Streamed(mapping)
            elif step.name in crowd.SHAPES:
                outcome.planned = sum(1 for _ in crowd.events(step, plan.payments()))
            advance = put_away.enter_context(screen.progress(step.name, outcome.planned))
            shown = 0
            for invocation in send(plan, step, lab, store, outcome):
                if not outcome.sent:
                    _refuse(invocation, step)
                outcome.count(invocation)
                for _ in range(shown, outcome.through):
                    advance()
                shown = outcome.through
    except KeyboardInterrupt as error:
        stopped = error
    outcome.seconds = time.monotonic() - begun
    serving = background.running(background.Places(project.state)) is not None
    screen.show(
        *drawing.result(plan, outcome, project.short(project.data), screen.width, serving=serving)
    )
    if stopped is not None:
        screen.flush()
        raise stopped
    return 0


def _past(plan: Plan, step: Step, lab: Lab, store: Store, outcome: Outcome) -> Iterator[Invocation]:
    """Run the handlers now; keep what they leave behind as if it had been then."""
    sent: Iterator[Invocation]
    if outcome.streamed:
        mapping, records = outcome.streamed.settings, crowd.records(step, plan.payments())
        attempts = backfill_stream(lab, mapping, records, plan.window, plan.deploys)
        sent = _counted(outcome.streamed, *attempts)
    else:
        target, events = crowd.at_the_door(step, lab, plan.payments())
        sent = backfill(
            target, events, deploys=plan.deploys, concurrency=_concurrency(lab), gently=True
        )
    with _batches(store) as keep:
        for laid in sent:
            keep(laid.log_events, laid.segments)
            outcome.dropped += laid.dropped_log_events
            yield laid


def _now(plan: Plan, step: Step, lab: Lab, store: Store, outcome: Outcome) -> Iterator[Invocation]:
    """Send each event at its time; let others, such as the endpoint, see what is kept already."""
    sent: Iterator[Invocation]
    if outcome.streamed:
        mapping, records = outcome.streamed.settings, crowd.records(step, plan.payments())
        attempts = live_stream(lab, mapping, records, plan.window, store.append)
        sent = _counted(outcome.streamed, *attempts)
    else:
        target, events = crowd.at_the_door(step, lab, plan.payments(), store.append)
        sent = live(target, events, concurrency=_concurrency(lab))
    released = time.monotonic()
    for invocation in sent:
        yield invocation
        if time.monotonic() - released >= _RELEASE_SECONDS:
            store.release()
            released = time.monotonic()


def _counted(
    streamed: Streamed, attempts: Iterator[Attempt], mapping: EventSourceMapping
) -> Iterator[Invocation]:
    """Count what a mapping does as it does it."""
    counted = 0
    for attempt in attempts:
        streamed.count(attempt, mapping.discarded[counted:])
        counted = len(mapping.discarded)
        yield attempt.invocation


@contextmanager
def _batches(
    store: Store,
) -> Iterator[Callable[[Sequence[LogEvent], Sequence[SegmentDocument]], None]]:
    """Append in batches; what is waiting at the end is appended too, Ctrl-C or not."""
    log_events: list[LogEvent] = []
    segments: list[SegmentDocument] = []
    waiting = 0

    def flush() -> None:
        nonlocal waiting
        store.append(log_events, segments)
        log_events.clear()
        segments.clear()
        waiting = 0

    def keep(some: Sequence[LogEvent], documents: Sequence[SegmentDocument]) -> None:
        nonlocal waiting
        log_events.extend(some)
        segments.extend(documents)
        waiting += 1
        if waiting >= _BATCH:
            flush()

    try:
        yield keep
    finally:
        flush()


def _concurrency(lab: Lab) -> int:
    reserved = lab.template.function().reserved_concurrency
    return CONCURRENCY if reserved is None else max(1, min(CONCURRENCY, reserved))


def _hit(incident: Incident | None, payment: object, at: float) -> bool:
    return incident is not None and isinstance(payment, dict) and incident.strikes(payment, at)


def _refuse(first: Invocation, step: Step) -> None:
    """Stop at the first event where every other would end the same way.

    Raises:
        LearnerError: The function cannot be loaded, or runs into its time-out.
    """
    error = read_json(first.payload) if first.function_error else None
    kind = str(error.get("errorType", "")) if isinstance(error, dict) else ""
    if first.status == "timeout":
        raise LearnerError(
            "the first payment ran into the function's time-out, so no more were sent",
            f"workshop check {step.number:02}",
        )
    if kind.startswith("Runtime."):
        said = str(error.get("errorMessage", "")) if isinstance(error, dict) else ""
        raise LearnerError(
            f"the function cannot be loaded, so no more was sent: {said.splitlines()[0]}",
            f"workshop check {step.number:02}",
        )
