"""The pytest plugin behind a step's `test_step.py`: order of cause, and its messages.

Installed as a pytest11 entry point, so it is loaded in every pytest run of this environment: it
does nothing, and imports nothing of the lab, unless a step's `test_step.py` is run.

A test of a step is a promise. The first that is broken is told in four parts, without a
traceback; those after it wait, because their cause may be the same.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workshop import loopback
from workshop.course import fixtures
from workshop.course.verdict import NOT_YOURS
from workshop.course.wrong import Wrong
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Generator

TEST_FILE = "test_step.py"
SKIPPED = pytest.skip.Exception


_CLOCK_SECONDS = 1.0
_CLOCK_AHEAD = pytest.StashKey[float]()
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
        `Wrong` for a broken promise; `ToolError`, caused by `error`, for anything unforeseen, and
        where this machine would break any promise.
    """
    if isinstance(error, Wrong):
        return _machine(item) or error
    if isinstance(error, AssertionError):
        return Wrong(
            "promise-broken",
            f"this does not hold: {promise(item)}",
            saw=str(error).strip() or "the opposite",
            wanted=promise(item),
            look="",
        )
    if isinstance(error, ToolError):
        error.look = error.look or NOT_YOURS
        return error
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    said = " ".join(str(error).split())
    return not_yours(f"{type(error).__name__}: {said} ({place})", error)


def _machine(item: pytest.Item) -> ToolError | None:
    """Look at what every promise stands on, before anybody is blamed."""
    set_by = _clock_ahead() - item.config.stash[_CLOCK_AHEAD]
    if abs(set_by) > _CLOCK_SECONDS:
        return ToolError(
            f"the clock of this machine was set by {set_by:+,.0f} s while the check ran",
            "this is not about your code: check it again",
        )
    try:
        loopback.require()
    except loopback.LoopbackError as error:
        return error
    return None


def _clock_ahead() -> float:
    """Return how far the time of day is ahead of a clock that nobody can set, in seconds."""
    return time.time() - time.monotonic()


def not_yours(said: str, cause: BaseException | None = None) -> ToolError:
    """A failure of the check or of the tool under it, said so that nobody feels blamed."""
    failure = ToolError(f"the check itself failed: {said}", NOT_YOURS)
    failure.__cause__ = cause
    return failure


def pytest_configure(config: pytest.Config) -> None:
    """Bring the fixtures along, and remember what time it is."""
    config.stash[_CLOCK_AHEAD] = _clock_ahead()
    config.pluginmanager.register(fixtures, "workshop-fixtures")


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
