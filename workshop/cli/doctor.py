"""`workshop doctor`: what is installed, what is missing for which part, and what mends it."""

import argparse

from workshop.cli.examination import examine
from workshop.cli.project import Project
from workshop.cli.render import doctor as drawing
from workshop.cli.render.screen import Screen
from workshop.errors import ToolError


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop doctor`: there are none."""
    del options
    return doctor(project, screen)


def doctor(project: Project, screen: Screen) -> int:
    """Look at everything and say what is missing.

    Returns:
        0 when steps, tour and checks can work, else 3.
    """
    parts = list(examine(project))
    screen.show(*drawing.parts(parts, project.activation, screen.width))
    return 0 if all(part.works for part in parts if not part.optional) else ToolError.exit_status
