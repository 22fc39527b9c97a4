"""Metric math expressions: text to a tree.

Pure. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from workshop.metrics.errors import MetricQueryError

MAX_EXPRESSION = 2048
"""Characters. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html"""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: float


@dataclass(frozen=True, slots=True)
class Text:
    """A string in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word in capitals that is no call: an option such as `DESC` or `REPEAT`."""

    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The Id of another query of the request."""

    id: str


@dataclass(frozen=True, slots=True)
class Array:
    """`[a, b]`."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator between two operands, or the minus sign before one."""

    operator: str
    operands: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: "tuple[Node, ...]"


Node: TypeAlias = Number | Text | Word | Reference | Array | Operation | Call

# `' '` inside a search must not end it, hence the term of its own: it ends before `, 'Statistic'`.
_GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction | disjunction OR conjunction -> binary
?conjunction: comparison | conjunction AND comparison -> binary
?comparison: sum | comparison COMPARISON sum -> binary
?sum: product | sum SIGN product -> binary
?product: unary | product FACTOR unary -> binary
?unary: power | SIGN unary -> unary
?power: atom | atom POWER unary -> binary
?atom: NUMBER -> number
    | ID -> reference
    | WORD -> word
    | text
    | "[" disjunction ("," disjunction)* "]" -> array
    | WORD "(" [disjunction ("," disjunction)*] ")" -> call
    | SEARCH "(" wanted ("," disjunction)* ")" -> call
    | "(" disjunction ")"
?wanted: SEARCH_TEXT -> text | text
text: STRING
OR.2: /OR\b|\|\|/
AND.2: /AND\b|&&/
COMPARISON: /[=!<>]=|[<>]/
SIGN: /[+-]/
FACTOR: /[*\/]/
POWER: "^"
NUMBER: /(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
ID: /[a-z][A-Za-z0-9_]*/
SEARCH.2: /SEARCH(?=\s*\()/
WORD: /[A-Z][A-Za-z0-9_]*/
SEARCH_TEXT.2: /'.*?'(?=\s*,\s*')/s
STRING: /'[^']*'|"[^"]*"/
%ignore /\s+/
"""

_EXPECTED = {
    "OR": "OR",
    "AND": "AND",
    "COMPARISON": "a comparison",
    "SIGN": "+ or -",
    "FACTOR": "* or /",
    "POWER": "^",
    "NUMBER": "a number",
    "ID": "an Id",
    "WORD": "a function",
    "STRING": "a string in quotes",
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "COMMA": "a comma",
    "$END": "the end",
}
_SHOWN = 20


@lru_cache(maxsize=256)  # An alarm is evaluated again and again, minute by minute.
def parse(text: str) -> Node:
    """Parse an expression.

    Raises:
        MetricQueryError: It is none, or too long; the message begins with what CloudWatch says
            and goes on to tell where, without the Id of its query.
    """
    if len(text) > MAX_EXPRESSION:
        raise MetricQueryError(
            f"the expression has {len(text)} characters; at most {MAX_EXPRESSION} are allowed"
        )
    try:
        return cast("Node", _parser().parse(text))
    except UnexpectedInput as error:
        raise MetricQueryError(_syntax_error(text, error)) from None


def references(node: Node) -> set[str]:
    """Return the Ids that an expression names."""
    return {part.id for part in flatten(node) if isinstance(part, Reference)}


def calls(node: Node, function: str) -> bool:
    """Tell whether an expression calls a function."""
    return any(isinstance(part, Call) and part.function == function for part in flatten(node))


# ------------------------------------------------------------------------------------------ parsing


class _Build(Transformer[Token, Node]):
    """Makes the tree while the text is read, so that depth costs no recursion."""

    def number(self, children: list[Token]) -> Node:
        return Number(float(children[0]))

    def reference(self, children: list[Token]) -> Node:
        return Reference(str(children[0]))

    def word(self, children: list[Token]) -> Node:
        return Word(str(children[0]))

    def text(self, children: list[Token]) -> Node:
        return Text(str(children[0])[1:-1])

    def array(self, children: list[Node]) -> Node:
        return Array(tuple(children))

    def unary(self, children: list[Any]) -> Node:
        sign, operand = children
        return Operation("-", (operand,)) if sign == "-" else operand

    def binary(self, children: list[Any]) -> Node:
        left, sign, right = children
        name = {"&&": "AND", "||": "OR"}.get(sign, str(sign))
        return Operation(name, (left, right))

    def call(self, children: list[Any]) -> Node:
        name, *arguments = children
        return Call(str(name), tuple(item for item in arguments if item is not None))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_Build(), maybe_placeholders=False)


def _syntax_error(text: str, error: UnexpectedInput) -> str:
    position = error.pos_in_stream if error.pos_in_stream is not None else len(text)
    wanted: Iterable[str] = ()
    if isinstance(error, UnexpectedToken):
        wanted = error.accepts or error.expected
        if error.token.type == "$END":
            position = len(text)
    elif isinstance(error, UnexpectedCharacters):
        wanted = error.allowed or ()
    found = repr(text[position : position + _SHOWN]) if position < len(text) else "the end"
    names = sorted({_EXPECTED[name] for name in wanted if name in _EXPECTED})
    message = f"Invalid syntax at character {position + 1}: found {found}"
    if names:
        message += f", expected {', '.join(names)}"
    before = text[:position].rstrip()
    if text[position : position + 1] == "(" and before[-1:].isalnum():
        message += "; functions are written in capitals"
    return message


def children(node: Node) -> tuple[Node, ...]:
    """Return what a node is made of, in order."""
    match node:
        case Array():
            return node.items
        case Operation():
            return node.operands
        case Call():
            return node.arguments
        case _:
            return ()


def flatten(node: Node) -> list[Node]:
    """Return a node and all below it; read backwards, operands come before their operator."""
    flat = []
    waiting = [node]
    while waiting:
        part = waiting.pop()
        flat.append(part)
        waiting.extend(children(part))
    return flat
