"""A query on its way to SQL: what its stages work on, and have in common."""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from workshop.insights import syntax, times, values
from workshop.insights.compiled import Column, Compiled
from workshop.insights.errors import MalformedQuery
from workshop.insights.events import Events
from workshop.insights.expressions import AGGREGATES, Expressions, Parameters, Scope, accessed
from workshop.insights.order import arranged, checked_order, squeezed
from workshop.insights.sources import reach
from workshop.insights.values import MISSING, Kind, Value

DEFAULT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Bin:
    """How `bin` made an output of `stats`.

    Attributes:
        column: Which has its bins.
        period: Their length.
        offset_ms: By how much they are moved.
    """

    column: str
    period: times.Period
    offset_ms: int


@dataclass(slots=True)
class Shown:
    """Which columns the result has.

    Attributes:
        fields: Of every `fields`.
        display: Of the last `display`, which takes their place.
        appended: To the fields, by stages such as `lookup`.
    """

    fields: list[syntax.Item] = field(default_factory=list)
    display: list[syntax.Item] | None = None
    appended: list[syntax.Item] = field(default_factory=list)

    @property
    def items(self) -> list[syntax.Item]:
        """The columns in order; none when nothing chose them."""
        if self.display is not None:
            return self.display
        return [*self.fields, *self.appended] if self.fields else []


Apply: TypeAlias = Callable[["Pipeline", Any], None]
"""Applies a stage to a pipeline; what it is given is of one type of `syntax.Stage`."""


class Pipeline:
    """One query, compiled stage by stage: each wraps the SQL so far in a further SELECT.

    DuckDB folds those SELECTs into one and reads only the columns that are used.

    A query with at most one `stats` is not strictly a pipeline on AWS: published samples write
    `limit` before `sort`, filter groups by fields of events, and list fields that a later
    `parse` makes. So `limit` and `sort` take effect at the end wherever they stand, a `filter`
    after `stats` that names something which is no output of it is moved before it, and a field
    in a projection is looked up at the end.

    Attributes:
        scope: What the query is asked of.
        parameter: Makes an SQL parameter of a value.
        reach: The log events in scope.
        windows: The times whose events are read, first and last millisecond.
        bin_offset: Milliseconds by which `bin` moves its periods.
        bins: The outputs of `stats` that are bins of time.
        events: The log events at its bottom.
        source: The rows so far, as what can stand after FROM.
        defined: Names that have columns: aliases, and after `stats` its outputs.
        sees_events: Whether fields of log events can be named, as they can before `stats`.
        outputs: Names of the columns of a row that is no log event.
        ordered_by: What tells such rows apart, and orders them.
        shown: Which columns the result has.
        sort: What the rows are sorted by.
        place: A column with the place that each row has, where rows have been numbered.
        limits: How many rows there may be, by each `limit`.
        tail: How many of the last rows there may be; None for any.
        ahead: The stages that are not applied yet.
        sides: The names of the two sides of a `join`, after it.
        last: The stage after which only `limit` may come; empty for none.
    """

    def __init__(
        self,
        query: syntax.Query,
        scope: Scope,
        parameter: Parameters,
        stages: Mapping[type[syntax.Stage], Apply],
    ) -> None:
        self.scope = scope
        self.parameter = parameter
        self.bin_offset = 0
        self.bins: dict[str, Bin] = {}
        self.events = Events(scope, parameter)
        self.source = Events.SQL
        self.defined: dict[str, Value] = {}
        self.sees_events = True
        self.outputs: list[str] = []
        self.ordered_by: list[Value] = []
        self.shown = Shown()
        self.sort: tuple[syntax.SortTerm, ...] = ()
        self.place: str | None = None
        self.limits: list[int] = []
        self.tail: int | None = None
        self.ahead: list[syntax.Stage] = []
        self.sides: tuple[str, str] | None = None
        self.last = ""
        self._query = query
        self._stages = stages
        sources = [stage for stage in query.stages if isinstance(stage, syntax.Source)]
        self.reach = reach(sources, scope, parameter)
        self.windows = [(self.reach.start_ms, self.reach.end_ms)]
        self._conditions: list[str] = []  # on columns of the source, not yet part of it
        self._filtered = False  # whether any event may have been dropped
        self._derived = False  # whether the expression at hand needs more than event columns
        self._matched: str | None = None
        self._columns = 0

    def text_of(self, node: syntax.Node) -> str:
        """Give a node as it was written, without white space."""
        return squeezed(self._query.text[node.start : node.end])

    def apply_stages(self) -> None:
        """Apply every stage, in the order in which they take effect."""
        checked_order(self._query.stages)
        rest = [stage for stage in self._query.stages if not isinstance(stage, syntax.Source)]
        self.ahead = list(arranged(rest, self._query.text))
        while self.ahead:
            stage = self.ahead.pop(0)
            if self.last and not isinstance(stage, syntax.Limit):
                what = f"only limit can come after {self.last}"
                raise MalformedQuery(what, stage.start, stage.end)
            self._stages[type(stage)](self, stage)

    def nested(self, query: syntax.Query) -> "Pipeline":
        """Begin a query that stands in parentheses within this one."""
        return Pipeline(query, replace(self.scope, limit=None), self.parameter, self._stages)

    def subquery(self, query: syntax.Query) -> str:
        """Compile a query in parentheses to SQL of one column."""
        inner = self.nested(query)
        inner.apply_stages()
        compiled = inner.finished()
        if len(compiled.columns) != 1:
            raise MalformedQuery("a subquery must give one field", query.start, query.end)
        shown = Value("v", compiled.columns[0].kind)
        return f"SELECT {values.text(shown)} FROM ({compiled.sql}) AS t(v, _)"

    # Names and values

    def expressions(self) -> Expressions:
        """Give what compiles expressions over the names that can be seen here."""
        return Expressions(self, self.resolve, self.written)

    def value(self, node: syntax.Expression) -> Value:
        """Compile an expression."""
        return self.expressions().value(node)

    def resolve(self, node: syntax.Field) -> Value:
        """Give what a name means here.

        Raises:
            MalformedQuery: After `stats`, when it means nothing.
        """
        if node.name in self.defined:
            self._derived = True
            return self.defined[node.name]
        parts = node.name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            head = self.defined.get(".".join(parts[:length]))
            if head is not None and head.kind in {Kind.JSON, Kind.ITEM}:
                self._derived = True
                return accessed(head, ".".join(parts[length:]), self.parameter)
        if self.sees_events:
            self._derived = self._derived or not self.events.is_column(node.name)
            return self.events.field(node.name)
        return self._unknown(node)

    def present(self, name: str) -> Value:
        """Give what a name means here; a missing value when it means nothing."""
        if not self.sees_events and name not in self.defined:
            return MISSING
        return self.resolve(syntax.Field(0, 0, name))

    def _unknown(self, node: syntax.Field) -> Value:
        if self.sides:
            sides = " or ".join(f"{side}.{node.name}" for side in self.sides)
            raise MalformedQuery(f"after join, {node.name} is {sides}", node.start, node.end)
        written = self._query.text[node.start : node.end]
        raise MalformedQuery(
            f"Unknown symbols found in or after stats: {written}", node.start, node.end
        )

    def written(self, node: syntax.Expression) -> Value | None:
        """Give an output of `stats` that is named by its text, such as `count(*)`."""
        if self.sees_events:
            return None
        text = self.text_of(node)
        for name, value in self.defined.items():
            if squeezed(name) == text:
                return value
        return None

    # Rows

    def column(self) -> str:
        """Give a name for a further column."""
        self._columns += 1
        return f"c{self._columns}"

    def layer(self, columns: str) -> None:
        """Wrap the source in a SELECT with further columns."""
        self.flush()
        self.source = f"(SELECT *, {columns} FROM {self.source})"

    def flush(self) -> None:
        """Make the conditions so far a part of the source."""
        if self._conditions:
            where = " AND ".join(self._conditions)
            self.source = f"(SELECT * FROM {self.source} WHERE {where})"
            self._conditions = []

    def add(self, additions: Sequence[tuple[str, Value]]) -> None:
        """Add columns under names; a name that was there is replaced."""
        if not additions:
            return
        columns = []
        defined = dict(self.defined)
        for name, value in additions:
            column = self.column()
            columns.append(f"{value.sql} AS {column}")
            defined[name] = Value(column, value.kind)
        self.layer(", ".join(columns))
        self.defined = defined

    def define(self, items: Sequence[syntax.Item]) -> None:
        """Compute the items that are more than a field; later ones may use earlier ones."""
        made: list[tuple[str, Value]] = []
        for item in items:
            if isinstance(item.value, syntax.Field) and not item.aliased:
                continue
            heads = {name.partition(".")[0] for name in syntax.field_names(item.value)}
            if any(name.partition(".")[0] in heads for name, _ in made):
                self.add(made)
                made = []
            made.append((item.name, values.typed(self.value(item.value))))
        self.add(made)

    def where(self, node: syntax.Expression) -> None:
        """Keep the rows for which a condition holds.

        What it asks of the columns of `log_events` is asked of the events themselves.
        """
        parts = [node]
        if isinstance(node, syntax.Junction) and node.operator == "and":
            parts = list(node.items)
        for part in parts:
            self._derived = False
            condition = self.expressions().filter(part)
            of_events = not self._derived and self.are_matches
            if of_events:
                self.events.conditions.append(condition)
            else:
                self.keep(condition)
            self._filtered = True
            if self.are_matches:
                self.events.expect(part, self.defined)

    def keep(self, condition: str) -> None:
        """Keep the rows for which SQL over the source is true."""
        self._conditions.append(condition)

    @property
    def are_matches(self) -> bool:
        """Whether the rows are the log events that matched, and no others."""
        return self._matched is None

    def begin_rows(self) -> None:
        """Note what has matched, before rows become other than log events."""
        self.flush()
        if self.are_matches:
            self._matched = self.source

    def regroup(
        self,
        source: str,
        defined: dict[str, Value],
        outputs: Sequence[str],
        ordered_by: Sequence[Value],
    ) -> None:
        """Go on with rows that are no log events, and have nothing of the rows before.

        Args:
            source: The rows, with a column `matched`: how many events went into all of them, or
                NULL where they do not tell.
            defined: What can be named of them.
            outputs: Names of their columns, in order.
            ordered_by: What tells them apart.
        """
        self.source = source
        self.defined = defined
        self.sees_events = False
        self.outputs = list(outputs)
        self.ordered_by = list(ordered_by)
        self.bins = {}
        self.shown = Shown()
        self.sort = ()
        self.place = None

    def numbered(self) -> str:
        """Number the rows in the order that they have now, for a stage that goes by places.

        The `limit` before it takes effect. From here on rows keep their places, unless sorted.

        Returns:
            The column of their places.
        """
        self.begin_rows()
        order = self.order()
        if self.tail is not None:
            self.source = (
                f"(SELECT * FROM {self.source} QUALIFY row_number() OVER (ORDER BY {order}) "
                f"> count(*) OVER () - {self.tail})"
            )
        if self.limits:
            self.source = f"(SELECT * FROM {self.source} ORDER BY {order} LIMIT {min(self.limits)})"
        self.place = self.column()
        self.layer(f"row_number() OVER (ORDER BY {order}) AS {self.place}")
        self.sort, self.limits, self.tail = (), [], None
        return self.place

    def show(self, name: str) -> None:
        """Make a name one more column of the result, where no `display` says which there are."""
        self.shown.appended.append(_plain_item(name))
        if name not in self.outputs and not self.sees_events:
            self.outputs.append(name)

    # The end

    def order(self) -> str:
        """Give the terms of ORDER BY: what `sort` says, and what makes the order total."""
        terms: list[str] = []
        for term in self.sort:
            value = self._sortable(term.value)
            if value is not None:
                refuse_whole_json(value, term, "sort")
                terms += values.ordering(value, descending=term.descending)
        if self.place is not None:
            return ", ".join([*terms, f"{self.place} NULLS LAST"])
        if self.sees_events and terms:
            return ", ".join([*terms, "id ASC" if syntax.oldest_first(self.sort) else "id DESC"])
        if self.sees_events:
            return "timestamp DESC, id DESC"
        for value in self.ordered_by:
            if value.kind is Kind.TIME:
                terms.append(f"{value.sql} DESC NULLS LAST")
            else:
                terms.append(f"{value.sql} ASC NULLS LAST")
        return ", ".join(terms) or "1"

    def _sortable(self, node: syntax.Expression) -> Value | None:
        """Give what to sort by; None after `stats` for what is no output of it."""
        if self.sees_events:
            return self.value(node)
        known = self.written(node)
        if known is not None:
            return known
        if isinstance(node, syntax.Field) and node.name not in self.defined:
            called = [n for n in self.outputs if squeezed(n).startswith(f"{node.name}(")]
            return self.defined[called[0]] if called else None
        if isinstance(node, syntax.Call) and node.name in {*AGGREGATES, "bin"}:
            return None
        return self.value(node)

    def projection(self) -> list[tuple[str, Value]]:
        """Give the columns of the result, by name."""
        items = self.shown.items
        if not items and not self.sees_events:
            return [(name, self.defined[name]) for name in self.outputs]
        if not items:
            items = [
                *(_plain_item(name) for name in ("@timestamp", "@message")),
                *self.shown.appended,
            ]
        columns: dict[str, Value] = {}
        for item in items:
            if isinstance(item.value, syntax.Field) and not item.aliased:
                value = self.resolve(item.value)
            else:
                value = self.defined[item.name]
            columns.setdefault(item.name, value)
        return list(columns.items())

    def completed(self, sql: str) -> str:
        """Let SQL over the source read the log events in scope."""
        return self.events.read_by(sql, self._within())

    def _within(self) -> str:
        within = [f"timestamp BETWEEN {first} AND {last}" for first, last in self.windows]
        either = within[0] if len(within) == 1 else f"({' OR '.join(within)})"
        return f"{self.reach.groups} AND {either}"

    def finished(self) -> Compiled:
        """Complete the query, after its last stage."""
        projection = self.projection()
        given = [*self.limits, *([self.scope.limit] if self.scope.limit else [])]
        limit = min(given, default=DEFAULT_LIMIT)
        order = self.order()
        self.flush()
        last = "id" if self.sees_events else "matched"
        selected = ", ".join(
            [*(f"{value.sql} AS v{i}" for i, (_, value) in enumerate(projection)), last]
        )
        sql = f"SELECT {selected} FROM {self.source} ORDER BY {order} LIMIT {limit}"
        if self.tail is not None:
            names = ", ".join([*(f"v{index}" for index in range(len(projection))), last])
            sql = (
                f"SELECT {names} FROM (SELECT {selected}, "
                f"row_number() OVER (ORDER BY {order}) AS r, "
                f"count(*) OVER () AS total FROM {self.source}) "
                f"WHERE r > total - {self.tail} ORDER BY r LIMIT {limit}"
            )
        matched = f"SELECT count(*) FROM {self._matched or self.source}"
        scanned = "SELECT count(*), coalesce(sum(size), 0) FROM log_events"
        return Compiled(
            sql=self.completed(sql),
            parameters=self.parameter.by_name,
            columns=tuple(Column(name, value.kind) for name, value in projection),
            has_pointer=self.sees_events,
            limit=limit,
            matched_sql=self.completed(matched) if self._filtered else None,
            scanned_sql=f"{scanned} WHERE {self._within()}",
            cuts=not self.are_matches,
        )


def refuse_whole_json(value: Value, node: syntax.Node, command: str) -> None:
    """Refuse a map or a list where a command compares values.

    Raises:
        MalformedQuery: It is one.
    """
    if value.kind is Kind.JSON:
        what = f"{command} does not take a whole map or list"
        raise MalformedQuery(what, node.start, node.end)


def _plain_item(name: str) -> syntax.Item:
    return syntax.Item(0, 0, syntax.Field(0, 0, name), name, aliased=False)
