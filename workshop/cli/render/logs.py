"""Log events on the screen, each with its time."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from workshop.cli.render.telemetry import is_platform
from workshop.cli.render.text import fold, printable

_GUTTER = 14


def log_event(timestamp: int, message: str, width: int) -> Iterator[Text]:
    """Draw a log event: when, in local time, and what, folded but without a character changed.

    Args:
        timestamp: Milliseconds since the epoch.
        message: The text.
        width: Columns to draw in.
    """
    moment = datetime.fromtimestamp(timestamp / 1000).astimezone()
    gutter = f"{moment:%H:%M:%S}.{timestamp % 1000:03d}  "
    style = "quiet" if is_platform(message) else ""
    for line in message.rstrip("\n").split("\n"):
        for piece in fold(printable(line), width - _GUTTER):
            yield Text.assemble((gutter, "quiet"), (piece.rstrip(), style))
            gutter = " " * _GUTTER


def nothing() -> Text:
    """Draw that there is nothing to show."""
    return Text("no log events in that time", "quiet")
