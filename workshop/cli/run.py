"""`workshop run`: send an event, see everything it leaves behind."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from rich.text import Text

from workshop.cli import as_json, events
from workshop.cli.project import Project
from workshop.cli.render import run as drawing
from workshop.cli.render.attempts import attempts
from workshop.cli.render.screen import Screen
from workshop.course import stage, workspace
from workshop.course.catalogue import Step
from workshop.course.progress import Progress
from workshop.errors import ToolError
from workshop.lab import Keeper, Lab
from workshop.metrics import emf
from workshop.signals import Invocation, LogEvent, SegmentDocument
from workshop.store import Store, StoreError
from workshop.streams import Delivery, Settings, deliver, reading_mapping, records_of

_MOST_ATTEMPTS = 30
"""Invocations for one batch of a stream: without a limit of retries there is no end."""


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop run`."""
    return run(
        project,
        screen,
        project.step(options.step),
        event=options.event,
        count=options.count,
        finished=options.solution,
        to_json=options.json,
    )


def run(
    project: Project,
    screen: Screen,
    step: Step,
    *,
    event: str,
    count: int,
    finished: bool,
    to_json: bool,
) -> int:
    """Send one event to a step's function, and show what came back and what was left behind.

    A batch of records goes through the event source mapping of the template, if there is one.

    Args:
        project: The checkout; its store keeps the telemetry.
        screen: Where to draw.
        step: Whose function.
        event: A name in the step's `events/`, a path, or `-`.
        count: How many times to send it, one after the other.
        finished: Whether to run the solution and not the learner's code.
        to_json: Whether to print JSON instead (`workshop.cli.as_json`).

    Returns:
        0 when every invocation succeeded, else 1.
    """
    if event == events.STANDARD_INPUT and sys.stdin.isatty() and not to_json:
        screen.show(Text("type the event, as JSON; Ctrl-D ends it", "quiet"))
        screen.flush()
    payload = events.read(event, step.folder)
    warnings: list[str] = []
    invocations: list[Invocation] = []
    mapped: tuple[Settings, Delivery] | None = None
    code = workspace.solution(step) if finished else nullcontext(step.folder)
    with (
        code as folder,
        _keeper(project, warnings) as store,
        stage.open_lab(folder, store=store) as lab,
        screen.progress(f"{step.name}: {event}", count) as advance,
    ):
        mapped = _through_mapping(lab, payload, count, store)
        if mapped:
            invocations += [one.invocation for one in mapped[1].attempts]
        for invocation in lab.invoke_many([] if mapped else [payload] * count, concurrency=1):
            invocations.append(invocation)
            advance()
    if not finished:
        _touch(project, step, warnings)
    if to_json:
        document = _document(step, payload, invocations, finished=finished)
        screen.json(document | ({"stream": as_json.delivery(mapped[1])} if mapped else {}))
    else:
        whose = "the solution" if finished else "your code"
        screen.show(drawing.opening(step, whose, event, count))
        screen.show(*drawing.invocation(invocations[0], _readings(invocations[0]), screen.width))
        if not mapped and count <= drawing.MOST_LOGS:
            screen.show(*drawing.repeated(invocations, screen.width))
        if count > 1:
            screen.show(*drawing.further(invocations, screen.width))
        if mapped:
            screen.show(Text(), *attempts(*mapped, screen.width))
        screen.warn(*warnings)
    return 0 if all(one.function_error is None for one in invocations) else 1


def _through_mapping(
    lab: Lab, payload: object, count: int, store: Keeper | None
) -> tuple[Settings, Delivery] | None:
    """Send a batch of records as the template's mapping would; None where that is not the case."""
    records = records_of(payload)
    mapping = reading_mapping(lab.template) if records else None
    if mapping is None:
        return None
    delivery, _ = deliver(lab, mapping, records * count, _MOST_ATTEMPTS * count, store)
    return mapping, delivery


class _Kept:
    """Keeps telemetry until that fails: a full disk is no reason to hide what came of an event."""

    def __init__(self, store: Store, warnings: list[str]) -> None:
        self._store = store
        self._warnings = warnings
        self._failed = False

    def append(
        self, log_events: Sequence[LogEvent], segments: Sequence[SegmentDocument] = (), /
    ) -> None:
        """Keep a batch; warn of the first that cannot be kept, and try no other."""
        if self._failed:
            return
        try:
            self._store.append(log_events, segments)
        except StoreError as error:
            self._failed = True
            self._warnings.append(error.what)


@contextmanager
def _keeper(project: Project, warnings: list[str]) -> Iterator[Keeper | None]:
    """Open the store of what was run; where it cannot be, warn and do without."""
    try:
        store = Store.open(project.data)
    except StoreError as error:
        warnings.append(f"the telemetry of this run is not kept: {error.what}")
        yield None
        return
    with store:
        yield _Kept(store, warnings)


def _touch(project: Project, step: Step, warnings: list[str]) -> None:
    try:
        Progress(project.state).touch(step)
    except ToolError as error:
        warnings.append(error.what)


def _readings(invocation: Invocation) -> list[emf.EmfReading]:
    return [emf.read(event) for event in invocation.log_events]


def _document(
    step: Step, payload: object, invocations: list[Invocation], *, finished: bool
) -> dict[str, object]:
    return {
        "step": step.name,
        "code": "solution" if finished else "yours",
        "event": payload,
        "invocations": [as_json.invocation(one, _readings(one)) for one in invocations],
    }
