"""Judges one answer; in a module of its own, so that the processes of a pool can import it."""

from dataclasses import dataclass
from pathlib import Path

from workshop.course import workspace
from workshop.course.catalogue import load_step
from workshop.course.check import check_step


@dataclass(frozen=True)
class Case:
    """Something to check.

    Attributes:
        step: The step's folder.
        kind: `start`, `solution`, `right` or `wrong`.
        answer: File or folder of an answer; None for a start and a solution.
    """

    step: Path
    kind: str
    answer: Path | None = None

    def __str__(self) -> str:
        name = "" if self.answer is None else f"/{self.answer.stem}"
        return f"{self.step.name}/{self.kind}{name}"


@dataclass(frozen=True)
class Said:
    """What the check said, in values that pass from process to process.

    Attributes:
        rule: Rule of the first thing wrong; None when nothing is.
        parts: The message's four parts: what, saw, wanted, look.
        tool_failure: Why there is no verdict.
    """

    rule: str | None
    parts: tuple[str, ...]
    tool_failure: str | None


def judge(case: Case) -> Said:
    """Check an answer, laid over its step's start."""
    step = load_step(case.step)
    if case.kind == "start":
        laid_out = workspace.start(step)
    elif case.kind == "solution":
        laid_out = workspace.solution(step)
    else:
        laid_out = workspace.answer(step, case.answer)
    with laid_out as folder:
        verdict = check_step(step, folder)
    wrong = verdict.wrong
    return Said(
        rule=wrong and wrong.rule,
        parts=tuple(text for _, text in wrong.parts(step)) if wrong else (),
        tool_failure=verdict.tool_failure and str(verdict.tool_failure),
    )
