"""The entry point: what was typed to what is done, and whatever goes wrong to one place.

Imports at the top stay few, so that Ctrl-C finds our handler as early as can be; the rest of
the tool is imported when the handler stands.
"""

import sys
from importlib import import_module

TYPE_CHECKING = False  # importing typing for it would take longer than all of this module
if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
"""Exit status after Ctrl-C, by the convention of shells: 128 and the number of SIGINT."""


def main(argv: "Sequence[str] | None" = None) -> int:
    """Do what the command line asks.

    Args:
        argv: What was typed after `workshop`. None takes it from the process, whose signals and
            output are then looked after too.

    Returns:
        0 fine, 1 the learner's work is not there yet, 2 wrong usage, 3 the tool itself failed,
        130 after Ctrl-C, 143 and 129 after SIGTERM and SIGHUP, 141 when the reader of the output
        went away.
    """
    if argv is not None:
        return _run(argv)
    try:
        interrupts = import_module("workshop.cli.interrupts").Interrupts()
        interrupts.take_over()
        import_module("workshop.cli.failures").watch_background(sys.argv[1:], interrupts)
        # A library on the way may have swallowed the exception; the signal still counts.
        status = _run(sys.argv[1:])
        status = int(interrupts.status or status)
    except KeyboardInterrupt:  # between two lines of ours
        status = INTERRUPTED
    import_module("workshop.cli.render.stream").let_go()
    return status


def _run(argv: "Sequence[str]") -> int:
    """Run one command; whatever it raises is told here and becomes an exit status."""
    try:
        arguments = import_module("workshop.cli.arguments")
        options = arguments.parse(argv)
        name = arguments.MODULES.get(options.command, arguments.BARE)
        command = import_module(f"workshop.cli.{name}").command
        project = import_module("workshop.cli.project").find()
        with import_module("workshop.cli.render.screen").Screen() as screen:
            return int(command(project, screen, options))
    except BaseException as error:  # noqa: BLE001  # the one place that turns errors into output
        return int(import_module("workshop.cli.failures").told(error, argv))
