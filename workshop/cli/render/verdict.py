"""A check's verdict: the promises, the first thing wrong in four parts, and what to type next."""

import re
from collections.abc import Iterator, Mapping

from rich.text import Text

from workshop.cli.render.text import labelled, printable
from workshop.course.catalogue import Step
from workshop.course.verdict import Verdict

_COMMAND = re.compile(r" {2,}(?=workshop )")
"""What stands before a command at the end of a `look`: it gets a line of its own, to be whole."""

_MARKS = {
    "passed": ("✓", "good", ""),
    "failed": ("✗", "bad", ""),
    "waiting": ("·", "quiet", "quiet"),
}


def line(verdict: Verdict) -> Text:
    """Draw a verdict as one line."""
    kept = sum(one.outcome == "passed" for one in verdict.checks)
    mark, style, _ = _MARKS["passed" if verdict.passed else "failed"]
    return Text.assemble(
        (f"{mark} {verdict.step.name}", style),
        (f"  {kept} of {len(verdict.checks)} promises, {verdict.seconds:.1f} s", "quiet"),
    )


def promises(verdict: Verdict, width: int) -> Iterator[Text]:
    """Draw what the step promises, and which of it holds."""
    yield line(verdict)
    for one in verdict.checks:
        mark, mark_style, style = _MARKS[one.outcome]
        yield labelled(f"  {mark} ", printable(one.title), width, mark_style, style)


def wrong(verdict: Verdict, width: int) -> Iterator[Text]:
    """Draw the first thing wrong: what it is, what was seen, what was wanted, where to look."""
    if verdict.wrong is None:
        return
    (mark, what), *parts = verdict.wrong.parts(verdict.step)
    yield Text()
    yield labelled(f"{mark} ", printable(what), width, "bad", "bad")
    for label, text in parts:
        for number, part in enumerate(_COMMAND.sub("\n", text).splitlines() or [""]):
            yield labelled(f"  {'' if number else label:<8}", printable(part), width, "quiet")


def after_failure(verdict: Verdict, width: int, *, watching: bool) -> Iterator[Text]:
    """Draw what to type next, where the work is not there yet."""
    number = f"{verdict.step.number:02}"
    rows = {} if watching else {f"workshop watch {number}": "check on every save"}
    rows[f"workshop run {number}"] = "see what your function leaves behind"
    yield Text()
    yield from commands(rows, width)


def after_pass(verdict: Verdict, following: Step | None, width: int) -> Iterator[Text]:
    """Draw what a pass has brought, and what to type next."""
    step = verdict.step
    yield Text()
    yield labelled("You can now answer: ", step.question, width, "good", "strong")
    yield Text()
    rows = {f"workshop solution {step.number:02}": "unlocked: ours, and why it works"}
    if following is None:
        rows["workshop list"] = "that was the last step: see them all"
    else:
        rows[f"workshop watch {following.number:02}"] = f"next: {following.title}"
    yield from commands(rows, width)


def activating(activation: str | None) -> dict[str, str]:
    """Return the command to type before any other, where this terminal has no `workshop` yet."""
    return {activation: "first, once in each terminal"} if activation else {}


def commands(rows: Mapping[str, str], width: int) -> Iterator[Text]:
    """Draw commands to type, each with what it does."""
    column = max(map(len, rows)) + 4
    for typed, does in rows.items():
        yield labelled(f"  {typed:<{column - 2}}", does, width, "command", "quiet")
