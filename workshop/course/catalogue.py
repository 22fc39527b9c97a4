"""The steps of the course, read from `steps/NN_name/step.toml` and validated."""

from __future__ import annotations

import difflib
import itertools
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from workshop.errors import ToolError, UsageError

STARTS = Path(__file__).parent / "starts"
"""Pristine copies of the files a learner edits, one folder per step."""

STATE = ".workshop"
"""Folder under the root that keeps what the learner's commands leave: progress, backups, data."""

HINTS = 3
_FOLDER = re.compile(r"(?P<number>\d\d)_(?P<slug>[a-z0-9_]+)")
_RULE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class WrongRule:
    """A wrong answer the step's check knows.

    Attributes:
        rule: Kebab-case id, unique within the step.
        says: What is wrong with it, one sentence.
    """

    rule: str
    says: str


@dataclass(frozen=True)
class Given:
    """A file that a step gives anew, so that it need not be as the step before left it.

    Attributes:
        file: Its name, relative to the step's folder.
        says: What is new about it, one sentence.
    """

    file: str
    says: str


@dataclass(frozen=True)
class Tour:
    """What `workshop tour` says of a step.

    Attributes:
        reveals: What you can answer now that you could not before, one sentence.
        view: Name of the picture that shows it.
    """

    reveals: str
    view: str


@dataclass(frozen=True)
class Step:
    """One step of the course.

    Attributes:
        root: Folder of the repository.
        number: Position in the course, as in the folder's name.
        slug: The folder's name without the number; it outlives renumbering.
        title: A few words.
        idea: What the step adds, one clause.
        question: The question it answers.
        minutes: How long an attendee takes.
        slide: Slide (number or name) in the deck; empty when there is none.
        notebook: Notebook file; empty when there is none.
        edit: Names of the files the learner edits, relative to the folder.
        hints: From nudge to near-answer.
        why: Why the solution works, shown with it.
        start_rule: Rule by which the untouched start fails.
        wrong: The wrong answers its check knows.
        tour: Its part of the tour.
        after: Name of the step that it starts from; empty when it starts anew, and None when
            that is the one before (`Course.before`).
        given: The files that it gives anew.
        starts: Folder that holds the pristine starts of all steps.
    """

    root: Path
    number: int
    slug: str
    title: str
    idea: str
    question: str
    minutes: int
    slide: str
    notebook: str
    edit: tuple[str, ...]
    hints: tuple[str, str, str]
    why: str
    start_rule: str
    wrong: tuple[WrongRule, ...]
    tour: Tour
    after: str | None = None
    given: tuple[Given, ...] = ()
    starts: Path = field(default=STARTS, repr=False)

    @property
    def name(self) -> str:
        """Name of the folder, such as `03_custom_metrics`."""
        return f"{self.number:02}_{self.slug}"

    @property
    def folder(self) -> Path:
        """The learner's own folder."""
        return self.root / "steps" / self.name

    @property
    def solution(self) -> Path:
        """Folder of the finished files."""
        return self.root / "solutions" / self.name

    @property
    def start(self) -> Path:
        """Folder of the pristine files."""
        return self.starts / self.name

    @property
    def state(self) -> Path:
        """Folder that keeps progress and backups."""
        return self.root / STATE


@dataclass(frozen=True)
class Course:
    """All steps, in order.

    Attributes:
        root: Folder of the repository.
        steps: The steps by number.
    """

    root: Path
    steps: tuple[Step, ...]

    @classmethod
    def load(cls, root: Path, *, starts: Path = STARTS) -> Course:
        """Read every `steps/NN_name/step.toml` under `root`.

        Raises:
            ToolError: There are no steps, two share a number, or a step.toml is not right.
        """
        folders = sorted(path.parent for path in (root / "steps").glob("*/step.toml"))
        if not folders:
            raise ToolError(f"there are no steps under {root / 'steps'}")
        steps = tuple(load_step(folder, starts=starts) for folder in folders)
        for one, other in itertools.pairwise(steps):
            if one.number == other.number:
                raise ToolError(f"two steps have the number {one.number:02}", str(other.folder))
        return cls(root, steps)

    @property
    def state(self) -> Path:
        """Folder that keeps progress and backups."""
        return self.root / STATE

    def before(self, step: Step) -> Step | None:
        """Return the step whose solution a step starts from; None when it starts anew.

        Raises:
            ToolError: Its step.toml names no earlier step.
        """
        earlier = [one for one in self.steps if one.number < step.number]
        if step.after is None:
            return earlier[-1] if earlier else None
        for one in earlier:
            if one.name == step.after:
                return one
        if not step.after:
            return None
        raise ToolError(
            f"{step.name}/step.toml: 'after' is '{step.after}', which is no step before it",
            str(step.folder),
        )

    def find(self, text: str) -> Step:
        """Find a step by its number (`3`, `03`), its folder's name, or a part of that (`metrics`).

        Raises:
            UsageError: No step, or more than one, is meant by it.
        """
        wanted = text.strip().strip("/").rsplit("/", 1)[-1].lower().replace("-", "_")
        if wanted.isdecimal():
            found = [step for step in self.steps if step.number == int(wanted)]
        else:
            found = [step for step in self.steps if wanted in (step.name, step.slug)] or [
                step for step in self.steps if wanted and wanted in step.name
            ]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(step.name for step in found)
            raise UsageError(f"'{text}' could be more than one step: {names}", "give its number")
        names_and_slugs = {name: step for step in self.steps for name in (step.name, step.slug)}
        close = difflib.get_close_matches(wanted, names_and_slugs, n=1, cutoff=0.5)
        known = f"{self.steps[0].number:02} to {self.steps[-1].number:02}"
        look = f"did you mean {names_and_slugs[close[0]].name}?" if close else "workshop list"
        raise UsageError(f"there is no step '{text}'; the steps are {known}", look)


def load_step(folder: Path, *, starts: Path = STARTS) -> Step:
    """Read one step's `step.toml`.

    Raises:
        ToolError: It cannot be read, or a key is missing, unknown or of the wrong kind; the
            error names the file and the key.
    """
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        raise ToolError(f"a step's folder is named NN_name, and {folder.name} is not", str(folder))
    table = _Table.read(folder / "step.toml")
    wrong = tuple(
        WrongRule(entry.text("rule", _RULE), entry.text("says")) for entry in table.tables("wrong")
    )
    rules = [one.rule for one in wrong]
    for rule in rules:
        if rules.count(rule) > 1:
            raise table.error("wrong", f"lists the rule '{rule}' more than once")
    hints = table.texts("hints")
    if len(hints) != HINTS:
        raise table.error("hints", f"holds {len(hints)} hints instead of {HINTS}")
    edit = table.texts("edit")
    for name in edit:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise table.error("edit", f"names '{name}', which is not inside the step's folder")
    given = tuple(Given(entry.text("file"), entry.text("says")) for entry in table.tables("given"))
    tour = table.table("tour")
    start_rule = table.text("start_rule", _RULE)
    if start_rule not in rules:
        raise table.error("start_rule", f"is '{start_rule}', which [[wrong]] does not list")
    step = Step(
        root=folder.parent.parent,
        number=int(match["number"]),
        slug=match["slug"],
        title=table.text("title"),
        idea=table.text("idea"),
        question=table.text("question"),
        minutes=table.positive("minutes"),
        slide=table.text("slide", default=""),
        notebook=table.text("notebook", default=""),
        edit=edit,
        hints=(hints[0], hints[1], hints[2]),
        why=table.text("why"),
        start_rule=start_rule,
        wrong=wrong,
        tour=Tour(tour.text("reveals"), tour.text("view")),
        after=table.text("after", default="") if table.has("after") else None,
        given=given,
        starts=starts,
    )
    tour.finish()
    table.finish()
    return step


class _Table:
    """A TOML table whose keys are taken one by one, so that what is left over is a mistake."""

    def __init__(self, path: Path, entries: dict[str, Any], prefix: str = "") -> None:
        self._path = path
        self._entries = dict(entries)
        self._prefix = prefix

    @classmethod
    def read(cls, path: Path) -> _Table:
        try:
            return cls(path, tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ToolError(
                f"cannot read {path.parent.name}/step.toml: {error}", str(path)
            ) from None

    def error(self, key: str, complaint: str) -> ToolError:
        """An error that names the file and the key."""
        where = f"{self._path.parent.name}/step.toml"
        return ToolError(f"{where}: '{self._prefix}{key}' {complaint}", str(self._path))

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._entries

    def _take(self, key: str, kind: type, article: str, default: object = None) -> Any:  # noqa: ANN401 (TOML is untyped; the callers check the kind)
        value = self._entries.pop(key, default)
        if value is None:
            raise self.error(key, "is missing")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.error(key, f"is not {article}")
        return value

    def text(
        self, key: str, pattern: re.Pattern[str] | None = None, default: str | None = None
    ) -> str:
        value: str = self._take(key, str, "a string", default).strip()
        if not value and default is None:
            raise self.error(key, "is empty")
        if pattern is not None and not pattern.fullmatch(value):
            raise self.error(key, f"is '{value}', which is not kebab-case")
        return value

    def positive(self, key: str) -> int:
        value: int = self._take(key, int, "a whole number")
        if value < 1:
            raise self.error(key, "is not above zero")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._take(key, list, "a list of strings")
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise self.error(key, "is not a list of strings")
        return tuple(value.strip() for value in values)

    def table(self, key: str) -> _Table:
        return _Table(self._path, self._take(key, dict, "a table"), f"{self._prefix}{key}.")

    def tables(self, key: str) -> list[_Table]:
        entries = self._take(key, list, "a list of tables", [])
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.error(key, "is not a list of tables")
        return [
            _Table(self._path, entry, f"{self._prefix}{key}[{place}].")
            for place, entry in enumerate(entries)
        ]

    def finish(self) -> None:
        """Complain of keys that nothing has taken: a typing mistake must not pass in silence."""
        for key in self._entries:
            raise self.error(key, "is not a key that a step has")
