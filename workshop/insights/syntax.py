"""The syntax tree of a Logs Insights query: plain values, made by `parse`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html

Every node knows which characters of the text it was written with (`start`, `end`): error
messages point there, and columns without an alias are named by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

_MOST_DIGITS = 9  # of a count; Python reads no number of thousands of them


@dataclass(frozen=True, slots=True)
class Node:
    """Anything written in a query.

    Attributes:
        start: Offset of its first character in the text of the query.
        end: Offset after its last one.
    """

    start: int
    end: int


# Expressions


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number, such as `200` or `1e6`; `text` is how it was written."""

    text: str

    @property
    def count(self) -> int | None:
        """What it counts; None when it is not whole, or has more than nine digits."""
        return int(self.text) if self.text.isdecimal() and len(self.text) <= _MOST_DIGITS else None


@dataclass(frozen=True, slots=True)
class String(Node):
    """A text in single or double quotes; `value` is without quotes and escapes."""

    value: str


@dataclass(frozen=True, slots=True)
class Regex(Node):
    """A regular expression between slashes; `pattern` has plain slashes for escaped ones."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    """`null`: no value."""


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """A length of time, such as `5m`; `unit` is its singular short form (`ms` to `y`)."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Field(Node):
    """A field or an alias, by name: dots as written, backticks and quotes taken off."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function call; `name` is in lower case; `count(*)` has a `Star` as its argument."""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Star(Node):
    """The `*` of `count(*)`."""


@dataclass(frozen=True, slots=True)
class Access(Node):
    """An item of a map or a list: `.key` or `[index]`; a key may be a dotted path."""

    value: "Expression"
    key: str | int


@dataclass(frozen=True, slots=True)
class Not(Node):
    """`not x` or `!x`."""

    value: "Expression"


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """`-x`."""

    value: "Expression"


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`left + right` and so on."""

    operator: Literal["+", "-", "*", "/", "%", "^"]
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`left = right` and so on; `==` is kept as `=`."""

    operator: Literal["=", "!=", "<", "<=", ">", ">="]
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Like(Node):
    """`value like pattern`; `=~` with a text has that text as a regular expression."""

    value: "Expression"
    pattern: String | Regex


@dataclass(frozen=True, slots=True)
class In(Node):
    """`value in [item, …]`."""

    value: "Expression"
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class InQuery(Node):
    """`value in (query)`."""

    value: "Expression"
    query: "Query"


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """`a and b and …`, or the same with `or`."""

    operator: Literal["and", "or"]
    items: tuple["Expression", ...]


Expression: TypeAlias = (
    Number
    | String
    | Boolean
    | Null
    | Duration
    | Field
    | Call
    | Star
    | Access
    | Not
    | Negative
    | Arithmetic
    | Comparison
    | Like
    | In
    | InQuery
    | Junction
)


# Stages


@dataclass(frozen=True, slots=True)
class Item(Node):
    """An expression of a list; `name` is its alias, else its text as written."""

    value: Expression
    name: str
    aliased: bool


@dataclass(frozen=True, slots=True)
class Fields(Node):
    """`fields a, b as c`."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Display(Node):
    """`display a, b as c`."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`filter condition`, `where condition` or `filterIndex condition`."""

    condition: Expression
    index: bool


@dataclass(frozen=True, slots=True)
class Stats(Node):
    """`stats a, b by c, d offset 1h`."""

    items: tuple[Item, ...]
    keys: tuple[Item, ...]
    offset: Duration | None


@dataclass(frozen=True, slots=True)
class SortTerm(Node):
    """One of what a `sort` goes by."""

    value: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Sort(Node):
    """`sort a desc, b`."""

    terms: tuple[SortTerm, ...]


@dataclass(frozen=True, slots=True)
class Limit(Node):
    """`limit 20`, `limit any 20`, `head 20`; `tail 20` has `tail` set."""

    count: int
    tail: bool


@dataclass(frozen=True, slots=True)
class Parse(Node):
    """`parse source "glob *" as a` or `parse source /(?<a>regex)/`; no source is `@message`."""

    source: Expression | None
    pattern: String | Regex
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParseMulti(Node):
    """`parse source /(?<a>regex)/ multi`: a row for each place that matches."""

    source: Expression | None
    pattern: Regex
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParseLogfmt(Node):
    """`parse source logfmt as map`: a map of the `key=value` pairs."""

    source: Expression | None
    name: str


@dataclass(frozen=True, slots=True)
class ParseCsv(Node):
    """`parse source csv as a, b`: a name for each value between commas."""

    source: Expression | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Json(Node):
    """`json field=source "key.subkey" as a`."""

    source: Field
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Dedup(Node):
    """`dedup a, b`."""

    keys: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unnest(Node):
    """`unnest list into item`."""

    value: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Expand(Node):
    """`expand list`: its items, under the same name."""

    field: Field


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """`pattern field`."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Diff(Node):
    """`diff previousDay`; no word is `previous`, the window just before."""

    period: str


@dataclass(frozen=True, slots=True)
class Logcompare(Node):
    """`logcompare timeshift 7d`."""

    shift: Duration


@dataclass(frozen=True, slots=True)
class Join(Node):
    """`join type=left left=a right=b where a.k = b.k (query)`."""

    kind: str
    left: str
    right: str
    where: Comparison
    query: "Query"


@dataclass(frozen=True, slots=True)
class LookupKey(Node):
    """`key as field` of a `lookup`: a field of the table, and the one that it must be equal to."""

    name: str
    field: Field


@dataclass(frozen=True, slots=True)
class Lookup(Node):
    """`lookup table key as field OUTPUT a, b`."""

    table: str
    keys: tuple[LookupKey, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CidrOutput(Node):
    """`field as name` of a `cidrlookup`: a field of the table, and its name from here on."""

    field: str
    name: str


@dataclass(frozen=True, slots=True)
class Cidrlookup(Node):
    """`cidrlookup table address as ranges OUTPUT a, b as c`.

    Attributes:
        ranges: The field of the table that has CIDR ranges.
        new: `OUTPUTNEW`: only fields that a row lacks.
    """

    table: str
    address: Field
    ranges: str
    new: bool
    outputs: tuple[CidrOutput, ...]


@dataclass(frozen=True, slots=True)
class Appendcols(Node):
    """`appendcols override=true max=100 (query)`."""

    override: bool
    most: int
    query: "Query"


@dataclass(frozen=True, slots=True)
class Accum(Node):
    """`accum a as b`."""

    value: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Addtotals(Node):
    """`addtotals fieldname=Total row=true col=false a, b`.

    Attributes:
        name: Of the column of row totals.
        row: Whether there is one.
        column: Whether there is a row of column totals.
        fields: To sum; empty for all that are numeric.
    """

    name: str
    row: bool
    column: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Autoregress(Node):
    """`autoregress a p=1-4`: names of the copies, by how many rows they lag."""

    value: Expression
    names: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class CountFrequent(Node):
    """`countFrequent a, b`."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Wildcard(Node):
    """`cpu*`: every field whose name is like that; a `*` stands for any characters."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Filldown(Node):
    """`filldown a b*`; without a name, every field."""

    fields: tuple[Field | Wildcard, ...]


@dataclass(frozen=True, slots=True)
class Filling(Node):
    """`0 for a`, of a `fillmissing`."""

    value: Number | String
    field: Expression


@dataclass(frozen=True, slots=True)
class Fillmissing(Node):
    """`fillmissing with 0 for a, 1 for b`."""

    fillings: tuple[Filling, ...]


@dataclass(frozen=True, slots=True)
class Outlier(Node):
    """`outlier action=remove param=3 uselower=true mark=true a b`.

    Attributes:
        remove: Whether rows with an outlier go; else the outlier becomes the bound.
        factor: How many interquartile ranges an outlier is from the next quartile.
        lower: Whether values below are outliers, too.
        mark: Whether a further field says which values are.
        fields: To look at.
    """

    remove: bool
    factor: float
    lower: bool
    mark: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Sessionize(Node):
    """`sessionize user, device maxspan 1h as session`.

    Attributes:
        fields: Whose values tell one session from another.
        gap: How long nothing may happen in a session.
        name: Of the field that says which session it is.
    """

    fields: tuple[Field, ...]
    gap: Duration
    name: str


@dataclass(frozen=True, slots=True)
class Source(Node):
    """`SOURCE 'group'`, or `SOURCE logGroups(namePrefix: ['a'])` with `prefixes`.

    Attributes:
        group: Name of a log group; None when they are chosen by prefix.
        prefixes: Prefixes of names; empty with no `group` means every log group.
        accounts: Only log groups of these account ids; empty for those of any.
        classes: Only log groups of these classes; empty for those of any.
        since: `START`/`start=`: milliseconds, or relative such as `-1d`; None when not given.
        until: `END`/`end=`: the same, or `now`.
    """

    group: str | None
    prefixes: tuple[str, ...]
    accounts: tuple[str, ...]
    classes: tuple[str, ...]
    since: str | None
    until: str | None


Stage: TypeAlias = (
    Fields
    | Display
    | Filter
    | Stats
    | Sort
    | Limit
    | Parse
    | ParseMulti
    | ParseLogfmt
    | ParseCsv
    | Json
    | Dedup
    | Unnest
    | Expand
    | Pattern
    | Diff
    | Logcompare
    | Join
    | Lookup
    | Cidrlookup
    | Appendcols
    | Accum
    | Addtotals
    | Autoregress
    | CountFrequent
    | Filldown
    | Fillmissing
    | Outlier
    | Sessionize
    | Source
)


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A whole query; `text` is all of what was given to `parse`, also in a subquery."""

    text: str
    stages: tuple[Stage, ...]


def oldest_first(terms: Sequence[SortTerm]) -> bool:
    """Whether events go by time upwards in the end; then those of one time come as they arrived."""
    if not terms:
        return False
    value = terms[-1].value
    return isinstance(value, Field) and value.name == "@timestamp" and not terms[-1].descending


def log_groups(node: object) -> list[str]:
    """Name the log groups that a `SOURCE` names, in a part of a syntax tree and its subqueries."""
    if isinstance(node, tuple):
        return [name for item in node for name in log_groups(item)]
    if isinstance(node, Source):
        return [] if node.group is None else [node.group]
    if not isinstance(node, Node):
        return []
    return [name for one in fields(node) for name in log_groups(getattr(node, one.name))]


def field_names(node: object) -> list[str]:
    """Name the fields in a part of a syntax tree, in order, without those of subqueries."""
    if isinstance(node, Field):
        return [node.name]
    if isinstance(node, tuple | list):
        return [name for item in node for name in field_names(item)]
    if not isinstance(node, Node) or isinstance(node, Query):
        return []
    return [name for one in fields(node) for name in field_names(getattr(node, one.name))]
