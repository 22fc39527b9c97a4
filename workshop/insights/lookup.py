"""Lookup tables: CSV whose columns a query puts beside its rows.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Lookup.html
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass


class InvalidTable(ValueError):  # noqa: N818 - it says what it is
    """The text is no lookup table."""


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A lookup table.

    Attributes:
        fields: The names of its columns, from the first line.
        rows: The other lines, each with a value for every field.
    """

    fields: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def columns(self, keys: Sequence[str], others: Sequence[str]) -> list[list[str]]:
        """Give some columns, by name, without the rows whose keys an earlier row has."""
        at = [self.fields.index(name) for name in (*keys, *others)]
        first: dict[tuple[str, ...], list[str]] = {}
        for row in self.rows:
            picked = [row[index] for index in at]
            first.setdefault(tuple(picked[: len(keys)]), picked)
        return [list(column) for column in zip(*first.values(), strict=True)] or [[] for _ in at]


def read_table(text: str) -> LookupTable:
    """Read a lookup table.

    Args:
        text: CSV as in RFC 4180, its first line with the names of the fields.

    Raises:
        InvalidTable: It is none.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        lines = [(reader.line_num, tuple(row)) for row in reader if row]
    except csv.Error as error:
        raise InvalidTable(f"line {reader.line_num} is no CSV: {error}") from None
    if not lines:
        raise InvalidTable("there is no header row")
    (_, fields), *rest = lines
    if not all(fields) or len(set(fields)) < len(fields):
        raise InvalidTable("the header row has a field without a name, or one twice")
    for number, row in rest:
        if len(row) != len(fields):
            what = f"line {number} has {len(row)} values for {len(fields)} fields"
            raise InvalidTable(what)
    return LookupTable(fields, tuple(row for _, row in rest))
