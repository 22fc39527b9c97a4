"""The course on the screen: the list of steps, and where the learner is."""

from collections.abc import Callable, Iterator
from pathlib import Path

from rich.text import Text

from workshop.cli.project import Project
from workshop.cli.render.bars import span
from workshop.cli.render.table import Column, table
from workshop.cli.render.text import labelled, prose
from workshop.cli.render.verdict import activating, commands
from workshop.course.catalogue import Course, Step
from workshop.course.progress import Hint, Progress
from workshop.course.safety import Reset

_BAR_WIDTH = 12


def steps(course: Course, progress: Progress, width: int) -> Iterator[Text]:
    """Draw a table of the steps."""
    current = progress.current(course)
    columns = (
        Column("", least=1),
        Column("step", least=24),
        Column("min", "right", least=3),
        Column("slide", least=20, keep=False),
        Column("notebook", least=12, keep=False),
    )
    rows = [
        (
            _mark(step, current, progress),
            Text(step.name, "strong" if step is current else ""),
            str(step.minutes),
            step.slide or "-",
            step.notebook or "-",
        )
        for step in course.steps
    ]
    yield table(columns, rows, width)


def status(project: Project, progress: Progress, width: int) -> Iterator[Text]:
    """Draw how far the learner is and what to do next.

    Args:
        project: The checkout, with all steps.
        progress: Which are done.
        width: Columns to draw in.
    """
    course, short = project.course, project.short
    total = len(course.steps)
    done = sum(map(progress.is_passed, course.steps))
    yield Text.assemble(
        ("Serverless observability workshop  ", "title"),
        span(0, done, total, _BAR_WIDTH, "good") if done else Text("·" * _BAR_WIDTH, "quiet"),
        f"  {done} of {total}",
    )
    yield Text()
    step = progress.current(course)
    if step is None:
        yield Text("Every step is done.", "good")
        yield Text()
        rows = {"workshop tour": "see it all again", "workshop list": "the steps"}
        yield from commands(activating(project.activation) | rows, width)
        return
    number = f"{step.number:02}"
    yield Text.assemble((step.name, "strong"), (f"  about {step.minutes} minutes", "quiet"))
    yield labelled("  ", step.question, width)
    yield Text()
    edited = ", ".join(short(step.folder / name) for name in step.edit)
    yield labelled("  read  ", short(step.folder / "README.md"), width, "quiet")
    yield labelled("  edit  ", edited, width, "quiet")
    yield Text()
    rows = activating(project.activation)
    rows |= {} if done else {"workshop tour": "first time here? see what this is about"}
    rows |= {
        f"workshop run {number}": "see what your function leaves behind",
        f"workshop watch {number}": "check on every save",
        f"workshop hint {number}": "a nudge",
    }
    yield from commands(rows, width)


def hint(step: Step, told: Hint, width: int) -> Iterator[Text]:
    """Draw a hint, and how to get the next one."""
    yield Text.assemble((f"hint {told.number} of {told.of}", "title"), (f"  {step.name}", "quiet"))
    yield from prose(told.text, width, 2)
    yield Text()
    number = f"{step.number:02}"
    if told.number < told.of:
        yield from commands({f"workshop hint {number}": "a stronger one"}, width)
    else:
        rows = {f"workshop solution {number} --reveal": "the solution, if you want it now"}
        yield from commands(rows, width)


def reset(step: Step, done: Reset, short: Callable[[Path], str], width: int) -> Iterator[Text]:
    """Draw what a reset restored, and where the learner's files are kept."""
    if not done.restored:
        yield labelled("✓ ", f"{step.name} is as it was at the start already", width, "good")
        return
    names = ", ".join(done.restored)
    yield labelled("✓ ", f"{step.name}: {names} as at the start again", width, "good")
    if done.backup is not None:
        yield labelled("  kept  ", f"your own: {short(done.backup)}", width, "quiet")


def _mark(step: Step, current: Step | None, progress: Progress) -> Text:
    if progress.is_passed(step):
        return Text("✓", "good")
    return Text("▸", "accent") if step is current else Text(" ")
