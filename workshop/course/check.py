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
from typing import TYPE_CHECKING

from workshop.course.verdict import Verdict
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workshop.course.catalogue import Step

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

    from workshop.course import fixtures, plugin
    from workshop.course.recorder import Recorder

    if seed is None:
        seed = random.SystemRandom().getrandbits(32)
    run = fixtures.CheckRun(step, step.folder if code is None else code, seed)
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
