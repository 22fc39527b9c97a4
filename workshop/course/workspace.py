"""Runnable folders of code other than the learner's own: a solution, a start, an answer.

The learner's code runs in place, so that tracebacks name the learner's own files. Everything else
is laid over the step's given files in a temporary folder that goes when it is no longer wanted;
what the learner has edited has no part in it.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.course.files import temporary_folder
from workshop.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from workshop.course.catalogue import Step

IGNORED = shutil.ignore_patterns("__pycache__", ".*", "test_step.py")
"""What is no part of a step's code."""


def start(step: Step) -> AbstractContextManager[Path]:
    """Lay out a step as it is before the learner has edited anything."""
    return _laid_over(step)


def solution(step: Step) -> AbstractContextManager[Path]:
    """Lay out a step with its solution."""
    return _laid_over(step, step.solution)


def answer(step: Step, files: Path) -> AbstractContextManager[Path]:
    """Lay out a step with an answer.

    Args:
        step: The step.
        files: A folder of files; or one file, which takes the place of the one that the learner
            edits, or of app.py where there are several.
    """
    return _laid_over(step, files)


@contextmanager
def _laid_over(step: Step, files: Path | None = None) -> Iterator[Path]:
    """Lay files over a step's start in a temporary folder.

    Raises:
        ToolError: Something to be copied is not there, or there is no room for it.
    """
    with temporary_folder() as parent:
        folder = parent / step.name
        try:
            shutil.copytree(step.folder, folder, ignore=IGNORED)
            for edited in step.edit:
                (folder / edited).unlink(missing_ok=True)
            shutil.copytree(step.start, folder, ignore=IGNORED, dirs_exist_ok=True)
            if files is not None and files.is_file():
                shutil.copy(files, folder / (step.edit[0] if len(step.edit) == 1 else "app.py"))
            elif files is not None:
                shutil.copytree(files, folder, ignore=IGNORED, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            raise ToolError(f"cannot lay out {step.name}: {error}") from error
        yield folder
