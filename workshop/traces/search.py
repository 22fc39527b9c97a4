"""Traces found in the table of segments: a page of summaries, newest first.

A search costs what it finds: DuckDB rules out what cannot match (`candidates`), and only what is
left is assembled and judged, until the page is full.
https://docs.aws.amazon.com/xray/latest/api/API_GetTraceSummaries.html
"""

# ruff: noqa: S608 - only SQL of our own is put into SQL; values are parameters

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workshop.traces.assembly import Trace, assemble
from workshop.traces.candidates import condition
from workshop.traces.filters import Filter
from workshop.traces.summaries import TimeRangeType, in_range

if TYPE_CHECKING:
    import duckdb

PAGE = 200
"""Traces of a page, unless told."""

_LAST_SECOND = 0xFFFFFFFF  # that the id of a trace can begin with
_FETCHED = 4096
_FIRST_BATCH = 256
_LARGEST_BATCH = 2048


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last trace of a page: the next page begins after it.

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
) -> Page:
    """Search a time range for traces.

    Args:
        connection: To a database with the table `segments` of `workshop.store.database`.
        start: Of the range, in seconds since the epoch; within it.
        end: Of the range; not within it.
        chosen: Which of them; all when None.
        kind: What the range is of; see `summaries.in_range`.
        after: Where the page before this one ended.
        limit: How many at most.
    """
    found: list[Trace] = []
    for trace, first, position in _matching(connection, start, end, chosen, kind, after, limit):
        found.append(trace)
        if len(found) == limit:
            return Page(found, position, Cursor(first, trace.id))
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
    matching = _matching(connection, start, end, chosen, kind, None, _LARGEST_BATCH)
    return (trace for trace, _, _ in matching)


def _matching(
    connection: "duckdb.DuckDBPyConnection",
    start: float,
    end: float,
    chosen: Filter | None,
    kind: TimeRangeType,
    after: Cursor | None,
    wanted: int,
) -> Iterator[tuple[Trace, float, int]]:
    """Give what matches, each with the start of its first document and its place, from 1."""
    possible = condition(chosen.expression if chosen else None)
    where, having, parameters = _range(start, end, kind, after)
    rows_left = connection.cursor()
    rows_left.execute(
        "SELECT trace_id, first, position FROM (SELECT *, row_number() OVER "
        "(ORDER BY first DESC, trace_id DESC) AS position FROM (SELECT trace_id, "
        f"min(start_time) AS first, {possible.sql} AS possible FROM segments WHERE {where} "
        f"GROUP BY trace_id HAVING {having})) WHERE possible ORDER BY position",
        [*possible.parameters, *parameters],
    )
    size = max(1, min(wanted, _FIRST_BATCH))
    while rows := rows_left.fetchmany(size):
        by_id = {trace.id: trace for trace in load(connection, [row[0] for row in rows])}
        for trace_id, first, position in rows:
            trace = by_id.get(trace_id)
            if trace is None or not in_range(trace, start, end, kind):
                continue
            if chosen is None or chosen.matches(trace):
                yield trace, first, position
        size = min(size * 2, _LARGEST_BATCH)


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
