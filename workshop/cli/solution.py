"""`workshop solution`: the finished files of a step, and why they work."""

import argparse

from workshop.cli.project import Project
from workshop.cli.render import code as drawing
from workshop.cli.render.screen import Screen
from workshop.course.catalogue import Step
from workshop.course.progress import Progress
from workshop.course.solutions import solution_for


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop solution`."""
    return solution(project, screen, project.step(options.step), reveal=options.reveal)


def solution(project: Project, screen: Screen, step: Step, *, reveal: bool) -> int:
    """Show a step's solution once it has been passed, or sooner to who asks for it.

    Args:
        project: The checkout, whose progress says what has been passed.
        screen: Where to draw.
        step: Whose solution.
        reveal: Whether to show it although the step has not been passed.

    Returns:
        Exit status 0.

    Raises:
        SolutionLocked: It has not been passed, and `reveal` is false.
    """
    passed = Progress(project.state).is_passed(step)
    shown = solution_for(step, revealed=reveal or passed)
    for name, text in shown.files.items():
        screen.show(*drawing.file(project.short(step.solution / name), text))
    screen.show(*drawing.why(shown.why, screen.width))
    return 0
