"""`workshop rehearse`: build, deploy, call and delete the finished application, on this laptop."""

import argparse
from contextlib import closing

from workshop.cli.project import Project
from workshop.cli.render import rehearse as drawing
from workshop.cli.render.screen import Screen
from workshop.rehearsal import Rehearsal

_DOING = (
    "sam build: packing the functions and what they import",
    "starting the emulator; sam deploy",
    "calling what is deployed",
    "sam delete",
    "looking for what is left",
)
"""What is under way before each scene is done."""


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop rehearse`."""
    return rehearse(project, screen, port=options.port)


def rehearse(project: Project, screen: Screen, *, port: int | None) -> int:
    """Play a rehearsal and tell of each scene when it is done.

    Args:
        project: The checkout; its root template is deployed.
        screen: Where to draw.
        port: Where the emulator is to listen; None for any free port.

    Returns:
        Exit status 0.

    Raises:
        WorkshopError: It cannot begin, or something in it went wrong.
    """
    rehearsal = Rehearsal(project.root, port)
    screen.show(*drawing.opening(screen.width))
    seconds = 0.0
    with closing(rehearsal.scenes()) as scenes:
        for doing in _DOING:
            with screen.progress(doing, 1):
                scene = next(scenes)
            seconds += scene.seconds
            screen.show(*drawing.scene(scene, screen.width))
            screen.flush()
    screen.show(*drawing.closing(seconds, screen.width))
    return 0
