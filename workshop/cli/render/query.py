"""The answer to a Logs Insights query on the screen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from workshop.cli.render.table import Column, fits, table
from workshop.cli.render.text import cut, fold, printable

POINTER = "@ptr"
"""The field that only GetLogRecord wants."""

_LONGEST_ID = 40
_LONGEST_TIME = 24
_LEAST_TEXT = 24
"""Columns below which a text says too little."""


def columns(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the fields of rows, in the order in which they first occur, without the pointer."""
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name != POINTER]


def results(
    rows: Sequence[Mapping[str, str]], statistics: Mapping[str, Any], width: int
) -> Iterator[Text]:
    """Draw rows as a table, or each as a block where that would cut an id; and how many there are.

    Args:
        rows: Field to value; a row leaves out the fields that it lacks.
        statistics: Of the query, as GetQueryResults gives them.
        width: Columns to draw in.
    """
    names = columns(rows)
    if names:
        cells = [[printable(row.get(name, "").rstrip("\n")) for name in names] for row in rows]
        drawn = [
            Column(
                printable(name),
                "right" if _is_numeric(name, rows) else "left",
                least=_LEAST_TEXT,
                whole=not any(_is_prose(row[index]) for row in cells),
            )
            for index, name in enumerate(names)
        ]
        if fits(drawn, cells, width):
            yield table(drawn, cells, width)
        else:
            for row in rows:
                yield from _block(row, names, width)
                yield Text()
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    matched, scanned = (int(statistics.get(f"records{what}", 0)) for what in ("Matched", "Scanned"))
    yield Text(f"{count} · {matched:,} of {scanned:,} log events matched", "quiet")


def _block(row: Mapping[str, str], names: Sequence[str], width: int) -> Iterator[Text]:
    """Draw a row with each of its fields on a line of its own, or more if it is long."""
    column = min(max(len(printable(name)) for name in names), width // 3)
    room = max(1, width - column - 2)
    for name in names:
        label = cut(printable(name), column)
        for line in row.get(name, "").splitlines():
            for piece in fold(printable(line), room):
                drawn = Text.assemble((f"{label:<{column}}  ", "quiet"), piece)
                drawn.rstrip()
                yield drawn
                label = ""


def _is_prose(cell: str) -> bool:
    """Whether a cell can be cut and still says something: it is no id, time or number."""
    return len(cell) > _LONGEST_ID or (" " in cell and len(cell) > _LONGEST_TIME)


def _is_numeric(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    return all(_number(row[name]) for row in rows if name in row)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
