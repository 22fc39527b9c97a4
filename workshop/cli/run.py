"""`workshop run`: send an event, see everything it leaves behind."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from workshop.cli import as_json, events
from workshop.cli.project import Project
from workshop.cli.render import run as drawing
from workshop.cli.render.screen import Screen
from workshop.course import workspace
from workshop.course.catalogue import Step
from workshop.course.progress import Progress
from workshop.errors import ToolError
from workshop.lab import Lab
from workshop.metrics import emf
from workshop.signals import Invocation
from workshop.store import Store


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
    payload = events.read(event, step.folder)
    warnings: list[str] = []
    invocations = []
    code = workspace.solution(step) if finished else nullcontext(step.folder)
    with (
        code as folder,
        _store(project, warnings) as store,
        Lab.open(folder / "template.yaml", store=store) as lab,
        screen.progress(f"{step.name}: {event}", count) as advance,
    ):
        for invocation in lab.invoke_many([payload] * count, concurrency=1):
            invocations.append(invocation)
            advance()
    if not finished:
        _touch(project, step, warnings)
    if to_json:
        screen.json(_document(step, payload, invocations, finished=finished))
    else:
        whose = "the solution" if finished else "your code"
        screen.show(drawing.opening(step, whose, event, count))
        screen.show(*drawing.invocation(invocations[0], _readings(invocations[0]), screen.width))
        if count > 1:
            screen.show(*drawing.further(invocations, screen.width))
        screen.warn(*warnings)
    return 0 if all(one.function_error is None for one in invocations) else 1


@contextmanager
def _store(project: Project, warnings: list[str]) -> Iterator[Store | None]:
    """Open the store of what was run; where it cannot be, warn and do without."""
    try:
        store = Store.open(project.data)
    except ToolError as error:
        warnings.append(f"the telemetry of this run is not kept: {error.what}")
        yield None
        return
    with store:
        yield store


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
