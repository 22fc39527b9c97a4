"""Values in SQL: what kind each expression has, and the coercions between kinds.

All of CloudWatch's choices about types live here, in one place, and those that AWS does not
document are marked "chosen".

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Kind(Enum):
    """What the SQL of an expression yields; NULL, of every kind, is a missing value."""

    TEXT = "text as it stood in the log event; may look like a number"
    MIXED = "text, or a computed number as text"
    NUMBER = "a computed number (DOUBLE)"
    MEASURE = "a number that Lambda wrote (DOUBLE); printed as Java prints a double"
    BOOLEAN = "BOOLEAN, never NULL"
    TIME = "milliseconds since the epoch (BIGINT)"
    ITEM = "an item of a map or a list: text, or a map or a list as JSON text"
    JSON = "a map or a list, as JSON text"
    NULL = "always NULL"


_NUMERIC = {Kind.NUMBER, Kind.MEASURE, Kind.BOOLEAN, Kind.TIME}
TEXTUAL = frozenset({Kind.TEXT, Kind.MIXED, Kind.ITEM})

Literal: TypeAlias = str | float | bool | None

_NUMBER_LIKE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
COMPUTED = r"-?\d+(\.\d+(e[+-]?\d+)?|e[+-]?\d+)"
"""A computed number in a column of kind MIXED, as DuckDB writes a DOUBLE: never without a point."""
# A double keeps this many digits: longer ones are compared as text.
_EXACT_DIGITS = 15
_SHORT = 200  # of the SQL of an operand: a longer one is written once


@dataclass(frozen=True, slots=True)
class Value:
    """An expression in SQL.

    Attributes:
        sql: Safe to put anywhere an operand can stand.
        kind: What it yields.
        literal: Its value where the query wrote it down; None otherwise.
    """

    sql: str
    kind: Kind
    literal: Literal = None


MISSING = Value("NULL", Kind.NULL)


def looks_like_number(text: str) -> bool:
    """Whether a text counts as a number in comparisons."""
    return _NUMBER_LIKE.fullmatch(text) is not None and math.isfinite(float(text))


def bound(sql: str, name: str, use: str) -> str:
    """Give SQL in which an operand is worked out once, and used under a name."""
    return f"list_transform([{sql}], lambda {name}: {use})[1]"


def once(sql: str, use: Callable[[str], str]) -> str:
    """Give SQL that uses an operand several times: a long one, which would multiply, by a name."""
    return use(sql) if len(sql) <= _SHORT else bound(sql, "x", use("x"))


def plain_number(sql: str) -> str:
    """Give the number that a text spells, NULL for any other text; white space around is none."""

    def spelled(text: str) -> str:
        cast = f"TRY_CAST({text} AS DOUBLE)"
        # DuckDB takes nan, inf and 1_000 for numbers, which no log means.
        return f"CASE WHEN isfinite({cast}) AND NOT contains({text}, '_') THEN {cast} END"

    return once(sql, spelled)


def number(value: Value) -> str:
    """Coerce to DOUBLE: NULL unless it is a number or looks like one; true is 1."""
    if value.kind in {Kind.NUMBER, Kind.MEASURE}:
        return value.sql
    if value.kind in {Kind.BOOLEAN, Kind.TIME}:
        return f"CAST({value.sql} AS DOUBLE)"
    if value.kind in TEXTUAL:
        return once(value.sql, _number_or_truth)
    return "NULL::DOUBLE"


def _number_or_truth(text: str) -> str:
    truth = f"CASE {text} WHEN 'true' THEN 1.0::DOUBLE WHEN 'false' THEN 0.0::DOUBLE END"
    return f"coalesce({plain_number(text)}, {truth})"


def computed_text(sql: str) -> str:
    """Give a DOUBLE as the text of a computed number: at most 4 decimals, and no minus zero."""
    digits = "regexp_replace(format('{{:.4f}}', round({0}, 4) + 0), '\\.?0+$', '')"
    return once(sql, f"CASE WHEN isfinite({{0}}) THEN {digits} END".format)


def text(value: Value) -> str:
    """Coerce to VARCHAR, as string functions see it; a map or a list is NULL to them."""
    if value.kind is Kind.MIXED:
        return once(value.sql, _text_of_mixed)
    if value.kind in TEXTUAL:
        return value.sql
    if value.kind in {Kind.NUMBER, Kind.MEASURE}:
        return computed_text(value.sql)
    if value.kind is Kind.BOOLEAN:
        return f"CASE WHEN {value.sql} THEN '1' ELSE '0' END"
    if value.kind is Kind.TIME:
        return f"CAST({value.sql} AS VARCHAR)"
    return "NULL::VARCHAR"


def _text_of_mixed(text: str) -> str:
    computed = f"regexp_full_match({text}, '{COMPUTED}')"
    number = computed_text(f"TRY_CAST({text} AS DOUBLE)")
    return f"CASE WHEN {computed} THEN {number} ELSE {text} END"


def typed(value: Value) -> Value:
    """Give a value that can be a column: a missing one has no type of its own in SQL."""
    return Value("NULL::VARCHAR", Kind.TEXT) if value.kind is Kind.NULL else value


def nullable(value: Value) -> Value:
    """Give a value as a column that may lack it in some rows, which a BOOLEAN never does."""
    return Value(number(value), Kind.NUMBER) if value.kind is Kind.BOOLEAN else typed(value)


def alike(sql: str, value: Value) -> Value:
    """Give a number (DOUBLE) in the kind of another value, so that one column can hold both."""
    if value.kind in {Kind.TEXT, Kind.ITEM}:
        return Value(computed_text(sql), value.kind)
    if value.kind is Kind.MIXED:
        return Value(f"CAST({sql} AS VARCHAR)", Kind.MIXED)
    return Value(sql, Kind.MEASURE if value.kind is Kind.MEASURE else Kind.NUMBER)


def mixed(value: Value) -> str:
    """Give VARCHAR that keeps the digits of a number, for a column of kind MIXED."""
    if value.kind in {Kind.NUMBER, Kind.MEASURE}:
        return f"CAST({value.sql} AS VARCHAR)"
    return value.sql if value.kind in {*TEXTUAL, Kind.JSON} else text(value)


def unified(values: list[Value]) -> tuple[Kind, list[str]]:
    """Bring the results of `coalesce`, `if` and `case` to one kind."""
    kinds = {value.kind for value in values} - {Kind.NULL}
    if not kinds:
        return Kind.NULL, ["NULL"] * len(values)
    if len(kinds) == 1:
        return kinds.pop(), [value.sql for value in values]
    if kinds <= {Kind.NUMBER, Kind.MEASURE, Kind.BOOLEAN}:
        return Kind.NUMBER, [
            "NULL" if value.kind is Kind.NULL else number(value) for value in values
        ]
    return Kind.MIXED, ["NULL" if value.kind is Kind.NULL else mixed(value) for value in values]


def truth(value: Value) -> str:
    """Whether a bare value passes a `filter`; never NULL.

    Chosen: a missing value, an empty text, `false` and zero do not; any other text does.
    """
    if value.kind is Kind.BOOLEAN:
        return value.sql
    if value.kind in TEXTUAL:
        return once(
            value.sql, lambda text: f"coalesce({_number_or_truth(text)} <> 0, {text} <> '', false)"
        )
    if value.kind in _NUMERIC:
        return f"coalesce({value.sql} <> 0, false)"
    return f"({value.sql} IS NOT NULL)"


def compared(  # noqa: PLR0911 - one answer for each pair of kinds
    operator: str, left: Value, right: Value
) -> str:
    """Compare two values in SQL; NULL or false unless it holds.

    Two values that look like numbers are compared as numbers, others as text. A time and a
    text that is no number never compare, nor does a map or a list.

    Chosen: an ordering (`<`, `>=`) of a text that is no number against a number does not hold.
    """
    if {left.kind, right.kind} & {Kind.NULL, Kind.JSON}:
        return "false"
    if isinstance(left.literal, str) and not isinstance(right.literal, str):
        flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
        return compared(flipped, right, left)
    if left.kind in _NUMERIC and right.kind in _NUMERIC:
        return f"({number(left)} {operator} {number(right)})"
    if left.kind in TEXTUAL and right.kind in TEXTUAL:
        return _texts_compared(operator, left, right)
    if left.kind in TEXTUAL:
        return f"({number(left)} {operator} {number(right)})"
    if isinstance(right.literal, str) and not looks_like_number(right.literal):
        if left.kind is Kind.BOOLEAN and right.literal in {"true", "false"}:
            return f"({left.sql} {operator} {right.literal})"
        return "false"
    return f"({number(left)} {operator} {number(right)})"


def _texts_compared(operator: str, left: Value, right: Value) -> str:
    as_text = f"({left.sql} {operator} {right.sql})"
    if isinstance(right.literal, str):
        digits = sum(character.isdigit() for character in right.literal)
        if not looks_like_number(right.literal) or digits > _EXACT_DIGITS:
            return as_text
        as_number = f"({number(left)} {operator} {number(right)})"
        # A text that spells the same is the same number too.
        return as_number if operator == "=" else f"coalesce({as_number}, {as_text})"
    return f"coalesce({plain_number(left.sql)} {operator} {plain_number(right.sql)}, {as_text})"


def ordering(value: Value, *, descending: bool) -> list[str]:
    """Give the terms of an ORDER BY in CloudWatch's natural order.

    Ascending, all that is not a number comes before all numbers; texts compare by runs of
    digits (the shorter run first, then by value) and runs of other characters.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html

    Chosen: a missing value comes last, in either direction.
    """
    direction = "DESC" if descending else "ASC"
    if value.kind is Kind.NULL or value.sql.strip("()") in {"true", "false"}:
        return []  # DuckDB refuses to order by a literal
    if value.kind not in TEXTUAL:
        return [f"{value.sql} {direction} NULLS LAST"]
    digits = plain_number(value.sql)
    return [
        f"({value.sql} IS NULL)",
        f"({digits} IS NOT NULL) {direction}",
        f"{digits} {direction} NULLS LAST",
        f"CASE WHEN {digits} IS NULL THEN {natural(value.sql)} END {direction} NULLS LAST",
        f"{value.sql} {direction} NULLS LAST",
    ]


def natural(sql: str) -> str:
    """Give a list that sorts as CloudWatch sorts texts that are not numbers."""
    return (
        f"list_transform(regexp_extract_all({sql}, '[0-9]+|[^0-9]+'), lambda run: "
        "CASE WHEN run[1] BETWEEN '0' AND '9' "
        "THEN '0' || lpad(CAST(length(run) AS VARCHAR), 9, '0') || run ELSE run END)"
    )
