"""The pytest plugin behind a step's `test_step.py`: fixtures, order of cause, and its messages.

Installed as a pytest11 entry point, so it is loaded in every pytest run of this environment: it
does nothing, and imports nothing of the lab, unless a step's `test_step.py` is run.

A test of a step is a promise. The first that is broken is told in four parts, without a
traceback; those after it wait, because their cause may be the same.
"""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workshop.course.wrong import Wrong
from workshop.errors import LearnerError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from workshop.course.api_traffic import Caller
    from workshop.course.catalogue import Step
    from workshop.course.half_hour import HalfHour
    from workshop.course.learner_tests import LearnerTests
    from workshop.course.payments import Payment
    from workshop.course.processor_service import Processor
    from workshop.course.settlements import Stream
    from workshop.course.stage import Stage
    from workshop.course.traffic import Sender, Sent, Traffic
    from workshop.lab import Lab
    from workshop.sam import Template

TEST_FILE = "test_step.py"
SKIPPED = pytest.skip.Exception


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

_FIRST_BROKEN = pytest.StashKey[dict[Path, str]]()


def is_step_test(path: Path) -> bool:
    """Whether a test file is a step's own."""
    return path.name == TEST_FILE and path.with_name("step.toml").is_file()


def promise(item: pytest.Item) -> str:
    """A test's promise in words: the first line of its docstring, else its name."""
    documentation = getattr(getattr(item, "function", None), "__doc__", None) or ""
    first = documentation.strip().partition("\n")[0].rstrip(".")
    return first or item.name.removeprefix("test_").replace("_", " ")


def account(error: BaseException, item: pytest.Item) -> Wrong | ToolError:
    """Tell the learner's fault from the tool's.

    Args:
        error: What a test or a fixture raised.
        item: The test.

    Returns:
        `Wrong` for a broken promise; `ToolError`, caused by `error`, for anything unforeseen.
    """
    if isinstance(error, Wrong):
        return error
    if isinstance(error, AssertionError):
        return Wrong(
            "promise-broken",
            f"this does not hold: {promise(item)}",
            saw=str(error).strip() or "the opposite",
            wanted=promise(item),
            look="",
        )
    if isinstance(error, ToolError):
        return error
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    said = " ".join(str(error).split())
    return not_yours(f"{type(error).__name__}: {said} ({place})", error)


def not_yours(said: str, cause: BaseException | None = None) -> ToolError:
    """A failure of the check or of the tool under it, said so that nobody feels blamed."""
    failure = ToolError(
        f"the check itself failed: {said}",
        "this is not about your code; workshop doctor may know more",
    )
    failure.__cause__ = cause
    return failure


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the promises after a broken one wait."""
    if not is_step_test(item.path):
        return
    broken = item.session.stash.setdefault(_FIRST_BROKEN, {}).get(item.path)
    if broken is not None:
        pytest.skip(f"waits for: {broken}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say what is wrong in four parts instead of a traceback."""
    report = yield
    if call.excinfo is None or not report.failed or not is_step_test(item.path):
        return report
    item.session.stash.setdefault(_FIRST_BROKEN, {}).setdefault(item.path, promise(item))
    said = account(call.excinfo.value, item)
    if isinstance(said, Wrong):
        # A fault that the traffic shows is the learner's, not an error of the set-up.
        report.when = "call"
    if isinstance(said, Wrong) or item.config.getoption("tbstyle", "auto") == "auto":
        report.longrepr = _told(said, item)
    return report


def _told(said: Wrong | ToolError, item: pytest.Item) -> str:
    """Put it in words for pytest's own report."""
    from workshop.course.catalogue import load_step

    if isinstance(said, Wrong):
        try:
            return "\n".join(said.lines(load_step(item.path.parent)))
        except ToolError as error:
            said = error
    return f"! {item.path.parent.name} · {said.what}\n  {said.look}\n  (--tb=long says more)"


def _run(request: pytest.FixtureRequest) -> CheckRun:
    """The run that `check_step` registered; in plain pytest, the learner's folder as it is."""
    run = request.config.stash.get(CHECK_RUN, None)
    if run is not None:
        return run
    from workshop.course.catalogue import load_step

    folder = request.path.parent
    return CheckRun(load_step(folder), folder, random.SystemRandom().getrandbits(32))


@pytest.fixture(scope="module")
def _check_run(request: pytest.FixtureRequest) -> CheckRun:
    return _run(request)


@pytest.fixture(scope="module")
def _random(_check_run: CheckRun) -> random.Random:
    return random.Random(_check_run.seed)  # Not a secret: reproducible traffic.


@pytest.fixture(scope="module")
def _stage(_check_run: CheckRun) -> Iterator[Stage]:
    from workshop.course import faults
    from workshop.course.stage import open_stage  # Heavy.

    faults.files_missing(_check_run.code, _check_run.step)
    with ExitStack() as closing:
        try:
            stage = closing.enter_context(open_stage(_check_run.step, _check_run.code))
            stage.lab.template.function()
        except LearnerError as error:
            raise faults.template_invalid(error) from None
        yield stage


@pytest.fixture(scope="module")
def _lab(_stage: Stage) -> Lab:
    return _stage.lab


@pytest.fixture(scope="module")
def _sender(request: pytest.FixtureRequest, _lab: Lab, _check_run: CheckRun) -> Sender:
    from workshop.course.faults import Code
    from workshop.course.traffic import Sender

    code = Code(_check_run.code, _check_run.step, _lab.template.function())
    explain = getattr(request.module, "explain_exception", None)
    return Sender(_lab, code, _check_run.sent, explain)


@pytest.fixture(scope="module")
def step(_check_run: CheckRun) -> Step:
    """The step under check."""
    return _check_run.step


@pytest.fixture(scope="module")
def template(_lab: Lab) -> Template:
    """The learner's template, read.

    Raises:
        Wrong: It is not there, or cannot be read.
    """
    return _lab.template


@pytest.fixture(scope="module")
def lab(_lab: Lab) -> Lab:
    """The lab of the code under check; nothing is sent unless a test or another fixture does."""
    return _lab


@pytest.fixture(scope="module")
def sender(_sender: Sender) -> Sender:
    """Send an event: as `send`, but with no traffic before it."""
    return _sender


@pytest.fixture(scope="module")
def processor(_stage: Stage) -> Processor | None:
    """The card processor that the function calls; None when its template asks for none."""
    return _stage.processor


@pytest.fixture(scope="module")
def stream(_stage: Stage, _check_run: CheckRun, _random: random.Random) -> Stream:
    """The function, to be fed with records of a stream; nothing has been sent yet."""
    from workshop.course.faults import Code
    from workshop.course.settlements import Stream

    code = Code(_check_run.code, _check_run.step, _stage.lab.template.function())
    return Stream(_stage.lab, code, _check_run.sent, _random)


@pytest.fixture(scope="module")
def traffic(_sender: Sender, _random: random.Random) -> Traffic:
    """Five payments through one fresh execution environment (`workshop.course.traffic.Traffic`).

    Raises:
        Wrong: The code cannot be loaded, or an event shows a fault that is wrong in any step.
    """
    from workshop.course.traffic import Traffic

    return Traffic.through(_sender, _random)


@pytest.fixture(scope="module")
def send(_sender: Sender, traffic: Traffic) -> Sender:  # noqa: ARG001 (its events come first)
    """Send one more event in the traffic's environment: `send(event, may_fail=False) -> Sent`."""
    return _sender


@pytest.fixture(scope="module")
def payment(_random: random.Random) -> Callable[..., Payment]:
    """Make a random payment: `payment(**overrides)` (`workshop.course.payments.payment`)."""
    from workshop.course import payments

    def make(**overrides: object) -> Payment:
        return payments.payment(_random, **overrides)

    return make


@pytest.fixture(scope="module")
def seeded(_random: random.Random) -> random.Random:
    """Where a check's random values come from, so that a seed gives the same ones again."""
    return _random


@pytest.fixture(scope="module")
def lab_with(
    request: pytest.FixtureRequest, _check_run: CheckRun
) -> Callable[..., AbstractContextManager[Sender]]:
    """Open a lab of its own, with values of the template's parameters.

    `with lab_with(ModelMount="…") as send` sends to fresh execution environments.

    Raises:
        Wrong: The template is not there, or cannot be read.
    """
    from workshop.course import faults
    from workshop.course.traffic import Sender
    from workshop.lab import Lab

    explain = getattr(request.module, "explain_exception", None)

    @contextmanager
    def open_lab(**parameters: str) -> Iterator[Sender]:
        faults.files_missing(_check_run.code, _check_run.step)
        try:
            lab = Lab.open(_check_run.code / "template.yaml", parameters=parameters)
            code = faults.Code(_check_run.code, _check_run.step, lab.template.function())
        except LearnerError as error:
            raise faults.template_invalid(error) from None
        with lab:
            yield Sender(lab, code, _check_run.sent, explain)

    return open_lab


@pytest.fixture(scope="module")
def half_hour(_lab: Lab, _random: random.Random) -> HalfHour:
    """Half an hour of payments with an incident in it (`workshop.course.half_hour.HalfHour`).

    Raises:
        Wrong: Lambda would not take an event.
    """
    import time

    from workshop.course import faults
    from workshop.course.half_hour import HalfHour
    from workshop.load import CONCURRENCY

    at_once = _lab.template.function().reserved_concurrency or CONCURRENCY
    try:
        return HalfHour.through(_lab, _random, time.time(), min(CONCURRENCY, at_once))
    except LearnerError as error:
        raise faults.refused(error) from None


@pytest.fixture(scope="module")
def learner_tests(_check_run: CheckRun) -> LearnerTests:
    """What came of the learner's own tests (`workshop.course.learner_tests.LearnerTests`).

    Raises:
        Wrong: The test file is not there, or Python cannot read it, or a given file is changed.
    """
    from workshop.course.learner_tests import require_readable, run_learner_tests

    require_readable(_check_run.step, _check_run.code)
    return run_learner_tests(_check_run.step, _check_run.code)


@pytest.fixture(scope="module")
def call(_stage: Stage, _check_run: CheckRun) -> Caller:
    """Send a request to the REST API of the template (`workshop.course.api_traffic.Caller`)."""
    from workshop.course.api_traffic import Caller
    from workshop.course.faults import Code

    code = Code(_check_run.code, _check_run.step, _stage.lab.template.function())
    return Caller(_stage, code, _check_run.sent)
