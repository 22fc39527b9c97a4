"""`workshop list`: the steps, and which of them are done."""

import argparse

from workshop.cli.project import Project
from workshop.cli.render import course as drawing
from workshop.cli.render.screen import Screen
from workshop.course.progress import Progress


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop list`: there are none."""
    del options
    return list_steps(project, screen)


def list_steps(project: Project, screen: Screen) -> int:
    """Show every step: done or not, minutes, slide, notebook.

    Returns:
        Exit status 0.
    """
    progress = Progress(project.state)
    screen.show(*drawing.steps(project.course, progress, screen.width))
    screen.warn(*progress.notes)
    return 0
