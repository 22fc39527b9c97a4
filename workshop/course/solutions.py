"""A step's solution: for those who have passed, or who ask for it all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workshop.errors import LearnerError, ToolError

if TYPE_CHECKING:
    from workshop.course.catalogue import Step


class SolutionLocked(LearnerError):  # noqa: N818 (a state, not a mistake)
    """The step has not been passed, and nobody asked to see the solution sooner."""


@dataclass(frozen=True)
class Solution:
    """A finished step.

    Attributes:
        files: Name to text of each file that changes.
        why: Why this works.
    """

    files: dict[str, str]
    why: str


def solution_for(step: Step, *, revealed: bool) -> Solution:
    """Show a step's solution.

    Args:
        step: The step.
        revealed: Whether the step is passed, or the learner asked to see it sooner.

    Raises:
        SolutionLocked: It is not revealed.
        ToolError: The solution's files cannot be read.
    """
    if not revealed:
        number = f"{step.number:02}"
        raise SolutionLocked(
            f"the solution of {step.name} opens once its check passes",
            f"workshop hint {number}, or see it now: workshop solution {number} --reveal",
        )
    try:
        files = {
            name: (step.solution / name).read_text(encoding="utf-8")
            for name in step.edit
            if (step.solution / name).is_file()
        }
    except OSError as error:
        raise ToolError(f"the solution of {step.name} cannot be read: {error}") from error
    if not files:
        raise ToolError(f"{step.name} has no solution", str(step.solution))
    return Solution(files, step.why)
