r"""The filter patterns of FilterLogEvents.

Offered are terms (`ERROR`), exact phrases (`"charge failed"`), terms left out (`-DEBUG`), one of
several terms (`?ERROR ?WARN`) and JSON patterns (`{ $.level = "ERROR" && $.amount > 1000 }`).
Space-delimited patterns (`[ip, user, ...]`) and regular expressions (`%...%`) are refused.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, UnexpectedInput, UnexpectedToken, VisitError

MAX_CHARACTERS = 1024
"""Longest pattern, by the API reference of FilterLogEvents."""

_GRAMMAR = r"""
start: "{" either "}"
?either: both ("||" both)*
?both: condition ("&&" condition)*
?condition: "(" either ")" | comparison | state
comparison: SELECTOR OPERATOR value
state: SELECTOR "IS"i STATE -> is_state
     | SELECTOR "NOT"i "EXISTS"i -> is_missing
value: NUMBER | STRING | WORD | REGEX
STATE: /(TRUE|FALSE|NULL)\b/i
OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">"
SELECTOR: /\$(\.[\w\-@]+|\[\d+\]|\['[^']*'\]|\["[^"]*"\])+/
NUMBER.2: /-?\d+(\.\d+)?([eE][+-]?\d+)?(?=[\s)}&|])/
STRING: /"(?:[^"\\]|\\.)*"/
REGEX.3: /%[^%]*%/
WORD: /[^\s"(){}&|%=<>!]+/
%import common.WS
%ignore WS
"""

_TERM = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>[^\s"]+))')
_PLAIN = re.compile(r"\w+")
_STEP = re.compile(r"\.([\w\-@]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")

_MISSING = object()

Test = Callable[[Any], bool]


class InvalidFilterPatternError(Exception):
    """The pattern is malformed, or of a kind that is not offered."""


@dataclass(frozen=True)
class FilterPattern:
    """A pattern that has been read.

    Attributes:
        matches: Whether a log event's message is meant.
        needed: Texts that every message meant holds; a database can look for them first.
    """

    matches: Callable[[str], bool]
    needed: tuple[str, ...] = ()


def parse(pattern: str) -> FilterPattern:
    """Read a pattern; an empty one means every log event.

    Raises:
        InvalidFilterPatternError: It is malformed, or of a kind that is not offered.
    """
    text = pattern.strip()
    if text.startswith("{"):
        return _json_pattern(text)
    if text.startswith("["):
        raise InvalidFilterPatternError("space-delimited filter patterns, [...], are not offered")
    return _terms(text)


def _terms(text: str) -> FilterPattern:
    wanted: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise InvalidFilterPatternError(f"a quotation mark is not closed: {text[:100]}")
        position = match.end()
        wanted[match["sign"]].append(_term(match["word"], match["phrase"]))
    needed, options, unwanted = wanted[""], wanted["?"], wanted["-"]
    if options and (needed or unwanted):
        raise InvalidFilterPatternError("a ?term cannot be combined with other kinds of terms")

    def matches(message: str) -> bool:
        return (
            all(term in message for term in needed)
            and not any(term in message for term in unwanted)
            and (not options or any(term in message for term in options))
        )

    return FilterPattern(matches, tuple(needed))


def _term(word: str | None, phrase: str | None) -> str:
    if word is None:
        return re.sub(r"\\(.)", r"\1", phrase or "")
    if word.startswith("%"):
        raise InvalidFilterPatternError("regular expressions, %...%, are not offered")
    if not _PLAIN.fullmatch(word):
        raise InvalidFilterPatternError(
            f"Invalid character(s) in term '{word}': a term of other than letters, digits and"
            ' underscores stands in "quotation marks"'
        )
    return word


def _json_pattern(text: str) -> FilterPattern:
    try:
        test: Test = _Reader().transform(_parser().parse(text))
    except VisitError as error:
        raise InvalidFilterPatternError(str(error.orig_exc)) from error
    except UnexpectedInput as error:
        place = f"at character {error.column}: {text[error.column - 1 :][:20]!r}"
        if isinstance(error, UnexpectedToken) and error.token.type == "$END":
            place = "at its end"
        raise InvalidFilterPatternError(f"Invalid JSON filter pattern, {place}") from error
    except (LarkError, RecursionError) as error:
        raise InvalidFilterPatternError("Invalid JSON filter pattern") from error

    def matches(message: str) -> bool:
        try:
            value = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and test(value)

    return FilterPattern(matches, ("{",))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


class _Reader(Transformer[Token, Any]):
    """Makes a test of the parse tree, from the leaves up."""

    def start(self, tests: list[Test]) -> Test:
        return tests[0]

    def either(self, tests: list[Test]) -> Test:
        return lambda value: any(test(value) for test in tests)

    def both(self, tests: list[Test]) -> Test:
        return lambda value: all(test(value) for test in tests)

    def is_missing(self, parts: list[Token]) -> Test:
        path = _path(parts[0])
        return lambda value: _at(value, path) is _MISSING

    def is_state(self, parts: list[Token]) -> Test:
        path, wanted = (
            _path(parts[0]),
            {"true": True, "false": False, "null": None}[parts[1].lower()],
        )
        return lambda value: _at(value, path) is wanted

    def value(self, tokens: list[Token]) -> float | str:
        token = tokens[0]
        if token.type == "REGEX":
            _refuse("regular expressions, %...%, are not offered")
        if token.type == "NUMBER":
            return float(token)
        if token.type == "STRING":
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        return str(token)

    def comparison(self, parts: list[Any]) -> Test:
        path, operator, wanted = _path(parts[0]), str(parts[1]), parts[2]
        if isinstance(wanted, str) and operator not in {"=", "!="}:
            _refuse(f"{operator} compares numbers, not {wanted!r}")
        test = _numeric(operator, wanted) if isinstance(wanted, float) else _textual(wanted)
        if operator == "!=" and isinstance(wanted, str):
            same = test
            return lambda value: _at(value, path) is not _MISSING and not same(_at(value, path))
        return lambda value: test(_at(value, path))


def _numeric(operator: str, wanted: float) -> Test:
    compare: dict[str, Callable[[float], bool]] = {
        "=": lambda value: value == wanted,
        "!=": lambda value: value != wanted,
        "<": lambda value: value < wanted,
        "<=": lambda value: value <= wanted,
        ">": lambda value: value > wanted,
        ">=": lambda value: value >= wanted,
    }
    test = compare[operator]
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and test(value)
    )


def _textual(wanted: str) -> Test:
    """Compare with a text in which * stands for any characters."""
    first, *further = wanted.split("*")
    if not further:
        return lambda value: bool(value == wanted)
    *middle, last = further

    def test(value: object) -> bool:
        if not isinstance(value, str) or not value.startswith(first):
            return False
        position, end = len(first), len(value) - len(last)
        for part in middle:
            position = value.find(part, position)
            if position < 0:
                return False
            position += len(part)
        return position <= end and value.endswith(last)

    return test


def _refuse(message: str) -> NoReturn:
    raise InvalidFilterPatternError(message)


def _path(selector: str) -> tuple[str | int, ...]:
    return tuple(
        int(match[2]) if match[2] else match[1] or match[3] or match[4] or ""
        for match in _STEP.finditer(selector)
    )


def _at(value: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step, _MISSING)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return _MISSING
    return value
