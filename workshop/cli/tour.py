"""`workshop tour`: the same payments through every step's solution, and what each one reveals."""

import argparse
import time
from collections.abc import Callable, Iterator

from workshop.cli.project import Project
from workshop.cli.render import tour as drawing
from workshop.cli.render.screen import Screen
from workshop.course import crowd, payments, stage, workspace
from workshop.course.catalogue import Step
from workshop.course.learner_tests import run_learner_tests
from workshop.course.release import Release
from workshop.errors import ToolError
from workshop.lab import Lab
from workshop.load import Incident, Timed, Window, backfill
from workshop.metrics.alarms import read_alarms
from workshop.sam import load_template
from workshop.signals import Invocation
from workshop.store import Store
from workshop.streams import Delivery, Settings, deliver, read_mappings, records_of

SEED = 7
COUNT = 300
CONCURRENCY = 5

OVER_TIME = "percentiles"
"""The view that shows minutes, and an incident among them: its traffic is laid over the past."""

_MOST_MINUTES, _LEAST_MINUTES = 30, 10
_A_MINUTE = 10
_INCIDENT = (0.4, 0.7)
_CRAWLING, _FAILING = 0.2, 0.4


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
    for step in steps:
        if step.tour.view not in drawing.VIEWS:
            known = ", ".join(drawing.VIEWS)
            raise ToolError(f"{step.name}/step.toml: no view “{step.tour.view}” ({known})")
        without = WITHOUT_TRAFFIC.get(step.tour.view)
        telemetry = without(step, screen) if without else send(step, traffic, screen, seed)
        screen.show(*drawing.step(step, telemetry, screen.width))
    screen.show(*drawing.closing(time.monotonic() - begun, project.activation, screen.width))
    return 0


def send(
    step: Step, traffic: list[payments.Payment], screen: Screen, seed: int = SEED
) -> drawing.Telemetry:
    """Send payments through a step's solution, and read back what the store holds of them.

    Args:
        step: The step.
        traffic: The tour's payments.
        screen: Where progress is drawn.
        seed: Chooses the payments of a view over time: as many, with an incident among them.
    """
    over_time = step.tour.view == OVER_TIME
    delivery: tuple[Settings, Delivery] | None = None
    with workspace.solution(step) as folder, Store.open(None) as store:
        with (
            stage.open_lab(step, folder, store=None if over_time else store) as lab,
            screen.progress(f"{step.number:02} {step.title}", len(traffic)) as advance,
        ):
            if over_time:
                for laid in minutes(lab, seed, len(traffic)):
                    store.append(laid.log_events, laid.segments)
                    advance()
            else:
                target, timed = crowd.at_the_door(
                    step, lab, (Timed(0, one) for one in traffic), store.append
                )
                events = [one.event for one in timed]
                delivery = _through_mapping(lab, events)
                for _ in (
                    traffic if delivery else target.invoke_many(events, concurrency=CONCURRENCY)
                ):
                    advance()
            group = lab.template.log_groups.get(lab.template.function().log_group)
            alarms = read_alarms(lab.template.resources) if over_time else []
        with store.database():
            return drawing.Telemetry(
                log_events=store.log_events(),
                points=store.data_points(),
                traces=store.traces(),
                retention_days=group.retention_days if group else None,
                alarms=alarms,
                delivery=delivery,
            )


def _through_mapping(lab: Lab, events: list[object]) -> tuple[Settings, Delivery] | None:
    """Send what is a stream's as the template's mapping would; None where there is no mapping."""
    mappings = read_mappings(lab.template)
    if not mappings:
        return None
    records = [record for event in events for record in records_of(event)]
    return mappings[0], deliver(lab, mappings[0], records)[0]


def minutes(lab: Lab, seed: int, count: int) -> Iterator[Invocation]:
    """Serve some payments and lay them over the minutes before, an incident among them.

    Args:
        lab: The lab of a step's solution; it keeps nothing itself.
        seed: Chooses the payments.
        count: How many, about; 300 make half an hour.
    """
    length = max(_LEAST_MINUTES, min(_MOST_MINUTES, count // _A_MINUTE))
    end = time.time() // 60 * 60
    window = Window(end - length * 60, end)
    bad = window.part(*_INCIDENT)
    # The first incident that strikes a payment has it: the second gets what is left of its share.
    incidents = [
        Incident(bad, "crawling", share=_CRAWLING),
        Incident(bad, "failing", share=_CRAWLING + _FAILING),
    ]
    sent = crowd.payments(seed, window, count / length, incidents=incidents)
    yield from backfill(lab, sent, concurrency=CONCURRENCY)


def faults_noticed(step: Step, screen: Screen) -> drawing.Telemetry:
    """Run a step's tests, as it begins and finished, on faulty handlers."""
    with screen.progress(f"{step.number:02} {step.title}", 2) as advance:
        judged = []
        for laid_out in (workspace.start(step), workspace.solution(step)):
            with laid_out as folder:
                judged.append(run_learner_tests(step, folder))
            advance()
    weak, finished = judged
    return drawing.Telemetry(
        log_events=(),
        points=(),
        traces=(),
        retention_days=None,
        noticed=[
            (one.rule.replace("-", " "), weak.noticed(one), finished.noticed(one))
            for one in weak.of_kind("fault")
        ],
    )


def rehearse_release(step: Step, screen: Screen) -> drawing.Telemetry:
    """Read what a step's finished template says of releases."""
    with (
        screen.progress(f"{step.number:02} {step.title}", 1) as advance,
        workspace.solution(step) as folder,
    ):
        release = Release.read(load_template(folder / "template.yaml"))
        advance()
    return drawing.Telemetry(
        log_events=(), points=(), traces=(), retention_days=None, release=release
    )


WITHOUT_TRAFFIC: dict[str, Callable[[Step, Screen], drawing.Telemetry]] = {
    "faults": faults_noticed,
    "ship": rehearse_release,
}
"""Views of what needs no payments: of tests, and of a template."""
