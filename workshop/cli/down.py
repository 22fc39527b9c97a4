"""`workshop down`: end the endpoint."""

import argparse

from workshop.cli.project import Project
from workshop.cli.render import endpoint as drawing
from workshop.cli.render.screen import Screen
from workshop.endpoint import background


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop down`: there are none."""
    del options
    return down(project, screen)


def down(project: Project, screen: Screen) -> int:
    """End the endpoint of this checkout, if there is one; its telemetry stays.

    Returns:
        Exit status 0.
    """
    places = background.Places(project.state)
    with background.alone(places):
        screen.show(drawing.ended(background.stop(places)))
    return 0
