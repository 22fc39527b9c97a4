"""Filter expressions: X-Ray's language for choosing traces.

Pure. https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html

`parse_filter` gives a `Filter`, whose `matches` judges one trace at a time. Where a keyword has
several values in a trace (annotations, users, …), a comparison asks whether one of them holds;
of what is not set no comparison holds. What the documentation leaves open is decided so: AND
binds tighter than OR; a keyword out of its place (`coverage` of a trace) is refused.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NoReturn, cast

import lark

from workshop.errors import UsageError
from workshop.traces import filter_syntax as syntax
from workshop.traces.assembly import Trace
from workshop.traces.filter_evaluation import holds
from workshop.traces.view import View

MAX_DEPTH = 32
"""How deep brackets may nest."""

BOOLEANS = frozenset(
    ["ok", "error", "throttle", "fault", "partial", "inferred", "first", "last", "remote", "root"]
)
NUMBERS = frozenset(["responsetime", "duration", "http.status", "index", "coverage"])
STRINGS = frozenset(
    [
        *("http.url", "http.method", "http.useragent", "http.clientip", "user", "name", "type"),
        *("message", "availabilityzone", "instance.id", "resource.arn"),
    ]
)

_OF_TRACES = frozenset(
    [
        *("ok", "error", "throttle", "fault", "partial", "inferred"),
        *("responsetime", "duration", "http.status"),
        *("http.url", "http.method", "http.useragent", "http.clientip", "user"),
        *("availabilityzone", "instance.id", "resource.arn"),
    ]
)
_OF_SERVICES = _OF_TRACES | {"root", "name", "type"}
_OF_CAUSES = frozenset(["first", "last", "index", "name"])
_OF_PARTS: dict[syntax.CausePart, frozenset[str]] = {
    "service": _OF_CAUSES | {"inferred", "type"},
    "entity": _OF_CAUSES | {"remote"},
    "exception": _OF_CAUSES | {"message"},
}

_SHOWN = 40
_COMPLEX = ("service", "edge", "annotation", "group.name", "group.arn", "json", "rootcause.json")

_GRAMMAR = r"""
start: [or_]

?or_: and_ (_OR and_)*
?and_: _term (_AND? _term)*
_term: not_ | group | keyword | annotation | service | edge | cause | cause_json | trace_group

not_: NOT _term
group: "(" or_ ")"

keyword: NAME [_comparison]
annotation: ANNOTATION [_comparison]
_comparison: (EQ | NE | LT | LE | GT | GE | CONTAINS | BEGINSWITH | ENDSWITH) _value
_value: STRING | NUMBER | NAME

service: SERVICE ["(" [target] ")"] [_body]
edge: EDGE ["(" [target "," target] ")"] [_body]
cause: CAUSE _body
_body: "{" or_ "}"
target: STRING | ID "(" [id_part ("," id_part)*] ")"
id_part: NAME ":" STRING

trace_group: GROUP (EQ | NE) STRING
cause_json: JSON [(EQ | NE) "#" array]
array: "[" [_item ("," _item)*] "]"
object: "{" [pair ("," pair)*] "}"
pair: STRING ":" _item
_item: array | object | STRING | NUMBER | NAME

NOT: "!"
EQ: "="
NE: "!="
LT: "<"
LE: "<="
GT: ">"
GE: ">="
CONTAINS.2: /contains(?![\w.])/i
BEGINSWITH.2: /beginswith(?![\w.])/i
ENDSWITH.2: /endswith(?![\w.])/i
_AND.2: /and(?![\w.])/i
_OR.2: /or(?![\w.])/i
SERVICE.2: /service(?![\w.])/i
EDGE.2: /edge(?![\w.])/i
ID.2: /id(?![\w.])/i
GROUP.2: /group\.(name|arn)(?![\w.])/i
JSON.2: /(rootcause\.)?json(?![\w.])/i
CAUSE.2: /rootcause\.(fault|error|responsetime)\.(service|entity|exception)(?![\w.])/i
ANNOTATION.2: /((source|destination)\.)?annotation(\.[\w.]+|\s*\[[^\[\]]*\])/i
STRING: /"([^"\\]|\\.)*"/s
NUMBER: /-?\d+(\.\d+)?([eE][+-]?\d+)?(?![\w.])/
NAME: /[A-Za-z_][\w.]*/
%ignore /\s+/
"""

_TERM = frozenset(["NAME", "ANNOTATION", "SERVICE", "EDGE", "CAUSE", "JSON", "GROUP"])
_SYMBOLS = {
    "LPAR": "(",
    "RPAR": ")",
    "LBRACE": "{",
    "RBRACE": "}",
    "LSQB": "[",
    "RSQB": "]",
    "COMMA": ",",
    "COLON": ":",
    "HASH": "#",
    "NOT": "!",
    "EQ": "=",
    "NE": "!=",
    "LT": "<",
    "LE": "<=",
    "GT": ">",
    "GE": ">=",
    "_AND": "AND",
    "_OR": "OR",
    "ID": "id(…)",
    "STRING": "text in double quotes",
    "NUMBER": "a number",
    "$END": "the end of the expression",
}


class InvalidFilter(UsageError):  # noqa: N818 - it says what it is
    """The text is not a filter expression.

    Args:
        what: What is wrong with it, and what was expected.
        start: Where in the text it begins, counted in characters from 0.
        end: Where it ends.
    """

    def __init__(self, what: str, start: int, end: int) -> None:
        super().__init__(
            f"the filter expression is wrong at position {start}: {what}",
            "https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html",
        )
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter expression.

    Attributes:
        text: As it was written.
        expression: None when the text was blank: every trace matches.
    """

    text: str
    expression: syntax.Expression | None

    def matches(self, trace: Trace) -> bool:
        """Say whether it holds of a trace."""
        return self.expression is None or holds(self.expression, View(trace))


def parse_filter(text: str, groups: Mapping[str, str] | None = None) -> Filter:
    """Parse a filter expression.

    Args:
        text: The expression; blank text matches every trace.
        groups: Filter expressions of trace groups, by name and by ARN.

    Raises:
        InvalidFilter: It is none, or names a group that is not there; with the position.
    """
    try:
        tree = _parser().parse(text)
    except lark.UnexpectedInput as error:
        _explain(error, text)
    return Filter(text, _Builder(groups or {}).whole(tree))


class _Nesting:
    """Bound how deep brackets nest, so that no reader of the tree runs out of stack."""

    always_accept: ClassVar[tuple[str, ...]] = ()

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        depth = 0
        for token in stream:
            if token.type in ("LPAR", "LBRACE", "LSQB"):
                depth += 1
                if depth > MAX_DEPTH:
                    _refuse(f"brackets nest deeper than {MAX_DEPTH}", token)
            elif token.type in ("RPAR", "RBRACE", "RSQB"):
                depth -= 1
            yield token


@cache
def _parser() -> lark.Lark:
    return lark.Lark(_GRAMMAR, parser="lalr", postlex=_Nesting(), maybe_placeholders=False)


class _Builder:
    """Makes the syntax tree of a parse tree, and checks that each keyword is in its place."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups = groups

    def whole(self, tree: lark.Tree[lark.Token]) -> syntax.Expression | None:
        return self._expression(_tree(tree.children[0]), "trace") if tree.children else None

    def _expression(self, tree: lark.Tree[lark.Token], scope: syntax.Scope) -> syntax.Expression:
        negated = False
        while tree.data in ("not_", "group"):  # in a loop: there may be any number of `!`
            negated ^= tree.data == "not_"
            tree = _tree(tree.children[-1])
        if tree.data in ("or_", "and_"):
            terms = tuple(self._expression(_tree(child), scope) for child in tree.children)
            made: syntax.Expression = syntax.Or(terms) if tree.data == "or_" else syntax.And(terms)
        else:
            made = getattr(self, f"_{tree.data}")(tree.children, scope)
        return syntax.Not(made) if negated else made

    def _keyword(self, children: list[Any], scope: syntax.Scope) -> syntax.Keyword:
        token, *comparison = children
        name = token.lower()
        if name not in _of_scope(scope):
            _refuse(_not_a_keyword(name[:_SHOWN], scope), token)
        if name in BOOLEANS:
            return syntax.Keyword(name, _boolean(name, comparison))
        if name in NUMBERS:
            return syntax.Keyword(name, _number(name, comparison))
        return syntax.Keyword(name, _string(name, comparison))

    def _annotation(self, children: list[Any], scope: syntax.Scope) -> syntax.Annotation:
        token, *comparison = children
        end, key = _annotation_key(token)
        if end is not None and scope != "edge":
            _refuse(f"`{end}.annotation` has its place within edge(…) {{ }}", token)
        if end is None and scope == "edge":
            _refuse(
                "within edge(…) { } it is `source.annotation[key]` or "
                "`destination.annotation[key]`",
                token,
            )
        if scope not in ("trace", "service", "edge"):
            _refuse("root causes have no annotations", token)
        if not comparison:
            return syntax.Annotation(key, syntax.Comparison(), end)
        kind = comparison[1].type
        if kind == "NUMBER":
            found = _number("an annotation's number", comparison)
        elif kind == "NAME" and comparison[1].lower() in ("true", "false"):
            found = _boolean("an annotation's truth", comparison)
        else:
            found = _string("an annotation's text", comparison)
        return syntax.Annotation(key, found, end)

    def _service(self, children: list[Any], scope: syntax.Scope) -> syntax.Service:
        token, *rest = children
        _only_of_traces(token, scope)
        targets = [_target(child) for child in rest if child.data == "target"]
        return syntax.Service(
            targets[0] if targets else syntax.Target(), self._body(rest, "service")
        )

    def _edge(self, children: list[Any], scope: syntax.Scope) -> syntax.Edge:
        token, *rest = children
        _only_of_traces(token, scope)
        ends = [_target(child) for child in rest if child.data == "target"]
        source, destination = ends or (syntax.Target(), syntax.Target())
        return syntax.Edge(source, destination, self._body(rest, "edge"))

    def _body(self, rest: list[Any], scope: syntax.Scope) -> syntax.Expression | None:
        bodies = [child for child in rest if child.data != "target"]
        return self._expression(bodies[0], scope) if bodies else None

    def _cause(self, children: list[Any], scope: syntax.Scope) -> syntax.RootCause:
        token, body = children
        _only_of_traces(token, scope)
        _, kind, part = token.lower().split(".")
        if (kind, part) == ("responsetime", "exception"):
            _refuse("root causes of response time have services and entities, no exceptions", token)
        return syntax.RootCause(kind, part, self._expression(body, (kind, part)))

    def _cause_json(self, children: list[Any], scope: syntax.Scope) -> syntax.Expression:
        token, *comparison = children
        _only_of_traces(token, scope)
        if not comparison:
            return syntax.RootCauseJson()
        operator, array = comparison
        patterns = _json(array)
        if not all(isinstance(pattern, dict) for pattern in patterns):
            _refuse("the array after # holds objects, each the pattern of a root cause", token)
        made = syntax.RootCauseJson(tuple(patterns))
        return syntax.Not(made) if operator.type == "NE" else made

    def _trace_group(self, children: list[Any], scope: syntax.Scope) -> syntax.Expression:
        token, operator, value = children
        _only_of_traces(token, scope)
        name = _text(value)
        if name not in self._groups:
            _refuse(f"there is no trace group {_quoted(name)}", value)
        others = {key: text for key, text in self._groups.items() if key != name}
        try:
            expression = parse_filter(self._groups[name], others).expression
        except InvalidFilter as error:
            _refuse(f"the trace group {_quoted(name)} has no sound expression: {error.what}", value)
        made = expression or syntax.And(())
        return syntax.Not(made) if operator.type == "NE" else made


def _boolean(name: str, comparison: list[lark.Token]) -> syntax.Comparison:
    if not comparison:
        return syntax.Comparison()
    operator, value = comparison
    text = _text(value).lower() if value.type == "STRING" else value.lower()
    if operator.type not in ("EQ", "NE"):
        _refuse(f"`{name}` is true or false: compare it with = or !=", operator)
    if text not in ("true", "false"):
        _refuse(f"`{name}` is compared with true or false, not with {value}", value)
    return syntax.Comparison(_operator(operator), text == "true")


def _number(name: str, comparison: list[lark.Token]) -> syntax.Comparison:
    if not comparison:
        return syntax.Comparison()
    operator, value = comparison
    if operator.type in ("CONTAINS", "BEGINSWITH", "ENDSWITH"):
        _refuse(f"`{name}` is a number: compare it with = != < <= > or >=", operator)
    if value.type != "NUMBER":
        _refuse(f"`{name}` is compared with a number, not with {value}", value)
    return syntax.Comparison(_operator(operator), float(value))


def _string(name: str, comparison: list[lark.Token]) -> syntax.Comparison:
    if not comparison:
        return syntax.Comparison()
    operator, value = comparison
    if operator.type in ("LT", "LE", "GT", "GE"):
        _refuse(f"`{name}` is text: compare it with = != CONTAINS BEGINSWITH or ENDSWITH", operator)
    if value.type == "NUMBER":
        _refuse(f"`{name}` is compared with text in double quotes, not with {value}", value)
    # One example of the documentation has no quotes: `name = traces`.
    text = _text(value) if value.type == "STRING" else str(value)
    return syntax.Comparison(_operator(operator), text)


def _operator(token: lark.Token) -> syntax.Operator:
    return cast("syntax.Operator", token.lower())


def _annotation_key(token: lark.Token) -> tuple[Any, str]:
    """Return which end of an edge an annotation is of, and its key."""
    written = re.fullmatch(
        r"(?:(source|destination)\.)?annotation(?:\.([\w.]+)|\s*\[\s*(.*?)\s*\])",
        token,
        re.IGNORECASE | re.DOTALL,
    )
    end, dotted, bracketed = written.groups() if written else (None, None, None)
    key = dotted or (bracketed or "").strip('"')
    if not re.fullmatch(r"[A-Za-z0-9_.]+", key):
        _refuse("the key of an annotation has letters, digits, _ and dots", token)
    return end and end.lower(), key


def _target(tree: lark.Tree[lark.Token]) -> syntax.Target:
    first, *parts = tree.children
    if not isinstance(first, lark.Token):
        msg = "the grammar begins a target with a token"
        raise TypeError(msg)
    if first.type == "STRING":
        return syntax.Target(name=_text(first))
    given: dict[str, str] = {}
    for part in parts:
        key, value = cast("list[lark.Token]", _tree(part).children)
        name = {"name": "name", "type": "type", "account.id": "account_id"}.get(key.lower())
        if name is None:
            _refuse(f"id(…) knows name, type and account.id, not `{key}`", key)
        if name in given:
            _refuse(f"`{key}` is there twice", key)
        given[name] = _text(value)
    return syntax.Target(**given)


def _json(item: lark.Tree[lark.Token] | lark.Token) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(item, lark.Token):
        if item.type == "STRING":
            return _text(item)
        if item.type == "NUMBER":
            return float(item)
        if item in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[item]
        _refuse(f"JSON has no {item}", item)
    if item.data == "array":
        return [_json(child) for child in item.children]
    pairs = [_tree(pair).children for pair in item.children]
    return {_json(key): _json(value) for key, value in pairs}


def _text(token: lark.Token) -> str:
    """Return the text within quotes; a backslash makes a quote or a backslash plain."""
    return re.sub(r'\\(["\\])', r"\1", token[1:-1])


def _of_scope(scope: syntax.Scope) -> frozenset[str]:
    if scope == "service":
        return _OF_SERVICES
    if scope in ("trace", "edge"):
        return _OF_TRACES
    found = _OF_PARTS[cast("syntax.CausePart", scope[1])]
    return found | {"coverage"} if scope == ("responsetime", "entity") else found


def _not_a_keyword(name: str, scope: syntax.Scope) -> str:
    place = (
        {"trace": "a trace", "service": "service { }", "edge": "edge { }"}[scope]
        if scope in ("trace", "service", "edge")
        else f"rootcause.{scope[0]}.{scope[1]} {{ }}"
    )
    known = sorted(_of_scope(scope))
    if name in BOOLEANS | NUMBERS | STRINGS:
        others = " ".join(known)
        return f"`{name}` is no keyword of {place}; those are {others}"
    if name == "not":
        return "`not` is written !"
    if name in ("and", "or"):
        return f"`{name}` stands between two terms"
    if name in ("annotation", "source.annotation", "destination.annotation"):
        return f"`{name}` wants a key: {name}[key]"
    near = difflib.get_close_matches(name, [*known, *_COMPLEX], 1)
    hint = f"; did you mean `{near[0]}`?" if near else f"; {place} has {' '.join(known)}"
    return f"`{name}` is no keyword{hint}"


def _only_of_traces(token: lark.Token, scope: syntax.Scope) -> None:
    if scope != "trace":
        _refuse(f"`{token.lower()}` does not go within braces", token)


def _explain(error: lark.UnexpectedInput, text: str) -> NoReturn:
    """Raise what a person can read of what lark found."""
    start, expected = len(text), set[str]()
    if isinstance(error, lark.UnexpectedCharacters):
        start, expected = error.pos_in_stream or 0, set(error.allowed or ())
    elif isinstance(error, lark.UnexpectedToken):
        expected = set(error.accepts or error.expected)
        if error.token.type != "$END":
            start = error.token.start_pos or 0
    seen = re.match(r"\w+|.?", text[start:], re.DOTALL)
    word = seen.group() if seen else ""
    what = f"{_expected(expected)} is expected, not {_quoted(word) if word else 'the end'}"
    if word == "'":
        what += " (text goes in double quotes)"
    elif word == '"':
        what += " (its closing quote is missing)"
    raise InvalidFilter(what, start, start + len(word)) from None


def _expected(terminals: set[str]) -> str:
    begins = {"a keyword"} if terminals & (_TERM - {"NAME"}) else set()
    if "NAME" in terminals and not begins:
        begins = {"a word"}
    if {"CONTAINS", "LT"} <= terminals:
        terminals = terminals - {"EQ", "NE", "LT", "LE", "GT", "GE", *("CONTAINS",)}
        begins |= {"an operator"}
    named = begins | {_SYMBOLS[terminal] for terminal in terminals if terminal in _SYMBOLS}
    *others, last = sorted(named, key=lambda name: (len(name) < len("a word"), name))
    return f"{', '.join(others)} or {last}" if others else last


def _quoted(text: str) -> str:
    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    return json.dumps(shown, ensure_ascii=False)


def _refuse(what: str, token: lark.Token) -> NoReturn:
    start = token.start_pos or 0
    raise InvalidFilter(what, start, token.end_pos or start + len(token)) from None


def _tree(item: lark.Tree[lark.Token] | lark.Token) -> lark.Tree[lark.Token]:
    """Tell the type checker that a child is a tree, which the grammar says."""
    return cast("lark.Tree[lark.Token]", item)
