"""Rows as GetQueryResults gives them: every value a text.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
"""

import base64
import binascii
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, TypeAlias

from workshop.insights.compiled import TOO_MANY_ROWS, Compiled
from workshop.insights.values import COMPUTED, Kind

if TYPE_CHECKING:
    import duckdb

Row: TypeAlias = list[tuple[str, str]]
"""Field and value, in order; a missing value is left out."""

_NUMBER = re.compile(COMPUTED)
_POINTER = re.compile(r"log_events/(\d{1,18})")  # no more than a BIGINT holds
_FETCHED = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMALS = Decimal("0.0001")
_PLAIN_FROM, _PLAIN_TO = 1e-3, 1e7  # where Java writes a double without an exponent


@dataclass(frozen=True, slots=True)
class Statistics:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_QueryStatistics.html.

    Attributes:
        records_matched: Events that passed the filters, not rows.
        records_scanned: Events in scope.
        bytes_scanned: Bytes of their messages.
    """

    records_matched: float
    records_scanned: float
    bytes_scanned: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gives.

    Attributes:
        rows: In order.
        statistics: Of the events.
        size: Characters of the texts in the rows, more or less.
    """

    rows: list[Row]
    statistics: Statistics
    size: int = 0


class TooMuch(Exception):  # noqa: N818 - it says what it is
    """The rows of a query are larger than was allowed, or too many."""


def rows(
    compiled: Compiled, connection: "duckdb.DuckDBPyConnection", *, most: int | None = None
) -> Result:
    """Run a compiled query.

    Args:
        compiled: From `compile_query`.
        connection: To a database with the table `log_events`.
        most: How many characters the rows may have in all; any number when None.

    Raises:
        TooMuch: They have more, or a stage makes too many of them.
    """
    found, length = _fetched(_run(connection, compiled.sql, compiled.parameters), most)
    scanned, size = map(float, _one(connection, compiled.scanned_sql, compiled.parameters))
    matched = _matched(compiled, connection, found, scanned)
    shown = [_row(compiled, values) for values in found]
    return Result(shown, Statistics(matched, scanned, size), length)


def _fetched(
    cursor: "duckdb.DuckDBPyConnection", most: int | None
) -> tuple[list[tuple[object, ...]], int]:
    found: list[tuple[object, ...]] = []
    length = 0
    while batch := cursor.fetchmany(_FETCHED):
        found += batch
        length += sum(len(value) for row in batch for value in row if isinstance(value, str))
        if most is not None and length > most:
            what = f"the rows of the query have more than {most:,} characters: ask for fewer"
            raise TooMuch(what)
    return found, length


def _run(
    connection: "duckdb.DuckDBPyConnection", sql: str, parameters: dict[str, object]
) -> "duckdb.DuckDBPyConnection":
    import duckdb

    # DuckDB refuses a parameter that the statement does not name.
    named = {name: value for name, value in parameters.items() if _names(sql, name)}
    try:
        return connection.execute(sql, named)
    except duckdb.InvalidInputException as error:
        if TOO_MANY_ROWS in str(error):
            raise TooMuch(TOO_MANY_ROWS) from None
        raise


def _names(sql: str, name: str) -> bool:
    at = sql.find(f"${name}")
    while at >= 0:
        after = sql[at + 1 + len(name) : at + 2 + len(name)]
        if not after.isdigit():
            return True
        at = sql.find(f"${name}", at + 1)
    return False


def _one(
    connection: "duckdb.DuckDBPyConnection", sql: str, parameters: dict[str, object]
) -> Sequence[int]:
    row: Sequence[int] = _run(connection, sql, parameters).fetchall()[0]
    return row


def _matched(
    compiled: Compiled,
    connection: "duckdb.DuckDBPyConnection",
    found: Sequence[tuple[object, ...]],
    scanned: float,
) -> float:
    if compiled.has_pointer and not compiled.cuts and len(found) < compiled.limit:
        return float(len(found))
    if compiled.matched_sql is None:
        return scanned
    if not compiled.has_pointer and found and found[0][-1] is not None:
        return float(str(found[0][-1]))
    return float(_one(connection, compiled.matched_sql, compiled.parameters)[0])


def _row(compiled: Compiled, values: tuple[object, ...]) -> Row:
    row = []
    for column, value in zip(compiled.columns, values, strict=False):
        shown = None if value is None else shown_value(value, column.kind)
        if shown is not None:
            row.append((column.name, shown))
    if compiled.has_pointer and values[-1] is not None:  # a row of totals is no log event
        row.append(("@ptr", pointer(int(str(values[-1])))))
    return row


def shown_value(value: object, kind: Kind) -> str | None:
    """Write a value as CloudWatch does; None when it is no value after all (not a number)."""
    if kind is Kind.TIME:
        return timestamp(int(str(value)))
    if kind is Kind.BOOLEAN:
        return "1" if value else "0"
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return measure(value) if kind is Kind.MEASURE else computed(value)
    text = str(value)
    if kind is Kind.MIXED and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return computed(float(text))
    return text


def timestamp(milliseconds: int) -> str:
    """Write a time as `YYYY-MM-DD HH:MM:SS.mmm`, UTC."""
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return str(milliseconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d}"


def computed(number: float) -> str:
    """Write a computed number: at most 4 decimals, no trailing zeros."""
    if number == int(number):
        return str(int(number))
    rounded = Decimal(repr(number)).quantize(_DECIMALS, rounding=ROUND_HALF_UP)
    text = f"{rounded:f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def measure(number: float) -> str:
    """Write a number as Java's `Double.toString`: `15.0`, `1.28E8`.

    https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/Double.html#toString(double)
    """
    if number == 0 or _PLAIN_FROM <= abs(number) < _PLAIN_TO:
        return repr(number) if "e" not in repr(number) else f"{Decimal(repr(number)):f}"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    power = int(exponent) + len(digits) - 1
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{power}"


def pointer(event_id: int) -> str:
    """Make the `@ptr` of an event."""
    return base64.urlsafe_b64encode(f"log_events/{event_id}".encode()).decode()


def event_id(text: str) -> int | None:
    """Read a `@ptr`; None when it is none of ours."""
    try:
        found = _POINTER.fullmatch(base64.urlsafe_b64decode(text.encode()).decode())
    except (ValueError, binascii.Error):
        return None
    return int(found[1]) if found else None
