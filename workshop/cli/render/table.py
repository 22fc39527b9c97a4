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
        whole: Whether its cells are never cut, though its title may be: half an id is of no use.
    """

    title: str
    align: Literal["left", "right"] = "left"
    least: int = 6
    keep: bool = True
    whole: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], width: int) -> Text:
    """Draw a table.

    Args:
        columns: What stands above the cells.
        rows: Cells, as many in each row as there are columns.
        width: How wide it may be. Too wide, it loses the columns that need not be kept, last
            first; then the widest columns are cut, with an ellipsis in each cut cell.

    Returns:
        Lines, none wider than `width`, unless columns that are whole leave no room.
    """
    cells = [[_one_line(cell) for cell in row] for row in rows]
    held = _held(columns, cells)
    wanted = [max(cell_len(one.title), has) for one, has in zip(columns, held, strict=True)]
    shown = list(range(len(columns)))
    for index in reversed(range(len(columns))):
        least = sum(min(wanted[i], columns[i].least) for i in shown) + len(_GAP) * (len(shown) - 1)
        if least > width and not columns[index].keep:
            shown.remove(index)
    room = width - len(_GAP) * (len(shown) - 1)
    widths = [wanted[i] for i in shown]
    if any(columns[i].whole for i in shown):  # their titles give way before a text says too little
        floors = [held[i] if columns[i].whole else min(wanted[i], columns[i].least) for i in shown]
        widths = _fit(widths, room, floors)
    widths = _fit(widths, room, [held[i] if columns[i].whole else 1 for i in shown])
    lines = []
    if any(columns[index].title for index in shown):
        titles = [Text(columns[index].title, "quiet") for index in shown]
        lines.append(_row(titles, [columns[index] for index in shown], widths))
    lines += [
        _row([row[index] for index in shown], [columns[index] for index in shown], widths)
        for row in cells
    ]
    return Text("\n").join(lines)


def fits(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], width: int) -> bool:
    """Whether a table fits with no column squeezed below its `least`, nor a cell of a whole one.

    Args:
        columns: As of `table`; all of them are to be shown.
        rows: As of `table`.
        width: As of `table`.
    """
    held = _held(columns, [[_one_line(cell) for cell in row] for row in rows])
    least = (
        has if one.whole else min(max(cell_len(one.title), has), one.least)
        for one, has in zip(columns, held, strict=True)
    )
    return sum(least) + len(_GAP) * (len(columns) - 1) <= width


def _held(columns: Sequence[Column], cells: Sequence[Sequence[Text]]) -> list[int]:
    """Return how wide the widest cell of each column is."""
    return [
        max((cell_len(row[index].plain) for row in cells), default=1)
        for index in range(len(columns))
    ]


def _fit(wanted: Sequence[int], width: int, least: Sequence[int]) -> list[int]:
    """Take columns from whichever is widest and not at its least, until all fit."""
    widths = list(wanted)
    while sum(widths) > width:
        loose = [index for index, one in enumerate(widths) if one > least[index]]
        if not loose:
            break
        widths[max(loose, key=widths.__getitem__)] -= 1
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
