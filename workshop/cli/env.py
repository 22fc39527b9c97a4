"""`workshop env`: the variables that point AWS clients at the endpoint."""

import argparse
import os

from workshop.account import REGION
from workshop.cli.connection import running
from workshop.cli.project import Project
from workshop.cli.render.screen import Screen
from workshop.endpoint import aws_config, background


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop env`: there are none."""
    del options
    return env(project, screen)


def env(project: Project, screen: Screen) -> int:
    """Print the exports, for `eval "$(workshop env)"`; the files that they name are there then.

    Returns:
        Exit status 0.

    Raises:
        ToolError: The files cannot be written.
    """
    folder = background.Places(project.state).aws
    aws_config.write(folder, running(project).url, REGION)
    for line in aws_config.exports(folder, os.environ):
        screen.raw(f"{line}\n")
    return 0
