"""The learner's own tests, judged: run on the handler as it is, and on faulty forms of it.

Tests run in processes of their own (`workshop.course.learner_pytest`), each in a copy of the
folder, so that they can hang, exit, or write over files as they like.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from workshop.course.files import temporary_folder
from workshop.course.given_files import changed_files
from workshop.course.handler_changes import CODE, read_changes
from workshop.course.workspace import IGNORED
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from workshop.course.catalogue import Step
    from workshop.course.handler_changes import Change, Kind

REVERSED = "reversed"
GOOD = "good"
SECONDS = 10.0
"""How long the tests may take on the good handler, all together."""

_RUNNER = Path(__file__).with_name("learner_pytest.py")
_PATIENCE = 4
_LEAST_SECONDS = 5.0
_MOST_AT_ONCE = 4
# What would change how the learner's tests or the handler run, and is not in the step's folder.
_FOREIGN = ("PYTEST_", "POWERTOOLS_", "AWS_", "LAMBDA_", "PYTHONWARNINGS", "PYTHONPATH")


@dataclass(frozen=True)
class Failure:
    """A test that failed.

    Attributes:
        name: The test, `Class.test` inside a class.
        message: What it said.
        line: Line of the test file; None when that is not known.
        text: The line's text.
    """

    name: str
    message: str
    line: int | None
    text: str


@dataclass(frozen=True)
class Run:
    """The tests' run on one form of the handler.

    Attributes:
        tests: Name of each test to `passed`, `failed` or `skipped`, in the order they ran.
        failures: Those that failed, in that order.
        unreadable: Why the test file could not be imported, as a failure without a name.
        connections: `host:port` of each place that a socket wanted to go to.
        ended: How the tests ended the run before its time; None when they did not.
        hung: The test that was running when the time was up; None when it was not.
        rewritten: Given files that the tests have changed.
        status: pytest's exit status; None when it did not come to one.
        seconds: How long the run was given.
    """

    tests: dict[str, str] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    unreadable: Failure | None = None
    connections: tuple[str, ...] = ()
    ended: str | None = None
    hung: str | None = None
    rewritten: tuple[str, ...] = ()
    status: int | None = None
    seconds: float = SECONDS

    @property
    def passed(self) -> bool:
        """Whether every test ran, and at least one passed and none failed."""
        return (
            self.status == 0
            and self.ended is None
            and self.hung is None
            and "passed" in self.tests.values()
        )


@dataclass(frozen=True)
class LearnerTests:
    """What came of the learner's tests.

    Attributes:
        file: Name of the test file.
        good: Their run on the handler as it is given.
        changes: The forms of the handler, in the order of `faults.toml`; those after a good run
            that did not pass are not tried.
        runs: Rule of a change to the run on it; `reversed` to the run with the last test first.
    """

    file: str
    good: Run
    changes: tuple[Change, ...]
    runs: dict[str, Run]

    def of_kind(self, kind: Kind) -> Iterator[Change]:
        """The changes of one kind, in order."""
        return (change for change in self.changes if change.kind == kind)

    def noticed(self, change: Change) -> bool:
        """Whether a test failed, or never ended, on a form of the handler."""
        return not self.runs[change.rule].passed

    def missed(self) -> list[Change]:
        """The faults on which every test passes, in order."""
        return [change for change in self.of_kind("fault") if not self.noticed(change)]


def run_learner_tests(
    step: Step,
    code: Path,
    *,
    seconds: float = SECONDS,
    at_once: int | None = None,
    fork: bool = True,
) -> LearnerTests:
    """Run the learner's tests on the handler as given and, if they pass, on every form of it.

    Args:
        step: The step; its only edited file is the test file.
        code: Folder with the tests; the handler is the given one of the step.
        seconds: How long the tests may take on the good handler.
        at_once: How many runs at a time; as many as there are processors when None.
        fork: Whether processes may be forked, which is quicker, where the system can.

    Raises:
        ToolError: The runs could not be made.
    """
    (test_file,) = step.edit
    changes = read_changes(step)
    source = (step.start / CODE).read_text(encoding="utf-8")
    forms = {change.rule: change.applied(source) for change in changes}
    with temporary_folder() as folder:
        bench = _Bench(step, code, folder, test_file)
        with _Runner(at_once or min(_MOST_AT_ONCE, os.cpu_count() or 1), fork=fork) as runner:
            good = bench.read(GOOD, runner.run([bench.lay_out(GOOD, source, seconds)]), seconds)
            if not good.passed or good.rewritten:
                return LearnerTests(test_file, good, changes, {})
            # A fault may make a test wait for what never comes: that is noticed too, and soon.
            soon = min(seconds, max(_LEAST_SECONDS, _PATIENCE * bench.took))
            limits = {c.rule: seconds if c.kind == "harmless" else soon for c in changes}
            jobs = [bench.lay_out(REVERSED, source, seconds, reverse=True)]
            jobs += [bench.lay_out(rule, forms[rule], limit) for rule, limit in limits.items()]
            answers = runner.run(jobs)
            limits[REVERSED] = seconds
            runs = {name: bench.read(name, answers, limit) for name, limit in limits.items()}
    return LearnerTests(test_file, good, changes, runs)


class _Bench:
    """Copies of a step's folder, each with a form of the handler in it."""

    def __init__(self, step: Step, code: Path, folder: Path, test_file: str) -> None:
        self._step = step
        self._code = code
        self._folder = folder
        self._test_file = test_file
        self.took = 0.0

    def lay_out(
        self, name: str, source: str, seconds: float, *, reverse: bool = False
    ) -> dict[str, Any]:
        """Make a copy, and return the job for it."""
        folder = self._folder / name
        try:
            shutil.copytree(self._code, folder, ignore=IGNORED)
            (folder / CODE).write_text(source, encoding="utf-8")
        except (OSError, shutil.Error) as error:
            raise ToolError(f"cannot copy {self._step.name}: {error}") from error
        return {
            "folder": str(folder),
            "test_file": self._test_file,
            "reverse": reverse,
            "seconds": seconds,
        }

    def read(self, name: str, answers: dict[str, dict[str, Any]], seconds: float) -> Run:
        """Return what came of a job."""
        answer = answers[str(self._folder / name)]
        result = answer["result"]
        if name == GOOD:
            self.took = answer["took"]
        rewritten = changed_files(self._step, self._folder / name) if name == GOOD else ()
        if "hung" in result:
            return Run(hung=result["hung"], rewritten=rewritten, seconds=seconds)
        if "gone" in result:
            return Run(ended=result["gone"] or "the process ended", rewritten=rewritten)
        unreadable = result["unreadable"]
        if unreadable is not None:
            said = f"{unreadable['kind']}: {unreadable['message']}"
            unreadable = Failure("", said, unreadable["line"], unreadable["text"])
        return Run(
            tests=result["tests"],
            failures=tuple(Failure(**one) for one in result["failures"]),
            unreadable=unreadable,
            connections=tuple(dict.fromkeys(result["connections"])),
            ended=result["ended"],
            rewritten=rewritten,
            status=result["status"],
            seconds=seconds,
        )


class _Runner:
    """The program that runs the tests, and ends with us: it reads until we close its stdin."""

    def __init__(self, at_once: int, *, fork: bool) -> None:
        self._arguments = [str(at_once)] if fork else [str(at_once), "--no-fork"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_FOREIGN) and name != "PYTHONSAFEPATH"
        } | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_RUNNER), "serve", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                # Ctrl-C is ours alone: closing its stdin ends it, and all that it has started.
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"cannot start Python to run the tests: {error}") from error
        return self

    def __exit__(self, *exception: object) -> None:
        process = self._process
        if process is None:
            return
        stdin, stdout = self._pipes()
        with suppress(OSError):
            stdin.close()
        process.wait()
        stdout.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError  # It is used as a context manager, and its streams are pipes.
        return process.stdin, process.stdout

    def run(self, jobs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Run jobs side by side; return folder to answer.

        Raises:
            ToolError: The program ended early.
        """
        stdin, stdout = self._pipes()
        try:
            stdin.write(b"".join(json.dumps(job).encode() + b"\n" for job in jobs))
            stdin.flush()
        except OSError as error:
            raise ToolError(f"the program that runs the tests has ended: {error}") from error
        answers: dict[str, dict[str, Any]] = {}
        while len(answers) < len(jobs):
            line = stdout.readline()
            if not line:
                raise ToolError("the program that runs the tests has ended before its time")
            answer = json.loads(line)
            answers[answer["folder"]] = answer
        return answers


def shown_names(names: Iterable[str], most: int = 3) -> str:
    """Return some names, and how many more there are."""
    chosen = list(names)
    more = f" and {len(chosen) - most} more" if len(chosen) > most else ""
    return ", ".join(chosen[:most]) + more
