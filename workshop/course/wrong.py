"""What a check says about the learner's work: one wrong thing, in four parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workshop.errors import LearnerError

if TYPE_CHECKING:
    from workshop.course.catalogue import Step

INDENT = 10
"""Columns before the text of `saw`, `wanted` and `look`."""


class Wrong(LearnerError):  # noqa: N818 (it reads `raise Wrong(...)`)
    """The first thing wrong with the learner's work, as a check tells it.

    Args:
        rule: Kebab-case id, unique within a step; `step.toml` lists it, tests pin answers to it.
        what: What is wrong, one clause without a trailing full stop.
        saw: What the check observed.
        wanted: What it wanted to observe.
        look: Where to look: a line, a documentation link, a question that leads on.
        hint: Whether the step's hints can help; if so the message ends with `workshop hint NN`.
    """

    def __init__(  # the four parts of every message, and their id
        self, rule: str, what: str, *, saw: str, wanted: str, look: str, hint: bool = True
    ) -> None:
        super().__init__(what, look)
        self.rule = rule
        self.saw = saw
        self.wanted = wanted
        self.hint = hint

    def parts(self, step: Step) -> tuple[tuple[str, str], ...]:
        """The message as (label, text) pairs: `✗`, `saw`, `wanted`, `look`.

        Texts may have several lines.
        """
        look = self.look
        if self.hint and "workshop hint" not in look:
            look = f"{look}   workshop hint {step.number:02}".strip()
        return (
            ("✗", f"{step.name} · {self.what}"),
            ("saw", self.saw),
            ("wanted", self.wanted),
            ("look", look),
        )

    def lines(self, step: Step) -> list[str]:
        """The message as plain text, further lines of a part lined up under its first."""
        (mark, what), *rest = self.parts(step)
        lines = [f"{mark} {what}"]
        for label, text in rest:
            first, *more = text.splitlines() or [""]
            lines.append(f"  {label:<{INDENT - 2}}{first}".rstrip())
            lines.extend(f"{'':{INDENT}}{line}".rstrip() for line in more)
        return lines
