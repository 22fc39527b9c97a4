"""Expressions to SQL."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol, TypeAlias

from workshop.account import ACCOUNT_ID, REGION
from workshop.insights import discovery, functions, regex, syntax, times, values
from workshop.insights.errors import ArgumentError, MalformedQuery
from workshop.insights.lookup import LookupTable
from workshop.insights.values import MISSING, Kind, Value

# Some functions need their argument several times: nested, that multiplies.
_MOST_SQL = 300_000

AGGREGATES = frozenset(
    {
        "avg",
        "collect_values",
        "count",
        "count_distinct",
        "count_over_time",
        "countdistinct",
        "countovertime",
        "earliest",
        "histogram",
        "latest",
        "max",
        "median",
        "min",
        "pct",
        "percentile",
        "rate",
        "sortsfirst",
        "sortslast",
        "stddev",
        "sum",
        "sum_over_time",
        "sumovertime",
        "topk",
        "values",
        "variance",
    }
)
"""Functions that stand in `stats` alone."""


def _no_lookup_table(_name: str) -> LookupTable | None:
    return None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query is asked of.

    Attributes:
        log_groups: Names of the log groups; a `SOURCE` in the query replaces them.
        start_ms: First millisecond, inclusive.
        end_ms: Last millisecond, inclusive.
        now_ms: The time at which the query starts.
        limit: The `limit` of StartQuery; None when the caller gave none.
        account_id: For `@log` and `@aws.account`.
        region: For `@aws.region`.
        lookup_table: Gives a lookup table by its name; None when there is none.
    """

    log_groups: tuple[str, ...]
    start_ms: int
    end_ms: int
    now_ms: int
    limit: int | None = None
    account_id: str = ACCOUNT_ID
    region: str = REGION
    lookup_table: Callable[[str], LookupTable | None] = _no_lookup_table


class Parameters:
    """The parameters of one SQL statement, subqueries included; equal values share one."""

    def __init__(self) -> None:
        self.by_name: dict[str, object] = {}
        self._names: dict[tuple[type, str], str] = {}
        self._numbers = count(1)

    def __call__(self, value: object) -> str:
        """Give the SQL of a value."""
        key = (type(value), repr(value))
        if key not in self._names:
            name = f"p{len(self.by_name) + 1}"
            self._names[key] = name
            self.by_name[name] = value
        return f"${self._names[key]}"

    def unique(self, prefix: str) -> str:
        """Give a name that nothing else in the statement has."""
        return f"{prefix}{next(self._numbers)}"


class Surroundings(Protocol):
    """What an expression needs to know of the query that it stands in."""

    scope: Scope
    parameter: Parameters
    bin_offset: int

    @property
    def sees_events(self) -> bool:
        """Whether fields of log events can be named, as they can before `stats`."""

    def text_of(self, node: syntax.Node) -> str:
        """Give a node as it was written, without white space."""

    def subquery(self, query: syntax.Query) -> str:
        """Compile a query in parentheses to SQL of one column."""


Resolve: TypeAlias = Callable[[syntax.Field], Value]


class Expressions:
    """Compiles expressions over the names that a place in the query can see."""

    def __init__(
        self,
        surroundings: Surroundings,
        resolve: Resolve,
        written: Callable[[syntax.Expression], Value | None],
    ) -> None:
        """Keep what is needed.

        Args:
            surroundings: For parameters, the scope and subqueries.
            resolve: Gives a field, or raises.
            written: Gives a column that is named by the very text of an expression, such as
                `count(*)` after `stats`; None when there is none.
        """
        self._surroundings = surroundings
        self._parameter = surroundings.parameter
        self._resolve = resolve
        self._written = written

    def value(self, node: syntax.Expression) -> Value:
        """Compile an expression to a value."""
        made = self._value(node)
        if len(made.sql) > _MOST_SQL:
            raise MalformedQuery("the expression is too complex", node.start, node.end)
        return made

    def _value(self, node: syntax.Expression) -> Value:
        match node:
            case syntax.Field():
                return self._resolve(node)
            case syntax.Access():
                return self._access(node)
            case syntax.Call():
                return self._written(node) or self._call(node)
            case syntax.Arithmetic() | syntax.Negative():
                return self._written(node) or self._arithmetic(node)
            case (
                syntax.Not()
                | syntax.Junction()
                | syntax.Comparison()
                | syntax.Like()
                | syntax.In()
                | syntax.InQuery()
            ):
                return self._written(node) or Value(self.condition(node), Kind.BOOLEAN)
            case _:
                return self._literal(node)

    def _literal(
        self,
        node: syntax.Number
        | syntax.String
        | syntax.Boolean
        | syntax.Null
        | syntax.Duration
        | syntax.Star,
    ) -> Value:
        match node:
            case syntax.Number():
                return Value(f"{self._parameter(float(node.text))}::DOUBLE", Kind.NUMBER)
            case syntax.String():
                parameter = f"{self._parameter(node.value)}::VARCHAR"
                return Value(parameter, Kind.TEXT, node.value)
            case syntax.Boolean():
                return Value("true" if node.value else "false", Kind.BOOLEAN)
            case syntax.Null():
                return MISSING
            case syntax.Star():
                raise MalformedQuery("'*' stands in count(*) alone", node.start, node.end)
            case syntax.Duration():
                length = period(node).milliseconds
                if length is None:
                    raise MalformedQuery("a month has no fixed length", node.start, node.end)
                return Value(f"{length}::DOUBLE", Kind.NUMBER)

    def condition(self, node: syntax.Expression) -> str:
        """Compile a condition to SQL that is true or false, never NULL.

        So that `not` is true where the thing denied does not hold, of a missing field too:
        AWS does not say what `!=`, `not like` and `not in` do there. Chosen: they hold.
        """
        match node:
            case syntax.Not():
                return f"(NOT {self.condition(node.value)})"
            case syntax.Junction():
                return f"({f' {node.operator.upper()} '.join(map(self.condition, node.items))})"
            case syntax.Comparison(operator="!="):
                return f"(NOT {self.condition(replace(node, operator='='))})"
            case syntax.Comparison() | syntax.Like() | syntax.In() | syntax.InQuery():
                return f"coalesce({self._test(node)}, false)"
            case _:
                return values.truth(self.value(node))

    def filter(self, node: syntax.Expression) -> str:
        """Compile a condition to SQL for WHERE, where NULL is as good as false and quicker."""
        match node:
            case syntax.Junction():
                return f"({f' {node.operator.upper()} '.join(map(self.filter, node.items))})"
            case syntax.Comparison(operator="!="):
                return self.condition(node)
            case syntax.Comparison() | syntax.Like() | syntax.In() | syntax.InQuery():
                return self._test(node)
            case _:
                return self.condition(node)

    def _test(self, node: syntax.Comparison | syntax.Like | syntax.In | syntax.InQuery) -> str:
        """Compile a test to SQL that is NULL or false unless it holds."""
        match node:
            case syntax.Comparison():
                left, right = self.value(node.left), self.value(node.right)
                return values.compared(node.operator, left, right)
            case syntax.Like():
                return self._like(node)
            case syntax.In():
                return self._in(node)
            case syntax.InQuery():
                wanted = values.text(self.value(node.value))
                return f"({wanted} IN ({self._surroundings.subquery(node.query)}))"

    def _like(self, node: syntax.Like) -> str:
        subject = values.text(self.value(node.value))
        if isinstance(node.pattern, syntax.String):
            return f"contains({subject}, {self._parameter(node.pattern.value)})"
        wanted = regex.words(node.pattern.pattern)
        if wanted is not None:
            tests = [f"contains({subject}, {self._parameter(word)})" for word in wanted]
            return f"({' OR '.join(tests)})"
        pattern, _ = checked(node.pattern)
        return f"regexp_matches({subject}, {self._parameter(pattern)})"

    def _in(self, node: syntax.In) -> str:
        subject = self.value(node.value)
        texts = [item.value for item in node.items if isinstance(item, syntax.String)]
        plain = subject.kind in values.TEXTUAL and len(texts) == len(node.items)
        if plain and texts and not any(map(values.looks_like_number, texts)):
            return f"({subject.sql} IN ({', '.join(map(self._parameter, texts))}))"
        if subject.kind in values.TEXTUAL and all(
            isinstance(item, syntax.Number) for item in node.items
        ):
            numbers = [self.value(item).sql for item in node.items]
            return f"({values.number(subject)} IN ({', '.join(numbers)}))" if numbers else "false"
        tests = [values.compared("=", subject, self.value(item)) for item in node.items]
        return f"({' OR '.join(tests)})" if tests else "false"

    def _access(self, node: syntax.Access) -> Value:
        value = self.value(node.value)
        key = str(node.key) if isinstance(node.key, int) else node.key
        return accessed(value, key, self._parameter)

    def _arithmetic(self, node: syntax.Arithmetic | syntax.Negative) -> Value:
        if isinstance(node, syntax.Negative):
            return Value(f"(-{values.number(self.value(node.value))})", Kind.NUMBER)
        left, right = self.value(node.left), self.value(node.right)
        one, two = values.number(left), values.number(right)
        moments = (left.kind is Kind.TIME) + (right.kind is Kind.TIME)
        match node.operator:
            case "/" | "%":
                return Value(f"({one} {node.operator} nullif({two}, 0))", Kind.NUMBER)
            case "^":
                return Value(f"pow({one}, {two})", Kind.NUMBER)
            case "+" | "-" if moments == 1 and (node.operator == "+" or left.kind is Kind.TIME):
                moved = Value(f"({one} {node.operator} {two})", Kind.NUMBER)
                return Value(f"({times.as_time(moved)})", Kind.TIME)
            case _:
                return Value(f"({one} {node.operator} {two})", Kind.NUMBER)

    def _call(self, node: syntax.Call) -> Value:
        made = self._time_call(node)
        if made is None:
            if node.name in AGGREGATES:
                raise MalformedQuery(f"{node.name} stands in stats alone", node.start, node.end)
            arguments = [self.value(argument) for argument in node.arguments]
            try:
                made = functions.scalar(node.name, arguments, self._parameter)
            except ArgumentError as error:
                raise MalformedQuery(str(error), node.start, node.end) from None
        if made is None:
            raise MalformedQuery(f"there is no function {node.name}", node.start, node.end)
        return replace(made, sql=f"({made.sql})")

    def _time_call(self, node: syntax.Call) -> Value | None:
        """Compile the functions that take durations, and those of the query's own times."""
        scope = self._surroundings.scope
        match node.name, node.arguments:
            case (("now" | "querystarttime" | "queryendtime" | "querytimerange"), ()):
                number = {
                    "now": scope.now_ms // 1000,
                    "querystarttime": scope.start_ms,
                    "queryendtime": scope.end_ms,
                    "querytimerange": scope.end_ms - scope.start_ms,
                }[node.name]
                return Value(f"{number}::DOUBLE", Kind.NUMBER)
            case (("now" | "querystarttime" | "queryendtime" | "querytimerange"), _):
                raise MalformedQuery(f"{node.name} takes no arguments", node.start, node.end)
            case "bin", (syntax.Duration() as length,):
                time = self._resolve(syntax.Field(node.start, node.end, "@timestamp"))
            case (
                "bin" | "datefloor" | "date_floor" | "dateceil" | "date_ceil",
                (subject, syntax.Duration() as length),
            ):
                time = self.value(subject)
            case "bin" | "datefloor" | "date_floor" | "dateceil" | "date_ceil", _:
                what = f"{node.name} takes a time and a duration, such as 5m"
                raise MalformedQuery(what, node.start, node.end)
            case _:
                return None
        moment = f"({times.as_time(time)})"
        if "ceil" in node.name:
            return Value(times.ceiled(moment, period(length)), Kind.TIME)
        offset = self._surroundings.bin_offset if node.name == "bin" else 0
        since_epoch = time == discovery.TIMESTAMP
        start = times.floored(moment, period(length), offset, since_epoch=since_epoch)
        return Value(start, Kind.TIME)


def period(node: syntax.Duration) -> times.Period:
    """Give the length of a period.

    Raises:
        MalformedQuery: When it is none at all.
    """
    try:
        return times.period(node.count, node.unit)
    except ArgumentError as error:
        raise MalformedQuery(str(error), node.start, node.end) from None


def accessed(value: Value, path: str, parameter: Callable[[object], str]) -> Value:
    """Read an item of a map or a list; text that is no JSON has none.

    A dot in the path may be one in a key, such as `` j.`user.id` ``.
    """
    if value.kind not in {Kind.JSON, Kind.ITEM}:
        return MISSING
    pointers = list(discovery.pointers(path))
    if len(pointers) == 1:
        read = f"json_extract_string({value.sql}, {parameter(pointers[0])})"
    else:
        found = f"json_extract_string({value.sql}, {parameter(pointers)}::VARCHAR[])"
        read = f"list_filter({found}, lambda item: item IS NOT NULL)[1]"
    if value.kind is Kind.ITEM:
        read = f"CASE WHEN json_valid({value.sql}) THEN {read} END"
    return Value(f"({read})", Kind.ITEM)


def checked(node: syntax.Regex) -> tuple[str, list[str | None]]:
    """Give a regular expression without names in its groups, and those names.

    Raises:
        MalformedQuery: When RE2 does not take it.
    """
    pattern, names = regex.without_names(node.pattern)
    problem = regex.problem(pattern)
    if problem is not None:
        raise MalformedQuery(f"the regular expression: {problem}", node.start, node.end)
    return pattern, names
