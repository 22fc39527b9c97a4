"""`workshop diff`: what the learner changed, or what is between them and the solution."""

import argparse
from typing import Literal

from workshop.cli.project import Project
from workshop.cli.render import code as drawing
from workshop.cli.render.screen import Screen
from workshop.course import safety
from workshop.course.catalogue import Step
from workshop.course.progress import Progress
from workshop.course.solutions import solution_for


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop diff`."""
    step = project.step(options.step)
    if not options.solution:
        return diff(screen, step, "start")
    passed = Progress(project.state).is_passed(step)
    solution_for(step, revealed=options.reveal or passed)  # raises while it is locked
    return diff(screen, step, "solution")


def diff(screen: Screen, step: Step, against: Literal["start", "solution"]) -> int:
    """Show how the learner's files differ, as a unified diff.

    Args:
        screen: Where to draw; a file or a pipe gets a diff that `patch` can read.
        step: Whose files.
        against: From the start to the learner's, or from the learner's to the solution.

    Returns:
        Exit status 0.
    """
    difference = safety.diff(step, against)
    if not difference:
        screen.show(drawing.same(step, against, screen.width))
        return 0
    screen.show(*drawing.diff(difference))
    return 0
