"""The files that a learner who writes tests is given, and may not have changed."""

from __future__ import annotations

import ast
import itertools
from typing import TYPE_CHECKING

from workshop.course.function_errors import listing
from workshop.course.wrong import Wrong

if TYPE_CHECKING:
    from pathlib import Path

    from workshop.course.catalogue import Step


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
        raise Wrong(
            "file-missing",
            f"{name} is not there",
            saw=f"the folder holds {listing(code)}",
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
