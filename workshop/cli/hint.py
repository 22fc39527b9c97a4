"""`workshop hint`: a nudge; asked again, a stronger one."""

import argparse

from workshop.cli.project import Project
from workshop.cli.render import course as drawing
from workshop.cli.render.screen import Screen
from workshop.course.catalogue import Step
from workshop.course.progress import Hint, Progress
from workshop.errors import ToolError


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop hint`."""
    return hint(project, screen, project.step(options.step))


def hint(project: Project, screen: Screen, step: Step) -> int:
    """Tell a step's next hint and remember that it was told.

    Returns:
        Exit status 0.
    """
    progress = Progress(project.state)
    warnings = []
    try:
        told = progress.next_hint(step)
    except ToolError as error:  # It cannot be remembered; it can still be told.
        number = min(progress.hints_taken(step) + 1, len(step.hints))
        told = Hint(number, len(step.hints), step.hints[number - 1])
        warnings.append(error.what)
    screen.show(*drawing.hint(step, told, screen.width))
    screen.warn(*progress.notes, *warnings)
    return 0
