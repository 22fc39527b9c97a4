"""SEARCH: metrics found by their schema and by words in their names.

Pure.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html

Names are cut into tokens where the case changes, at digits and at anything that is neither letter
nor digit. A search word of one token finds that token in any case. A word of several tokens finds
them one after another: parts set off by other characters in any case (`network-errors` finds
`NetworkErrors2`), parts set off by capitals or digits in the case as written (`Count1` finds
`CustomCount1`, `count1` does not).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeAlias, cast

from lark import Lark, Token, Transformer, UnexpectedInput

from workshop.metrics.errors import MetricQueryError
from workshop.metrics.series import Metric

MAX_SEARCH = 1024
"""Characters in a search."""

_ACCOUNT = ":aws.AccountId"
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Schema:
    """`{Namespace, Dimension, ...}`: the namespace, and all names of dimensions."""

    namespace: str
    dimensions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Term:
    """A word to look for.

    Attributes:
        text: The word.
        exact: Whether it was quoted: then the whole name must be equal.
        property: `MetricName`, `Namespace`, a dimension, or `:aws.AccountId`; None for any.
    """

    text: str
    exact: bool
    property: str | None = None


@dataclass(frozen=True, slots=True)
class Both:
    """Every one of these."""

    items: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these."""

    items: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    item: "Condition"


Condition: TypeAlias = Term | Both | Either | Not


@dataclass(frozen=True, slots=True)
class Search:
    """A search, parsed.

    Attributes:
        schema: What namespace and dimensions a metric must have; None for any.
        condition: What else must hold; None for nothing.
    """

    schema: Schema | None
    condition: Condition | None

    def find(self, metrics: Iterable[Metric], account_id: str) -> list[Metric]:
        """Return the metrics that it finds, in their order.

        Args:
            metrics: What to search.
            account_id: The account that `:aws.AccountId` and `LOCAL` are compared with.
        """
        return [metric for metric in metrics if self._finds(metric, account_id)]

    def _finds(self, metric: Metric, account_id: str) -> bool:
        if self.schema is not None and (
            metric.namespace != self.schema.namespace
            or {name for name, _ in metric.dimensions} != self.schema.dimensions
        ):
            return False
        return self.condition is None or _holds(self.condition, metric, account_id)


_GRAMMAR = r"""
start: [schema [","]] [disjunction]
schema: "{" name ("," name)* "}"
?name: NAME -> word | QUOTED -> quoted
?disjunction: conjunction | conjunction (OR conjunction)+ -> any_
?conjunction: negation | negation ([AND] negation)+ -> all_
?negation: atom | NOT negation -> not_
?atom: value
    | WORD "=" value -> property
    | WORD "=" "(" value (OR value)* ")" -> property
    | QUOTED "=" value -> property
    | "(" disjunction ")"
?value: WORD -> word | QUOTED -> quoted | LOCAL -> quoted
OR.2: /OR(?=[\s("]|$)/
AND.2: /AND(?=[\s("]|$)/
NOT.2: /NOT(?=[\s("]|$)/
NAME: /[^\s"{},][^"{},]*/
WORD: /[^\s"'(){}=,][^\s"(){}=,]*/
QUOTED: /"(?:[^"\\]|\\.)*"/
LOCAL: /'[^']*'/
%ignore /\s+/
"""


def parse_search(text: str) -> Search:
    """Parse the first argument of SEARCH.

    Raises:
        MetricQueryError: It is no search, or too long.
    """
    if len(text) > MAX_SEARCH:
        raise MetricQueryError(
            f"the search has {len(text)} characters; at most {MAX_SEARCH} are allowed"
        )
    depth = deepest = 0
    for character in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        deepest = max(deepest, depth)
    if deepest > _DEEPEST or len(re.findall(r"\bNOT\b", text)) > _DEEPEST:
        raise MetricQueryError(f"the search nests deeper than {_DEEPEST}")
    try:
        search = cast("Search", _parser().parse(text))
    except UnexpectedInput as error:
        position = error.pos_in_stream
        found = text[position : position + 20] if position is not None else ""
        where = f"found {found!r}" if found else "it ends too early"
        raise MetricQueryError(
            f"Invalid syntax in the search, at character {(position or 0) + 1}: {where}; "
            'a search is written {Namespace,Dimension} MetricName="Name" AND word'
        ) from None
    if search.schema is None and search.condition is None:
        raise MetricQueryError("a search needs a schema in braces, a search term, or both")
    return search


class _Build(Transformer[Token, Any]):
    """Makes the tree while the text is read."""

    def start(self, children: list[Any]) -> Search:
        schema = next((item for item in children if isinstance(item, Schema)), None)
        rest = [item for item in children if item is not None and not isinstance(item, Schema)]
        return Search(schema, rest[0] if rest else None)

    def schema(self, children: list[Term]) -> Schema:
        namespace, *dimensions = (item.text.strip() for item in children)
        return Schema(namespace, frozenset(dimensions))

    def word(self, children: list[Token]) -> Term:
        return Term(str(children[0]), exact=False)

    def quoted(self, children: list[Token]) -> Term:
        return Term(re.sub(r"\\(.)", r"\1", str(children[0])[1:-1]), exact=True)

    def property(self, children: list[Any]) -> Condition:
        name = str(children[0])
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        terms = tuple(
            Term(item.text, item.exact, name) for item in children[1:] if isinstance(item, Term)
        )
        return terms[0] if len(terms) == 1 else Either(terms)

    def any_(self, children: list[Any]) -> Condition:
        return Either(_conditions(children))

    def all_(self, children: list[Any]) -> Condition:
        return Both(_conditions(children))

    def not_(self, children: list[Any]) -> Condition:
        return Not(children[-1])


def _conditions(children: Sequence[Any]) -> tuple[Condition, ...]:
    return tuple(item for item in children if not isinstance(item, Token) and item is not None)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_Build(), maybe_placeholders=False)


# ----------------------------------------------------------------------------------------- matching


def _holds(condition: Condition, metric: Metric, account_id: str) -> bool:
    match condition:
        case Both():
            return all(_holds(item, metric, account_id) for item in condition.items)
        case Either():
            return any(_holds(item, metric, account_id) for item in condition.items)
        case Not():
            return not _holds(condition.item, metric, account_id)
        case Term():
            if condition.property == _ACCOUNT:
                return condition.text in (account_id, "LOCAL")
            matches = _exactly if condition.exact else _partly
            return any(matches(condition.text, name) for name in _names(condition.property, metric))


def _names(property_: str | None, metric: Metric) -> list[str]:
    """Return the names of a metric that a term is looked for in."""
    if property_ == "MetricName":
        return [metric.name]
    if property_ == "Namespace":
        # A dimension may have that name too.
        return [metric.namespace, *(v for name, v in metric.dimensions if name == "Namespace")]
    if property_ is not None:
        return [value for name, value in metric.dimensions if name == property_]
    pairs = [text for pair in metric.dimensions for text in pair]
    return [metric.name, metric.namespace, *pairs]


def _exactly(text: str, name: str) -> bool:
    return text == name


_PIECE = re.compile(r"[^\W_]+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\WA-Za-z\d_]+")


@lru_cache(maxsize=4096)
def _parts(name: str) -> tuple[tuple[str, bool], ...]:
    """Cut a name into parts; each says whether its piece was cut by case or digits."""
    parts: list[tuple[str, bool]] = []
    for piece in _PIECE.findall(name):
        cut = _PART.findall(piece)
        parts += [(part, len(cut) > 1) for part in cut]
    return tuple(parts)


def _whole(name: str) -> str:
    return "".join(_PIECE.findall(name)).lower()


def _partly(text: str, name: str) -> bool:
    wanted, there = _parts(text), _parts(name)
    if not wanted:
        return False
    if len(wanted) == 1 and _whole(text) == _whole(name):
        return True
    return any(
        all(
            part == word if cased else part.lower() == word.lower()
            for (word, cased), (part, _) in zip(wanted, there[first:], strict=False)
        )
        for first in range(len(there) - len(wanted) + 1)
    )
