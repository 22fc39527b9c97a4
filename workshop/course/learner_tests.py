"""The learner's own tests, judged: run on the handler as it is, and on faulty forms of it.

A step that has the learner write tests lists in its `faults.toml` what to change in the handler:

    [[probe]]      a handler that does nothing of what it should, to see whether tests look at all
    [[harmless]]   a change that no user notices: tests that fail on it pin too much
    [[fault]]      a change that would reach users: tests have to fail on it

Every change is an exact replacement of text in the given `app.py`. Tests run in processes of their
own (`workshop.course.learner_pytest`), each in a copy of the folder, so that they can hang, exit,
or write over files as they like.
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

from workshop.course.files import temporary_folder
from workshop.course.workspace import IGNORED
from workshop.course.wrong import Wrong
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Self

    from workshop.course.catalogue import Step

Kind: TypeAlias = Literal["probe", "harmless", "fault"]

FAULTS = "faults.toml"
CODE = "app.py"
REVERSED = "reversed"
GOOD = "good"
SECONDS = 10.0
"""How long the tests may take on the good handler, all together."""

_RUNNER = Path(__file__).with_name("learner_pytest.py")
_KINDS: tuple[Kind, ...] = ("probe", "harmless", "fault")
_PATIENCE = 4
_LEAST_SECONDS = 5.0
_MOST_AT_ONCE = 4
# What would change how the learner's tests or the handler run, and is not in the step's folder.
_FOREIGN = ("PYTEST_", "POWERTOOLS_", "AWS_", "LAMBDA_", "PYTHONWARNINGS", "PYTHONPATH")


@dataclass(frozen=True)
class Change:
    """A form of the handler with something in it changed.

    Attributes:
        kind: What the change is for.
        rule: Kebab-case id; the rule under which a check tells of it.
        does: What the changed handler does, one clause.
        users: What that would mean to users; empty where they notice nothing.
        look: Where to look in the tests.
        shown: The changed line, as the learner may read it; empty when there is none to show.
        replace: Texts of app.py and what stands there instead.
    """

    kind: Kind
    rule: str
    does: str
    users: str
    look: str
    shown: str
    replace: tuple[tuple[str, str], ...]

    def applied(self, source: str) -> str:
        """Return app.py with the change in it.

        Raises:
            ToolError: A text to be replaced is not there exactly once.
        """
        for old, new in self.replace:
            if source.count(old) != 1:
                raise ToolError(
                    f"{FAULTS}: the change '{self.rule}' fits {source.count(old)} places of "
                    f"{CODE} and not one",
                    old.splitlines()[0],
                )
            source = source.replace(old, new)
        return source


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


def read_changes(step: Step) -> tuple[Change, ...]:
    """Read a step's `faults.toml`.

    Raises:
        ToolError: It cannot be read, or an entry is not right.
    """
    path = step.folder / FAULTS
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Change(
                kind=kind,
                rule=entry["rule"],
                does=entry["does"],
                users=entry.get("users", ""),
                look=entry["look"],
                shown=entry.get("shown", ""),
                replace=tuple((one["old"], one["new"]) for one in entry["replace"]),
            )
            for kind in _KINDS
            for entry in table[kind]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise ToolError(f"cannot read {step.name}/{FAULTS}: {said}", str(path)) from None


def changed_files(step: Step, code: Path) -> tuple[str, ...]:
    """Name the given Python files that say something else than they did; comments are free."""
    given = (path.name for path in sorted(step.start.glob("*.py")) if path.name not in step.edit)
    return tuple(name for name in given if _meaning(code / name) != _meaning(step.start / name))


def _first_difference(given: Path, path: Path) -> str:
    """Name the first line of a given file that is another now, and what it was."""
    if not path.is_file():
        return "it is not there"
    old = given.read_text(encoding="utf-8").splitlines()
    new = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = itertools.zip_longest(old, new, fillvalue="")
    line = next((place for place, (was, now) in enumerate(pairs, 1) if was != now), 1)
    was, now = (lines[line - 1].strip() if line <= len(lines) else "" for lines in (old, new))
    return f"{path.name}:{line}: {now or '(nothing)'}\nit was: {was or '(nothing)'}"


def _meaning(path: Path) -> str:
    """What a Python file says, whatever its comments and its layout."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return text


def require_readable(step: Step, code: Path) -> None:
    """Look at the files before anything is run.

    Raises:
        Wrong: The test file is not there, is empty, or Python cannot read it; or a given file has
            been changed, so that the tests would be judged by another handler than the learner's.
    """
    (name,) = step.edit
    path = code / name
    number = f"{step.number:02}"
    if not path.is_file():
        names = sorted(one.name for one in code.iterdir() if not one.name.startswith((".", "__")))
        raise Wrong(
            "file-missing",
            f"{name} is not there",
            saw=f"the folder holds {', '.join(names) or 'nothing'}",
            wanted=f"your tests in {name}",
            look=f"was it renamed or moved?   workshop reset {number} brings the start back",
            hint=False,
        )
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        text = (getattr(error, "text", None) or "").strip()
        raise Wrong(
            "syntax-error",
            f"Python cannot read {name}" + (f":{line}" if line else ""),
            saw=getattr(error, "msg", None) or str(error),
            wanted="a file that Python can read",
            look=f"{name}:{line}: {text}" if line else name,
            hint=False,
        ) from None
    if not tree.body:
        raise Wrong(
            "empty-file",
            f"{name} is empty",
            saw="no statement in it",
            wanted="your tests",
            look=f"workshop reset {number} brings the start back",
            hint=False,
        )
    changed = changed_files(step, code)
    if changed:
        raise Wrong(
            "given-file-changed",
            f"{changed[0]} is not the one that was given",
            saw=_first_difference(step.start / changed[0], code / changed[0]),
            wanted=f"your tests in {name}, and the handler as it is: they have to tell it from "
            "faulty ones",
            look=f"undo it in your editor; workshop diff {number} shows all that differs, and "
            f"workshop reset {number} brings everything back (it keeps a copy of your {name})",
            hint=False,
        )


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
