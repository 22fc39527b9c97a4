"""Syntax tree to SQL."""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from typing import Any, ClassVar

from workshop.insights import discovery, regex, syntax, values
from workshop.insights.aggregates import Aggregation
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import (
    AGGREGATES,
    Expressions,
    Parameters,
    Scope,
    accessed,
    checked,
    period,
)
from workshop.insights.order import arranged, squeezed
from workshop.insights.sources import in_scope
from workshop.insights.values import MISSING, Kind, Value

DEFAULT_LIMIT = 10_000
MAX_LIMIT = 100_000
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html"""

_EVENTS = "events_in_scope"  # stands in the SQL until all that is read of them is known
_MAXIMUM_STATS = 10
_VERBATIM = re.compile(r"[A-Za-z0-9_ .:-]+")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the result: its name as CloudWatch shows it, and what the SQL yields."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query as SQL for DuckDB, over a table `log_events` as `workshop.store.database` has it.

    Attributes:
        sql: Yields `columns` in order; then the event's id when `has_pointer`, else how many
            events went into `stats`.
        parameters: By name.
        columns: Of the result.
        has_pointer: Whether rows are log events, and so end with `@ptr`.
        limit: How many rows there are at most.
        matched_sql: Counts the events that passed the filters, for when rows are cut off; None
            when there are no filters.
        scanned_sql: Counts the events in scope, and their bytes.
        cuts: Whether a stage (`dedup`, `unnest`) makes the rows other than the events that matched.
    """

    sql: str
    parameters: dict[str, object]
    columns: tuple[Column, ...]
    has_pointer: bool
    limit: int
    matched_sql: str | None
    scanned_sql: str
    cuts: bool


def compile_query(query: syntax.Query, scope: Scope) -> Compiled:
    """Compile a query.

    Args:
        query: From `parse`.
        scope: What it is asked of.

    Raises:
        MalformedQuery: When the query is in the grammar but makes no sense, or uses a function
            that is not offered.
    """
    try:
        return _Pipeline(query, scope, Parameters()).compile()
    except RecursionError:
        raise MalformedQuery("the query is nested too deeply", query.start, query.end) from None


@dataclass(frozen=True, slots=True)
class _Names:
    """What a place in the query can see.

    Attributes:
        defined: Aliases, and after `stats` its outputs, as columns.
        raw: Whether the fields of log events can be seen too.
    """

    defined: dict[str, Value] = field(default_factory=dict)
    raw: bool = True


def _fields_in(node: object) -> list[str]:
    """Name the fields in a part of a syntax tree, in order, without those of subqueries."""
    if isinstance(node, syntax.Field):
        return [node.name]
    if isinstance(node, tuple | list):
        return [name for item in node for name in _fields_in(item)]
    if not isinstance(node, syntax.Node) or isinstance(node, syntax.Query):
        return []
    return [
        name
        for attribute in dataclass_fields(node)
        for name in _fields_in(getattr(node, attribute.name))
    ]


class _Pipeline:
    """Compiles one query, stage by stage: each wraps the SQL so far in a further SELECT.

    DuckDB folds those SELECTs into one and reads only the columns that are used.

    A query with at most one `stats` is not strictly a pipeline on AWS: published samples write
    `limit` before `sort`, filter groups by fields of events, and list fields that a later
    `parse` makes. So `limit` and `sort` take effect at the end wherever they stand, a `filter`
    after `stats` that names something which is no output of it is moved before it, and a field
    in a projection is looked up at the end.
    """

    def __init__(self, query: syntax.Query, scope: Scope, parameter: Parameters) -> None:
        self.scope = scope
        self.parameter = parameter
        self.bin_offset = 0
        self._query = query
        self._source = _EVENTS
        self._conditions: list[str] = []  # on columns of the source, not yet part of it
        self._event_conditions: list[str] = []  # on columns of log_events alone
        self._filtered = False  # whether any event may have been dropped
        self._derived = False  # whether the expression at hand needs more than those columns
        self._names = _Names()
        self._json: dict[str, Value] = {}
        self._pointers: list[str] = []
        self._json_column = parameter.unique("j")  # a subquery has its own
        self._columns = 0
        self._fields: list[syntax.Item] = []
        self._display: list[syntax.Item] | None = None
        self._appended: list[syntax.Item] = []  # to the fields, by `lookup`
        self._projected: set[str] = set()
        self._sort: tuple[syntax.SortTerm, ...] = ()
        self._limits: list[int] = []
        self._tail: int | None = None
        self._matched: str | None = None
        self._group_columns: list[Value] = []
        self._outputs: list[str] = []
        self._done = ""  # the stage after which only `limit` may come
        self._ahead: list[syntax.Stage] = []  # stages that are not applied yet
        self._joined: tuple[str, str] | None = None  # the names of the two sides of a `join`

    @property
    def sees_events(self) -> bool:
        """Whether fields of log events can be named, as they can before `stats`."""
        return self._names.raw

    def text_of(self, node: syntax.Node) -> str:
        """Give a node as it was written, without white space."""
        return squeezed(self._query.text[node.start : node.end])

    def compile(self) -> Compiled:
        """Compile the whole query."""
        return self._finished(self._apply_all())

    def _apply_all(self) -> list[syntax.Source]:
        """Apply every stage; what is left over says where the events come from."""
        stages = list(self._query.stages)
        sources = [stage for stage in stages if isinstance(stage, syntax.Source)]
        rest = [stage for stage in stages if not isinstance(stage, syntax.Source)]
        self._check_order(stages, rest)
        self._ahead = list(arranged(rest, self._query.text))
        while self._ahead:
            self._apply(self._ahead.pop(0))
        return sources

    def subquery(self, query: syntax.Query) -> str:
        """Compile a query in parentheses to SQL of one column."""
        inner = _Pipeline(query, replace(self.scope, limit=None), self.parameter).compile()
        if len(inner.columns) != 1:
            raise MalformedQuery("a subquery must give one field", query.start, query.end)
        shown = Value("v", inner.columns[0].kind)
        return f"SELECT {values.text(shown)} FROM ({inner.sql}) AS t(v, _)"

    # Order

    def _check_order(self, stages: Sequence[syntax.Stage], rest: Sequence[syntax.Stage]) -> None:
        for index, stage in enumerate(stages):
            if isinstance(stage, syntax.Source) and not all(
                isinstance(before, syntax.Source) for before in stages[:index]
            ):
                raise MalformedQuery("SOURCE comes first in a query", stage.start, stage.end)
        stats = [index for index, stage in enumerate(rest) if isinstance(stage, syntax.Stats)]
        if len(stats) > _MAXIMUM_STATS:
            stage = rest[stats[_MAXIMUM_STATS]]
            raise MalformedQuery(
                f"a query has at most {_MAXIMUM_STATS} stats", stage.start, stage.end
            )
        if len(stats) > 1:
            for stage in rest[: stats[-1]]:
                if isinstance(stage, syntax.Sort | syntax.Limit):
                    raise MalformedQuery(
                        "with several stats, sort and limit come after the last one",
                        stage.start,
                        stage.end,
                    )

    def _apply(self, stage: syntax.Stage) -> None:
        if self._done and not isinstance(stage, syntax.Limit):
            raise MalformedQuery(f"only limit can come after {self._done}", stage.start, stage.end)
        apply = self._STAGES.get(type(stage))
        if apply is None:
            name = type(stage).__name__.lower()
            raise MalformedQuery(
                f"the command {name} is not offered offline", stage.start, stage.end
            )
        apply(self, stage)

    # Names

    def _expressions(self) -> Expressions:
        return Expressions(self, self._resolve, self._written)

    def _resolve(self, node: syntax.Field) -> Value:
        names = self._names
        if node.name in names.defined:
            self._derived = True
            return names.defined[node.name]
        parts = node.name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            head = names.defined.get(".".join(parts[:length]))
            if head is not None and head.kind in {Kind.JSON, Kind.ITEM}:
                self._derived = True
                return accessed(head, ".".join(parts[length:]), self.parameter)
        if names.raw:
            return self._raw(node.name)
        return self._unknown(node)

    def _unknown(self, node: syntax.Node) -> Value:
        written = self._query.text[node.start : node.end]
        if self._joined:
            sides = " or ".join(f"{side}.{written}" for side in self._joined)
            raise MalformedQuery(f"after join, {written} is {sides}", node.start, node.end)
        raise MalformedQuery(
            f"Unknown symbols found in or after stats: {written}", node.start, node.end
        )

    def _raw(self, name: str) -> Value:
        if name.startswith("@") and not name.startswith("@@"):
            return discovery.built_in(
                name, self.parameter, self.scope.account_id, self.scope.region
            )
        self._derived = True
        if name not in self._json:
            first = len(self._pointers) + 1
            self._pointers += discovery.pointers(name)
            indices = range(first, len(self._pointers) + 1)
            reads = [f"{self._json_column}[{index}]" for index in indices]
            sql = reads[0] if len(reads) == 1 else f"coalesce({', '.join(reads)})"
            self._json[name] = Value(sql, Kind.TEXT)
        return self._json[name]

    def _written(self, node: syntax.Expression) -> Value | None:
        """Give an output of `stats` that is named by its text, such as `count(*)`."""
        if self._names.raw:
            return None
        text = self.text_of(node)
        for name, value in self._names.defined.items():
            if squeezed(name) == text:
                return value
        return None

    def _column(self) -> str:
        self._columns += 1
        return f"c{self._columns}"

    # Stages

    def _apply_display(self, stage: syntax.Display) -> None:
        self._display = list(stage.items)
        self._define(stage.items)

    def _apply_filter(self, stage: syntax.Filter) -> None:
        self._where(stage.condition)

    def _apply_sort(self, stage: syntax.Sort) -> None:
        self._sort = stage.terms

    def _apply_limit(self, stage: syntax.Limit) -> None:
        if stage.count > MAX_LIMIT:
            raise MalformedQuery(f"a limit is at most {MAX_LIMIT}", stage.start, stage.end)
        self._limits.append(stage.count)
        if stage.tail:
            self._tail = min(stage.count, self._tail or stage.count)

    def _where(self, node: syntax.Expression) -> None:
        """Keep the rows for which a condition holds.

        What it asks of the columns of `log_events` is asked in the innermost SELECT, beside
        the scope: there alone DuckDB skips parts of the table for `sort … | limit …`.
        """
        parts = [node]
        if isinstance(node, syntax.Junction) and node.operator == "and":
            parts = list(node.items)
        for part in parts:
            self._derived = False
            condition = self._expressions().filter(part)
            to_events = not self._derived and self._matched is None
            (self._event_conditions if to_events else self._conditions).append(condition)
            self._filtered = True
            if self._matched is None:
                self._prefilter(part)

    def _prefilter(self, node: syntax.Expression) -> None:
        """Spare most events the reading of their JSON: a field equals a text that they lack.

        Letters and digits stand in JSON as themselves, or as escapes that begin with a `u`.
        """
        match node:
            case syntax.Comparison(
                operator="=", left=syntax.Field(name=name), right=syntax.String(value=text)
            ) if name in self._json and name not in self._names.defined:
                if _VERBATIM.fullmatch(text) and not values.looks_like_number(text):
                    self._event_conditions.append(
                        f"(contains(message, {self.parameter(text)}) OR contains(message, '\\u'))"
                    )

    def _layer(self, columns: str) -> None:
        """Wrap the source in a SELECT with further columns."""
        self._flush()
        self._source = f"(SELECT *, {columns} FROM {self._source})"

    def _flush(self) -> None:
        if self._conditions:
            where = " AND ".join(self._conditions)
            self._source = f"(SELECT * FROM {self._source} WHERE {where})"
            self._conditions = []

    def _add(self, additions: Sequence[tuple[str, Value]]) -> None:
        """Add columns under names; a name that was there is replaced."""
        if not additions:
            return
        columns = []
        defined = dict(self._names.defined)
        for name, value in additions:
            column = self._column()
            columns.append(f"{value.sql} AS {column}")
            defined[name] = Value(column, value.kind)
        self._layer(", ".join(columns))
        self._names = replace(self._names, defined=defined)

    def _apply_fields(self, stage: syntax.Fields) -> None:
        for item in stage.items:
            if item.aliased and item.name in self._projected:
                raise MalformedQuery(f"{item.name} is defined already", item.start, item.end)
            self._projected.add(item.name)
        self._fields += stage.items
        self._define(stage.items)

    def _define(self, items: Sequence[syntax.Item]) -> None:
        """Compute the items that are more than a field; later ones may use earlier ones."""
        for item in items:
            if item.aliased or not isinstance(item.value, syntax.Field):
                value = self._expressions().value(item.value)
                if value.kind is Kind.NULL:
                    value = Value("NULL::VARCHAR", Kind.TEXT)
                self._add([(item.name, value)])

    def _apply_parse(self, stage: syntax.Parse) -> None:
        source = stage.source or syntax.Field(stage.start, stage.end, "@message")
        subject = values.text(self._expressions().value(source))
        if isinstance(stage.pattern, syntax.String):
            pattern, count = regex.from_glob(stage.pattern.value)
            names: list[str | None] = list(stage.aliases)
            if len(names) != max(count, 1):
                raise MalformedQuery(
                    f"the pattern has {count} '*' for {len(names)} names", stage.start, stage.end
                )
            if not count:
                literal = f"{self.parameter(stage.pattern.value)}::VARCHAR"
                found = f"CASE WHEN contains({subject}, {literal}) THEN {literal} END"
                self._add_parsed([(stage.aliases[0], found)])
                return
        else:
            pattern, names = checked(stage.pattern)
            if stage.aliases:
                if len(stage.aliases) != len(names):
                    raise MalformedQuery(
                        f"the pattern has {len(names)} groups for {len(stage.aliases)} names",
                        stage.start,
                        stage.end,
                    )
                names = list(stage.aliases)
            if not any(names):
                raise MalformedQuery(
                    "the pattern has no named group", stage.pattern.start, stage.pattern.end
                )
        groups = self._column()
        fields = [f"g{number}" for number in range(1, len(names) + 1)]
        expression = self.parameter(pattern)
        self._layer(
            f"CASE WHEN regexp_matches({subject}, {expression}) "
            f"THEN regexp_extract({subject}, {expression}, {fields}) END AS {groups}"
        )
        self._add_parsed(
            [(name, f"{groups}.{group}") for name, group in zip(names, fields, strict=True) if name]
        )

    def _apply_multi(self, stage: syntax.ParseMulti) -> None:
        """Make a row for each match; a row without one stays, without the fields (chosen)."""
        source = stage.source or syntax.Field(stage.start, stage.end, "@message")
        subject = values.text(self._expressions().value(source))
        pattern, names = checked(stage.pattern)
        found = [(index, name) for index, name in enumerate(names, 1) if name]
        if not found:
            raise MalformedQuery(
                "the pattern has no named group", stage.pattern.start, stage.pattern.end
            )
        self._begin_rows()
        expression = self.parameter(pattern)
        lists = [f"regexp_extract_all({subject}, {expression}, {index})" for index, _ in found]
        match = self._column()
        self._layer(
            f"unnest(CASE WHEN regexp_matches({subject}, {expression}) "
            f"THEN list_zip({', '.join(lists)}) ELSE [NULL] END) AS {match}"
        )
        self._add_parsed([(name, f"{match}[{place}]") for place, (_, name) in enumerate(found, 1)])

    def _add_parsed(self, parsed: Sequence[tuple[str, str]]) -> None:
        """Add what a `parse` found; a name that an earlier one made keeps its value else."""
        additions = []
        for name, sql in parsed:
            earlier = self._names.defined.get(name)
            if earlier is not None:
                kind, sqls = values.unified([Value(sql, Kind.TEXT), earlier])
                additions.append((name, Value(f"coalesce({sqls[0]}, {sqls[1]})", kind)))
            else:
                additions.append((name, Value(f"({sql})", Kind.TEXT)))
        self._add(additions)

    def _apply_logfmt(self, stage: syntax.ParseLogfmt) -> None:
        subject = values.text(self._expressions().value(stage.source))
        pair = self.parameter(regex.LOGFMT_PAIR)
        entries = (
            f"list_zip(regexp_extract_all({subject}, {pair}, 1), "
            f"regexp_extract_all({subject}, {pair}, 2))"
        )
        members = (
            f"list_transform({entries}, lambda e: "
            "CAST(to_json(e[1]) AS VARCHAR) || ':' || CAST(to_json(trim(e[2], '\"')) AS VARCHAR))"
        )
        self._add(
            [(stage.name, Value(f"('{{' || array_to_string({members}, ',') || '}}')", Kind.JSON))]
        )

    def _apply_pattern(self, stage: syntax.Pattern) -> None:
        """Group texts that are the same but for what varies.

        CloudWatch finds patterns by machine learning. Here, times, UUIDs, numbers and words with
        digits in them vary, and nothing else.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Pattern.html
        """
        value = self._expressions().value(stage.value)
        self._refuse_whole_json(value, stage.value, "pattern")
        if self._sort or not self._names.raw:
            raise MalformedQuery("pattern comes before sort and stats", stage.start, stage.end)
        self._begin_rows()
        subject = values.text(value)
        varying = f"regexp_replace({subject}, {self.parameter(regex.VARYING)}, '<*>', 'g')"
        severity = f"upper(regexp_extract(p, {self.parameter(regex.SEVERITY)}))"
        self._source = (
            "(SELECT p, n, n / sum(n) OVER () AS ratio, nullif(s, '') AS s, "
            "CAST(sum(n) OVER () AS BIGINT) AS matched FROM "
            f"(SELECT p, CAST(count(*) AS DOUBLE) AS n, {severity} AS s FROM "
            f"(SELECT {varying} AS p FROM {self._source}) WHERE p IS NOT NULL GROUP BY p))"
        )
        self._names = _Names(
            {
                "@pattern": Value("p", Kind.TEXT),
                "@ratio": Value("ratio", Kind.NUMBER),
                "@sampleCount": Value("n", Kind.NUMBER),
                "@severityLabel": Value("s", Kind.TEXT),
            },
            raw=False,
        )
        self._outputs = list(self._names.defined)
        self._group_columns = [Value("-n", Kind.NUMBER), Value("p", Kind.NUMBER)]
        self._fields, self._display, self._projected, self._appended = [], None, set(), []

    def _apply_dedup(self, stage: syntax.Dedup) -> None:
        self._begin_rows()
        keys = [self._expressions().value(key) for key in stage.keys]
        for key, node in zip(keys, stage.keys, strict=True):
            self._refuse_whole_json(key, node, "dedup")
        texts = [values.mixed(key) for key in keys]
        missing = " OR ".join(f"{text} IS NULL" for text in texts)
        order = ", ".join(self._order())
        self._source = (
            f"(SELECT * FROM {self._source} QUALIFY {missing} OR "
            f"row_number() OVER (PARTITION BY {', '.join(texts)} ORDER BY {order}) = 1)"
        )
        self._done = "dedup"

    def _apply_unnest(self, stage: syntax.Unnest) -> None:
        value = self._expressions().value(stage.value)
        if value.kind not in {Kind.JSON, Kind.ITEM}:
            raise MalformedQuery(
                "unnest takes a list made by jsonParse", stage.value.start, stage.value.end
            )
        self._begin_rows()
        items = self._column()
        self._layer(
            f"unnest(CASE WHEN NOT json_valid({value.sql}) THEN [{value.sql}] "
            f"WHEN json_type({value.sql}) = 'ARRAY' "
            f"THEN json_extract_string({value.sql}, '$[*]') ELSE [{value.sql}] END) AS {items}"
        )
        self._add([(stage.name, Value(items, Kind.ITEM))])

    def _apply_lookup(self, stage: syntax.Lookup) -> None:
        """Put columns of a lookup table beside each row that has its keys.

        Not documented, so chosen: a row without a match keeps what it had under those names, and
        of several rows of the table with the same keys the first one counts.
        """
        table = self.scope.lookup_table(stage.table)
        if table is None:
            what = f"there is no lookup table {stage.table}"
            raise MalformedQuery(what, stage.start, stage.end)
        for name in (*(key.name for key in stage.keys), *stage.outputs):
            if name not in table.fields:
                what = f"the lookup table {stage.table} has no field {name}"
                raise MalformedQuery(what, stage.start, stage.end)
        subjects = [values.text(self._expressions().value(key.field)) for key in stage.keys]
        before = [self._present(name) for name in stage.outputs]
        columns = table.columns([key.name for key in stage.keys], stage.outputs)
        names = [self.parameter.unique("looked") for _ in columns]
        lists = [f"unnest({self.parameter(column)}::VARCHAR[])" for column in columns]
        listed = ", ".join(f"{one} AS {name}" for one, name in zip(lists, names, strict=True))
        equal = " AND ".join(
            f"{subject} = {name}" for subject, name in zip(subjects, names, strict=False)
        )
        self._flush()
        joined = f"{self._source} AS l LEFT JOIN (SELECT {listed}) AS r ON {equal}"
        self._source = f"(SELECT l.*, r.* FROM {joined})"
        additions = []
        for name, column, old in zip(stage.outputs, names[len(subjects) :], before, strict=True):
            kind, (new, kept) = values.unified([Value(column, Kind.TEXT), old])
            sql = f"CASE WHEN {names[0]} IS NOT NULL THEN {new} ELSE {kept} END"
            additions.append((name, Value(sql, kind)))
        self._add(additions)
        for name in stage.outputs:
            shown = syntax.Field(stage.start, stage.end, name)
            self._appended.append(syntax.Item(stage.start, stage.end, shown, name, aliased=False))
            if name not in self._outputs and not self._names.raw:
                self._outputs.append(name)

    def _present(self, name: str) -> Value:
        """Give what a name means here; a missing value when it means nothing."""
        if not self._names.raw and name not in self._names.defined:
            return MISSING
        return self._resolve(syntax.Field(0, 0, name))

    def _apply_join(self, stage: syntax.Join) -> None:
        """Put the rows of another query beside these, where one field of each is the same.

        From here on there are only the fields that the rest of the query names, as `left.field`
        and `right.field`.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Join.html
        """
        if not self._names.raw or self._joined:
            raise MalformedQuery("join comes once, and before stats", stage.start, stage.end)
        self._joined = (stage.left, stage.right)
        named = [*_fields_in(stage.where), *_fields_in(self._ahead)]
        if not {stage.left, stage.right} <= {name.partition(".")[0] for name in named[:2]}:
            raise MalformedQuery(
                f"join compares a field of {stage.left} with one of {stage.right}",
                stage.where.start,
                stage.where.end,
            )
        shown = [f"{stage.left}.{item.name}" for item in self._fields]
        self._begin_rows()
        left = self._columns_of(stage.left, [*named, *shown, f"{stage.left}.@timestamp"])
        self._flush()
        other = _Pipeline(stage.query, replace(self.scope, limit=None), self.parameter)
        right, right_sql = other.as_right_side(stage.right, named)
        selected = [value.sql for value in (left | right).values()]
        one, other_one = (values.text((left | right)[name]) for name in named[:2])
        self._source = (
            f"(SELECT {', '.join(selected)}, count(*) OVER () AS matched FROM {self._source} AS l "
            f"{stage.kind.upper()} JOIN {right_sql} AS r ON {one} = {other_one})"
        )
        self._names = _Names({**left, **right}, raw=False)
        known = [name for name in named if name in self._names.defined]
        self._outputs = list(dict.fromkeys([*shown, *known]))
        self._group_columns = [left[f"{stage.left}.@timestamp"]]
        self._fields, self._display, self._projected, self._appended = [], None, set(), []
        self._sort = ()

    def as_right_side(self, alias: str, named: Sequence[str]) -> tuple[dict[str, Value], str]:
        """Compile the query of a `join` to the columns that are named of it, and its SQL."""
        sources = self._apply_all()
        self._begin_rows()
        columns = self._columns_of(alias, named)
        order = ", ".join(self._order())
        limit = f" ORDER BY {order} LIMIT {min(self._limits)}" if self._limits else ""
        self._flush()
        source = self._of_events(self._source, in_scope(sources, self.scope, self.parameter))
        return columns, self._with_lone_pointer(f"(SELECT * FROM {source}{limit})")

    def _columns_of(self, alias: str, named: Sequence[str]) -> dict[str, Value]:
        """Make a column of each field that is named with an alias before it."""
        found = {}
        for name in dict.fromkeys(named):
            prefix, _, rest = name.partition(".")
            if prefix == alias:
                value = self._resolve(syntax.Field(0, 0, rest))
                if value.kind is Kind.NULL:
                    value = Value("NULL::VARCHAR", Kind.TEXT)
                column = self.parameter.unique("joined")
                self._layer(f"{value.sql} AS {column}")
                found[name] = Value(column, value.kind)
        return found

    @staticmethod
    def _refuse_whole_json(value: Value, node: syntax.Node, command: str) -> None:
        if value.kind is Kind.JSON:
            raise MalformedQuery(
                f"{command} does not take a whole map or list", node.start, node.end
            )

    def _begin_rows(self) -> None:
        """Note what has matched, before rows become other than log events."""
        self._flush()
        if self._matched is None:
            self._matched = self._source

    # Stats

    def _apply_stats(self, stage: syntax.Stats) -> None:
        self._begin_rows()
        if stage.offset is not None:
            length = period(stage.offset).milliseconds
            if length is None:
                raise MalformedQuery(
                    "an offset has a fixed length", stage.offset.start, stage.offset.end
                )
            self.bin_offset = length
        keys = [(key, self._expressions().value(key.value)) for key in stage.keys]
        for key, value in keys:
            self._refuse_whole_json(value, key, "stats")
        self.bin_offset = 0
        defined: dict[str, Value] = {}
        selected = []
        for key, value in keys:
            column = self._column()
            kind = Kind.TEXT if value.kind is Kind.NULL else value.kind
            sql = "NULL::VARCHAR" if value.kind is Kind.NULL else value.sql
            selected.append(f"{sql} AS {column}")
            defined[key.name] = Value(column, kind)
        stats = Aggregation(self, self._expressions(), self._column, defined, has_keys=bool(keys))
        outputs = [(item, stats.item(item)) for item in stage.items]
        self._group_columns = list(defined.values())
        counted = "count(*)" if self._names.raw else "any_value(matched)"
        grouped = f" GROUP BY {', '.join(str(n) for n in range(1, len(keys) + 1))}" if keys else ""
        inner = ", ".join([*selected, *stats.selected, f"{counted} AS matched"])
        source = f"(SELECT {inner} FROM {self._source}{grouped})"
        if self._names.raw:
            source = f"(SELECT * REPLACE (sum(matched) OVER () AS matched) FROM {source})"
        self._source = source
        self._names = _Names(dict(defined), raw=False)
        self._outputs = list(defined)
        for item, value in outputs:
            self._add([(item.name, value)])
            if item.name not in self._outputs:
                self._outputs.append(item.name)
        self._fields, self._display, self._projected, self._appended = [], None, set(), []
        self._sort = ()

    _STAGES: ClassVar[dict[type[syntax.Stage], Callable[[Any, Any], None]]] = {
        syntax.Fields: _apply_fields,
        syntax.Display: _apply_display,
        syntax.Filter: _apply_filter,
        syntax.Stats: _apply_stats,
        syntax.Sort: _apply_sort,
        syntax.Limit: _apply_limit,
        syntax.Parse: _apply_parse,
        syntax.ParseMulti: _apply_multi,
        syntax.ParseLogfmt: _apply_logfmt,
        syntax.Dedup: _apply_dedup,
        syntax.Unnest: _apply_unnest,
        syntax.Join: _apply_join,
        syntax.Lookup: _apply_lookup,
        syntax.Pattern: _apply_pattern,
    }

    # The end

    def _order(self) -> list[str]:
        """Give the terms of ORDER BY: what `sort` says, and what makes the order total."""
        terms: list[str] = []
        for term in self._sort:
            value = self._sortable(term.value)
            if value is not None:
                self._refuse_whole_json(value, term, "sort")
                terms += values.ordering(value, descending=term.descending)
        if self._names.raw:
            return [*terms, "id DESC"] if terms else ["timestamp DESC", "id DESC"]
        for value in self._group_columns:
            if value.kind is Kind.TIME:
                terms.append(f"{value.sql} DESC NULLS LAST")
            else:
                terms.append(f"{value.sql} ASC NULLS LAST")
        return terms or ["1"]

    def _sortable(self, node: syntax.Expression) -> Value | None:
        """Give what to sort by; None after `stats` for what is no output of it."""
        if self._names.raw:
            return self._expressions().value(node)
        known = self._written(node)
        if known is not None:
            return known
        if isinstance(node, syntax.Field) and node.name not in self._names.defined:
            called = [n for n in self._outputs if squeezed(n).startswith(f"{node.name}(")]
            return self._names.defined[called[0]] if called else None
        if isinstance(node, syntax.Call) and node.name in {*AGGREGATES, "bin"}:
            return None
        return self._expressions().value(node)

    def _projection(self) -> list[tuple[str, Value]]:
        items = self._display if self._display is not None else self._fields
        if not items and not self._names.raw:
            return [(name, self._names.defined[name]) for name in self._outputs]
        if not items:
            items = [
                syntax.Item(0, 0, syntax.Field(0, 0, name), name, aliased=False)
                for name in ("@timestamp", "@message")
            ]
        if self._display is None:
            items = [*items, *self._appended]
        columns: dict[str, Value] = {}
        for item in items:
            plain = isinstance(item.value, syntax.Field) and not item.aliased
            if plain and isinstance(item.value, syntax.Field):
                value = self._resolve(item.value)
            else:
                value = self._names.defined[item.name]
            columns.setdefault(item.name, value)
        return list(columns.items())

    def _finished(self, sources: Sequence[syntax.Source]) -> Compiled:
        projection = self._projection()
        given = [*self._limits, *([self.scope.limit] if self.scope.limit else [])]
        limit = min(given, default=DEFAULT_LIMIT)
        order = ", ".join(self._order())
        self._flush()
        last = "id" if self._names.raw else "matched"
        selected = ", ".join(
            [*(f"{value.sql} AS v{i}" for i, (_, value) in enumerate(projection)), last]
        )
        scope = in_scope(sources, self.scope, self.parameter)
        source = self._of_events(self._source, scope)
        matched = self._of_events(self._matched or self._source, scope)
        sql = f"SELECT {selected} FROM {source} ORDER BY {order} LIMIT {limit}"
        if self._tail is not None:
            names = ", ".join([*(f"v{index}" for index in range(len(projection))), last])
            sql = (
                f"SELECT {names} FROM (SELECT {selected}, "
                f"row_number() OVER (ORDER BY {order}) AS r, "
                f"count(*) OVER () AS total FROM {source}) "
                f"WHERE r > total - {self._tail} ORDER BY r LIMIT {limit}"
            )
        return Compiled(
            sql=self._with_lone_pointer(sql),
            parameters=self.parameter.by_name,
            columns=tuple(Column(name, value.kind) for name, value in projection),
            has_pointer=self._names.raw,
            limit=limit,
            matched_sql=(
                self._with_lone_pointer(f"SELECT count(*) FROM {matched}")
                if self._filtered
                else None
            ),
            scanned_sql=(f"SELECT count(*), coalesce(sum(size), 0) FROM log_events WHERE {scope}"),
            cuts=self._matched is not None,
        )

    def _of_events(self, source: str, scope: str) -> str:
        """Let a source read the events in scope, now that all that is read of them is known."""
        columns = ", ".join(discovery.EVENT_COLUMNS)
        if self._pointers:
            columns += (
                f", {discovery.json_fields(self._pointers, self.parameter)} AS {self._json_column}"
            )
        where = " AND ".join([scope, *self._event_conditions])
        return source.replace(_EVENTS, f"(SELECT {columns} FROM log_events WHERE {where})")

    def _with_lone_pointer(self, sql: str) -> str:
        """Read one JSON field as it is: a list of one would cost time."""
        if len(self._pointers) != 1:
            return sql
        return sql.replace(f"{self._json_column}[1]", self._json_column)
