"""`workshop api`: serve a step's REST API on loopback, until Ctrl-C."""

import argparse
import json
import queue
import shlex
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from workshop.api_gateway import Exchange
from workshop.cli.project import Project
from workshop.cli.render import api as drawing
from workshop.cli.render.screen import Screen
from workshop.course import stage, workspace
from workshop.course.catalogue import Step
from workshop.course.progress import Progress
from workshop.endpoint.ports import listening
from workshop.endpoint.rest_api import DEFAULT_PORT, RestApiServer, Told
from workshop.errors import ToolError, WorkshopError
from workshop.store import Store

_LOOK_SECONDS = 0.5


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop api`."""
    return api(
        project, screen, project.step(options.step), finished=options.solution, port=options.port
    )


def api(project: Project, screen: Screen, step: Step, *, finished: bool, port: int | None) -> int:
    """Serve a step's REST API, and tell of each request, until Ctrl-C.

    Args:
        project: The checkout; its store keeps the telemetry.
        screen: Where to draw.
        step: Whose function.
        finished: Whether to serve the solution and not the learner's code.
        port: The port to listen on; None for the first free one.

    Raises:
        KeyboardInterrupt: After Ctrl-C, which is how it ends.
        UsageError: The port is taken.
        TemplateError: The template cannot be read.
        UnsupportedApiError: The template has no REST API, or one that cannot be served.
    """
    answered: queue.SimpleQueue[Exchange | WorkshopError] = queue.SimpleQueue()
    code = workspace.solution(step) if finished else nullcontext(step.folder)
    with (
        code as folder,
        stage.Services() as services,
        Store.open(project.data) as store,
        _listening(folder / stage.TEMPLATE, store, services, answered.put, port) as server,
    ):
        if not finished:
            with suppress(ToolError):  # progress is no reason not to serve
                Progress(project.state).touch(step)
        whose = "the solution" if finished else "your code"
        example = _example(server, step)
        screen.show(*drawing.serving(server, f"{step.name}, {whose}", example, screen.width))
        screen.flush()
        while True:
            with suppress(queue.Empty):
                # A wait without an end would not let Ctrl-C through on every platform.
                one = answered.get(timeout=_LOOK_SECONDS)
                if isinstance(one, WorkshopError):
                    screen.error(one.what, one.look)
                else:
                    screen.show(*drawing.exchange(one, screen.width))
                screen.flush()
                if answered.empty():
                    store.release()  # for `workshop query` in the other terminal


def _listening(
    template: Path, store: Store, services: stage.Services, told: Told, port: int | None
) -> AbstractContextManager[RestApiServer]:
    return listening(
        lambda at: RestApiServer(
            template, store, port=at, parameters=services.parameters, told=told
        ),
        DEFAULT_PORT,
        port,
        what="the API",
        command="workshop api",
    )


def _example(server: RestApiServer, step: Step) -> str:
    """Write a curl command for the first route, with the body of the step's own event."""
    route = server.api.routes[0]
    path = route.resource.replace("{proxy+}", "hello").replace("{", "").replace("}", "")
    words = ["curl", "-i"]
    body = _body(step)
    if route.method in {"POST", "PUT", "PATCH", "ANY"} and body:
        words += ["-H", "Content-Type: application/json", "-d", body]
        if route.method != "ANY":
            words += ["-X", route.method] if route.method != "POST" else []
    elif route.method not in {"GET", "ANY"}:
        words += ["-X", route.method]
    return shlex.join([*words, server.url + ("" if path == "/" else path)])


def _body(step: Step) -> str:
    """Return the body of the step's event `charge`; empty when it has none."""
    try:
        event = json.loads((step.folder / "events" / "charge.json").read_text(encoding="utf-8"))
        body = event["body"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return body if isinstance(body, str) else ""
