"""Bars made of characters: how long, how often, how far along."""

from rich.text import Text

FULL = "█"
EMPTY = "·"

_LABEL = 12
_FIGURE = 8


def bar(value: float, most: float, width: int, style: str = "bar") -> Text:
    """Draw a bar from the left.

    Args:
        value: What it stands for; anything above nought gets at least one block.
        most: The value that would fill the width.
        width: Columns.
        style: How it is coloured.
    """
    blocks = round(width * value / most) if most > 0 else 0
    if value > 0:
        blocks = max(1, blocks)
    return Text(FULL * min(blocks, width), style)


def span(start: float, end: float, whole: float, width: int, style: str = "bar") -> Text:
    """Draw a bar between two moments of a whole, on a quiet line.

    Args:
        start: When it begins, counted from the beginning of the whole.
        end: When it ends.
        whole: How long the whole takes, in the same unit.
        width: Columns for the whole.
        style: How it is coloured.
    """
    if whole <= 0:
        return Text(FULL * width, style)
    first = min(width - 1, max(0, int(width * start / whole)))
    last = min(width, max(first + 1, round(width * end / whole)))
    return Text.assemble(
        (EMPTY * first, "quiet"), (FULL * (last - first), style), (EMPTY * (width - last), "quiet")
    )


def row(
    label: str, figure: str, value: float, *, most: float, width: int, style: str = "bar"
) -> Text:
    """Draw a line of a bar chart: what, how much, and the bar.

    Args:
        label: What it is; set to the right of its column.
        figure: How much, as text; set to the right of its own.
        value: What the bar stands for.
        most: The value whose bar reaches the right edge.
        width: Columns for the whole line.
        style: How the bar is coloured.
    """
    start = f"{label:>{_LABEL}}  {figure:>{_FIGURE}}  "
    drawn = Text.assemble(start, bar(value, most, width - len(start), style))
    drawn.rstrip()
    return drawn
