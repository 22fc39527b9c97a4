"""`workshop up`: serve a step's function and its telemetry by AWS's APIs, in the background."""

import argparse
import sys
import time
from contextlib import nullcontext

from workshop import loopback
from workshop.cli.project import Project
from workshop.cli.render import endpoint as drawing
from workshop.cli.render.screen import Screen
from workshop.course import stage, workspace
from workshop.course.catalogue import Step
from workshop.endpoint import background, ports
from workshop.errors import ToolError

_LOOK_SECONDS = 0.5


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop up`."""
    serve = _here if options.foreground else up
    return serve(
        project, screen, project.step(options.step), finished=options.solution, port=options.port
    )


def up(project: Project, screen: Screen, step: Step, *, finished: bool, port: int | None) -> int:
    """See to it that the endpoint runs and serves this step; one that serves another gives way.

    Args:
        project: The checkout; its store has the telemetry.
        screen: Where to draw.
        step: Whose function to serve.
        finished: Whether to serve the solution and not the learner's code.
        port: The port to listen on; None for the one it had, or the first free one.

    Returns:
        Exit status 0.

    Raises:
        LoopbackError: Nobody could reach it on this machine.
        ToolError: It does not come up.
    """
    loopback.require()
    places = background.Places(project.state)
    with background.alone(places):
        found = background.running(places)
        already = (
            found is not None
            and found.code == _code(step, finished=finished)
            and port in (None, found.port)
        )
        if found is None or not already:
            if port is not None and (found is None or port != found.port):
                ports.require_free(port)  # before the one that runs is ended
            former = background.stop(places)
            wanted = former.port if port is None and former else port
            found = background.start(
                places, _command(step, finished=finished, port=wanted), project.root
            )
    screen.show(*drawing.running(found, project.short(places.aws), screen.width, already=already))
    return 0


def _here(project: Project, screen: Screen, step: Step, *, finished: bool, port: int | None) -> int:
    """Serve in this process, until it is asked to end, or its checkout is no longer there."""
    places = background.Places(project.state)
    code = workspace.solution(step) if finished else nullcontext(step.folder)
    with (
        code as folder,
        stage.Services() as services,
        background.serving(
            places,
            folder / stage.TEMPLATE,
            _code(step, finished=finished),
            port,
            parameters=services.parameters,
        ) as own,
    ):
        screen.show(*drawing.running(own, project.short(places.aws), screen.width, already=False))
        screen.flush()
        while places.file.exists():
            time.sleep(_LOOK_SECONDS)
        # Nobody could find it any more, to ask it something or to end it.
        raise ToolError("the endpoint ends: its checkout was moved or deleted", "workshop up")


def _code(step: Step, *, finished: bool) -> str:
    return f"{step.name}, {'the solution' if finished else 'your code'}"


def _command(step: Step, *, finished: bool, port: int | None) -> list[str]:
    command = [sys.executable, "-m", "workshop.cli", "up", step.name, "--foreground"]
    if finished:
        command.append("--solution")
    if port is not None:
        command += ["--port", str(port)]
    return command
