"""Traces found in the table of segments: a page of summaries, newest first.

A search costs what it finds: DuckDB rules out what cannot match (`candidates`, and `certainty`
where that is too little), and only what is left is assembled and judged, until the page is full.
https://docs.aws.amazon.com/xray/latest/api/API_GetTraceSummaries.html
"""

# ruff: noqa: S608 - only SQL of our own is put into SQL; values are parameters

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workshop.traces import certainty
from workshop.traces.assembly import Trace, assemble
from workshop.traces.candidates import Condition, condition
from workshop.traces.filter_syntax import Expression
from workshop.traces.filters import Filter
from workshop.traces.summaries import TimeRangeType, in_range

if TYPE_CHECKING:
    import duckdb

PAGE = 200
"""Traces of a page, unless told."""

_LAST_SECOND = 0xFFFFFFFF  # that the id of a trace can begin with
_FETCHED = 4096
_FEW = 0.125  # of a batch: when fewer match, it is worth while to take documents apart
_FIRST_BATCH = 256
_LARGEST_BATCH = 2048


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last trace that was looked at for a page: the next page begins after it.

    Attributes:
        start_time: When its first document began, in seconds since the epoch.
        trace_id: Its id.
    """

    start_time: float
    trace_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a search has found.

    Attributes:
        traces: Newest first.
        processed: How many traces of the range were looked at for it, those that do not match
            included.
        next: Where the next page begins; None when there is none.
    """

    traces: list[Trace]
    processed: int
    next: Cursor | None


def search(
    connection: "duckdb.DuckDBPyConnection",
    start: float,
    end: float,
    *,
    chosen: Filter | None = None,
    kind: TimeRangeType = "TraceId",
    after: Cursor | None = None,
    limit: int = PAGE,
    patience_seconds: float = math.inf,
) -> Page:
    """Search a time range for traces.

    A filter that rules out little before traces are assembled (one for the coverage of a root
    cause), and that few traces match, has to look at all of them. With a patience, a page ends
    early then, and may be empty though there are more: on AWS, too, whoever wants all follows the
    pages to the last.

    Args:
        connection: To a database with the table `segments` of `workshop.store.database`.
        start: Of the range, in seconds since the epoch; within it.
        end: Of the range; not within it.
        chosen: Which of them; all when None.
        kind: What the range is of; see `summaries.in_range`.
        after: Where the page before this one ended.
        limit: How many at most.
        patience_seconds: After how long a page ends, once it has looked at some traces.
    """
    deadline = time.monotonic() + patience_seconds
    found: list[Trace] = []
    for looked_at in _judged(connection, start, end, chosen, kind, after, limit):
        if looked_at.match is not None:
            found.append(looked_at.match)
        if len(found) == limit or (looked_at.may_end and time.monotonic() > deadline):
            return Page(found, looked_at.position, looked_at.cursor)
    where, having, parameters = _range(start, end, kind, after)
    total = connection.execute(
        f"SELECT count(*) FROM (SELECT trace_id FROM segments WHERE {where} "
        f"GROUP BY trace_id HAVING {having})",
        parameters,
    ).fetchone()
    return Page(found, total[0] if total else 0, None)


def scan(
    connection: "duckdb.DuckDBPyConnection",
    start: float,
    end: float,
    *,
    chosen: Filter | None = None,
    kind: TimeRangeType = "TraceId",
) -> Iterator[Trace]:
    """Give every trace of a time range, newest first, holding few at a time: for a graph.

    Args:
        connection: As for `search`; in use until the last trace has been given.
        start: Of the range, in seconds since the epoch; within it.
        end: Of the range; not within it.
        chosen: Which of them; all when None.
        kind: What the range is of.
    """
    judged = _judged(connection, start, end, chosen, kind, None, _LARGEST_BATCH)
    return (one.match for one in judged if one.match is not None)


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """A trace that may match.

    Attributes:
        match: The trace, when it does.
        cursor: Its place in time.
        position: Its place in order, from 1.
        may_end: Whether a page may end with it that is not full.
    """

    match: Trace | None
    cursor: Cursor
    position: int
    may_end: bool


def _judged(
    connection: "duckdb.DuckDBPyConnection",
    start: float,
    end: float,
    chosen: Filter | None,
    kind: TimeRangeType,
    after: Cursor | None,
    wanted: int,
) -> Iterator[_LookedAt]:
    """Give what DuckDB cannot rule out, newest first, and whether it matches.

    What it rules out by words is not looked at; when too little of the rest matches, nor is what
    it rules out by taking documents apart.
    """
    expression = chosen.expression if chosen else None
    ruled_out = certainty.ruled_out(expression)
    size = max(1, min(wanted, _FIRST_BATCH))
    before = 0  # traces that have been passed
    rows_left = _possible(connection, (start, end), expression, kind, after, None)
    while rows := rows_left.fetchmany(size):
        by_id = {trace.id: trace for trace in load(connection, [row[0] for row in rows])}
        matched = 0
        few = False
        for number, (trace_id, first, position) in enumerate(rows, 1):
            trace = by_id.get(trace_id)
            if trace is not None and not (
                in_range(trace, start, end, kind) and (chosen is None or chosen.matches(trace))
            ):
                trace = None
            matched += trace is not None
            is_last = number == len(rows)
            few = is_last and ruled_out is not None and matched < number * _FEW
            cursor = Cursor(first, trace_id)
            yield _LookedAt(trace, cursor, before + position, may_end=is_last and not few)
        if few:
            rows_left = _possible(connection, (start, end), expression, kind, cursor, ruled_out)
            before, ruled_out = before + position, None
        size = min(size * 2, _LARGEST_BATCH)


def _possible(
    connection: "duckdb.DuckDBPyConnection",
    span: tuple[float, float],
    expression: Expression | None,
    kind: TimeRangeType,
    after: Cursor | None,
    ruled_out: Condition | None,
) -> "duckdb.DuckDBPyConnection":
    """Ask for what may match, newest first: ids, when they began, and their positions.

    Args:
        connection: As for `search`.
        span: Start and end of the range.
        expression: What they may match.
        kind: What the range is of.
        after: Where they begin; positions count from there.
        ruled_out: Which of them cannot match; see `certainty.ruled_out`.
    """
    words = condition(expression)
    where, having, parameters = _range(*span, kind, after)
    query = (
        "WITH RECURSIVE possible AS MATERIALIZED (SELECT trace_id, first, position FROM ("
        "SELECT *, row_number() OVER (ORDER BY first DESC, trace_id DESC) AS position FROM ("
        f"SELECT trace_id, min(start_time) AS first, {words.sql} AS possible FROM segments "
        f"WHERE {where} GROUP BY trace_id HAVING {having})) WHERE possible)"
    )
    parameters = [*words.parameters, *parameters]
    left = "true"
    if ruled_out is not None:
        query += f", {certainty.SPANS}"
        left = f"""trace_id NOT IN (
            SELECT trace_id FROM hung GROUP BY trace_id HAVING {ruled_out.sql})"""
        parameters += ruled_out.parameters
    cursor = connection.cursor()
    return cursor.execute(
        f"{query} SELECT * FROM possible WHERE {left} ORDER BY position", parameters
    )


def load(connection: "duckdb.DuckDBPyConnection", trace_ids: Sequence[str]) -> list[Trace]:
    """Read traces by their ids.

    Args:
        connection: To a database with the table `segments` of `workshop.store.database`.
        trace_ids: Of the traces; those that are not there are left out.

    Returns:
        The traces, in order of start.
    """
    cursor = connection.cursor()
    cursor.execute(
        "SELECT document FROM segments WHERE trace_id IN (SELECT unnest(?::VARCHAR[])) "
        "ORDER BY number",
        [list(trace_ids)],
    )
    return assemble(json.loads(document) for (document,) in _all(cursor))


def _all(cursor: "duckdb.DuckDBPyConnection") -> Iterator[tuple[str]]:
    while rows := cursor.fetchmany(_FETCHED):
        yield from rows


def _range(
    start: float, end: float, kind: TimeRangeType, after: Cursor | None
) -> tuple[str, str, list[object]]:
    """Return conditions for rows and for groups, and their parameters, that hold of a range.

    What they let through is to be looked at again: a group has rows of documents that others
    have replaced.
    """
    where, having = ["start_time IS NOT NULL"], ["true"]
    parameters: list[object] = []
    if kind == "TraceId":
        where.append("lower(trace_id) >= ? AND lower(trace_id) < ?")
        parameters += [_first_id(start), _first_id(end)]
    else:
        where.append("trace_id IS NOT NULL")
        having.append("min(start_time) < ? AND max(coalesce(end_time, start_time)) >= ?")
        parameters += [end, start]
    if after is not None:
        having.append("(min(start_time) < ? OR (min(start_time) = ? AND trace_id < ?))")
        parameters += [after.start_time, after.start_time, after.trace_id]
    return " AND ".join(where), " AND ".join(having), parameters


def _first_id(seconds: float) -> str:
    """Return the beginning of the first trace id of a time or later."""
    if seconds > _LAST_SECOND:
        return "1-g"  # after every hexadecimal digit
    return f"1-{math.ceil(max(0.0, seconds)):08x}"
