"""The answer to a Logs Insights query on the screen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import printable

POINTER = "@ptr"
"""The field that only GetLogRecord wants."""


def columns(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the fields of rows, in the order in which they first occur, without the pointer."""
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name != POINTER]


def results(
    rows: Sequence[Mapping[str, str]], statistics: Mapping[str, Any], width: int
) -> Iterator[Text]:
    """Draw rows as a table, and how much was looked at.

    Args:
        rows: Field to value; a row leaves out the fields that it lacks.
        statistics: Of the query, as GetQueryResults gives them.
        width: Columns to draw in.
    """
    names = columns(rows)
    if names:
        cells = [[printable(row.get(name, "").rstrip("\n")) for name in names] for row in rows]
        drawn = [
            Column(printable(name), "right" if _is_numeric(name, rows) else "left")
            for name in names
        ]
        yield table(drawn, cells, width)
    count = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
    matched, scanned = (int(statistics.get(f"records{what}", 0)) for what in ("Matched", "Scanned"))
    yield Text(f"{count} · {matched:,} of {scanned:,} log events matched", "quiet")


def _is_numeric(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    return all(_number(row[name]) for row in rows if name in row)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
