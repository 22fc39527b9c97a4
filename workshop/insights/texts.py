"""Functions of texts, as SQL. A map or a list is no text, and gives no value.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions
"""

from collections.abc import Callable

from workshop.insights import regex, values
from workshop.insights.errors import ArgumentError
from workshop.insights.values import Kind, Value


def textual(template: str) -> Callable[..., Value]:
    """Make a function of texts that gives a text; `{0}` is the first argument."""
    return lambda *arguments: Value(template.format(*map(values.text, arguments)), Kind.TEXT)


def counting(template: str) -> Callable[[Value], Value]:
    """Make a function of a text that gives a number, from SQL of a whole number."""
    return lambda value: Value(
        f"CAST({template.format(values.text(value))} AS DOUBLE)", Kind.NUMBER
    )


def test(template: str) -> Callable[..., Value]:
    """Make a function of texts that gives 1 or 0."""
    return lambda *arguments: Value(
        f"coalesce({template.format(*map(values.text, arguments))}, false)", Kind.BOOLEAN
    )


def contains(value: Value, wanted: Value, caseless: Value | None = None) -> Value:
    """Say whether a text has another in it, in any case when the third argument is true.

    AWS documents the third argument. A trial on the live service in June 2026, by others, saw no
    effect of it.
    """
    if caseless is None:
        return test("contains({0}, {1})")(value, wanted)
    if caseless.kind is not Kind.BOOLEAN:
        raise ArgumentError("the third argument of strcontains is true or false")
    whole, part = values.text(value), values.text(wanted)
    folded = f"contains(lower({whole}), lower({part}))"
    found = f"CASE WHEN {caseless.sql} THEN {folded} ELSE contains({whole}, {part}) END"
    return Value(f"coalesce({found}, false)", Kind.BOOLEAN)


def regex_replace(value: Value, pattern: Value, replacement: Value) -> Value:
    """Replace what a regular expression finds, everywhere."""
    if not isinstance(pattern.literal, str):
        raise ArgumentError("the pattern must be a text in quotes, such as '[0-9]+'")
    if not isinstance(replacement.literal, str) or set(replacement.literal) & set("\\$"):
        # Which of the two leads to a group is not documented.
        raise ArgumentError("the replacement must be a text in quotes, without \\ and $")
    problem = regex.problem(pattern.literal)
    if problem is not None:
        raise ArgumentError(f"the regular expression: {problem}")
    return Value(
        f"regexp_replace({values.text(value)}, {pattern.sql}, {replacement.sql}, 'g')", Kind.TEXT
    )


def trimming(function: str) -> Callable[..., Value]:
    """Make a function that takes characters off an end: white space, or those given."""

    def trim(value: Value, characters: Value | None = None) -> Value:
        unwanted = r"E' \t\r\n\f'" if characters is None else values.text(characters)
        return Value(f"{function}({values.text(value)}, {unwanted})", Kind.TEXT)

    return trim


def substring(value: Value, start: Value, length: Value | None = None) -> Value:
    """Give a part of a text, from an index counted from 0. Chosen: a negative one is 0."""

    def index(number: Value) -> str:
        clamped = f"least(greatest({values.number(number)}, 0), 1000000000)"
        return f"CAST(trunc({clamped}) AS BIGINT)"

    rest = "" if length is None else f", {index(length)}"
    return Value(f"substring({values.text(value)}, {index(start)} + 1{rest})", Kind.TEXT)


def split(value: Value, separator: Value) -> Value:
    """Cut a text at a separator to a list."""
    return Value(
        f"CAST(to_json(string_split({values.text(value)}, {values.text(separator)})) AS VARCHAR)",
        Kind.JSON,
    )


def concatenated(*arguments: Value) -> Value:
    """Put texts together; a missing one is left out."""
    return Value(f"concat({', '.join(map(values.text, arguments))})", Kind.TEXT)


def is_empty(value: Value) -> Value:
    """Say whether a value is missing, or an empty text."""
    return Value(values.once(_shown(value), "({0} IS NULL OR {0} = '')".format), Kind.BOOLEAN)


def is_blank(value: Value) -> Value:
    """Say whether a value is missing, or nothing but white space."""
    blank = r"({0} IS NULL OR trim({0}, E' \t\r\n\f') = '')"
    return Value(values.once(_shown(value), blank.format), Kind.BOOLEAN)


def _shown(value: Value) -> str:
    return value.sql if value.kind is Kind.JSON else values.text(value)


def hex_to_ascii(value: Value) -> Value:
    """Read pairs of hexadecimal digits as characters.

    Chosen: `0x` may stand before them, as it may for `hexToDec`; what is no such text, or holds
    a byte that ASCII does not have, gives no value.
    """

    def read(text: str) -> str:
        digits = f"regexp_extract({text}, '^(?:0[xX])?((?:[0-7][0-9a-fA-F])*)$', 1)"
        fits = f"regexp_full_match({text}, '(?:0[xX])?(?:[0-7][0-9a-fA-F])*')"
        return f"CASE WHEN {fits} THEN decode(from_hex({digits})) END"

    return Value(values.once(values.text(value), read), Kind.TEXT)


def hex_to_dec(value: Value) -> Value:
    """Read a hexadecimal number, as `0xff`, `ff` or what `decToHex` gives: `-0xff`.

    Chosen: more than 32 digits (128 bits) are no number.
    """

    def read(text: str) -> str:
        sign = f"CASE WHEN starts_with({text}, '-') THEN -1 ELSE 1 END"
        digits = f"regexp_extract({text}, '^-?(?:0[xX])?0*([0-9a-fA-F]*)$', 1)"
        number = f"CAST(TRY_CAST('0x0' || {digits} AS UHUGEINT) AS DOUBLE)"
        fits = f"regexp_full_match({text}, '-?(?:0[xX])?[0-9a-fA-F]+')"
        return f"CASE WHEN {fits} THEN {sign} * {number} END"

    return Value(values.once(values.text(value), read), Kind.NUMBER)


def dec_to_hex(value: Value) -> Value:
    """Write a whole number in lowercase hexadecimal digits after `0x`, or `-0x`.

    What is behind the point is cut off. A text of digits keeps them all, up to 38 of them;
    chosen: a longer number has no such text.
    """

    def exact(text: str) -> str:
        number = values.number(Value(text, value.kind))
        cut = f"TRY_CAST(trunc({number}) AS DECIMAL(38, 0))"
        if value.kind not in values.TEXTUAL:
            return cut
        digits = f"TRY_CAST({text} AS DECIMAL(38, 0))"
        return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN {digits} ELSE {cut} END"

    whole = values.once(value.sql, exact)
    written = "CASE WHEN n < 0 THEN '-0x' ELSE '0x' END || lower(to_hex(CAST(abs(n) AS UHUGEINT)))"
    return Value(values.bound(whole, "n", written), Kind.TEXT)
