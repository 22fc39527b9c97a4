"""Tables that fit: no row ever takes two lines, at any width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.text import Text

from workshop.cli.render.text import cut

_GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading; empty for none.
        align: Which side the cells keep to.
        least: Columns below which it is not squeezed; the whole column goes instead.
        keep: Whether the table makes no sense without it.
    """

    title: str
    align: Literal["left", "right"] = "left"
    least: int = 6
    keep: bool = True


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], width: int) -> Text:
    """Draw a table.

    Args:
        columns: What stands above the cells.
        rows: Cells, as many in each row as there are columns.
        width: How wide it may be. Too wide, it loses the columns that need not be kept, last
            first; then the widest columns are cut, with an ellipsis in each cut cell.

    Returns:
        Lines, none wider than `width`.
    """
    cells = [[_one_line(cell) for cell in row] for row in rows]
    wanted = [
        max([cell_len(column.title), *(cell_len(row[index].plain) for row in cells)])
        for index, column in enumerate(columns)
    ]
    shown = list(range(len(columns)))
    for index in reversed(range(len(columns))):
        least = sum(min(wanted[i], columns[i].least) for i in shown) + len(_GAP) * (len(shown) - 1)
        if least > width and not columns[index].keep:
            shown.remove(index)
    widths = _fit([wanted[index] for index in shown], width - len(_GAP) * (len(shown) - 1))
    lines = []
    if any(columns[index].title for index in shown):
        titles = [Text(columns[index].title, "quiet") for index in shown]
        lines.append(_row(titles, [columns[index] for index in shown], widths))
    lines += [
        _row([row[index] for index in shown], [columns[index] for index in shown], widths)
        for row in cells
    ]
    return Text("\n").join(lines)


def _fit(wanted: list[int], width: int) -> list[int]:
    """Take columns from whichever is widest until all fit."""
    widths = list(wanted)
    while sum(widths) > width and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row(cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    parts = []
    for cell, column, width in zip(cells, columns, widths, strict=True):
        part = cell.copy()
        if cell_len(part.plain) > width:
            part = Text(cut(part.plain, width), part.style)
        space = Text(" " * (width - cell_len(part.plain)))
        parts.append(space + part if column.align == "right" else part + space)
    line = Text(_GAP).join(parts)
    line.rstrip()
    return line


def _one_line(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(cell.replace("\n", " "))
