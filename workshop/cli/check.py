"""`workshop check`: is it right, and if not, what is the first thing wrong?"""

import argparse
from contextlib import nullcontext

from workshop.cli import as_json
from workshop.cli.project import Project
from workshop.cli.render import verdict as drawing
from workshop.cli.render.screen import Screen
from workshop.course import workspace
from workshop.course.catalogue import Step
from workshop.course.check import check_step
from workshop.course.progress import Progress
from workshop.course.verdict import Verdict
from workshop.errors import ToolError, UsageError


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop check`."""
    if options.all and options.step:
        raise UsageError("a step or --all, not both", "workshop check --help")
    steps = project.course.steps if options.all else (project.step(options.step),)
    return check(project, screen, steps, finished=options.solution, to_json=options.json)


def check(
    project: Project, screen: Screen, steps: tuple[Step, ...], *, finished: bool, to_json: bool
) -> int:
    """Check steps, and show a verdict on each.

    Args:
        project: The checkout; a pass of the learner's own code is kept in its progress.
        screen: Where to draw.
        steps: What to check, in order.
        finished: Whether to check the solutions and not the learner's code.
        to_json: Whether to print JSON instead (`workshop.cli.as_json`).

    Returns:
        0 when all passed, else 1.

    Raises:
        ToolError: A check failed for a reason that is not the learner's; nothing is said of the
            learner's work then.
    """
    progress = Progress(project.state)
    documents = []
    passed = True
    for step in steps:
        with screen.progress(f"checking {step.name}", 1):
            verdict = examine(step, finished=finished)
        passed = passed and verdict.passed
        if not to_json and len(steps) == 1:
            show(project, screen, verdict, finished=finished)
        elif not to_json:
            screen.show(drawing.line(verdict), *drawing.wrong(verdict, screen.width))
        problem = None if finished else keep(progress, verdict)
        if to_json:
            code = "solution" if finished else "yours"
            saved = not finished and problem is None
            documents.append(as_json.verdict(verdict, code=code, progress_saved=saved))
        elif problem:
            screen.warn(problem)
    if to_json:
        screen.json({"passed": passed, "steps": documents})
    return 0 if passed else 1


def examine(step: Step, *, finished: bool) -> Verdict:
    """Run a step's check on the learner's code or on the solution.

    Raises:
        ToolError: There is no verdict, and it is not the learner's fault.
    """
    with workspace.solution(step) if finished else nullcontext(step.folder) as folder:
        verdict = check_step(step, folder)
    if verdict.tool_failure is not None:
        raise verdict.tool_failure
    return verdict


def keep(progress: Progress, verdict: Verdict) -> str | None:
    """Keep a verdict in the learner's progress.

    Returns:
        Why it could not be kept; that never hides a verdict.
    """
    try:
        progress.record(verdict)
    except ToolError as error:
        return error.what
    return None


def show(
    project: Project, screen: Screen, verdict: Verdict, *, finished: bool, watching: bool = False
) -> None:
    """Draw a verdict in full, and what to type next."""
    screen.show(*drawing.promises(verdict, screen.width))
    if verdict.wrong:
        screen.show(*drawing.wrong(verdict, screen.width))
        screen.show(*drawing.after_failure(verdict, screen.width, watching=watching))
    elif not finished:
        later = (step for step in project.course.steps if step.number > verdict.step.number)
        screen.show(*drawing.after_pass(verdict, next(later, None), screen.width))
