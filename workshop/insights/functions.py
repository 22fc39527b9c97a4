"""Scalar functions by name, and those of numbers and of any value, as SQL.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-hash-functions.html

The functions of the query's own times, and those that take durations, are with the expressions.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from workshop.insights import addresses, structures, texts, times, values
from workshop.insights.errors import ArgumentError
from workshop.insights.values import Kind, Value

Parameter: TypeAlias = Callable[[object], str]


def _number(sql: str) -> Value:
    return Value(sql, Kind.NUMBER)


def _numeric(template: str) -> Callable[..., Value]:
    """Make a function of numbers; `{0}` is the first argument."""
    return lambda *arguments: _number(template.format(*map(values.number, arguments)))


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


def _extreme(function: str) -> Callable[..., Value]:
    def extreme(*arguments: Value) -> Value:
        return _number(f"{function}({', '.join(map(values.number, arguments))})")

    return extreme


_EARTH = 6371
"""The radius of the Earth in kilometers, its mean; chosen, for AWS does not say which."""


def _haversine(*degrees: Value) -> Value:
    """Give the great-circle distance in kilometers between two points on the Earth.

    Chosen: there is no point beyond a pole, nor more than one turn east or west.
    """
    names = ("lat1", "lon1", "lat2", "lon2")
    point = ", ".join(
        f"'{name}': {values.number(value)}" for name, value in zip(names, degrees, strict=True)
    )
    # The formula by which it is called; rounding can lead a little past 1.
    across = "pow(sin(radians(p.lat2 - p.lat1) / 2), 2)"
    along = "pow(sin(radians(p.lon2 - p.lon1) / 2), 2)"
    chord = f"{across} + cos(radians(p.lat1)) * cos(radians(p.lat2)) * {along}"
    distance = f"{2 * _EARTH} * asin(least(1, sqrt({chord})))"
    within = " AND ".join(
        f"p.{name} BETWEEN -{most} AND {most}"
        for name, most in zip(names, (90, 360, 90, 360), strict=True)
    )
    read = f"CASE WHEN {within} THEN {distance} END"
    return _number(values.bound(f"{{{point}}}", "p", read))


def _is_present(value: Value) -> Value:
    return Value(f"({value.sql} IS NOT NULL)", Kind.BOOLEAN)


def _coalesce(*arguments: Value) -> Value:
    kind, sqls = values.unified(list(arguments))
    return Value(f"coalesce({', '.join(sqls)}, NULL)", kind)


def _if(condition: Value, yes: Value, no: Value) -> Value:
    kind, (first, second) = values.unified([yes, no])
    return Value(f"CASE WHEN {values.truth(condition)} THEN {first} ELSE {second} END", kind)


_BRANCHES = 10


def _case(*arguments: Value) -> Value:
    """Give the value of the first condition that holds; the default is optional."""
    conditions = arguments[0 : len(arguments) // 2 * 2 : 2]
    if len(conditions) > _BRANCHES:
        raise ArgumentError(f"case has at most {_BRANCHES} conditions")
    default = [arguments[-1]] if len(arguments) % 2 else []
    kind, results = values.unified([*arguments[1::2], *default])
    branches = " ".join(
        f"WHEN {values.truth(condition)} THEN {result}"
        for condition, result in zip(conditions, results, strict=False)
    )
    otherwise = f" ELSE {results[-1]}" if default else ""
    return Value(f"CASE {branches}{otherwise} END", kind)


def _is_numeric(value: Value) -> Value:
    if value.kind in values.TEXTUAL:
        return Value(f"({values.plain_number(value.sql)} IS NOT NULL)", Kind.BOOLEAN)
    if value.kind in {Kind.NUMBER, Kind.MEASURE}:
        return _is_present(value)
    return Value("false", Kind.BOOLEAN)


def _same(value: Value) -> Value:
    return value


def _address(*tests: Callable[[str], str]) -> Callable[[Value], Value]:
    """Make a function that says whether a text is an address of some sort."""
    return lambda value: Value(
        f"coalesce(({' OR '.join(test(values.text(value)) for test in tests)}), false)",
        Kind.BOOLEAN,
    )


def _in_subnet(*versions: int) -> Callable[[Value, Value], Value]:
    """Make a function that says whether a text is an address within a subnet."""

    def within(address: Value, subnet: Value) -> Value:
        if not isinstance(subnet.literal, str):
            raise ArgumentError("the subnet must be a text in quotes, such as '10.0.0.0/8'")
        try:
            test = addresses.in_subnet(values.text(address), subnet.literal, versions)
        except ValueError:
            kind = f"an IPv{versions[0]} subnet" if len(versions) == 1 else "a subnet"
            raise ArgumentError(f"{subnet.literal} is not {kind}") from None
        return Value(f"coalesce({test}, false)", Kind.BOOLEAN)

    return within


def _ipv4_to_number(value: Value) -> Value:
    return _number(f"CAST({addresses.ipv4_number(values.text(value))} AS DOUBLE)")


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
    "haversine": (4, 4, _haversine),
    "tonumber": (1, 1, _numeric("{0}")),
    "todouble": (1, 1, _numeric("{0}")),
    "toint": (1, 1, _whole("INTEGER")),
    "tolong": (1, 1, _whole("BIGINT")),
    "ispresent": (1, 1, _is_present),
    "coalesce": (1, _ANY, _coalesce),
    "if": (3, 3, _if),
    "case": (2, 2 * _BRANCHES + 1, _case),
    "isnumeric": (1, 1, _is_numeric),
    "messagesize": (1, 1, texts.counting("strlen({0})")),  # bytes, to DuckDB
    "unmask": (1, 1, _same),  # no data protection policy masks anything here
    "jsonparse": (1, 1, structures.parsed),
    "jsonstringify": (1, 1, structures.written),
    "jsonarraysize": (1, 1, structures.size),
    "jsonarraycontains": (2, 2, structures.holds),
    "isvalidip": (1, 1, _address(addresses.is_ipv4, addresses.is_ipv6)),
    "isvalidipv4": (1, 1, _address(addresses.is_ipv4)),
    "isvalidipv6": (1, 1, _address(addresses.is_ipv6)),
    "isprivateip": (1, 1, _address(addresses.is_private)),
    "ispublicip": (1, 1, _address(addresses.is_public)),
    "isreservedip": (1, 1, _address(addresses.is_reserved)),
    "isipinsubnet": (2, 2, _in_subnet(4, 6)),
    "isipv4insubnet": (2, 2, _in_subnet(4)),
    "isipv6insubnet": (2, 2, _in_subnet(6)),
    "ipv4tonumber": (1, 1, _ipv4_to_number),
    "isempty": (1, 1, texts.is_empty),
    "isblank": (1, 1, texts.is_blank),
    "concat": (1, _ANY, texts.concatenated),
    "ltrim": (1, 2, texts.trimming("ltrim")),
    "rtrim": (1, 2, texts.trimming("rtrim")),
    "trim": (1, 2, texts.trimming("trim")),
    "strlen": (1, 1, texts.counting("length({0})")),  # code points, to DuckDB
    "toupper": (1, 1, texts.textual("upper({0})")),
    "tolower": (1, 1, texts.textual("lower({0})")),
    "substr": (2, 3, texts.substring),
    "regexreplace": (3, 3, texts.regex_replace),
    "regex_replace": (3, 3, texts.regex_replace),
    "replace": (3, 3, texts.textual("replace({0}, {1}, {2})")),
    "strcontains": (2, 3, texts.contains),
    "startswith": (2, 2, texts.test("starts_with({0}, {1})")),
    "endswith": (2, 2, texts.test("ends_with({0}, {1})")),
    "urlencode": (1, 1, texts.textual("url_encode({0})")),
    "urldecode": (1, 1, texts.textual("TRY(url_decode({0}))")),
    "base64encode": (1, 1, texts.textual("to_base64(encode({0}))")),
    "base64decode": (1, 1, texts.textual("TRY(decode(from_base64({0})))")),
    "hextoascii": (1, 1, texts.hex_to_ascii),
    "hextodec": (1, 1, texts.hex_to_dec),
    "dectohex": (1, 1, texts.dec_to_hex),
    "md5": (1, 1, texts.textual("md5({0})")),
    "sha256": (1, 1, texts.textual("sha256({0})")),
    "split": (2, 2, texts.split),
    "frommillis": (1, 1, times.from_millis),
    "tomillis": (1, 1, times.to_millis),
    "formatdate": (2, 3, times.format_date),
    "strftime": (2, 3, times.format_date),
    "parsedate": (2, 3, times.parse_date),
}
# Those that put a text of their own into the statement.
_WITH_PARAMETERS = frozenset({"parsedate"})


def scalar(name: str, arguments: Sequence[Value], parameter: Parameter) -> Value | None:
    """Apply a scalar function.

    Args:
        name: In lower case.
        arguments: As compiled.
        parameter: Gives the SQL of a value that the function makes.

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
        raise ArgumentError(f"{name} takes {_counts(fewest, most)}, not {len(arguments)}")
    further = {"parameter": parameter} if name in _WITH_PARAMETERS else {}
    made: Any = make(*arguments, **further)
    result: Value = made
    return result


def _counts(fewest: int, most: int) -> str:
    if fewest == most:
        return f"{fewest} argument{'s' if fewest > 1 else ''}"
    return f"{fewest} {'or more' if most == _ANY else f'to {most}'} arguments"
