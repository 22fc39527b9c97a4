"""What a check's own pytest run came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workshop.course import fixtures, function_errors, plugin
from workshop.course.verdict import CheckOutcome
from workshop.errors import ToolError

if TYPE_CHECKING:
    import pytest

    from workshop.course.verdict import Outcome
    from workshop.course.wrong import Wrong


class Recorder:
    """A pytest plugin that hands a `CheckRun` to the fixtures and keeps what happens.

    Attributes:
        wrong: The first broken promise.
        tool_failure: The first thing that is not the learner's fault.
        interrupted: Whether Ctrl-C ended the run.
    """

    def __init__(self, run: fixtures.CheckRun) -> None:
        self._run = run
        self.wrong: Wrong | None = None
        self.tool_failure: ToolError | None = None
        self.interrupted = False
        self._titles: dict[str, str] = {}
        self._outcomes: dict[str, Outcome] = {}

    @property
    def checks(self) -> tuple[CheckOutcome, ...]:
        """The promises in order, with their outcomes so far."""
        return tuple(
            CheckOutcome(title, self._outcomes.get(node, "waiting"))
            for node, title in self._titles.items()
        )

    @property
    def all_passed(self) -> bool:
        """Whether there are promises, and every one holds."""
        return bool(self._titles) and all(one.outcome == "passed" for one in self.checks)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand over what to check."""
        config.stash[fixtures.CHECK_RUN] = self._run

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn the promises."""
        self._titles = {item.nodeid: plugin.promise(item) for item in session.items}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A test file that cannot be loaded is not the learner's fault."""
        if report.failed:
            said = [line for line in str(report.longrepr).splitlines() if line.strip()]
            self._fail(plugin.not_yours(said[-1].removeprefix("E").strip() if said else "no tests"))

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Keep the outcome of a promise, and whose fault a broken one is."""
        if call.excinfo is None:
            if call.when == "call":
                self._outcomes[item.nodeid] = "passed"
        elif call.excinfo.errisinstance(plugin.SKIPPED):
            self._outcomes[item.nodeid] = "waiting"
        else:
            said = plugin.account(call.excinfo.value, item)
            if isinstance(said, ToolError):
                self._outcomes[item.nodeid] = "waiting"
                self._fail(said)
            else:
                # Code that does not even run was not tried for what this promise is about.
                tried = said.rule not in function_errors.RULES
                self._outcomes[item.nodeid] = "failed" if tried else "waiting"
                self.wrong = self.wrong or said

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Keep an error of pytest or of a plugin; True keeps it from being printed."""
        self._fail(plugin.not_yours(f"{excinfo.typename}: {excinfo.value}", excinfo.value))
        return True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember Ctrl-C: pytest itself turns it into a status."""
        # pytest's own reasons to stop, such as a file that cannot be loaded, are subclasses.
        self.interrupted = excinfo.type is KeyboardInterrupt

    def _fail(self, failure: ToolError) -> None:
        self.tool_failure = self.tool_failure or failure
