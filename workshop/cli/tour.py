"""`workshop tour`: the same payments through every step's solution, and what each one reveals."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from rich.text import Text

from workshop.cli.project import Project
from workshop.cli.render.screen import Screen
from workshop.cli.render.tour import frame, logs, traces
from workshop.cli.render.tour.api import api
from workshop.cli.render.tour.faults import faults
from workshop.cli.render.tour.frame import Picture
from workshop.cli.render.tour.inference import inference
from workshop.cli.render.tour.numbers import numbers
from workshop.cli.render.tour.percentiles import percentiles
from workshop.cli.render.tour.release import ship
from workshop.cli.render.tour.stream import stream
from workshop.cli.render.tour.telemetry import Telemetry
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
from workshop.streams import deliver, read_mappings, records_of

SEED = 7
COUNT = 300
CONCURRENCY = 10

_MOST_MINUTES, _LEAST_MINUTES = 30, 10
_A_MINUTE = 10
_INCIDENT = (0.4, 0.7)
_CRAWLING, _FAILING = 0.2, 0.4


@dataclass(frozen=True)
class Traffic:
    """What is sent through every step.

    Attributes:
        seed: Chose the payments.
        payments: The payments, in order.
    """

    seed: int
    payments: Sequence[payments.Payment]


View: TypeAlias = Callable[[Step, Traffic, Screen], Picture]
"""Does what a step is about with its solution, and returns what draws it."""


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
    traffic = Traffic(seed, payments.customers(seed, count))
    screen.show(*frame.opening(len(steps), count, screen.width))
    for step in steps:
        if step.tour.view not in VIEWS:
            known = ", ".join(VIEWS)
            raise ToolError(f"{step.name}/step.toml: no view “{step.tour.view}” ({known})")
        picture = VIEWS[step.tour.view](step, traffic, screen)
        screen.show(*frame.step(step, picture, screen.width))
    screen.show(*frame.closing(time.monotonic() - begun, project.activation, screen.width))
    return 0


# ------------------------------------------------------------------------------------------ views


def _of_payments(draw: Callable[[Telemetry, int], Iterator[Text]]) -> View:
    """Make a view of nothing but what the payments left behind."""

    def view(step: Step, traffic: Traffic, screen: Screen) -> Picture:
        with Store.open(None) as store:
            with _running(step, traffic, screen, store) as (lab, advance):
                _send(step, traffic, lab, store, advance)
            return partial(draw, _held(store))

    return view


def _with_retention(step: Step, traffic: Traffic, screen: Screen) -> Picture:
    """Send the payments; see how long their log events are kept, too."""
    with Store.open(None) as store:
        with _running(step, traffic, screen, store) as (lab, advance):
            _send(step, traffic, lab, store, advance)
            group = lab.template.log_groups.get(lab.template.function().log_group)
        return partial(logs.context, _held(store), group.retention_days if group else None)


def _over_time(step: Step, traffic: Traffic, screen: Screen) -> Picture:
    """Lay as many payments over the past, with an incident among them."""
    with Store.open(None) as store:
        with _running(step, traffic, screen, None) as (lab, advance):
            for laid in minutes(lab, traffic.seed, len(traffic.payments)):
                store.append(laid.log_events, laid.segments)
                advance()
            alarms = read_alarms(lab.template.resources)
        return partial(percentiles, _held(store), alarms)


def _through_mapping(step: Step, traffic: Traffic, screen: Screen) -> Picture:
    """Put the payments into a stream, from which the template's mapping takes them."""
    with Store.open(None) as store:
        with _running(step, traffic, screen, store) as (lab, advance):
            settings = read_mappings(lab.template)[0]
            timed = crowd.events(step, (Timed(0, one) for one in traffic.payments))
            records = [record for one in timed for record in records_of(one.event)]
            delivery, _ = deliver(lab, settings, records)
            for _ in traffic.payments:
                advance()
        return partial(stream, _held(store), settings, delivery)


def _faults_noticed(step: Step, traffic: Traffic, screen: Screen) -> Picture:
    """Run a step's tests, as it begins and finished, on faulty handlers."""
    del traffic
    with screen.progress(f"{step.number:02} {step.title}", 2) as advance:
        judged = []
        for laid_out in (workspace.start(step), workspace.solution(step)):
            with laid_out as folder:
                judged.append(run_learner_tests(step, folder))
            advance()
    weak, finished = judged
    noticed = [
        (one.rule.replace("-", " "), weak.noticed(one), finished.noticed(one))
        for one in weak.of_kind("fault")
    ]
    return partial(faults, noticed)


def _release(step: Step, traffic: Traffic, screen: Screen) -> Picture:
    """Read what a step's finished template says of releases."""
    del traffic
    with (
        screen.progress(f"{step.number:02} {step.title}", 1) as advance,
        workspace.solution(step) as folder,
    ):
        release = Release.read(load_template(folder / "template.yaml"))
        advance()
    return partial(ship, release)


VIEWS: dict[str, View] = {
    "lines": _of_payments(logs.lines),
    "keys": _of_payments(logs.keys),
    "context": _with_retention,
    "numbers": _of_payments(numbers),
    "percentiles": _over_time,
    "waterfall": _of_payments(traces.waterfall),
    "dependencies": _of_payments(traces.dependencies),
    "api": _of_payments(api),
    "stream": _through_mapping,
    "inference": _of_payments(inference),
    "faults": _faults_noticed,
    "ship": _release,
}
"""What a step's `tour.view` may name."""


# ------------------------------------------------------------------------------- what they share


@contextmanager
def _running(
    step: Step, traffic: Traffic, screen: Screen, store: Store | None
) -> Iterator[tuple[Lab, Callable[[], None]]]:
    """Open the lab of a step's solution, and draw progress: a payment at a time.

    Args:
        step: The step.
        traffic: The payments.
        screen: Where progress is drawn.
        store: Where telemetry is kept; None where the caller keeps it.
    """
    with (
        workspace.solution(step) as folder,
        stage.open_lab(folder, store=store) as lab,
        screen.progress(f"{step.number:02} {step.title}", len(traffic.payments)) as advance,
    ):
        yield lab, advance


def _send(
    step: Step, traffic: Traffic, lab: Lab, store: Store, advance: Callable[[], None]
) -> None:
    """Send the payments, as the step's events, to its function or to its API."""
    timed = (Timed(0, one) for one in traffic.payments)
    target, asked = crowd.at_the_door(step, lab, timed, store.append)
    for _ in target.invoke_many([one.event for one in asked], concurrency=CONCURRENCY):
        advance()


def _held(store: Store) -> Telemetry:
    """Read back all that a store holds, once its lab is closed."""
    with store.database():
        return Telemetry(
            log_events=store.log_events(), points=store.data_points(), traces=store.traces()
        )


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
