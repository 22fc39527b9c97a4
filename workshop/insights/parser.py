"""Text to syntax tree."""

import re
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from lark import Lark, Token, Transformer_NonRecursive, v_args
from lark.exceptions import UnexpectedInput, UnexpectedToken, VisitError
from lark.tree import Meta

from workshop.insights import syntax
from workshop.insights.errors import MalformedQuery

MAXIMUM_CHARACTERS = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html"""

_MAXIMUM_DEPTH = 100  # of nodes within nodes; what follows is recursive
_MAXIMUM_COUNT = 2**31 - 1

NOT_OFFERED = frozenset(
    {
        "accum",
        "addtotals",
        "anomaly",
        "appendcols",
        "autoregress",
        "cidrlookup",
        "count_frequent",
        "countfrequent",
        "estimate",
        "filldown",
        "fillmissing",
        "logcompare",
        "outlier",
        "relevantfields",
        "sessionize",
        "unmask",
    }
)
"""Commands of the language that are refused by name."""

_UNITS = {
    "ms": ("ms", "msec", "millisecond"),
    "s": ("s", "sec", "second"),
    "m": ("m", "min", "minute"),
    "h": ("h", "hr", "hour"),
    "d": ("d", "day"),
    "w": ("w", "week"),
    "mo": ("mo", "mon", "month"),
    "q": ("q", "qtr", "quarter"),
    "y": ("y", "yr", "year"),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}

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
    "DOT_KEY": "'.'",
    "$END": "the end",
    "_MATCHES": "=~",
    "__ANON_0": "'=='",
    "PERIOD": "previousDay, previousWeek or previousMonth",
}

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "'": "'", "\\": "\\", "`": "`", "/": "/"}
_PART = re.compile(r'`([^`]+)`|"([^"\n]*)"|([^`".]+)')


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
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _malformed(text, error) from None
    try:
        query: syntax.Query = _Build(text).transform(tree)
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
    found = re.compile(r"[\w@.]+|\S|$", re.DOTALL).search(text, start)
    word = found.group() if found is not None else ""
    end = start + max(len(word), 0 if at_end else 1)
    expected = getattr(error, "accepts", None) or getattr(error, "expected", None)
    expected = expected or getattr(error, "allowed", None) or ()
    if "_FIELDS" in expected and word.lower() in NOT_OFFERED:
        return MalformedQuery(f"the command {word} is not offered offline", start, end)
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


def _unquoted(text: str) -> str:
    return re.sub(
        r"\\(.)",
        lambda match: _ESCAPES.get(match[1], match[0]),
        text[1:-1],
        flags=re.DOTALL,
    )


def _name(text: str) -> str:
    """Give the name of a field: its parts without backticks and quotes, dots between them."""
    at = "@" if text.startswith("@`") else ""
    return at + ".".join(
        next(part for part in match.groups() if part is not None)
        for match in _PART.finditer(text[len(at) :])
    )


_Chosen: TypeAlias = dict[str, tuple[str, ...]]


@v_args(meta=True)
class _Build(Transformer_NonRecursive[Token, Any]):
    """Makes the nodes of `syntax` from lark's tree, from the leaves up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, _meta: Meta, children: list[Any]) -> syntax.Query:
        query: syntax.Query = children[0]
        return query

    def query(self, meta: Meta, children: list[Any]) -> syntax.Query:
        return syntax.Query(*_span(meta), self._text, tuple(children))

    # Stages

    def fields(self, meta: Meta, children: list[Any]) -> syntax.Fields:
        return syntax.Fields(*_span(meta), tuple(children))

    def display(self, meta: Meta, children: list[Any]) -> syntax.Display:
        return syntax.Display(*_span(meta), tuple(children))

    def filter(self, meta: Meta, children: list[Any]) -> syntax.Filter:
        return syntax.Filter(*_span(meta), children[0], index=False)

    def filter_index(self, meta: Meta, children: list[Any]) -> syntax.Filter:
        return syntax.Filter(*_span(meta), children[0], index=True)

    def stats(self, meta: Meta, children: list[Any]) -> syntax.Stats:
        *items, keys, offset = children
        return syntax.Stats(*_span(meta), tuple(items), keys or (), offset)

    def by(self, _meta: Meta, children: list[Any]) -> tuple[syntax.Item, ...]:
        return tuple(children)

    def offset(self, _meta: Meta, children: list[Any]) -> syntax.Duration:
        duration: syntax.Duration = children[0]
        return duration

    def item(self, meta: Meta, children: list[Any]) -> syntax.Item:
        value, alias = children
        name = alias
        if alias is None:
            written = self._text[value.start : value.end]
            name = value.name if isinstance(value, syntax.Field) else written
        return syntax.Item(*_span(meta), value, name, alias is not None)

    def alias(self, _meta: Meta, children: list[Token]) -> str:
        token = children[0]
        return _unquoted(token) if token.type == "STRING" else _name(token)

    def sort(self, meta: Meta, children: list[Any]) -> syntax.Sort:
        return syntax.Sort(*_span(meta), tuple(children))

    def term(self, meta: Meta, children: list[Any]) -> syntax.SortTerm:
        value, direction = children
        return syntax.SortTerm(*_span(meta), value, (direction or "asc").lower() == "desc")

    def limit(self, meta: Meta, children: list[Token]) -> syntax.Limit:
        return syntax.Limit(*_span(meta), _whole(children[0]), tail=False)

    limit_any = limit

    def tail(self, meta: Meta, children: list[Token]) -> syntax.Limit:
        return syntax.Limit(*_span(meta), _whole(children[0]), tail=True)

    def parse(self, meta: Meta, children: list[Any]) -> syntax.Parse:
        source, pattern, aliases = children
        return syntax.Parse(*_span(meta), source, pattern, aliases or ())

    def parse_multi(self, meta: Meta, children: list[Any]) -> syntax.ParseMulti:
        return syntax.ParseMulti(*_span(meta), *children)

    def parse_logfmt(self, meta: Meta, children: list[Any]) -> syntax.ParseLogfmt:
        return syntax.ParseLogfmt(*_span(meta), *children)

    def aliases(self, _meta: Meta, children: list[str]) -> tuple[str, ...]:
        return tuple(children)

    def dedup(self, meta: Meta, children: list[Any]) -> syntax.Dedup:
        return syntax.Dedup(*_span(meta), tuple(children))

    def unnest(self, meta: Meta, children: list[Any]) -> syntax.Unnest:
        return syntax.Unnest(*_span(meta), *children)

    def expand(self, meta: Meta, children: list[Any]) -> syntax.Unnest:
        return syntax.Unnest(*_span(meta), children[0], children[0].name)

    def pattern(self, meta: Meta, children: list[Any]) -> syntax.Pattern:
        return syntax.Pattern(*_span(meta), children[0])

    def diff(self, meta: Meta, children: list[Any]) -> syntax.Diff:
        return syntax.Diff(*_span(meta), (children[0] or "previous").lower())

    def join(self, meta: Meta, children: list[Any]) -> syntax.Join:
        kind, left, right, mine, _equals, theirs, query = children
        where = syntax.Comparison(mine.start, theirs.end, "=", mine, theirs)
        return syntax.Join(*_span(meta), (kind or "inner").lower(), left, right, where, query)

    def lookup(self, meta: Meta, children: list[Any]) -> syntax.Lookup:
        table, *rest = children
        keys = tuple(one for one in rest if isinstance(one, syntax.LookupKey))
        return syntax.Lookup(*_span(meta), _name(table), keys, tuple(rest[len(keys) :]))

    def lookup_key(self, meta: Meta, children: list[Any]) -> syntax.LookupKey:
        key, field = children
        name = _name(key)
        return syntax.LookupKey(*_span(meta), name, field or syntax.Field(*_span(meta), name))

    def equals(self, _meta: Meta, _children: list[Any]) -> None:
        return None

    def source(self, meta: Meta, children: list[Any]) -> syntax.Source:
        (group, chosen), *bounds = children
        times = dict(bounds)
        return syntax.Source(
            *_span(meta),
            group,
            chosen.get("nameprefix", ()),
            chosen.get("accountidentifiers", ()),
            chosen.get("class", ()),
            times.get("start"),
            times.get("end"),
        )

    def group_name(self, _meta: Meta, children: list[Token]) -> tuple[str, _Chosen]:
        token = children[0]
        return (_unquoted(token) if token.type == "STRING" else str(token)), {}

    def groups(self, meta: Meta, children: list[Any]) -> tuple[None, _Chosen]:
        chosen: _Chosen = {}
        for name, names in filter(None, children):
            if name.lower() not in {"nameprefix", "accountidentifiers", "class"}:
                raise MalformedQuery(f"logGroups({name}: …) is not offered offline", *_span(meta))
            chosen[name.lower()] = names
        return None, chosen

    def source_argument(self, meta: Meta, children: list[Any]) -> tuple[str, tuple[str, ...]]:
        name, items = children
        if not all(isinstance(item, syntax.String) for item in items):
            raise MalformedQuery(f"{name} is a list of texts in quotes", *_span(meta))
        return str(name), tuple(item.value for item in items)

    def start_end(self, _meta: Meta, children: list[Token]) -> tuple[str, str]:
        return children[0].lower(), str(children[1])

    # Expressions

    def or_(self, meta: Meta, children: list[Any]) -> syntax.Junction:
        return syntax.Junction(*_span(meta), "or", tuple(children))

    def and_(self, meta: Meta, children: list[Any]) -> syntax.Junction:
        return syntax.Junction(*_span(meta), "and", tuple(children))

    def negation(self, meta: Meta, children: list[Any]) -> syntax.Not:
        return syntax.Not(*_span(meta), children[0])

    def compare(self, meta: Meta, children: list[Any]) -> syntax.Comparison:
        left, operator, right = children
        written: Any = "=" if operator == "==" else str(operator)
        return syntax.Comparison(*_span(meta), written, left, right)

    def like(self, meta: Meta, children: list[Any]) -> syntax.Like:
        return syntax.Like(*_span(meta), *children)

    def not_like(self, meta: Meta, children: list[Any]) -> syntax.Not:
        return syntax.Not(*_span(meta), self.like(meta, children))

    def matches(self, meta: Meta, children: list[Any]) -> syntax.Like:
        value, pattern = children
        if isinstance(pattern, syntax.String):
            pattern = syntax.Regex(pattern.start, pattern.end, pattern.value)
        return syntax.Like(*_span(meta), value, pattern)

    def in_list(self, meta: Meta, children: list[Any]) -> syntax.In:
        return syntax.In(*_span(meta), *children)

    def not_in_list(self, meta: Meta, children: list[Any]) -> syntax.Not:
        return syntax.Not(*_span(meta), self.in_list(meta, children))

    def in_query(self, meta: Meta, children: list[Any]) -> syntax.InQuery:
        return syntax.InQuery(*_span(meta), *children)

    def not_in_query(self, meta: Meta, children: list[Any]) -> syntax.Not:
        return syntax.Not(*_span(meta), self.in_query(meta, children))

    def list_(self, _meta: Meta, children: list[Any]) -> tuple[syntax.Expression, ...]:
        return tuple(child for child in children if child is not None)

    def arithmetic(self, meta: Meta, children: list[Any]) -> syntax.Arithmetic:
        left, operator, right = children
        written: Any = str(operator)
        return syntax.Arithmetic(*_span(meta), written, left, right)

    def negative(self, meta: Meta, children: list[Any]) -> syntax.Expression:
        value = children[0]
        if isinstance(value, syntax.Number) and not value.text.startswith("-"):
            return syntax.Number(*_span(meta), f"-{value.text}")
        return syntax.Negative(*_span(meta), value)

    def group(self, meta: Meta, children: list[Any]) -> syntax.Expression:
        start, end = _span(meta)
        grouped: syntax.Expression = replace(children[0], start=start, end=end)
        return grouped

    def call(self, meta: Meta, children: list[Any]) -> syntax.Call:
        name, *arguments = children
        given = tuple(argument for argument in arguments if argument is not None)
        return syntax.Call(*_span(meta), str(name).lower(), given)

    def star(self, meta: Meta, _children: list[Any]) -> syntax.Star:
        return syntax.Star(*_span(meta))

    def access_key(self, meta: Meta, children: list[Any]) -> syntax.Access:
        value, key = children
        return syntax.Access(*_span(meta), value, _name(key[1:]))

    def access_index(self, meta: Meta, children: list[Any]) -> syntax.Access:
        value, index = children
        return syntax.Access(*_span(meta), value, _whole(index))

    def field(self, meta: Meta, children: list[Token]) -> syntax.Field:
        return syntax.Field(*_span(meta), _name(children[0]))

    def number(self, meta: Meta, children: list[Token]) -> syntax.Number:
        return syntax.Number(*_span(meta), str(children[0]))

    def string(self, meta: Meta, children: list[Token]) -> syntax.String:
        return syntax.String(*_span(meta), _unquoted(children[0]))

    def regex(self, meta: Meta, children: list[Token]) -> syntax.Regex:
        return syntax.Regex(*_span(meta), children[0][1:-1].replace(r"\/", "/"))

    def duration(self, meta: Meta, children: list[Token]) -> syntax.Duration:
        found = re.fullmatch(r"(\d+)\s*(\w+)", children[0])
        if found is None or int(found[1]) > _MAXIMUM_COUNT:
            raise MalformedQuery("the duration is too long", *_span(meta))
        word = found[2].lower()
        return syntax.Duration(
            *_span(meta), int(found[1]), _UNIT_OF.get(word) or _UNIT_OF[word[:-1]]
        )

    def true(self, meta: Meta, _children: list[Any]) -> syntax.Boolean:
        return syntax.Boolean(*_span(meta), value=True)

    def false(self, meta: Meta, _children: list[Any]) -> syntax.Boolean:
        return syntax.Boolean(*_span(meta), value=False)

    def null(self, meta: Meta, _children: list[Any]) -> syntax.Null:
        return syntax.Null(*_span(meta))


def _span(meta: Meta) -> tuple[int, int]:
    return meta.start_pos, meta.end_pos


def _whole(token: Token) -> int:
    if not token.isdecimal() or int(token) > _MAXIMUM_COUNT:
        start = token.start_pos or 0
        raise MalformedQuery(f"{token} is not a whole number in range", start, start + len(token))
    return int(token)
