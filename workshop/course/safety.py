"""Going back to a step's start without losing anything, and seeing what differs."""

from __future__ import annotations

import difflib
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from workshop.course.files import write_whole
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workshop.course.catalogue import Step


@dataclass(frozen=True)
class Reset:
    """What a reset did.

    Attributes:
        restored: Names of the files that are as at the start again; empty when all were already.
        backup: Folder that keeps them as they were; None when there was nothing to keep.
    """

    restored: tuple[str, ...]
    backup: Path | None


def changed(step: Step) -> tuple[str, ...]:
    """Name the files that differ from the step's start, or are gone."""
    return tuple(
        name for name in _pristine(step) if not _same(step.folder / name, step.start / name)
    )


def reset(step: Step, *, now: datetime | None = None) -> Reset:
    """Restore a step's start, having kept the learner's files in a dated backup.

    Files that have no pristine copy, such as ones the learner added, are left alone.

    Args:
        step: The step.
        now: Local time, for the backup's name; None for the clock's.

    Raises:
        ToolError: A file could not be kept or restored. Nothing is restored unless all is kept.
    """
    names = changed(step)
    if not names:
        return Reset((), None)
    kept = [name for name in names if (step.folder / name).exists()]
    try:
        backup = _keep(step, kept, now or datetime.now().astimezone()) if kept else None
        for name in names:
            _restore(step.start / name, step.folder / name)
    except (OSError, shutil.Error) as error:
        raise ToolError(
            f"{step.name} could not be reset: {error.strerror or 'a file could not be copied'}",
            f"what was there is in {step.folder}, or in the backups under {step.state}",
        ) from error
    return Reset(names, backup)


def diff(step: Step, against: Literal["start", "solution"] = "start") -> str:
    """Say how the learner's files differ, as a unified diff; empty when they do not.

    Args:
        step: The step.
        against: `start`: from the start to the learner's; `solution`: from the learner's to it.

    Raises:
        ToolError: The start is not there.
    """
    lines: list[str] = []
    for name in _pristine(step):
        yours = _lines(step.folder / name)
        if against == "start":
            sides = (_lines(step.start / name), yours, f"start/{name}", f"yours/{name}")
        else:
            path = step.solution / name
            if not path.exists():  # A solution holds only the files that change.
                path = step.start / name
            sides = (yours, _lines(path), f"yours/{name}", f"solution/{name}")
        lines.extend(difflib.unified_diff(*sides))
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _pristine(step: Step) -> Iterator[str]:
    """The names of all files of the start."""
    if not step.start.is_dir():
        raise ToolError(f"the start of {step.name} is not there", str(step.start))
    for path in sorted(step.start.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(step.start).as_posix()


def _same(path: Path, other: Path) -> bool:
    return path.is_file() and path.read_bytes() == other.read_bytes()


def _keep(step: Step, names: list[str], now: datetime) -> Path:
    """Copy the learner's files to a new dated folder; it appears with all of them or not at all."""
    parent = step.state / "backups" / step.name
    parent.mkdir(parents=True, exist_ok=True)
    partial = parent / f".partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for name in names:
            source, target = step.folder / name, partial / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy2(source, target)
        return _appear(partial, parent, f"{now:%Y-%m-%dT%H-%M-%S}")
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _appear(partial: Path, parent: Path, name: str) -> Path:
    """Give a finished backup its name; a second one in the same second gets a number."""
    number = 1
    while True:
        backup = parent / (name if number == 1 else f"{name}.{number}")
        try:
            backup.mkdir()  # Claims the name, against another reset at the same moment.
        except FileExistsError:
            number += 1
        else:
            return partial.replace(backup)


def _restore(pristine: Path, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)  # It is in the backup.
    write_whole(path, pristine.read_bytes())


def _lines(path: Path) -> list[str]:
    """A file's lines for a diff; none when there is no such file."""
    if not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
