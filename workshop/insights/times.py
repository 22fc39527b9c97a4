"""Times in SQL: periods, formatting and reading of dates. All times are in milliseconds, UTC.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-datetime
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from workshop.insights import java_dates, values
from workshop.insights.errors import ArgumentError
from workshop.insights.values import MISSING, Kind, Value


@dataclass(frozen=True, slots=True)
class Period:
    """The duration of `bin(5m)`: `count` times `unit`, capped as CloudWatch caps it."""

    count: int
    unit: str

    @property
    def milliseconds(self) -> int | None:
        """Its length; None for months and longer, which have no fixed one."""
        each = MILLISECONDS.get(self.unit)
        return None if each is None else self.count * each


MILLISECONDS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
"""Lengths of the units that have a fixed one."""

# "Larger values are clamped", says the page of `bin`.
_CAPS = {"ms": 1000, "s": 60, "m": 60, "h": 24}
_MONTHS = {"mo": 1, "q": 3, "y": 12}
# Weeks begin on Monday (chosen); the epoch was a Thursday.
_MONDAY = 4 * 86_400_000


def period(count: int, unit: str) -> Period:
    """Make a period of a duration as written.

    Raises:
        ArgumentError: When it is no length of time at all.
    """
    if count <= 0:
        raise ArgumentError("a period must be longer than nothing")
    return Period(min(count, _CAPS.get(unit, count)), unit)


def floored(time: str, length: Period, offset: int = 0, *, since_epoch: bool = False) -> str:
    """Give the start of the period that a time is in, aligned to UTC; all BIGINT milliseconds.

    Args:
        time: SQL of the time.
        length: Of the periods.
        offset: By how much they are moved.
        since_epoch: Whether the time is never before 1970, which saves a division.
    """
    milliseconds = length.milliseconds
    if milliseconds is not None:
        shift = -(offset + (_MONDAY if length.unit == "w" else 0)) % milliseconds
        into = f"({time} + {shift}) % {milliseconds}" if shift else f"{time} % {milliseconds}"
        if not since_epoch:  # in SQL the remainder of a negative number is negative
            into = f"({into} + {milliseconds}) % {milliseconds}"
        return f"({time} - {into})"
    moment = f"make_timestamp_ms({time} - {offset})"
    return f"({_start_of_months(moment, length, 0)} + {offset})"


def _start_of_months(moment: str, length: Period, later: int) -> str:
    """Give the start of the months that a moment is in, or of those `later` periods on."""
    months = length.count * _MONTHS[length.unit]
    ordinal = f"(year({moment}) * 12 + month({moment}) - 1)"
    start = f"({ordinal} - {ordinal} % {months} + {later * months})"
    return f"epoch_ms(make_timestamp({start} // 12, {start} % 12 + 1, 1, 0, 0, 0))"


def ceiled(time: str, length: Period) -> str:
    """Give the start of the next period; a time that starts one stays."""
    start = floored(time, length)
    following = f"{start} + {length.milliseconds}"
    if length.milliseconds is None:
        following = _start_of_months(f"make_timestamp_ms({time})", length, 1)
    return f"(CASE WHEN {start} = {time} THEN {time} ELSE {following} END)"


def as_time(value: Value) -> str:
    """Coerce to BIGINT milliseconds: a time, or a number of milliseconds."""
    if value.kind is Kind.TIME:
        return value.sql
    # As a number of 15 digits, which rules out what no calendar reaches.
    digits = f"TRY_CAST(floor({values.number(value)}) AS DECIMAL(15, 0))"
    return f"CAST({digits} AS BIGINT)"


def from_millis(value: Value) -> Value:
    """Take a number for a time."""
    return Value(as_time(value), Kind.TIME)


def to_millis(value: Value) -> Value:
    """Take a time for a number; of anything else there is none."""
    if value.kind is not Kind.TIME:
        return MISSING
    return Value(values.number(value), Kind.NUMBER)


# What is no specifier of strftime, among all that begins with a %.
_NO_SPECIFIER = re.compile(r"%(?![aAbBcdfGHIjmMpSuUVwWxXyYzZ]|-[dmHIMSjy]).?", re.DOTALL)


def format_date(time: Value, pattern: Value, zone: Value | None = None) -> Value:
    """Write a time by the specifiers of strftime, in UTC or in a time zone.

    Raises:
        ArgumentError: The pattern or the zone is not in quotes, or not known.
    """
    if not isinstance(pattern.literal, str):
        raise ArgumentError("the pattern must be a text in quotes, such as '%Y-%m-%d'")
    if not pattern.literal:
        raise ArgumentError("the pattern is empty")
    unknown = _NO_SPECIFIER.search(pattern.literal.replace("%%", ""))
    if unknown is not None:
        raise ArgumentError(f"the pattern has no {unknown[0]}")
    moment = f"make_timestamp_ms({as_time(time)})"
    if zone is not None:
        _refuse_unknown_zone(zone)
        moment = f"timezone({zone.sql}, timezone('UTC', {moment}))"
    return Value(f"strftime({moment}, {pattern.sql})", Kind.TEXT)


def parse_date(
    value: Value,
    pattern: Value,
    zone: Value | None = None,
    *,
    parameter: Callable[[object], str],
) -> Value:
    """Read a text as a date by a pattern of Java's DateTimeFormatter, as a number of milliseconds.

    A text that does not fit as a whole, or names a day that is none, gives no value.

    Chosen, for AWS does not say: without a zone it is UTC; an offset within the text goes
    before the zone given; an hour that occurs twice, when clocks are put back, counts as its
    second occurrence.

    Raises:
        ArgumentError: The pattern or the zone is not in quotes, or not known.
    """
    if not isinstance(pattern.literal, str):
        raise ArgumentError("the pattern must be a text in quotes, such as 'yyyy-MM-dd'")
    expression, parts = java_dates.translated(pattern.literal)
    local = java_dates.milliseconds("m", parts)
    offset = java_dates.offset("m", parts)
    if offset is not None:
        instant = f"{local} - {offset}"
    elif zone is not None:
        _refuse_unknown_zone(zone)
        instant = f"epoch_ms(timezone({zone.sql}, make_timestamp_ms({local})))"
    else:
        instant = local
    names = ", ".join(f"'{name}'" for name in parts)
    found = f"regexp_extract({values.text(value)}, {parameter(expression)}, [{names}])"
    read = f"CAST(CASE WHEN m.year <> '' THEN {instant} END AS DOUBLE)"
    return Value(values.bound(found, "m", read), Kind.NUMBER)


def _refuse_unknown_zone(zone: Value) -> None:
    if not isinstance(zone.literal, str):
        raise ArgumentError("the time zone must be a text in quotes, such as 'Asia/Tokyo'")
    if not _is_zone(zone.literal):
        raise ArgumentError(f"there is no time zone {zone.literal}")


@lru_cache(maxsize=256)
def _is_zone(name: str) -> bool:
    """Whether the database, which is to use it, knows a time zone."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT timezone(?, make_timestamp_ms(0))", [name])
        except duckdb.Error:
            return False
    return True
