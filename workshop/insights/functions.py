"""Scalar functions, each as SQL.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html

A function that CloudWatch has and this does not is refused by name.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from workshop.insights import addresses, regex, values
from workshop.insights.values import MISSING, Kind, Value

Parameter: TypeAlias = Callable[[object], str]


class ArgumentError(Exception):
    """An argument is not of the kind that the function takes."""


@dataclass(frozen=True, slots=True)
class Period:
    """The duration of `bin(5m)`: `count` times `unit`, capped as CloudWatch caps it."""

    count: int
    unit: str

    @property
    def milliseconds(self) -> int | None:
        """Its length; None for months and longer, which have no fixed one."""
        each = _MILLISECONDS.get(self.unit)
        return None if each is None else self.count * each


_MILLISECONDS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
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


def floored(time: str, length: Period, offset: int = 0) -> str:
    """Give the start of the period that a time is in, aligned to UTC; all BIGINT milliseconds."""
    milliseconds = length.milliseconds
    if milliseconds is not None:
        shift = (offset + (_MONDAY if length.unit == "w" else 0)) % milliseconds
        if not shift:
            return f"({time} - {time} % {milliseconds})"
        return f"({time} - ({time} - {shift}) % {milliseconds})"
    months = length.count * _MONTHS[length.unit]
    moment = f"make_timestamp_ms({time} - {offset})"
    ordinal = f"(year({moment}) * 12 + month({moment}) - 1)"
    start = f"({ordinal} - {ordinal} % {months})"
    return f"(epoch_ms(make_timestamp({start} // 12, {start} % 12 + 1, 1, 0, 0, 0)) + {offset})"


def ceiled(time: str, length: Period) -> str:
    """Give the start of the next period, of fixed length; a time that starts one stays."""
    start = floored(time, length)
    return f"(CASE WHEN {start} = {time} THEN {time} ELSE {start} + {length.milliseconds} END)"


def as_time(value: Value) -> str:
    """Coerce to BIGINT milliseconds: a time, or a number of milliseconds."""
    if value.kind is Kind.TIME:
        return value.sql
    # As a number of 15 digits, which rules out what no calendar reaches.
    digits = f"TRY_CAST(floor({values.number(value)}) AS DECIMAL(15, 0))"
    return f"CAST({digits} AS BIGINT)"


def _number(sql: str) -> Value:
    return Value(sql, Kind.NUMBER)


def _text(sql: str) -> Value:
    return Value(sql, Kind.TEXT)


def _boolean(sql: str) -> Value:
    return Value(f"coalesce({sql}, false)", Kind.BOOLEAN)


def _numeric(template: str) -> Callable[..., Value]:
    """Make a function of numbers; `{0}` is the first argument."""
    return lambda *arguments: _number(template.format(*map(values.number, arguments)))


def _textual(template: str) -> Callable[..., Value]:
    """Make a function of texts that gives a text."""
    return lambda *arguments: _text(template.format(*map(values.text, arguments)))


def _test(template: str) -> Callable[..., Value]:
    """Make a function of texts that gives 1 or 0."""
    return lambda *arguments: _boolean(template.format(*map(values.text, arguments)))


def _round(number: Value, decimals: Value | None = None) -> Value:
    if decimals is None:
        return _number(f"round({values.number(number)})")
    places = f"CAST(least(greatest({values.number(decimals)}, -15), 15) AS INTEGER)"
    return _number(f"round({values.number(number)}, {places})")


def _whole(limit: str) -> Callable[[Value], Value]:
    def convert(value: Value) -> Value:
        whole = f"TRY_CAST(trunc({values.number(value)}) AS {limit})"
        return _number(f"CAST({whole} AS DOUBLE)")

    return convert


def _is_present(value: Value) -> Value:
    return Value(f"({value.sql} IS NOT NULL)", Kind.BOOLEAN)


def _coalesce(*arguments: Value) -> Value:
    kind, sqls = values.unified(list(arguments))
    return Value(f"coalesce({', '.join(sqls)}, NULL)", kind)


def _if(condition: Value, yes: Value, no: Value) -> Value:
    kind, (first, second) = values.unified([yes, no])
    return Value(f"CASE WHEN {values.truth(condition)} THEN {first} ELSE {second} END", kind)


def _case(*arguments: Value) -> Value:
    if len(arguments) % 2 == 0:
        raise ArgumentError("case needs a default as its last argument")
    kind, results = values.unified([*arguments[1::2], arguments[-1]])
    branches = " ".join(
        f"WHEN {values.truth(condition)} THEN {result}"
        for condition, result in zip(arguments[:-1:2], results, strict=False)
    )
    return Value(f"CASE {branches} ELSE {results[-1]} END", kind)


def _is_numeric(value: Value) -> Value:
    if value.kind in values.TEXTUAL:
        return Value(f"({values.plain_number(value.sql)} IS NOT NULL)", Kind.BOOLEAN)
    if value.kind in {Kind.NUMBER, Kind.MEASURE}:
        return _is_present(value)
    return Value("false", Kind.BOOLEAN)


def _json_parse(value: Value) -> Value:
    if value.kind is Kind.JSON:
        return value
    text = values.text(value)
    return Value(
        f"CASE WHEN json_valid({text}) THEN CASE WHEN json_type({text}) IN ('OBJECT', 'ARRAY') "
        f"THEN {text} END END",
        Kind.JSON,
    )


def _json_stringify(value: Value) -> Value:
    return _text(value.sql if value.kind is Kind.JSON else values.text(value))


def _json_array_size(value: Value) -> Value:
    array = _json_parse(value).sql
    return _number(
        f"CASE WHEN json_type({array}) = 'ARRAY' "
        f"THEN CAST(json_array_length({array}) AS DOUBLE) END"
    )


def _json_array_contains(value: Value, item: Value) -> Value:
    array = _json_parse(value).sql
    return _boolean(
        f"list_contains(json_extract_string(CASE WHEN json_type({array}) = 'ARRAY' "
        f"THEN {array} ELSE '[]' END, '$[*]'), {values.text(item)})"
    )


def _is_ip(*tests: Callable[[str], str]) -> Callable[[Value], Value]:
    """Make a function that says whether a text is an address."""
    return lambda value: _boolean(f"({' OR '.join(test(values.text(value)) for test in tests)})")


def _in_subnet(*versions: int) -> Callable[[Value, Value], Value]:
    """Make a function that says whether a text is an address within a subnet."""

    def within(address: Value, subnet: Value) -> Value:
        if not isinstance(subnet.literal, str):
            raise ArgumentError("the subnet must be a text in quotes, such as '10.0.0.0/8'")
        try:
            return _boolean(addresses.in_subnet(values.text(address), subnet.literal, versions))
        except ValueError:
            kind = f"an IPv{versions[0]} subnet" if len(versions) == 1 else "a subnet"
            raise ArgumentError(f"{subnet.literal} is not {kind}") from None

    return within


def _regex_replace(value: Value, pattern: Value, replacement: Value) -> Value:
    if not isinstance(pattern.literal, str):
        raise ArgumentError("the pattern must be a text in quotes, such as '[0-9]+'")
    if not isinstance(replacement.literal, str) or set(replacement.literal) & set("\\$"):
        # Which of the two leads to a group is not documented.
        raise ArgumentError("the replacement must be a text in quotes, without \\ and $")
    problem = regex.problem(pattern.literal)
    if problem is not None:
        raise ArgumentError(f"the regular expression: {problem}")
    return _text(f"regexp_replace({values.text(value)}, {pattern.sql}, {replacement.sql}, 'g')")


def _strip(function: str) -> Callable[..., Value]:
    def strip(value: Value, characters: Value | None = None) -> Value:
        unwanted = r"E' \t\r\n\f'" if characters is None else values.text(characters)
        return _text(f"{function}({values.text(value)}, {unwanted})")

    return strip


def _substring(value: Value, start: Value, length: Value | None = None) -> Value:
    def index(number: Value) -> str:
        clamped = f"least(greatest({values.number(number)}, 0), 1000000000)"
        return f"CAST({clamped} AS BIGINT)"

    rest = "" if length is None else f", {index(length)}"
    return _text(f"substring({values.text(value)}, {index(start)} + 1{rest})")


def _split(value: Value, separator: Value) -> Value:
    return Value(
        f"CAST(to_json(string_split({values.text(value)}, {values.text(separator)})) AS VARCHAR)",
        Kind.JSON,
    )


# What is no specifier of strftime, among all that begins with a %.
_NO_SPECIFIER = re.compile(r"%(?![aAbBcdfGHIjmMpSuUVwWxXyYzZ]|-[dmHIMSjy]).?", re.DOTALL)


def _format_date(time: Value, pattern: Value, zone: Value | None = None) -> Value:
    if not isinstance(pattern.literal, str):
        raise ArgumentError("the pattern must be a text in quotes, such as '%Y-%m-%d'")
    unknown = _NO_SPECIFIER.search(pattern.literal.replace("%%", ""))
    if unknown is not None:
        raise ArgumentError(f"the pattern has no {unknown[0]}")
    moment = f"make_timestamp_ms({as_time(time)})"
    if zone is not None:
        _refuse_unknown_zone(zone)
        moment = f"timezone({zone.sql}, timezone('UTC', {moment}))"
    return _text(f"strftime({moment}, {pattern.sql})")


def _refuse_unknown_zone(zone: Value) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if not isinstance(zone.literal, str):
        raise ArgumentError("the time zone must be a text in quotes, such as 'Asia/Tokyo'")
    try:
        ZoneInfo(zone.literal)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ArgumentError(f"there is no time zone {zone.literal}") from None


def _from_millis(value: Value) -> Value:
    return Value(as_time(value), Kind.TIME)


def _to_millis(value: Value) -> Value:
    if value.kind is not Kind.TIME:
        return MISSING
    return _number(values.number(value))


def _same(value: Value) -> Value:
    return value


def _concat(*arguments: Value) -> Value:
    return _text(f"concat({', '.join(map(values.text, arguments))})")


def _extreme(function: str) -> Callable[..., Value]:
    def extreme(*arguments: Value) -> Value:
        return _number(f"{function}({', '.join(map(values.number, arguments))})")

    return extreme


def _length(value: Value) -> Value:
    return _number(f"CAST(length({values.text(value)}) AS DOUBLE)")


def _ipv4_to_number(value: Value) -> Value:
    return _number(f"CAST({addresses.ipv4_number(values.text(value))} AS DOUBLE)")


def _is_empty(value: Value) -> Value:
    shown = _shown(value)
    return Value(f"({shown} IS NULL OR {shown} = '')", Kind.BOOLEAN)


def _is_blank(value: Value) -> Value:
    shown = _shown(value)
    return Value(f"({shown} IS NULL OR trim({shown}, E' \\t\\r\\n\\f') = '')", Kind.BOOLEAN)


def _shown(value: Value) -> str:
    return value.sql if value.kind is Kind.JSON else values.text(value)


_ANY = 1000

SCALARS: dict[str, tuple[int, int, Callable[..., Value]]] = {
    # Name: fewest arguments, most, how to make it.
    "abs": (1, 1, _numeric("abs({0})")),
    "ceil": (1, 1, _numeric("ceil({0})")),
    "floor": (1, 1, _numeric("floor({0})")),
    "greatest": (1, _ANY, _extreme("greatest")),
    "least": (1, _ANY, _extreme("least")),
    "log": (1, 1, _numeric("CASE WHEN {0} > 0 THEN ln({0}) END")),
    "sqrt": (1, 1, _numeric("CASE WHEN {0} >= 0 THEN sqrt({0}) END")),
    "round": (1, 2, _round),
    "tonumber": (1, 1, _numeric("{0}")),
    "todouble": (1, 1, _numeric("{0}")),
    "toint": (1, 1, _whole("INTEGER")),
    "tolong": (1, 1, _whole("BIGINT")),
    "ispresent": (1, 1, _is_present),
    "coalesce": (1, _ANY, _coalesce),
    "if": (3, 3, _if),
    "case": (3, _ANY, _case),
    "isnumeric": (1, 1, _is_numeric),
    "unmask": (1, 1, _same),  # no data protection policy masks anything here
    "jsonparse": (1, 1, _json_parse),
    "jsonstringify": (1, 1, _json_stringify),
    "jsonarraysize": (1, 1, _json_array_size),
    "jsonarraycontains": (2, 2, _json_array_contains),
    "isvalidip": (1, 1, _is_ip(addresses.is_ipv4, addresses.is_ipv6)),
    "isvalidipv4": (1, 1, _is_ip(addresses.is_ipv4)),
    "isvalidipv6": (1, 1, _is_ip(addresses.is_ipv6)),
    "isipinsubnet": (2, 2, _in_subnet(4, 6)),
    "isipv4insubnet": (2, 2, _in_subnet(4)),
    "isipv6insubnet": (2, 2, _in_subnet(6)),
    "ipv4tonumber": (1, 1, _ipv4_to_number),
    "isempty": (1, 1, _is_empty),
    "isblank": (1, 1, _is_blank),
    "concat": (1, _ANY, _concat),
    "ltrim": (1, 2, _strip("ltrim")),
    "rtrim": (1, 2, _strip("rtrim")),
    "trim": (1, 2, _strip("trim")),
    "strlen": (1, 1, _length),
    "toupper": (1, 1, _textual("upper({0})")),
    "tolower": (1, 1, _textual("lower({0})")),
    "substr": (2, 3, _substring),
    "regexreplace": (3, 3, _regex_replace),
    "regex_replace": (3, 3, _regex_replace),
    "replace": (3, 3, _textual("replace({0}, {1}, {2})")),
    "strcontains": (2, 2, _test("contains({0}, {1})")),
    "startswith": (2, 2, _test("starts_with({0}, {1})")),
    "endswith": (2, 2, _test("ends_with({0}, {1})")),
    "urlencode": (1, 1, _textual("url_encode({0})")),
    "urldecode": (1, 1, _textual("TRY(url_decode({0}))")),
    "base64encode": (1, 1, _textual("to_base64(encode({0}))")),
    "base64decode": (1, 1, _textual("TRY(decode(from_base64({0})))")),
    "md5": (1, 1, _textual("md5({0})")),
    "sha256": (1, 1, _textual("sha256({0})")),
    "split": (2, 2, _split),
    "frommillis": (1, 1, _from_millis),
    "tomillis": (1, 1, _to_millis),
    "formatdate": (2, 3, _format_date),
    "strftime": (2, 3, _format_date),
}

NOT_OFFERED = frozenset(
    {
        "dectohex",
        "haversine",
        "hextoascii",
        "hextodec",
        "histogram",
        "isprivateip",
        "ispublicip",
        "isreservedip",
        "messagesize",
        "parsedate",
        "querytimerange",
        "rate",
    }
)
"""Functions of the language that are refused by name: what they give is not documented exactly."""


def scalar(name: str, arguments: Sequence[Value]) -> Value | None:
    """Apply a scalar function.

    Returns:
        None when there is no scalar function of that name.

    Raises:
        ArgumentError: When the arguments do not fit it.
    """
    known = SCALARS.get(name)
    if known is None:
        return None
    fewest, most, make = known
    if not fewest <= len(arguments) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} or more"
        raise ArgumentError(f"{name} takes {wanted} arguments, not {len(arguments)}")
    made: Any = make(*arguments)
    result: Value = made
    return result
