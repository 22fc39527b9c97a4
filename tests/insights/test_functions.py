"""Scalar functions: against Python's own, by hand, and on values that nobody would think of."""

import base64
import hashlib
import json
import math
import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.insights.conftest import NOON, asked
from workshop.insights import MalformedQuery
from workshop.insights.functions import SCALARS
from workshop.insights.results import computed

MESSAGE = (
    '{"text": "hello", "number": 200, "decimal": "1.50", "flag": true, "off": false, '
    '"spaces": " 5 ", "list": [1, "a", null, true, [2]], "map": {"k": "v"}, '
    '"grouped": "1_000", "nan": "nan", "huge": "1e400", "empty": ""}'
)


DOCUMENTED = """
abs ceil floor greatest least log round sqrt haversine toNumber toInt toLong toDouble
bin datefloor dateceil fromMillis toMillis now parseDate formatDate strftime
ispresent coalesce case if isNumeric messageSize queryStartTime queryEndTime queryTimeRange unmask
jsonParse jsonStringify jsonArraySize jsonArrayContains
isValidIp isValidIpV4 isValidIpV6 isIpInSubnet isIpv4InSubnet isIpv6InSubnet ipv4ToNumber
isPrivateIP isPublicIP isReservedIP
isempty isblank concat ltrim rtrim trim strlen toupper tolower substr replace regexReplace
regex_replace strcontains startsWith endsWith urlencode urldecode base64encode base64decode split
hexToAscii hexToDec decToHex md5 sha256
avg count count_distinct max min pct stddev sum values collect_values variance topk
earliest latest sortsFirst sortsLast rate count_over_time sum_over_time countOverTime sumOverTime
histogram
""".split()  # noqa: SIM905 - easier to read


def problem(table, query):
    try:
        table(query, "m")
    except MalformedQuery as error:
        return error.message
    return ""


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_function_that_aws_documents_is_known(table, name):
    assert "there is no function" not in problem(table, f"stats {name}() as x")


def test_a_function_that_aws_does_not_document_is_not_known(table):
    assert problem(table, "stats ago() as x") == "there is no function ago"


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("haversine(0, 0, 0, 0)", "0"),
        ("haversine(0, 0, 0, 180)", computed(6371 * math.pi)),
        ("haversine(90, 0, -90, 77)", computed(6371 * math.pi)),
        ("haversine(0, 0, 90, 0)", computed(6371 * math.pi / 2)),
        ("haversine(0, -180, 0, 180)", "0"),
        ("haversine('52.52', '13.405', 48.8566, 2.3522)", "877.4633"),
        ("haversine(90.1, 0, 0, 0)", None),
        ("haversine(0, 361, 0, 0)", None),
        ("haversine(0, 0, 1e308 * 10, 0)", None),
        ("haversine(text, 0, 0, 0)", None),
        ("haversine(missing, 0, 0, 0)", None),
        ("haversine(jsonParse(@message), 0, 0, 0)", None),
        ("case(number > 400, 'a', number > 100, 'b', 'c')", "b"),
        ("case(number > 400, 'a', number > 300, 'b', 'c')", "c"),
        ("case(number > 400, 'a', number > 300, 'b')", None),
        ("case(number > 100, 1 + 1)", "2"),
        ("messageSize(@message)", str(len(MESSAGE))),
        ("messageSize('né')", "3"),
        ("messageSize('')", "0"),
        ("messageSize(missing)", None),
        ("messageSize(jsonParse(@message))", None),
        ("queryStartTime()", "1000"),
        ("queryEndTime()", str(NOON * 2)),
        ("queryTimeRange()", str(NOON * 2 - 1000)),
        ("fromMillis(queryStartTime())", "1970-01-01 00:00:01.000"),
        ("now()", str(NOON // 1000)),
        ("hexToAscii('48656c6c6f')", "Hello"),
        ("hexToAscii('0x48656C6C6F')", "Hello"),
        ("hexToAscii('')", ""),
        ("hexToAscii('4')", None),
        ("hexToAscii('zz')", None),
        ("hexToAscii('ff')", None),
        ("hexToAscii(4865)", "He"),
        ("hexToAscii(missing)", None),
        ("hexToDec('0xff')", "255"),
        ("hexToDec('FF')", "255"),
        ("hexToDec('-0xff')", "-255"),
        ("hexToDec('0')", "0"),
        ("hexToDec('0x')", None),
        ("hexToDec('')", None),
        ("hexToDec('0xfg')", None),
        ("hexToDec('7fffffffffffffff')", "9223372036854775808"),
        ("hexToDec(missing)", None),
        ("decToHex(255)", "0xff"),
        ("decToHex(-255)", "-0xff"),
        ("decToHex(255.99)", "0xff"),
        ("decToHex(-0.5)", "0x0"),
        ("decToHex('18446744073709551615')", "0xffffffffffffffff"),
        ("decToHex(2 ^ 63)", "0x8000000000000000"),
        ("decToHex(1e39)", None),
        ("decToHex('1' * 1e308 * 10)", None),
        ("decToHex(text)", None),
        ("decToHex(missing)", None),
        ("strcontains('ABC', 'b')", "0"),
        ("strcontains('ABC', 'b', false)", "0"),
        ("strcontains('ABC', 'b', true)", "1"),
        ("strcontains('ÄBC', 'äb', true)", "1"),
        ("strcontains('ABC', 'b', number = 200)", "1"),
        ("strcontains('ABC', 'b', isPrivateIP('10.0.0.1'))", "1"),
        ("strcontains(missing, 'b', true)", "0"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("sha256('a')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("md5(missing)", None),
        ("strftime(@timestamp, '%Y-%m-%d')", "2025-10-09"),
        ("strftime(@timestamp, '%H:%M', 'Asia/Kolkata')", "17:30"),
        ("formatDate(text, '%Y')", None),
        ("date_floor(@timestamp + 61s, 1m)", "2025-10-09 12:01:00.000"),
        ("date_ceil(@timestamp + 1ms, 1m)", "2025-10-09 12:01:00.000"),
        ("dateceil(@timestamp, 1mo)", "2025-11-01 00:00:00.000"),
        ("dateceil(@timestamp, 1q)", "2026-01-01 00:00:00.000"),
        ("dateceil(@timestamp, 3y)", "2028-01-01 00:00:00.000"),
        ("dateceil(datefloor(@timestamp, 1mo), 1mo)", "2025-10-01 00:00:00.000"),
        ("datefloor(fromMillis(-1), 1s)", "1969-12-31 23:59:59.000"),
        ("datefloor(fromMillis(-1), 1w)", "1969-12-29 00:00:00.000"),
        ("dateceil(fromMillis(-1), 1h)", "1970-01-01 00:00:00.000"),
        ("round(2.5)", "3"),
        ("round(-2.345, 2)", "-2.35"),
        ("round(1234, -2)", "1200"),
        ("round(text)", None),
        ("toInt('-12.9')", "-12"),
        ("toInt(2147483648)", None),
        ("toLong(9223372036854775808)", None),
        ("toNumber(decimal)", "1.5"),
        ("toNumber(text)", None),
        ("toDouble(flag)", "1"),
        ("isNumeric(number)", "1"),
        ("isNumeric(decimal)", "1"),
        ("isNumeric(1 + 1)", "1"),
        ("isNumeric(text)", "0"),
        ("isNumeric(nan)", "0"),
        ("isNumeric(grouped)", "0"),
        ("isNumeric(flag)", "0"),
        ("isNumeric(missing)", "0"),
        ("isNumeric(jsonParse(@message))", "0"),
        ("grouped * 1", None),
        ("nan * 1", None),
        ("huge * 1", None),
        ("spaces * 1", "5"),
        ("jsonArraySize('[1, [2, 3], null]')", "3"),
        ("jsonArraySize('[]')", "0"),
        ("jsonArraySize('{}')", None),
        ("jsonArraySize(text)", None),
        ("jsonArrayContains('[1, \"a\"]', 'a')", "1"),
        ("jsonArrayContains('[1, \"a\"]', 'A')", "0"),
        ("jsonArrayContains('[1, \"a\"]', 1)", "1"),
        ("jsonArrayContains('[]', 'a')", "0"),
        ("jsonArrayContains('{\"a\": 1}', 'a')", "0"),
        ("jsonArrayContains('[', 'a')", "0"),
        ("jsonArrayContains(missing, 'a')", "0"),
        ("substr('hello', 1.9)", "ello"),
        ("substr('hello', -1)", "hello"),
        ("substr('hello', 2, -1)", ""),
        ("greatest(1, missing, 3)", "3"),
        ("greatest(missing)", None),
        ("concat(coalesce(missing, 1), 'a')", "1a"),
        ("concat(coalesce(missing, decimal), 'a')", "1.50a"),
        ("concat(if(flag, 2.50001, 'x'), 'a')", "2.5a"),
        ("concat(1e308 * 10, 'a')", "a"),
        ("concat(-0.00001, 'a')", "0a"),
        ("concat(text, missing, jsonParse(@message))", "hello"),
        ("isempty(jsonParse(@message))", "0"),
        ("isempty(empty)", "1"),
        ("strlen(@timestamp)", "13"),
        ("toupper(flag)", "TRUE"),
        ("toupper(1 = 1)", "1"),
        ("toupper(jsonParse(@message))", None),
        ("urldecode('%ff')", None),
        ("base64decode('?')", None),
        ("base64decode('/w==')", None),
    ],
)
def test_a_function_gives_what_its_page_says(table, expression, shown):
    assert table(f"fields {expression} as x", MESSAGE, start_ms=1000) == [
        {} if shown is None else {"x": shown}
    ]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("haversine(1, 2, 3)", "takes 4 arguments, not 3"),
        ("md5()", "takes 1 argument, not 0"),
        ("strcontains(@message)", "takes 2 to 3 arguments, not 1"),
        ("strcontains(@message, 'a', 'true')", "true or false"),
        ("strcontains(@message, 'a', 1)", "true or false"),
        ("case(number)", "takes 2 to 21 arguments, not 1"),
        (f"case({', '.join(['a = 1', '2'] * 11)})", "takes 2 to 21 arguments, not 22"),
        ("coalesce()", "takes 1 or more arguments, not 0"),
        ("messageSize()", "takes 1 argument, not 0"),
        ("isPrivateIP('a', 'b')", "takes 1 argument, not 2"),
        ("queryTimeRange(1)", "querytimerange takes no arguments"),
        ("queryStartTime(@timestamp)", "querystarttime takes no arguments"),
        ("now(1)", "now takes no arguments"),
        ("strftime(@timestamp, @message)", "in quotes"),
        ("strftime(@timestamp, '%Q')", "has no %Q"),
        ("strftime(@timestamp, '%H', 'Mars')", "no time zone Mars"),
        ("rate(number, 1m)", "rate stands in stats alone"),
        ("histogram(number, 10)", "histogram stands in stats alone"),
        ("ago(5m)", "there is no function ago"),
    ],
)
def test_wrong_arguments_are_refused_where_they_stand(table, call, says):
    query = f"fields @message, {call} as x"
    with pytest.raises(MalformedQuery, match=re.escape(says)) as caught:
        table(query, MESSAGE)
    assert query[caught.value.start : caught.value.end] == call


# Against Python's own

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
HEX = re.compile(r"(-?)(?:0[xX])?([0-9a-fA-F]+)")


def number(text: str) -> float | None:
    if text in {"true", "false"}:
        return float(text == "true")
    found = float(text) if NUMBER.fullmatch(text) else None
    return found if found is not None and math.isfinite(found) else None


def shown(value: object) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float | int):
        return computed(float(value))
    return None if value is None else str(value)


def whole(text: str, bits: int) -> float | None:
    found = number(text)
    if found is None or not -(2 ** (bits - 1)) <= math.trunc(found) < 2 ** (bits - 1):
        return None
    return float(math.trunc(found))


def hex_to_ascii(text: str) -> str | None:
    digits = text[2:] if text[:2] in {"0x", "0X"} else text
    if len(digits) % 2 or not re.fullmatch("[0-9a-fA-F]*", digits):
        return None
    try:
        return bytes.fromhex(digits).decode("ascii")
    except UnicodeDecodeError:
        return None


def hex_to_dec(text: str) -> float | None:
    found = HEX.fullmatch(text)
    if found is None or int(found[2], 16) >= 2**128:
        return None
    return float(int(found[1] + found[2], 16))


def dec_to_hex(text: str) -> str | None:
    found = int(text) if re.fullmatch("[+-]?[0-9]+", text) else number(text)
    if found is None or abs(math.trunc(found)) >= 10**38:
        return None
    return f"{'-' if math.trunc(found) < 0 else ''}0x{abs(math.trunc(found)):x}"


def json_list(text: str) -> list[object] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def json_text(one: object) -> str | None:
    if isinstance(one, str) or one is None:
        return one
    return json.dumps(one, separators=(",", ":"))


PLAINLY = {
    "md5(@message)": lambda t: hashlib.md5(t.encode(), usedforsecurity=False).hexdigest(),
    "sha256(@message)": lambda t: hashlib.sha256(t.encode()).hexdigest(),
    "messageSize(@message)": lambda t: len(t.encode()),
    "strlen(@message)": len,
    "base64encode(@message)": lambda t: base64.b64encode(t.encode()).decode(),
    "urlencode(@message)": lambda t: quote(t, safe=""),
    "urldecode(urlencode(@message))": lambda t: unquote(quote(t)),
    "base64decode(base64encode(@message))": str,
    "substr(@message, 1, 3)": lambda t: t[1:4],
    "replace(@message, '1', 'é')": lambda t: t.replace("1", "é"),
    "strcontains(@message, 'a')": lambda t: "a" in t,
    "strcontains(@message, 'A', true)": lambda t: "a" in t.lower(),
    "startsWith(@message, '1')": lambda t: t.startswith("1"),
    "endsWith(@message, '1')": lambda t: t.endswith("1"),
    "isempty(@message)": lambda t: t == "",
    "toNumber(@message)": number,
    "isNumeric(@message)": lambda t: number(t) is not None and t not in {"true", "false"},
    "toInt(@message)": lambda t: whole(t, 32),
    "toLong(@message)": lambda t: whole(t, 64),
    "hexToAscii(@message)": hex_to_ascii,
    "hexToDec(@message)": hex_to_dec,
    "decToHex(@message)": dec_to_hex,
    "jsonArraySize(@message)": lambda t: None if (found := json_list(t)) is None else len(found),
    "jsonArrayContains(@message, '1')": lambda t: "1" in map(json_text, json_list(t) or []),
    "case(@message = 'a', 1, @message like '1', 'one')": lambda t: (
        1.0 if t == "a" else "one" if "1" in t else None
    ),
}
TEXTS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="0123456789abcdefABCDEFxX-+.e_ ", max_size=20),
    st.integers(-(2**130), 2**130).map(str),
    st.integers(0, 2**140).map(hex),
    st.binary(max_size=10).map(bytes.hex),
    st.floats().map(repr),
    st.lists(st.one_of(st.integers(0, 2), st.sampled_from(["1", "a", None, True])), max_size=3).map(
        json.dumps
    ),
    st.sampled_from(
        ["", "true", "false", "nan", "inf", "-inf", "1e400", "1_000", " 5 ", "2147483648"]
    ),
).filter(lambda text: "\x00" not in text)


@pytest.mark.parametrize("call", PLAINLY)
@settings(max_examples=12, deadline=None)
@given(texts=st.lists(TEXTS, min_size=10, max_size=40))
def test_a_function_is_worth_what_python_makes_of_the_same_text(connection, call, texts):
    found = asked(connection, texts, f"fields {call} as x")

    expected = [shown(PLAINLY[call](text)) for text in texts]
    assert found == [[] if value is None else [value] for value in expected]


DEGREES = st.floats(-90, 90, allow_subnormal=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(DEGREES, DEGREES, DEGREES, DEGREES), min_size=5, max_size=20))
def test_a_distance_is_the_length_of_the_arc_between_two_vectors(connection, points):
    def vector(latitude, longitude):
        across = math.cos(math.radians(latitude))
        return (
            across * math.cos(math.radians(longitude)),
            across * math.sin(math.radians(longitude)),
            math.sin(math.radians(latitude)),
        )

    def distance(lat1, lon1, lat2, lon2):
        return 6371 * 2 * math.asin(min(1, math.dist(vector(lat1, lon1), vector(lat2, lon2)) / 2))

    messages = [json.dumps(dict(zip("abcd", point, strict=True))) for point in points]
    found = asked(connection, messages, "fields haversine(a, b, c, d) as km")

    assert [float(row[0]) for row in found] == pytest.approx(
        [distance(*point) for point in points], abs=1e-3
    )


# On values that nobody would think of

ODD = (
    *("", " ", "\n", "é🎉\u0301", "'", '"', "\\", "%", "%zz", "$1", "\x01", "\ufeff", "٣"),
    *("nan", "inf", "-inf", "1e400", "-0", "-1", str(2**63), str(-(2**127)), "1" * 60),
    *("9999999999999999", "300000-01-01", "-300000-01-01", "0x", "-0x", "0x" + "f" * 40, "0xé"),
    *("[", "{}", "[]", '{"a": [1, {"b": null}]}', "[" * 500, '"\\ud800"', "true", "null"),
    *("255.255.255.256", "1.2.3", "::", ":::", "::ffff:1.2.3.4", "fe80::1%eth0", "1::2::3"),
)
LARGE = ("x" * 1_000_000, "9" * 1_000_000, "ab:" * 330_000, "[" * 1_000_000, "%41" * 330_000)
ARGUMENTS = (
    *("@message", "null", "missing", "''", "0", "-1", "1e308 * 10", "(0 - 1e308) * 10", "true"),
    *("(1e308 * 10) - (1e308 * 10)", "2 ^ 63", "-9999999999999999", "@timestamp", "@message * 1"),
    *("@timestamp + @message", "jsonParse(@message)", "jsonParse(@message).a", "@message = 1"),
    *("coalesce(missing, @message, 1)", "if(@message like 'a', 1, @message)", "@duration"),
)
# What must stand in quotes, and in which place.
QUOTED = {
    "isipinsubnet": {1: "'10.0.0.0/8'"},
    "isipv4insubnet": {1: "'10.0.0.0/8'"},
    "isipv6insubnet": {1: "'fc00::/7'"},
    "regexreplace": {1: "'[0-9]+'", 2: "'x'"},
    "regex_replace": {1: "'[0-9]+'", 2: "'x'"},
    "formatdate": {1: "'%a %d %G %U %f %j'", 2: "'Asia/Tokyo'"},
    "strftime": {1: "'%Y-%m-%d %H:%M:%S'", 2: "'America/New_York'"},
    "parsedate": {1: "'EEE yyyy-MM-dd h:mm:ss.SSS a z'", 2: "'Europe/Paris'"},
    "strcontains": {2: "@message = 1"},
}


def calls_of(name, arguments):
    """Write calls of a function, with every argument in every place."""
    fewest, most, _ = SCALARS[name]
    for count in range(fewest, min(most, fewest + 1) + 1):
        for argument in arguments:
            given_ = [QUOTED.get(name, {}).get(place, argument) for place in range(count)]
            yield f"{name}({', '.join(given_)})"
            yield f"{name}({', '.join(['@message', *given_[1:]])})"


def asked_together(connection, texts, calls):
    named = ", ".join(f"{call} as n{index}" for index, call in enumerate(calls))
    return asked(connection, texts, f"fields {named}")


@pytest.mark.parametrize("name", sorted(SCALARS))
def test_a_function_of_odd_values_gives_a_value_or_none_and_never_an_error(connection, name):
    calls = list(dict.fromkeys(calls_of(name, ARGUMENTS)))
    for start in range(0, len(calls), 20):
        found = asked_together(connection, ODD, calls[start : start + 20])
        assert len(found) == len(ODD)


@pytest.mark.parametrize("name", sorted(SCALARS))
def test_a_function_of_texts_of_a_megabyte_gives_a_value_or_none(connection, name):
    calls = dict.fromkeys(calls_of(name, ["@message"]))
    assert len(asked_together(connection, LARGE, calls)) == len(LARGE)


@pytest.mark.parametrize("period", ["1ms", "7s", "1w", "1mo", "1q", "9y"])
@pytest.mark.parametrize("function", ["datefloor", "dateceil", "bin"])
def test_periods_of_odd_times_are_times_or_none(connection, function, period):
    calls = [f"{function}({argument}, {period})" for argument in ARGUMENTS]
    assert len(asked_together(connection, ODD, calls)) == len(ODD)
