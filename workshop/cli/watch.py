"""`workshop watch`: a verdict on every save, with what the function left behind."""

import argparse

from workshop.cli import check
from workshop.cli.changes import changes, snapshot
from workshop.cli.project import Project
from workshop.cli.render import watch as drawing
from workshop.cli.render.screen import Screen
from workshop.course.catalogue import Step
from workshop.course.progress import Progress
from workshop.errors import WorkshopError


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop watch`."""
    return watch(project, screen, project.step(options.step), poll=options.poll)


def watch(project: Project, screen: Screen, step: Step, *, poll: bool) -> int:
    """Check a step now and on every save, until Ctrl-C.

    Args:
        project: The checkout.
        screen: Where to draw; a terminal is cleared before each verdict.
        step: What to check.
        poll: Whether to look for changes by polling.

    Raises:
        KeyboardInterrupt: After Ctrl-C, which is how it ends.
    """
    before = snapshot(step.folder)
    _verdict(project, screen, step)
    for changed in changes(step.folder, before, poll=poll):
        screen.clear()
        screen.show(drawing.saved([path.name for path in changed], screen.width))
        _verdict(project, screen, step)
    return 0


def _verdict(project: Project, screen: Screen, step: Step) -> None:
    """Check once and draw it; an error is drawn too, since the next save may mend it."""
    try:
        with screen.progress(f"checking {step.name}", 1):
            verdict = check.examine(step, finished=False)
    except WorkshopError as error:
        screen.error(error.what, error.look)
    else:
        screen.show(*drawing.traffic(verdict.sent, screen.width))
        check.show(project, screen, verdict, finished=False, watching=True)
        problem = check.keep(Progress(project.state), verdict)
        screen.warn(*([problem] if problem else []))
    screen.show(drawing.waiting(project.short(step.folder), screen.width))
    screen.flush()
