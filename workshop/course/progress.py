"""What the learner has done: steps passed, hints taken, the step last worked on.

Kept in `.workshop/progress.json` under the steps' names without their numbers, so that it
outlives a renumbering, and entries of steps that are not there (yet, or any more) are kept.
"""

from __future__ import annotations

import fcntl
import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from workshop.course.files import write_whole
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workshop.course.catalogue import Course, Step
    from workshop.course.verdict import Verdict

VERSION = 1


@dataclass(frozen=True)
class Hint:
    """A hint as told.

    Attributes:
        number: From 1.
        of: How many there are.
        text: The hint.
    """

    number: int
    of: int
    text: str


@dataclass
class _State:
    """The file's content. Times are RFC 3339 in UTC."""

    passed: dict[str, str] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    last: str = ""

    @classmethod
    def parse(cls, text: str) -> _State:
        """Read the file's text.

        Raises:
            ValueError: It is not what this version writes.
        """
        try:
            content: Any = json.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        if not isinstance(content, dict):
            raise ValueError("it does not hold an object")  # noqa: TRY004 (one error for all)
        if content.get("version") != VERSION:
            raise ValueError(f"its version is {content.get('version')!r}, not {VERSION}")
        state = cls(content.get("passed", {}), content.get("hints", {}), content.get("last", ""))
        sound = (
            isinstance(state.passed, dict)
            and all(isinstance(value, str) for value in state.passed.values())
            and isinstance(state.hints, dict)
            and all(type(value) is int for value in state.hints.values())
            and isinstance(state.last, str)
        )
        if not sound:
            raise ValueError("its values are of the wrong kind")
        return state

    def render(self) -> bytes:
        content = {"version": VERSION, **vars(self)}
        return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


class Progress:
    """The learner's progress through a course.

    Reading never fails: without a readable file nothing is done yet. Changes raise `ToolError`
    when they cannot be kept, so show first what they are about.

    Attributes:
        path: The file.
        notes: What the person should be told once, such as that a damaged file was moved aside.
    """

    def __init__(self, folder: Path) -> None:
        """Read what is kept in a folder, `.workshop`; it need not exist."""
        self.path = folder / "progress.json"
        self.notes: list[str] = []
        try:
            self._state = self._read()
        except ValueError:
            self._state = _State()
            with (
                suppress(OSError),
                self._locked(),
            ):  # Else it stays where it is, and is found again.
                self._state = self._read_or_move_aside()

    def is_passed(self, step: Step) -> bool:
        """Whether a step has been passed."""
        return step.slug in self._state.passed

    def hints_taken(self, step: Step) -> int:
        """How many of a step's hints have been told."""
        return self._state.hints.get(step.slug, 0)

    def current(self, course: Course) -> Step | None:
        """Name the step to work on: from the one last worked on, the first that is not passed.

        After the last step it goes round to those left out. None when all are passed.
        """
        at = next((at for at, step in enumerate(course.steps) if step.slug == self._state.last), 0)
        onwards = course.steps[at:] + course.steps[:at]
        return next((step for step in onwards if not self.is_passed(step)), None)

    def touch(self, step: Step) -> None:
        """Remember that a step is being worked on.

        Raises:
            ToolError: It cannot be kept.
        """
        if self._state.last != step.slug:
            with self._change() as state:
                state.last = step.slug

    def record(self, verdict: Verdict) -> None:
        """Keep what a check of the learner's own work found; a pass stays when work goes on.

        Raises:
            ToolError: It cannot be kept.
        """
        step = verdict.step
        if not verdict.passed or self.is_passed(step):
            self.touch(step)
            return
        with self._change() as state:
            state.last = step.slug
            state.passed.setdefault(step.slug, datetime.now(UTC).isoformat(timespec="seconds"))

    def next_hint(self, step: Step) -> Hint:
        """Tell the next hint; after the last one, that again.

        Raises:
            ToolError: That it was told cannot be kept.
        """
        with self._change() as state:
            number = min(state.hints.get(step.slug, 0) + 1, len(step.hints))
            state.hints[step.slug] = number
            state.last = step.slug
        return Hint(number, len(step.hints), step.hints[number - 1])

    @contextmanager
    def _change(self) -> Iterator[_State]:
        """Change the file: read, change and write it while no other command does."""
        try:
            with self._locked():
                self._state = self._read_or_move_aside()
                yield self._state
                write_whole(self.path, self._state.render())
        except OSError as error:
            raise ToolError(
                f"your progress cannot be kept: {error.strerror or error}",
                f"may you write to {self.path.parent}, and has its disk room?",
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> _State:
        """Read the file.

        Raises:
            ValueError: It is damaged, or of another version.
        """
        try:
            return _State.parse(self.path.read_text(encoding="utf-8"))
        except OSError:
            return _State()  # Not there, or not readable: nothing is known to be done.

    def _read_or_move_aside(self) -> _State:
        """Read the file; move it aside if it cannot be read. Only for who holds the lock."""
        try:
            return self._read()
        except ValueError as error:
            now = datetime.now().astimezone()
            stem = f"progress.{now:%Y-%m-%dT%H-%M-%S}"
            names = chain([f"{stem}.json"], (f"{stem}.{number}.json" for number in count(2)))
            aside = next(path for path in map(self.path.with_name, names) if not path.exists())
            self.path.replace(aside)
            self.notes.append(
                f"{self.path.name} could not be read ({error}); it is kept as {aside.name}, "
                "and your progress starts anew"
            )
            return _State()
