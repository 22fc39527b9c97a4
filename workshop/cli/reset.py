"""`workshop reset`: a step as it was at the start; what was there is kept."""

import argparse

from workshop.cli.project import Project
from workshop.cli.render import course as drawing
from workshop.cli.render.screen import Screen
from workshop.course import safety
from workshop.course.catalogue import Step


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop reset`."""
    return reset(project, screen, project.course.find(options.step))


def reset(project: Project, screen: Screen, step: Step) -> int:
    """Restore a step's start, and say where the learner's files are kept.

    Returns:
        Exit status 0.

    Raises:
        ToolError: Something could not be kept; then nothing was restored.
    """
    done = safety.reset(step)
    screen.show(*drawing.reset(step, done, project.short, screen.width))
    return 0
