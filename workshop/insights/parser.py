"""Text to syntax tree."""

import re
from dataclasses import fields as dataclass_fields
from functools import cache
from pathlib import Path

from lark import Lark
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError

from workshop.insights import syntax
from workshop.insights.builder import Builder
from workshop.insights.errors import MalformedQuery

MAXIMUM_CHARACTERS = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html"""

_MAXIMUM_DEPTH = 100  # of nodes within nodes; what follows is recursive

NOT_OFFERED = frozenset(
    {
        "anomaly",
        "estimate",
        "relevantfields",
        "unmask",
    }
)
"""Commands of the language that are refused by name."""

# What the grammar's terminals are called when they were expected and did not come.
_SAID = {
    "FIELD": "a field",
    "NUMBER": "a number",
    "STRING": "a text in quotes",
    "REGEX": "a /regular expression/",
    "DURATION": "a duration",
    "COMPARATOR": "a comparison",
    "PLUS_MINUS": "'+'",
    "TIMES": "'*'",
    "POWER": "'^'",
    "STAR": "'*'",
    "MINUS": "'-'",
    "VBAR": "'|'",
    "LPAR": "'('",
    "RPAR": "')'",
    "LSQB": "'['",
    "RSQB": "']'",
    "COMMA": "','",
    "EQUAL": "'='",
    "COLON": "':'",
    "BANG": "'!'",
    "DIRECTION": "asc or desc",
    "GROUP": "a log group",
    "_CSV": "csv as …",
    "_LOGFMT": "logfmt as …",
    "_FIELD": "field=",
    "OPTION": "an option",
    "OPTION_VALUE": "a value",
    "LAGS": "a number of rows",
    "WILDCARD": "a field",
    "DOT_KEY": "'.'",
    "$END": "the end",
    "_MATCHES": "=~",
    "__ANON_0": "'=='",
    "PERIOD": "previousDay, previousWeek or previousMonth",
}


def parse(text: str) -> syntax.Query:
    """Parse a query.

    Args:
        text: The query as a person wrote it.

    Raises:
        MalformedQuery: When it is not in the language, or uses a command that is not offered.
    """
    if len(text) > MAXIMUM_CHARACTERS:
        raise MalformedQuery(
            f"the query is longer than {MAXIMUM_CHARACTERS} characters",
            MAXIMUM_CHARACTERS,
            len(text),
        )
    lone = re.search("[\ud800-\udfff]", text)  # what JSON can say, and no text in SQL can hold
    if lone is not None:
        what = "half of a character, a surrogate without the other one"
        raise MalformedQuery(what, lone.start(), lone.end())
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _malformed(text, error) from None
    try:
        query: syntax.Query = Builder(text).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, MalformedQuery):
            raise error.orig_exc from None
        raise
    _refuse_depth(query)
    return query


@cache
def _grammar() -> Lark:
    return Lark(
        (Path(__file__).parent / "grammar.lark").read_text(encoding="utf-8"),
        parser="lalr",
        propagate_positions=True,
        maybe_placeholders=True,
    )


def _malformed(text: str, error: UnexpectedInput) -> MalformedQuery:
    """Say what came, and what was expected in its place."""
    start = len(text) if error.pos_in_stream in {None, -1} else int(error.pos_in_stream or 0)
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if at_end:
        start = len(text)
    (before,) = getattr(error, "token_history", None) or (None,)
    if before is not None and before.type == "REGEX" and "\n" in before:
        what = "the regular expression goes on over a line break: is its closing '/' missing?"
        return MalformedQuery(what, before.start_pos or 0, before.end_pos or start)
    found = re.compile(r"[\w@.]+|\S|$", re.DOTALL).search(text, start)
    word = found.group() if found is not None else ""
    end = start + max(len(word), 0 if at_end else 1)
    expected = getattr(error, "accepts", None) or getattr(error, "expected", None)
    expected = expected or getattr(error, "allowed", None) or ()
    if "_FIELDS" in expected and word.lower() in NOT_OFFERED:
        return MalformedQuery(f"the command {word} is not offered offline", start, end)
    if "_CSV" in expected and word.lower() == "xml":
        return MalformedQuery("the mode xml of parse is not offered offline", start, end)
    names = sorted({_SAID.get(name, name.strip("_").lower()) for name in expected})
    what = "the query ends too early" if at_end else f"mismatched input '{word}'"
    return MalformedQuery(f"{what}, expecting {{{', '.join(names)}}}", start, end)


def _refuse_depth(query: syntax.Query) -> None:
    waiting: list[tuple[object, int]] = [(query, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend((item, depth) for item in node)
        elif isinstance(node, syntax.Node):
            if depth > _MAXIMUM_DEPTH:
                raise MalformedQuery("the query is nested too deeply", node.start, node.end)
            waiting.extend((getattr(node, f.name), depth + 1) for f in dataclass_fields(node))
