"""What a step's `test_step.py` can ask for: its function, the services around it, and traffic.

Loaded with the plugin in every pytest run of this environment, so each fixture imports what it
needs when it is asked for.
"""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from workshop.errors import LearnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from workshop.course.api_traffic import Caller
    from workshop.course.catalogue import Step
    from workshop.course.function_errors import Code
    from workshop.course.half_hour import HalfHour
    from workshop.course.learner_tests import LearnerTests
    from workshop.course.payments import Payment
    from workshop.course.sent import Sent
    from workshop.course.stage import Stage
    from workshop.course.stream_traffic import Stream
    from workshop.course.traffic import Sender, Traffic
    from workshop.lab import Lab
    from workshop.processor.service import Processor
    from workshop.sam import Template


@dataclass
class CheckRun:
    """What the fixtures run: a step, the folder of code to judge, and the seed of random values.

    Attributes:
        step: The step.
        code: Folder that holds template.yaml and the code.
        seed: Seed of the traffic's random values.
        sent: All events sent, in order.
    """

    step: Step
    code: Path
    seed: int
    sent: list[Sent] = field(default_factory=list)


CHECK_RUN = pytest.StashKey[CheckRun]()
"""Where `check_step` leaves its run for the fixtures; there is none in plain pytest."""


@pytest.fixture(scope="module")
def _check_run(request: pytest.FixtureRequest) -> CheckRun:
    """The run that `check_step` registered; in plain pytest, the learner's folder as it is."""
    run = request.config.stash.get(CHECK_RUN, None)
    if run is not None:
        return run
    from workshop.course.catalogue import load_step

    folder = request.path.parent
    return CheckRun(load_step(folder), folder, random.SystemRandom().getrandbits(32))


@contextmanager
def _opened(run: CheckRun, **parameters: str) -> Iterator[Stage]:
    """Open the stage of the code under check.

    Raises:
        Wrong: The template is not there, or cannot be read.
    """
    from workshop.course import function_errors
    from workshop.course.stage import open_stage  # Heavy.

    function_errors.files_missing(run.code, run.step)
    with ExitStack() as closing:
        try:
            stage = closing.enter_context(open_stage(run.code, parameters=parameters))
            stage.lab.template.function()
        except LearnerError as error:
            raise function_errors.template_invalid(error) from None
        yield stage


@pytest.fixture(scope="module")
def _stage(_check_run: CheckRun) -> Iterator[Stage]:
    with _opened(_check_run) as stage:
        yield stage


@pytest.fixture(scope="module")
def _code(_check_run: CheckRun, lab: Lab) -> Code:
    from workshop.course.function_errors import Code

    return Code(_check_run.code, _check_run.step, lab.template.function())


@pytest.fixture(scope="module")
def step(_check_run: CheckRun) -> Step:
    """The step under check."""
    return _check_run.step


@pytest.fixture(scope="module")
def seeded(_check_run: CheckRun) -> random.Random:
    """Where a check's random values come from, so that a seed gives the same ones again."""
    return random.Random(_check_run.seed)  # Not a secret: reproducible traffic.


@pytest.fixture(scope="module")
def lab(_stage: Stage) -> Lab:
    """The lab of the code under check; nothing is sent unless a test or another fixture does."""
    return _stage.lab


@pytest.fixture(scope="module")
def template(lab: Lab) -> Template:
    """The learner's template, read.

    Raises:
        Wrong: It is not there, or cannot be read.
    """
    return lab.template


@pytest.fixture(scope="module")
def processor(_stage: Stage) -> Processor | None:
    """The card processor that the function calls; None when its template asks for none."""
    return _stage.processor


@pytest.fixture(scope="module")
def sender(request: pytest.FixtureRequest, lab: Lab, _code: Code, _check_run: CheckRun) -> Sender:
    """Send an event: as `send`, but with no traffic before it."""
    from workshop.course.traffic import Sender

    explain = getattr(request.module, "explain_exception", None)
    return Sender(lab, _code, _check_run.sent, explain)


@pytest.fixture(scope="module")
def traffic(sender: Sender, seeded: random.Random) -> Traffic:
    """Five payments through one fresh execution environment (`workshop.course.traffic.Traffic`).

    Raises:
        Wrong: The code cannot be loaded, or an event shows a fault that is wrong in any step.
    """
    from workshop.course.traffic import Traffic

    return Traffic.through(sender, seeded)


@pytest.fixture(scope="module")
def send(sender: Sender, traffic: Traffic) -> Sender:  # noqa: ARG001 (its events come first)
    """Send one more event in the traffic's environment: `send(event, may_fail=False) -> Sent`."""
    return sender


@pytest.fixture(scope="module")
def payment(seeded: random.Random) -> Callable[..., Payment]:
    """Make a random payment: `payment(**overrides)` (`workshop.course.payments.payment`)."""
    from workshop.course import payments

    def make(**overrides: object) -> Payment:
        return payments.payment(seeded, **overrides)

    return make


@pytest.fixture(scope="module")
def half_hour(lab: Lab, seeded: random.Random) -> HalfHour:
    """Half an hour of payments with an incident in it (`workshop.course.half_hour.HalfHour`).

    Raises:
        Wrong: Lambda would not take an event.
    """
    import time

    from workshop.course import function_errors
    from workshop.course.half_hour import HalfHour
    from workshop.load import CONCURRENCY

    at_once = lab.template.function().reserved_concurrency or CONCURRENCY
    try:
        return HalfHour.through(lab, seeded, time.time(), min(CONCURRENCY, at_once))
    except LearnerError as error:
        raise function_errors.refused(error) from None


@pytest.fixture(scope="module")
def call(_stage: Stage, _code: Code, _check_run: CheckRun) -> Caller:
    """Send a request to the REST API of the template (`workshop.course.api_traffic.Caller`)."""
    from workshop.course.api_traffic import Caller

    return Caller(_stage, _code, _check_run.sent)


@pytest.fixture(scope="module")
def learner_tests(_check_run: CheckRun) -> LearnerTests:
    """What came of the learner's own tests (`workshop.course.learner_tests.LearnerTests`).

    Raises:
        Wrong: The test file is not there, or Python cannot read it, or a given file is changed.
    """
    from workshop.course.given_files import require_readable
    from workshop.course.learner_tests import run_learner_tests

    require_readable(_check_run.step, _check_run.code)
    return run_learner_tests(_check_run.step, _check_run.code)


@pytest.fixture(scope="module")
def stream(lab: Lab, _code: Code, _check_run: CheckRun, seeded: random.Random) -> Stream:
    """The function, to be fed with records of a stream; nothing has been sent yet."""
    from workshop.course.stream_traffic import Stream

    return Stream(lab, _code, _check_run.sent, seeded)


@pytest.fixture(scope="module")
def lab_with(
    request: pytest.FixtureRequest, _check_run: CheckRun
) -> Callable[..., AbstractContextManager[Sender]]:
    """Open a lab of its own, with values of the template's parameters.

    `with lab_with(ModelMount="…") as send` sends to fresh execution environments.

    Raises:
        Wrong: The template is not there, or cannot be read.
    """
    from workshop.course.function_errors import Code
    from workshop.course.traffic import Sender

    explain = getattr(request.module, "explain_exception", None)

    @contextmanager
    def open_lab(**parameters: str) -> Iterator[Sender]:
        with _opened(_check_run, **parameters) as stage:
            code = Code(_check_run.code, _check_run.step, stage.lab.template.function())
            yield Sender(stage.lab, code, _check_run.sent, explain)

    return open_lab
