"""What can be typed: commands, their arguments, and what is said about a mistyped one."""

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn

from workshop.errors import UsageError

MODULES = {
    "tour": "tour",
    "list": "list_steps",
    "run": "run",
    "check": "check",
    "watch": "watch",
    "hint": "hint",
    "diff": "diff",
    "solution": "solution",
    "reset": "reset",
    "doctor": "doctor",
}
"""Command to the module of this package whose `command` function does it."""

BARE = "status"
"""The module for `workshop` alone."""

_EPILOG = """\
A step is named by its number or a part of its name: 3, 03, metrics, 03_custom_metrics.
Exit status: 0 fine, 1 your work is not there yet, 2 wrong usage, 3 the tool itself failed.
Without a command: where you are and what to do next.
"""

_STEP = "step, by number or name"
_OPTIONAL_STEP = "step, by number or name (without: the current one)"


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: raised, one sentence, with a way on."""

    def error(self, message: str) -> NoReturn:
        text = message[:1].lower() + message[1:]
        raise UsageError(text.rstrip("."), f"{self.prog} --help")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Args:
        arguments: What was typed after `workshop`.

    Returns:
        The options; `command` is None for the bare `workshop`.

    Raises:
        UsageError: When it makes no sense, with a suggestion where there is one.
        SystemExit: After `--help` and `--version` have been answered.
    """
    typed = next(iter(arguments), "-")
    if not typed.startswith("-") and typed not in MODULES:
        close = difflib.get_close_matches(typed, MODULES, n=1, cutoff=0.5)
        look = f"did you mean: workshop {close[0]}" if close else "workshop --help lists them"
        raise UsageError(f"there is no command “{typed}”", look)
    return build().parse_args(list(arguments))


def build() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="workshop",
        description="Learn to log, meter and trace a Lambda function on your own laptop.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version="workshop 0.1.0")
    commands = parser.add_subparsers(dest="command", metavar="command", title="commands")

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=what, description=what, allow_abbrev=False)

    tour = add("tour", "see what each step lets you answer, on real payments")
    tour.add_argument("--count", type=_positive, default=None, help="payments per step")
    tour.add_argument("--seed", type=int, default=None, help="other customers, other payments")

    add("list", "steps: done or not, minutes, slide, notebook")

    run = add("run", "send an event to a step's function and see what it leaves behind")
    run.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    run.add_argument(
        "--event",
        default="charge",
        metavar="NAME|FILE|-",
        help="a name in the step's events/, a JSON file, or - for standard input",
    )
    run.add_argument("--count", type=_positive, default=1, help="how many times (1)")
    run.add_argument("--solution", action="store_true", help="run the solution, not your code")
    _add_json(run)

    check = add("check", "verdict on your step")
    check.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    check.add_argument("--all", action="store_true", help="every step")
    check.add_argument("--solution", action="store_true", help="check the solution, not your code")
    _add_json(check)

    watch = add("watch", "check on every save, until Ctrl-C")
    watch.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    watch.add_argument(
        "--poll", action="store_true", help="look for changes by polling (network disks, WSL)"
    )

    hint = add("hint", "a nudge; asked again, a stronger one")
    hint.add_argument("step", nargs="?", help=_OPTIONAL_STEP)

    diff = add("diff", "what you changed since the step's start")
    diff.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    diff.add_argument("--solution", action="store_true", help="your code against the solution")
    _add_reveal(diff)

    solution = add("solution", "the step's solution, once your check has passed")
    solution.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    _add_reveal(solution)

    reset = add("reset", "put the step's start back; your files are kept as a backup")
    reset.add_argument("step", help=_STEP)

    add("doctor", "what is installed, what is missing, and what mends it")
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document (workshop/cli/as_json.py)"
    )


def _add_reveal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reveal", action="store_true", help="show it before your check passes")


def _positive(text: str) -> int:
    """Read a count: a whole number above nought."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        reason = f"{text!r} is not a whole number above 0"
        raise argparse.ArgumentTypeError(reason)
    return number
