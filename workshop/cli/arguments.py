"""What can be typed: commands, their arguments, and what is said about a mistyped one."""

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NoReturn

from workshop.cli import durations
from workshop.cli.project import DISTRIBUTION
from workshop.cli.render.stream import Stream
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
    "up": "up",
    "down": "down",
    "status": "endpoint_status",
    "env": "env",
    "traffic": "traffic",
    "api": "api",
    "query": "query",
    "logs": "logs",
    "metrics": "metrics",
    "traces": "traces",
    "rehearse": "rehearse",
}
"""Command to the module of this package whose `command` function does it."""

BARE = "status"
"""The module for `workshop` alone."""

_EPILOG = """\
A step is named by its number or a part of its name: 3, 03, metrics, 03_custom_metrics.
Exit status: 0 fine, 1 your work is not there yet, 2 wrong usage, 3 the tool itself failed.
Without a command: where you are and what to do next.
"""

_LAST_PORT = 65535
_STEP = "step, by number or name"
_OPTIONAL_STEP = "step, by number or name (without: the current one)"


def _print(text: str) -> None:
    stream = Stream(sys.stdout)
    stream.write(text)
    stream.flush()


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: raised, one sentence, with a way on."""

    def error(self, message: str) -> NoReturn:
        text = message[:1].lower() + message[1:]
        raise UsageError(text.rstrip("."), f"{self.prog} --help")

    def parse_known_args(  # type: ignore[override]  # the overloads say no more than this
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuse at once what is left over, which argparse itself leaves to the parser above."""
        options, left = super().parse_known_args(args, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return options, left

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 (argparse gives none)
        """Write the help, and mind that it gets there, which argparse itself does not."""
        _print(self.format_help())


class _Version(argparse.Action):
    """Looks the version up when it is asked for: every other command does without the import."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata

        _print(f"workshop {metadata.version(DISTRIBUTION)}\n")
        parser.exit()


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
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
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

    rehearse = add(
        "rehearse", "deploy the finished application to an emulator of AWS, and delete it"
    )
    rehearse.add_argument("--port", type=_port, default=None, help="the emulator's (any free one)")

    _add_endpoint(add)
    return parser


def _add_endpoint(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the endpoint's commands, and those that ask it something."""
    up = add("up", "serve a step's function and its telemetry by AWS's APIs, on loopback")
    up.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    up.add_argument("--solution", action="store_true", help="serve the solution, not your code")
    up.add_argument("--port", type=_port, default=None, help="(4590, or the next one free)")
    up.add_argument("--foreground", action="store_true", help="stay here until Ctrl-C")

    add("down", "end what `workshop up` started; the telemetry stays")

    add("status", "whether the endpoint of `workshop up` runs, and where (exit status 1: no)")

    add("env", 'variables for AWS clients: eval "$(workshop env)"')

    _add_traffic(add)

    api = add("api", "serve a step's REST API as API Gateway does, on loopback, until Ctrl-C")
    api.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    api.add_argument("--solution", action="store_true", help="serve the solution, not your code")
    api.add_argument("--port", type=_port, default=None, help="(4600, or the next one free)")

    query = add("query", "ask the log events a question in Logs Insights QL")
    query.add_argument("query", help='such as "stats count(*) by level"')
    _add_since(query, "1h")
    query.add_argument(
        "--group", action="append", metavar="G", help="log group (all); may be repeated"
    )
    form = query.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print CSV")
    _add_json(form)

    logs = add("logs", "log events as they came, oldest first")
    _add_since(logs, "15m")
    logs.add_argument("--group", metavar="G", help="log group (all)")
    logs.add_argument("--filter", default="", metavar="PATTERN", help="a CloudWatch filter pattern")
    logs.add_argument("--follow", action="store_true", help="wait for more, until Ctrl-C")

    metrics = add("metrics", "metrics: which there are, or their values and a chart")
    metrics.add_argument(
        "metric", nargs="*", metavar="NAMESPACE/NAME", help="such as Workshop/SuccessfulCharge"
    )
    metrics.add_argument("--stat", default=None, help="Sum, Average, p99, … (Sum)")
    metrics.add_argument("--period", type=_positive, default=None, help="seconds (what fits)")
    _add_since(metrics, "1h")

    traces = add("traces", "traces: a list, or the waterfall of one")
    traces.add_argument("filter", nargs="?", default="", help="a filter expression, or a trace id")
    _add_since(traces, "1h")


def _add_traffic(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Add the command that sends a crowd's payments."""
    traffic = add("traffic", "customers who pay: now, or over hours that are over")
    traffic.add_argument("step", nargs="?", help=_OPTIONAL_STEP)
    traffic.add_argument(
        "--rate", type=_positive, default=None, help="payments a minute (60; with --backfill 20)"
    )
    _add_length(traffic, "--for", "duration", "for how long (1m)")
    _add_length(traffic, "--backfill", "backfill", "lay it over a past of that length, such as 3h")
    traffic.add_argument(
        "--until", type=_moment, default=None, metavar="TIME", help="the past's end (now)"
    )
    traffic.add_argument("--seed", type=int, default=None, help="the same seed, the same payments")
    traffic.add_argument(
        "--incident",
        default=None,
        metavar="WHAT",
        help="what goes wrong: failing or crawling, [:WHICH] [@START] [+LENGTH], such as "
        "failing:currency=EUR@2h+20m; or planted, to be found",
    )
    traffic.add_argument("--solution", action="store_true", help="to the solution, not your code")


def _add_length(parser: argparse.ArgumentParser, option: str, name: str, what: str) -> None:
    parser.add_argument(
        option, type=durations.seconds, default=None, metavar="T", dest=name, help=what
    )


def _add_json(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document (workshop/cli/as_json.py)"
    )


def _add_since(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--since",
        type=durations.seconds,
        default=durations.seconds(default),
        metavar="T",
        help=f"how far back: 90s, 15m, 3h, 2d ({default})",
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


def _moment(text: str) -> datetime:
    """Read a time, `2026-11-23T14:00`; local time unless it says otherwise."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        reason = f"{text!r} is no time such as 2026-11-23T14:00"
        raise argparse.ArgumentTypeError(reason) from None


def _port(text: str) -> int:
    """Read the number of a port."""
    number = _positive(text)
    if number > _LAST_PORT:
        reason = f"{text} is above {_LAST_PORT}, the last port there is"
        raise argparse.ArgumentTypeError(reason)
    return number
