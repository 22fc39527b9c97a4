"""`workshop tour`: the same payments through every step's solution, and what each one reveals."""

import argparse
import time

from workshop.cli.project import Project
from workshop.cli.render import tour as drawing
from workshop.cli.render.screen import Screen
from workshop.course import payments, workspace
from workshop.course.catalogue import Step
from workshop.errors import ToolError
from workshop.lab import Lab
from workshop.store import Store

SEED = 7
COUNT = 300
CONCURRENCY = 10


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop tour`."""
    seed = SEED if options.seed is None else options.seed
    return tour(project, screen, seed=seed, count=options.count or COUNT)


def tour(project: Project, screen: Screen, *, seed: int, count: int) -> int:
    """Send payments through every solution and show what could be answered afterwards.

    Args:
        project: The checkout.
        screen: Where to draw.
        seed: Chooses customers and payments; the same one, the same traffic.
        count: Payments for each step.

    Returns:
        Exit status 0.

    Raises:
        ToolError: A solution's telemetry cannot be shown.
    """
    begun = time.monotonic()
    steps = project.course.steps
    traffic = payments.customers(seed, count)
    screen.show(*drawing.opening(len(steps), count, screen.width))
    telemetry = None
    for step in steps:
        if step.tour.view not in drawing.VIEWS:
            known = ", ".join(drawing.VIEWS)
            raise ToolError(f"{step.name}/step.toml: no view “{step.tour.view}” ({known})")
        telemetry = send(step, traffic, screen)
        screen.show(*drawing.step(step, telemetry, screen.width))
    if telemetry:
        screen.show(*drawing.slowest(telemetry.traces, screen.width))
    screen.show(*drawing.closing(time.monotonic() - begun, project.activation, screen.width))
    return 0


def send(step: Step, traffic: list[payments.Payment], screen: Screen) -> drawing.Telemetry:
    """Send payments through a step's solution, and read back what the store holds of them."""
    with workspace.solution(step) as folder, Store.open(None) as store:
        with (
            Lab.open(folder / "template.yaml", store=store) as lab,
            screen.progress(f"{step.number:02} {step.title}", len(traffic)) as advance,
        ):
            for _ in lab.invoke_many(traffic, concurrency=CONCURRENCY):
                advance()
            group = lab.template.log_groups.get(lab.template.function().log_group)
        with store.database():
            return drawing.Telemetry(
                log_events=store.log_events(),
                points=store.data_points(),
                traces=store.traces(),
                retention_days=group.retention_days if group else None,
            )
