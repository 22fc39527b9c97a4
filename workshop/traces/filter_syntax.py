"""The syntax tree of a filter expression.

https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

CauseKind: TypeAlias = Literal["fault", "error", "responsetime"]
CausePart: TypeAlias = Literal["service", "entity", "exception"]
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "beginswith", "endswith"]
Value: TypeAlias = str | float | bool


@dataclass(frozen=True, slots=True)
class And:
    """Every term holds."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Some term holds."""

    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: "Expression"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a keyword or an annotation is compared with.

    Attributes:
        operator: None asks whether it is set or, of a boolean, whether it is true.
        value: None with that; otherwise of the keyword's type, or of any type for an annotation.
    """

    operator: Operator | None = None
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Keyword:
    """A boolean, number or string keyword, in lower case, with its comparison."""

    name: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation by its key.

    Attributes:
        key: As it was written: keys tell upper and lower case apart.
        comparison: What is asked of it.
        end: Within `edge { }`, which end of the call has it; otherwise None.
    """

    key: str
    comparison: Comparison
    end: Literal["source", "destination"] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Which services are meant: those that have all that is given here."""

    name: str | None = None
    type: str | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """`service(target) { body }`: some segment of such a service of which the body holds."""

    target: Target
    body: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class Edge:
    """`edge(source, destination) { body }`: some such call of which the body holds."""

    source: Target
    destination: Target
    body: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class RootCause:
    """`rootcause.kind.part { body }`: some part of a root cause of which the body holds."""

    kind: CauseKind
    part: CausePart
    body: "Expression"


@dataclass(frozen=True, slots=True)
class RootCauseJson:
    """`rootcause.json = #[…]`: for every pattern a root cause that has all that it has.

    Attributes:
        patterns: None asks for any root cause at all.
    """

    patterns: tuple[Mapping[str, Any], ...] | None = None


Expression: TypeAlias = (
    And | Or | Not | Keyword | Annotation | Service | Edge | RootCause | RootCauseJson
)

Scope: TypeAlias = Literal["trace", "service", "edge"] | tuple[CauseKind, CausePart]
"""What an expression is about: outside braces the trace, within them what the braces belong to."""
