"""`workshop status`: whether the endpoint runs, and what it serves."""

import argparse

from workshop.cli.project import Project
from workshop.cli.render import endpoint as drawing
from workshop.cli.render.screen import Screen
from workshop.endpoint import background


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop status`: there are none."""
    del options
    return status(project, screen)


def status(project: Project, screen: Screen) -> int:
    """Show whether the endpoint of this checkout runs, and what it serves.

    Returns:
        0 when it runs, else 1.
    """
    places = background.Places(project.state)
    found = background.running(places)
    if found is None:
        screen.show(*drawing.not_running())
        return 1
    screen.show(*drawing.running(found, project.short(places.aws), screen.width, already=True))
    return 0
