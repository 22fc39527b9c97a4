"""Lark's tree to the syntax tree."""

# ruff: noqa: D102 - a method has the name of the rule of grammar.lark that it is for

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from lark import Token, Transformer_NonRecursive, v_args
from lark.tree import Meta

from workshop.insights import syntax
from workshop.insights.errors import MalformedQuery

_ROWS, _APPENDED = 100_000, 10_000  # of appendcols: at most, and where it does not say
_FACTOR = 2.5
_LAGS = 100  # chosen: each is a column
_GAP = (30, "m")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Source.html
_MOST_GROUPS = {"nameprefix": 5, "accountidentifiers": 20, "class": 2}

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

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "'": "'", "\\": "\\", "`": "`", "/": "/"}
_PART = re.compile(r'`([^`]+)`|"([^"\n]*)"|([^`".]+)')


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


@dataclass(frozen=True, slots=True)
class _Option(syntax.Node):
    """`name=value`, as written."""

    name: str
    value: str


def _options(
    options: Sequence[_Option], known: Mapping[str, Callable[[_Option], Any]]
) -> dict[str, Any]:
    """Read the options of a command.

    Args:
        options: As written.
        known: Reads the value of each that the command takes.

    Raises:
        MalformedQuery: One is not known, is there twice, or has a value that it does not take.
    """
    given: dict[str, Any] = {}
    for option in options:
        if option.name not in known:
            what = f"there is no option {option.name}, expecting {{{', '.join(known)}}}"
            raise MalformedQuery(what, option.start, option.end)
        if option.name in given:
            raise MalformedQuery(f"{option.name} is there twice", option.start, option.end)
        given[option.name] = known[option.name](option)
    return given


def _one_of(option: _Option, values: Mapping[str, bool]) -> bool:
    if option.value.lower() not in values:
        what = f"{option.name} is {' or '.join(values)}"
        raise MalformedQuery(what, option.start, option.end)
    return values[option.value.lower()]


def _boolean(option: _Option) -> bool:
    return _one_of(option, {"true": True, "false": False})


def _action(option: _Option) -> bool:
    return _one_of(option, {"remove": True, "transform": False})


def _alias(option: _Option) -> str:
    return _name(option.value)


def _factor(option: _Option) -> float:
    if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", option.value) is None:
        raise MalformedQuery("param is a number, such as 2.5", option.start, option.end)
    return float(option.value)


def _rows(option: _Option) -> int:
    if re.fullmatch(r"\d{1,6}", option.value) is None or not 1 <= int(option.value) <= _ROWS:
        raise MalformedQuery(f"max is 1 to {_ROWS}", option.start, option.end)
    return int(option.value)


def _lags(token: Token) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", token)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= _LAGS:
        what = f"p is how many rows to lag, such as 1 or 1-4, and at most {_LAGS}"
        start = token.start_pos or 0
        raise MalformedQuery(what, start, start + len(token))
    return first, last


@v_args(meta=True)
class Builder(Transformer_NonRecursive[Token, Any]):
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
        name = self._named(value) if alias is None else alias
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

    def parse_glob(self, meta: Meta, children: list[Any]) -> syntax.Parse:
        source, pattern, aliases = children
        return syntax.Parse(*_span(meta), source, pattern, aliases or ())

    def parse_regex(self, meta: Meta, children: list[Any]) -> syntax.Parse | syntax.ParseMulti:
        source, pattern, aliases, multi = children
        kind = syntax.ParseMulti if multi else syntax.Parse
        return kind(*_span(meta), source, pattern, aliases or ())

    def parse_logfmt(self, meta: Meta, children: list[Any]) -> syntax.ParseLogfmt:
        return syntax.ParseLogfmt(*_span(meta), *children)

    def parse_csv(self, meta: Meta, children: list[Any]) -> syntax.ParseCsv:
        return syntax.ParseCsv(*_span(meta), *children)

    def json(self, meta: Meta, children: list[Any]) -> syntax.Json:
        source, key, name = children
        return syntax.Json(*_span(meta), source, key.value, name)

    def aliases(self, _meta: Meta, children: list[str]) -> tuple[str, ...]:
        return tuple(children)

    def dedup(self, meta: Meta, children: list[Any]) -> syntax.Dedup:
        return syntax.Dedup(*_span(meta), tuple(children))

    def unnest(self, meta: Meta, children: list[Any]) -> syntax.Unnest:
        return syntax.Unnest(*_span(meta), *children)

    def expand(self, meta: Meta, children: list[Any]) -> syntax.Expand:
        return syntax.Expand(*_span(meta), children[0])

    def pattern(self, meta: Meta, children: list[Any]) -> syntax.Pattern:
        return syntax.Pattern(*_span(meta), children[0])

    def diff(self, meta: Meta, children: list[Any]) -> syntax.Diff:
        return syntax.Diff(*_span(meta), (children[0] or "previous").lower())

    def logcompare(self, meta: Meta, children: list[Any]) -> syntax.Logcompare:
        return syntax.Logcompare(*_span(meta), *children)

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

    def cidrlookup(self, meta: Meta, children: list[Any]) -> syntax.Cidrlookup:
        table, address, ranges, new, *outputs = children
        return syntax.Cidrlookup(
            *_span(meta), _name(table), address, ranges or address.name, new, tuple(outputs)
        )

    def overwrite(self, _meta: Meta, _children: list[Any]) -> bool:
        return False

    def fill(self, _meta: Meta, _children: list[Any]) -> bool:
        return True

    def cidr_output(self, meta: Meta, children: list[Any]) -> syntax.CidrOutput:
        field, name = children
        return syntax.CidrOutput(*_span(meta), field, name or field)

    def appendcols(self, meta: Meta, children: list[Any]) -> syntax.Appendcols:
        *options, query = children
        given = _options(options, {"override": _boolean, "max": _rows})
        return syntax.Appendcols(
            *_span(meta), given.get("override", False), given.get("max", _APPENDED), query
        )

    def accum(self, meta: Meta, children: list[Any]) -> syntax.Accum:
        value, alias = children
        return syntax.Accum(*_span(meta), value, alias or self._named(value))

    def addtotals(self, meta: Meta, children: list[Any]) -> syntax.Addtotals:
        fields = tuple(child for child in children if isinstance(child, syntax.Field))
        options = [child for child in children if isinstance(child, _Option)]
        given = _options(options, {"fieldname": _alias, "row": _boolean, "col": _boolean})
        return syntax.Addtotals(
            *_span(meta),
            given.get("fieldname", "Total"),
            given.get("row", True),
            given.get("col", False),
            fields,
        )

    def autoregress(self, meta: Meta, children: list[Any]) -> syntax.Autoregress:
        value, alias, lags = children
        first, last = (1, 1) if lags is None else _lags(lags)
        if alias is not None and first != last:
            raise MalformedQuery("as names one copy, and p asks for several", *_span(meta))
        stem = self._named(value)
        names = tuple((lag, alias or f"{stem}_p{lag}") for lag in range(first, last + 1))
        return syntax.Autoregress(*_span(meta), value, names)

    def count_frequent(self, meta: Meta, children: list[Any]) -> syntax.CountFrequent:
        return syntax.CountFrequent(*_span(meta), tuple(children))

    def filldown(self, meta: Meta, children: list[Any]) -> syntax.Filldown:
        return syntax.Filldown(*_span(meta), tuple(children))

    def wildcard(self, meta: Meta, children: list[Token]) -> syntax.Field | syntax.Wildcard:
        name = _name(children[0])
        if "*" in name:
            return syntax.Wildcard(*_span(meta), name)
        return syntax.Field(*_span(meta), name)

    def fillmissing(self, meta: Meta, children: list[Any]) -> syntax.Fillmissing:
        return syntax.Fillmissing(*_span(meta), tuple(filter(None, children)))

    def filling(self, meta: Meta, children: list[Any]) -> syntax.Filling:
        return syntax.Filling(*_span(meta), *children)

    def outlier(self, meta: Meta, children: list[Any]) -> syntax.Outlier:
        fields = tuple(child for child in children if isinstance(child, syntax.Field))
        given = _options(
            [child for child in children if isinstance(child, _Option)],
            {"action": _action, "param": _factor, "uselower": _boolean, "mark": _boolean},
        )
        return syntax.Outlier(
            *_span(meta),
            given.get("action", False),
            given.get("param", _FACTOR),
            given.get("uselower", False),
            given.get("mark", False),
            fields,
        )

    def sessionize(self, meta: Meta, children: list[Any]) -> syntax.Sessionize:
        *fields, gap, name = children
        if gap is None:
            gap = syntax.Duration(*_span(meta), *_GAP)
        return syntax.Sessionize(*_span(meta), tuple(fields), gap, name or "session_id")

    def option(self, meta: Meta, children: list[Token]) -> "_Option":
        name, value = children
        return _Option(*_span(meta), name.lower(), str(value))

    def _named(self, value: syntax.Expression) -> str:
        """Give what an expression is called that has no alias."""
        if isinstance(value, syntax.Field):
            return value.name
        return self._text[value.start : value.end]

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
            most = _MOST_GROUPS.get(name.lower())
            if most is None:
                raise MalformedQuery(f"logGroups({name}: …) is not offered offline", *_span(meta))
            if len(names) > most:
                raise MalformedQuery(f"{name} has at most {most} texts", *_span(meta))
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

    filling_number = number

    def string(self, meta: Meta, children: list[Token]) -> syntax.String:
        return syntax.String(*_span(meta), _unquoted(children[0]))

    filling_string = string

    def regex(self, meta: Meta, children: list[Token]) -> syntax.Regex:
        return syntax.Regex(*_span(meta), children[0][1:-1].replace(r"\/", "/"))

    def duration(self, meta: Meta, children: list[Token]) -> syntax.Duration:
        found = re.fullmatch(r"(\d+)\s*(\w+)", children[0])
        count = found and syntax.Number(*_span(meta), found[1]).count
        if found is None or count is None:
            raise MalformedQuery("the duration is too long", *_span(meta))
        word = found[2].lower()
        return syntax.Duration(*_span(meta), count, _UNIT_OF.get(word) or _UNIT_OF[word[:-1]])

    def true(self, meta: Meta, _children: list[Any]) -> syntax.Boolean:
        return syntax.Boolean(*_span(meta), value=True)

    def false(self, meta: Meta, _children: list[Any]) -> syntax.Boolean:
        return syntax.Boolean(*_span(meta), value=False)

    def null(self, meta: Meta, _children: list[Any]) -> syntax.Null:
        return syntax.Null(*_span(meta))


def _span(meta: Meta) -> tuple[int, int]:
    return meta.start_pos, meta.end_pos


def _whole(token: Token) -> int:
    start = token.start_pos or 0
    number = syntax.Number(start, start + len(token), str(token))
    if number.count is None:
        what = f"{token} is not a whole number in range"
        raise MalformedQuery(what, number.start, number.end)
    return number.count
