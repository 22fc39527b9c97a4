"""Patterns of Java's DateTimeFormatter, as `parseDate` takes them, as regular expressions.

https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/time/format/DateTimeFormatter.html

Names of months and days are English ones. What the pattern language has besides is refused:
letters that are not listed here, optional sections (`[`, `]`), and what Java itself reserves.

Chosen, for AWS does not say: a date that the calendar does not have (30 February) is none, where
Java by itself would take the last day of the month.
"""

import re
from collections.abc import Mapping, Sequence

from workshop.insights import regex, values
from workshop.insights.errors import ArgumentError

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# The names of zones in RFC 5322, section 4.3, and UTC, as offsets.
_ZONES = {
    "GMT": "+0000",
    "UTC": "+0000",
    "EST": "-0500",
    "EDT": "-0400",
    "CST": "-0600",
    "CDT": "-0500",
    "MST": "-0700",
    "MDT": "-0600",
    "PST": "-0800",
    "PDT": "-0700",
}
_HOURS = "[+-](?:0[0-9]|1[0-8])"
_COLON = f"{_HOURS}:[0-5][0-9]"
_PLAIN = f"{_HOURS}[0-5][0-9]"


def _names(names: Sequence[str], length: int | None = None) -> str:
    return "|".join(name[:length] for name in names)


# What a run of one letter reads: the part of the date, and its regular expression.
_LETTERS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(["yyyy", "uuuu"], ("year", "[0-9]{4}")),
    **dict.fromkeys(["yy", "uu"], ("year", "[0-9]{2}")),
    **dict.fromkeys(["MMMM", "LLLL"], ("month", _names(_MONTHS))),
    **dict.fromkeys(["MMM", "LLL"], ("month", _names(_MONTHS, 3))),
    **dict.fromkeys(["MM", "LL"], ("month", "0[1-9]|1[0-2]")),
    **dict.fromkeys(["M", "L"], ("month", "1[0-2]|0?[1-9]")),
    "dd": ("day", "0[1-9]|[12][0-9]|3[01]"),
    "d": ("day", "[12][0-9]|3[01]|0?[1-9]"),
    "EEEE": ("weekday", _names(_DAYS)),
    **dict.fromkeys(["E", "EE", "EEE"], ("weekday", _names(_DAYS, 3))),
    "HH": ("hour", "[01][0-9]|2[0-3]"),
    "H": ("hour", "1[0-9]|2[0-3]|0?[0-9]"),
    "hh": ("clock", "0[1-9]|1[0-2]"),
    "h": ("clock", "1[0-2]|0?[1-9]"),
    "a": ("half", "AM|PM"),
    "mm": ("minute", "[0-5][0-9]"),
    "m": ("minute", "[1-5][0-9]|0?[0-9]"),
    "ss": ("second", "[0-5][0-9]"),
    "s": ("second", "[1-5][0-9]|0?[0-9]"),
    **{"S" * digits: ("fraction", f"[0-9]{{{digits}}}") for digits in range(1, 10)},
    "X": ("zone", f"Z|{_HOURS}(?:[0-5][0-9])?"),
    "XX": ("zone", f"Z|{_PLAIN}"),
    **dict.fromkeys(["XXX", "ZZZZZ"], ("zone", f"Z|{_COLON}")),
    "x": ("zone", f"{_HOURS}(?:[0-5][0-9])?"),
    **dict.fromkeys(["xx", "Z", "ZZ", "ZZZ"], ("zone", _PLAIN)),
    "xxx": ("zone", _COLON),
    **dict.fromkeys(["z", "zz", "zzz"], ("zone", _names(tuple(_ZONES)))),
}
# A run of one letter; a text in quotes; two quotes, which are one; anything else.
_TOKEN = re.compile(r"(?P<run>([A-Za-z])\2*)|''|'(?P<quoted>(?:[^']|'')+)'|(?P<other>.)", re.DOTALL)
_RESERVED = frozenset("[]{}#'")


def translated(pattern: str) -> tuple[str, list[str]]:
    """Make a regular expression of a pattern.

    Returns:
        The expression, which fits a whole text, and the name of each of its groups: `year`,
        `month` and `day` always; of `weekday`, `hour`, `clock`, `half`, `minute`, `second`,
        `fraction` and `zone` those that the pattern has.

    Raises:
        ArgumentError: The pattern has what is not known here, has a part twice, or has no date.
    """
    expression, parts = "", []
    for token in _TOKEN.finditer(pattern):
        run = token["run"]
        if run is None:
            if token["other"] in _RESERVED:
                raise ArgumentError(f"the pattern of parseDate has a {token[0]} that is not known")
            literal = token["other"] or (token["quoted"] or "'").replace("''", "'")
            expression += regex.escaped(literal)
            continue
        if run not in _LETTERS:
            raise ArgumentError(f"the pattern of parseDate has letters that are not known: {run}")
        part, fits = _LETTERS[run]
        if part in parts:
            raise ArgumentError(f"the pattern of parseDate has the {part} twice")
        parts.append(part)
        expression += f"({fits})"
    if not {"year", "month", "day"} <= set(parts):
        raise ArgumentError("the pattern of parseDate needs a year, a month and a day")
    if ("clock" in parts) != ("half" in parts) or {"clock", "hour"} <= set(parts):
        raise ArgumentError("in the pattern of parseDate, h goes with a, and H alone")
    return f"^{expression}$", parts


def milliseconds(found: str, parts: Sequence[str]) -> str:
    """Give local time in milliseconds, BIGINT, of what the groups found; NULL for no such day.

    Args:
        found: SQL of a STRUCT with a text for each part.
        parts: The names of its fields.
    """

    def number(part: str) -> str:
        return f"CAST({found}.{part} AS BIGINT)" if part in parts else "0"

    year = f"CASE WHEN length({found}.year) = 2 THEN '20' ELSE '' END || {found}.year"
    named = " ".join(
        f"WHEN '{name[:3]}' THEN '{number:02}'" for number, name in enumerate(_MONTHS, 1)
    )
    month = f"CASE left({found}.month, 3) {named} ELSE {found}.month END"
    # There was no year 0: the year before 1 is 1 BC.
    date = f"TRY_CAST(nullif({year}, '0000') || '-' || {month} || '-' || {found}.day AS DATE)"
    if "weekday" in parts:
        fits = f"left({found}.weekday, 3) = left(dayname(d), 3)"
        date = values.bound(date, "d", f"CASE WHEN {fits} THEN d END")
    hour = number("hour")
    if "clock" in parts:
        hour = f"({number('clock')} % 12 + CASE {found}.half WHEN 'PM' THEN 12 ELSE 0 END)"
    fraction = "0"
    if "fraction" in parts:
        fraction = f"CAST(left(rpad({found}.fraction, 3, '0'), 3) AS BIGINT)"
    return (
        f"(epoch_ms({date}) + {hour} * 3600000 + {number('minute')} * 60000 "
        f"+ {number('second')} * 1000 + {fraction})"
    )


def offset(found: str, parts: Sequence[str]) -> str | None:
    """Give the offset from UTC that the groups found, in milliseconds; None when they have none."""
    if "zone" not in parts:
        return None
    named = " ".join(f"WHEN '{name}' THEN '{written}'" for name, written in _ZONES.items())
    written = f"CASE {found}.zone {named} ELSE {found}.zone END"
    digits = f"rpad(regexp_replace({written}, '[^0-9]', '', 'g'), 4, '0')"
    minutes = f"(CAST({digits}[1:2] AS BIGINT) * 60 + CAST({digits}[3:4] AS BIGINT))"
    return f"CASE WHEN starts_with({written}, '-') THEN -60000 ELSE 60000 END * {minutes}"
