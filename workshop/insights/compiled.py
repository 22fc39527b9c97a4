"""A query as SQL: what the compiler gives, and what is run."""

from dataclasses import dataclass

from workshop.insights.values import Kind

TOO_MANY_ROWS = "fillmissing would make too many rows: ask for a shorter time or longer bins"
"""What SQL fails with that would make more rows than there may be."""


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
            events went into `stats`, or NULL where that is to be counted.
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
