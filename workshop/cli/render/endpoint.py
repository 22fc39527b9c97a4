"""The endpoint on the screen: whether it runs, where, and what it serves."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from workshop.cli.render.text import labelled
from workshop.endpoint.background import Running


def running(what: Running, config: str, width: int, *, already: bool) -> Iterator[Text]:
    """Draw an endpoint that runs.

    Args:
        what: The endpoint.
        config: The folder of the AWS config that points at it, as a person would type it.
        width: Columns to draw in.
        already: Whether it has been running before.
    """
    since = datetime.fromtimestamp(what.since).astimezone()
    note = f"  since {since:%H:%M:%S}, process {what.pid}" if already else ""
    yield Text.assemble(("✓ ", "good"), ("the endpoint is running", "strong"), (note, "quiet"))
    for label, value in (
        ("at", what.url),
        ("serves", what.code),
        ("AWS config", f"{config}  (profile workshop)"),
    ):
        yield labelled(f"  {label:<12}", value, width, "quiet")
    what_for, typed = "  For any AWS client in this terminal:", 'eval "$(workshop env)"'
    # It is there to be copied, and stays in one line.
    between = "  " if len(what_for) + 2 + len(typed) <= width else "\n  "
    yield Text.assemble(what_for, between, (typed, "command"))


def not_running() -> Iterator[Text]:
    """Draw that there is no endpoint."""
    yield Text.assemble(("○ ", "quiet"), "the endpoint is not running")
    yield Text.assemble("  start it: ", ("workshop up", "command"))


def ended(what: Running | None) -> Text:
    """Draw that the endpoint has ended, or that there was none."""
    if what is None:
        return Text.assemble(("○ ", "quiet"), "the endpoint was not running")
    return Text.assemble(("✓ ", "good"), f"the endpoint at {what.url} has ended")
