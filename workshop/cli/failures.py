"""Errors to output: what a person reads, and the exit status that goes with it."""

import platform
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from workshop.cli import as_json
from workshop.cli.interrupts import Interrupts
from workshop.cli.main import INTERRUPTED
from workshop.cli.render.stream import OutputClosedError, Stream
from workshop.course.verdict import NOT_YOURS
from workshop.errors import ToolError, WorkshopError

OUTPUT_CLOSED = 141
"""Exit status when nobody reads our output any more: 128 and the number of SIGPIPE."""


def told(error: BaseException, argv: Sequence[str]) -> int:
    """Tell a person of an error, in a line or two, on standard error.

    Args:
        error: Whatever was raised.
        argv: What was typed, for the report of a crash; with `--json` among it, the error is one
            JSON document on standard output instead.

    Returns:
        The exit status for it.
    """
    if isinstance(error.__cause__, KeyboardInterrupt):
        error = error.__cause__  # Python 3.11 wraps it, where it comes while a class is made
    # Where that cannot be written either, the exit status has to say it all.
    with suppress(OutputClosedError, ToolError):
        _say(error, argv)
    match error:
        case OutputClosedError():
            return OUTPUT_CLOSED
        case KeyboardInterrupt():
            return INTERRUPTED
        case SystemExit():  # argparse after --help, or a signal
            return error.code if isinstance(error.code, int) else 0
        case WorkshopError():
            return error.exit_status
        case _:
            return ToolError.exit_status


def watch_background(argv: Sequence[str], interrupts: Interrupts) -> None:
    """Keep what goes wrong behind our back off the screen and in a crash report.

    That is what a thread dies of, and what is raised where nobody can catch it. Where that is
    Ctrl-C, in the middle of a callback of Python's own, it is to come again.
    """

    def keep(failure: "threading.ExceptHookArgs | sys.UnraisableHookArgs") -> None:
        if isinstance(failure.exc_value, KeyboardInterrupt):
            interrupts.redeliver()
        elif isinstance(failure.exc_value, Exception):
            _write_report(failure.exc_value, argv)

    threading.excepthook = keep
    sys.unraisablehook = keep


def _say(error: BaseException, argv: Sequence[str]) -> None:
    match error:
        case OutputClosedError() | SystemExit():
            return
        case KeyboardInterrupt():
            _write(sys.stderr, "\nstopped\n")
            return
        case WorkshopError():
            reason = _detailed(error, argv)
        case _:
            reason = _crash(error, argv)
    if "--json" in argv:
        _write(sys.stdout, as_json.text(as_json.error(reason)))
    else:
        _tell(reason)


def _detailed(error: WorkshopError, argv: Sequence[str]) -> WorkshopError:
    """Add where to look: for details of what was unforeseen, or at the machine."""
    if error.exit_status != ToolError.exit_status:
        return error
    if isinstance(error.__cause__, OSError) and not error.look:
        return ToolError(error.what, NOT_YOURS)
    if error.__cause__ is None or isinstance(error.__cause__, WorkshopError | OSError):
        return error
    report = _write_report(error, argv)
    return ToolError(error.what, f"{error.look}; details in {report}" if report else error.look)


def _crash(error: BaseException, argv: Sequence[str]) -> ToolError:
    """Say that the tool failed, not the learner, and where the details are."""
    cause = (
        f"{type(error).__name__}: {error}".splitlines()[0] if str(error) else type(error).__name__
    )
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("workshop"):
        return ToolError(
            f"the tool cannot start: the package {error.name!r} is not installed here",
            "make tour installs what is missing; with uv: uv sync",
        )
    report = _write_report(error, argv)
    look = f"please report it with {report}" if report else "please report it"
    return ToolError(f"the workshop tool itself failed, not your code ({cause})", look)


def _write_report(error: BaseException, argv: Sequence[str]) -> Path | None:
    """Write the details of a crash to a file: into the state folder, or else a temporary one."""
    now = datetime.now().astimezone()
    text = "".join(
        [
            f"{now.isoformat()}\nworkshop {' '.join(argv)}\n",
            f"Python {platform.python_version()} on {platform.platform()}\n\n",
            *traceback.format_exception(error),
        ]
    )
    for folder in (_state_folder(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"crash-{now:%Y-%m-%d-%H%M%S}.txt"
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    return None


def _state_folder() -> Path:
    from workshop.cli.project import find  # it may be what failed

    try:
        return find().state
    except WorkshopError:
        return Path(tempfile.gettempdir())


def _tell(reason: WorkshopError) -> None:
    """Write an error to standard error, in colour where that can be."""
    try:
        from workshop.cli.render.screen import Screen  # it wants a package, rich
    except ImportError:
        _write(sys.stderr, f"✗ {reason.what}\n  {reason.look}\n")
        return
    with Screen(sys.stderr) as screen:
        screen.error(reason.what, reason.look)


def _write(target: TextIO | None, text: str) -> None:
    stream = Stream(target)
    stream.write(text)
    stream.flush()
