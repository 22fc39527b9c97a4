"""What a check found: each promise and how it came out, and the first thing wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from workshop.course.catalogue import Step
    from workshop.course.sent import Sent
    from workshop.course.wrong import Wrong
    from workshop.errors import ToolError

NOT_YOURS = "this is not about your code; workshop doctor may know more"
"""Where to look when the tool failed, or the machine under it."""

Outcome: TypeAlias = Literal["passed", "failed", "waiting"]


@dataclass(frozen=True)
class CheckOutcome:
    """One promise of a step and how it came out.

    Attributes:
        title: The promise in words.
        outcome: `waiting` when an earlier one was broken, or the tool failed.
    """

    title: str
    outcome: Outcome


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes:
        step: The step.
        wrong: The first thing wrong; None when there is none, or the tool failed.
        checks: The step's promises in order of cause.
        seconds: How long it took.
        sent: Every event sent, with its answer and signals, to show beside the verdict; the last
            is the one that went wrong when `wrong` came of an invocation.
        seed: Seed of the random values, to have the same again.
        tool_failure: Why there is no verdict; its cause is the exception. Never about the
            learner's work.
    """

    step: Step
    wrong: Wrong | None
    checks: tuple[CheckOutcome, ...]
    seconds: float
    sent: tuple[Sent, ...]
    seed: int
    tool_failure: ToolError | None = None

    @property
    def passed(self) -> bool:
        """Whether every promise holds."""
        return self.wrong is None and self.tool_failure is None

    @property
    def exit_status(self) -> int:
        """0 when passed, 1 when the learner's work is not there yet, 3 when the tool failed."""
        problem = self.tool_failure or self.wrong
        return problem.exit_status if problem else 0
