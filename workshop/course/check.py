"""Checks the learner's work: runs a step's `test_step.py` and gives its verdict.

The step's promises are pytest tests, run in process by a pytest of their own: no terminal, no
cache, no configuration, no other plugins, so that nothing of the learner's machine, and nothing
of a pytest run around it, changes a verdict.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from workshop.course.wrong import Wrong
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workshop.course.catalogue import Step
    from workshop.course.traffic import Sent

__all__ = ["CheckOutcome", "Verdict", "Wrong", "check_step"]

Outcome: TypeAlias = Literal["passed", "failed", "waiting"]

# pytest's own plugins that a check has no use for: without them it starts in a third of the time.
_UNUSED = (
    "cacheprovider",
    "capture",
    "debugging",
    "doctest",
    "faulthandler",
    "junitxml",
    "legacypath",
    "logging",
    "monkeypatch",
    "pastebin",
    "recwarn",
    "setuponly",
    "setupplan",
    "subtests",
    "terminal",
    "threadexception",
    "tmpdir",
    "unittest",
    "unraisableexception",
    "warnings",
)
# What would reach into the check's pytest from the environment, or out of it into one around it.
_ENVIRONMENT = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST", "PYTEST_THEME")


@dataclass(frozen=True)
class CheckOutcome:
    """One promise of a step and how it came out.

    Attributes:
        title: The promise in words.
        outcome: `waiting` when an earlier one was broken, or the tool failed.
    """

    title: str
    outcome: Outcome


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        step: The step.
        wrong: The first thing wrong; None when there is none, or the tool failed.
        checks: The step's promises in order of cause.
        seconds: How long it took.
        sent: Every event sent, with its answer and signals, to show beside the verdict; the last
            is the one that went wrong when `wrong` came of an invocation.
        seed: Seed of the random values, to have the same again.
        tool_failure: Why there is no verdict; its cause is the exception. Never about the
            learner's work.
    """

    step: Step
    wrong: Wrong | None
    checks: tuple[CheckOutcome, ...]
    seconds: float
    sent: tuple[Sent, ...]
    seed: int
    tool_failure: ToolError | None = None

    @property
    def passed(self) -> bool:
        """Whether every promise holds."""
        return self.wrong is None and self.tool_failure is None

    @property
    def exit_status(self) -> int:
        """0 when passed, 1 when the learner's work is not there yet, 3 when the tool failed."""
        problem = self.tool_failure or self.wrong
        return problem.exit_status if problem else 0


def check_step(step: Step, code: Path | None = None, *, seed: int | None = None) -> Verdict:
    """Run a step's promises against a folder of code.

    Args:
        step: The step.
        code: Folder with template.yaml and the code; the learner's own when None. See
            `workshop.course.workspace` for solutions and answers.
        seed: Seed of the random values; a fresh one when None.

    Raises:
        KeyboardInterrupt: Ctrl-C while it ran; everything it started has ended.
    """
    start = time.perf_counter()
    import pytest  # 80 ms that only a check should cost.

    from workshop.course import plugin
    from workshop.course.recorder import Recorder

    if seed is None:
        seed = random.SystemRandom().getrandbits(32)
    run = plugin.CheckRun(step, step.folder if code is None else code, seed)
    recorder = Recorder(run)
    with _apart():
        status = pytest.main(
            [
                *("-c", os.devnull, f"--rootdir={step.folder}"),
                *("--import-mode=importlib", "--noconftest", "--disable-plugin-autoload"),
                *(f"-pno:{name}" for name in _UNUSED),
                str(step.folder / plugin.TEST_FILE),
            ],
            plugins=[plugin, recorder],
        )
    if recorder.interrupted:
        raise KeyboardInterrupt
    if recorder.wrong is None and recorder.tool_failure is None and not recorder.all_passed:
        recorder.tool_failure = ToolError(
            f"{step.name}/{plugin.TEST_FILE} could not be run (pytest status {int(status)})"
        )
    return Verdict(
        step=step,
        wrong=None if recorder.tool_failure else recorder.wrong,
        checks=recorder.checks,
        seconds=time.perf_counter() - start,
        sent=tuple(run.sent),
        seed=seed,
        tool_failure=recorder.tool_failure,
    )


@contextmanager
def _apart() -> Iterator[None]:
    """Keep a pytest run apart from its surroundings, another pytest run included."""
    environment = {name: os.environ.pop(name, None) for name in _ENVIRONMENT}
    # importlib mode names the module by its file alone, and every step has one of that name.
    name = "test_step"
    module = sys.modules.pop(name, None)
    try:
        yield
    finally:
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module
        for variable, value in environment.items():
            if value is not None:
                os.environ[variable] = value
