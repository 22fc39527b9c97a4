"""Bare `workshop`: where you are, and what to do next."""

import argparse

from workshop.cli.project import Project
from workshop.cli.render import course as drawing
from workshop.cli.render.screen import Screen
from workshop.course.progress import Progress


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of the bare `workshop`: there are none."""
    del options
    return status(project, screen)


def status(project: Project, screen: Screen) -> int:
    """Show how far the learner is, and what to type next.

    Returns:
        Exit status 0.
    """
    progress = Progress(project.state)
    screen.show(*drawing.status(project, progress, screen.width))
    screen.warn(*progress.notes)
    return 0
