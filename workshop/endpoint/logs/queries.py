"""Logs Insights queries: started, run in the background, asked for, stopped.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
"""

import logging
import threading
import time
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.logs.errors import invalid, not_found
from workshop.endpoint.logs.events import GROUP_NAME, Events
from workshop.endpoint.protocols import Operation
from workshop.store import Store

if TYPE_CHECKING:
    import duckdb

    from workshop.insights import Compiled, LookupTable, Result

MAX_QUERY_CHARACTERS = 10_000
MAX_ROWS = 100_000
ROWS_PER_PAGE = 10_000
MAX_GROUPS = 50
MAX_RUNNING = 100
MAX_KEPT = 500
"""Queries whose results are kept; of more, the oldest are forgotten. AWS keeps seven days."""
MAX_SECONDS = 300
"""How long a query runs, before it ends as `Timeout`. On AWS, sixty minutes."""
MAX_CHARACTERS = 64 * 1024 * 1024
"""Of the rows of one query; one that would return more ends as `Failed`."""
MAX_CHARACTERS_KEPT = 4 * MAX_CHARACTERS
"""Of the rows of all queries; of more, those of the oldest are forgotten."""

_AT_ONCE = 4
_MILLISECONDS_FROM = 100_000_000_000  # a start time above this is not in seconds
_STATUSES = ("Scheduled", "Running", "Complete", "Failed", "Cancelled", "Timeout", "Unknown")
_LANGUAGES = ("CWLI", "SQL", "PPL")
_FIELD_WINDOW_MS = 8 * 60_000
_FIELD_SAMPLE = 1000
_LAMBDA_FIELDS = (
    *("@timestamp", "@message", "@logStream", "@log", "@ingestionTime", "@type", "@requestId"),
    *("@duration", "@billedDuration", "@initDuration", "@memorySize", "@maxMemoryUsed"),
    *("@xrayTraceId", "@xraySegmentId"),
)
_LOG = logging.getLogger(__name__)


@dataclass
class _Query:
    """A query and how far it is; guarded by the lock of `Queries`."""

    text: str
    groups: tuple[str, ...]
    start_ms: int
    end_ms: int
    created: int
    compiled: "Compiled"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "Scheduled"
    result: "Result | None" = None
    seconds: float = 0.0
    connection: "duckdb.DuckDBPyConnection | None" = None

    @property
    def is_over(self) -> bool:
        return self.status not in ("Scheduled", "Running")


class Queries:
    """The operations. Thread-safe.

    Args:
        store: Where the log events are.
        events: Knows which log groups there are.
        region: AWS region to be in.
        account_id: AWS account to be in.
        lookup_table: Gives a lookup table by its name; None when there is none.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        events: Events,
        *,
        region: str,
        account_id: str,
        lookup_table: "Callable[[str], LookupTable | None]",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._events = events
        self._lookup_table = lookup_table
        self._region = region
        self._account_id = account_id
        self._clock = clock
        self._lock = threading.Lock()
        self._queries: OrderedDict[str, _Query] = OrderedDict()
        self._workers = ThreadPoolExecutor(_AT_ONCE, "query")

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "DescribeQueries": self.describe_queries,
            "GetLogGroupFields": self.get_log_group_fields,
            "GetLogRecord": self.get_log_record,
            "GetQueryResults": self.get_query_results,
            "StartQuery": self.start_query,
            "StopQuery": self.stop_query,
        }

    def close(self) -> None:
        """Stop every query."""
        with self._lock:
            for query in self._queries.values():
                self._stop(query, "Cancelled")
        self._workers.shutdown(wait=True, cancel_futures=True)

    def start_query(self, given: Arguments) -> dict[str, Any]:
        """Begin a query; what is wrong with its text is told at once."""
        text = given.required_text("queryString", most=MAX_QUERY_CHARACTERS)
        start, end = given.integer("startTime", least=0), given.integer("endTime", least=0)
        limit = given.integer("limit", least=1, most=MAX_ROWS)
        language = given.choice("queryLanguage", _LANGUAGES, "CWLI")
        groups = self._groups(given)
        given.finish()
        if language != "CWLI":
            raise invalid(f"the workshop endpoint does not offer the query language {language}")
        if start is None or end is None:
            raise invalid("startTime and endTime are required")
        start_ms, end_ms = _span(start, end)
        if start_ms > end_ms:
            raise invalid("startTime must not be after endTime")
        query = self._compiled(text, groups, start_ms, end_ms, limit)
        with self._lock:
            if sum(not one.is_over for one in self._queries.values()) >= MAX_RUNNING:
                message = f"there are {MAX_RUNNING} queries under way"
                raise ApiError("LimitExceededException", message)
            self._queries[query.id] = query
            over = [one.id for one in self._queries.values() if one.is_over]
            for number in over[: max(0, len(self._queries) - MAX_KEPT)]:
                del self._queries[number]
        self._workers.submit(self._run, query)
        return {"queryId": query.id}

    def get_query_results(self, given: Arguments) -> dict[str, Any]:
        """Give the rows of a query, as far as it is."""
        query = self._find(given)
        most = given.integer("maxItems", least=1, most=ROWS_PER_PAGE) or ROWS_PER_PAGE
        token = given.text("nextToken") or "0"
        given.finish()
        if not (token.isascii() and token.isdigit() and len(token) < len(str(MAX_ROWS)) + 1):
            raise invalid("The specified nextToken is invalid.")
        first = int(token)
        with self._lock:
            status, result = query.status, query.result
        answer: dict[str, Any] = {
            "queryLanguage": "CWLI",
            "results": [],
            "status": status,
            "statistics": _statistics(query, result),
        }
        if result is not None:
            answer["results"] = [
                [{"field": name, "value": value} for name, value in row]
                for row in result.rows[first : first + most]
            ]
            if result.rows[first + most :]:
                answer["nextToken"] = str(first + most)
        return answer

    def stop_query(self, given: Arguments) -> dict[str, Any]:
        """Stop a query."""
        query = self._find(given)
        given.finish()
        with self._lock:
            if query.is_over:
                raise invalid(f"Query with ID {query.id} has already ended: {query.status}")
            self._stop(query, "Cancelled")
        return {"success": True}

    def describe_queries(self, given: Arguments) -> dict[str, Any]:
        """List queries, newest first."""
        group = given.text("logGroupName", pattern=GROUP_NAME)
        status = given.text("status")
        most = given.integer("maxResults", least=1, most=1000) or 1000
        after = given.text("nextToken")
        language = given.choice("queryLanguage", _LANGUAGES, "CWLI")
        given.finish()
        if status not in (None, *_STATUSES):
            raise invalid(f"status must be one of {', '.join(_STATUSES)}")
        with self._lock:
            queries = [
                query
                for query in reversed(self._queries.values())
                if (group is None or group in query.groups)
                and status in (None, query.status)
                and language == "CWLI"
            ]
            ids = [query.id for query in queries]
            if after is not None and after not in ids:
                raise invalid("The specified nextToken is invalid.")
            first = 0 if after is None else ids.index(after) + 1
            page = [_described(query) for query in queries[first : first + most]]
        more = {"nextToken": ids[first + most - 1]} if ids[first + most :] else {}
        return {"queries": page} | more

    def get_log_record(self, given: Arguments) -> dict[str, Any]:
        """Give all fields of one log event, discovered ones included."""
        from workshop.insights import event_id

        pointer = given.required_text("logRecordPointer")
        given.flag("unmask")  # nothing is masked
        given.finish()
        number = event_id(pointer)
        with self._store.database() as connection:
            found = connection.execute(
                "SELECT log_group, timestamp FROM log_events WHERE id = ?", [number]
            ).fetchall()
        if number is None or not found:
            raise invalid("The specified logRecordPointer is invalid.")
        group, timestamp = found[0]
        for record in self._records(group, timestamp, timestamp, MAX_ROWS):
            if record["@ptr"] == pointer:
                return {"logRecord": record}
        raise invalid("The specified logRecordPointer is invalid.")

    def get_log_group_fields(self, given: Arguments) -> dict[str, Any]:
        """Say which fields the log events of a group have, and how many of them have each."""
        group = self._events.group(given)
        # AWS has taken seconds and milliseconds here.
        moment = given.integer("time", least=0)
        given.finish()
        now = self._events.now()
        start, end = now - 2 * _FIELD_WINDOW_MS, now
        if moment is not None:
            middle = _span(moment, moment)[0]
            start, end = middle - _FIELD_WINDOW_MS, middle + _FIELD_WINDOW_MS
        records = self._records(group, start, end, _FIELD_SAMPLE)
        counts = Counter(name for record in records for name in record if name != "@ptr")
        fields = [
            {"name": name, "percent": round(100 * count / len(records))}
            for name, count in counts.most_common()
        ]
        return {"logGroupFields": fields}

    # ----------------------------------------------------------------------------------- running

    def _compiled(
        self, text: str, groups: tuple[str, ...], start_ms: int, end_ms: int, limit: int | None
    ) -> _Query:
        from workshop import insights
        from workshop.insights import syntax

        try:
            parsed = insights.parse(text)
            scope = insights.Scope(
                groups,
                start_ms,
                end_ms,
                self._events.now(),
                limit,
                self._account_id,
                self._region,
                self._lookup_table,
            )
            compiled = insights.compile_query(parsed, scope)
        except insights.MalformedQuery as error:
            location = {"startCharOffset": error.start, "endCharOffset": error.end}
            compile_error = {"location": location, "message": error.message}
            raise ApiError(
                "MalformedQueryException",
                error.message,
                members={"queryCompileError": compile_error},
            ) from error
        named = [
            stage.group
            for stage in parsed.stages
            if isinstance(stage, syntax.Source) and stage.group is not None
        ]
        has_source = any(isinstance(stage, syntax.Source) for stage in parsed.stages)
        if not groups and not has_source:
            raise invalid(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be"
                " specified, or SOURCE in the query."
            )
        for group in (*groups, *syntax.log_groups(parsed)):
            if not self._events.exists(group):
                message = f"Log group '{group}' does not exist for account ID '{self._account_id}'"
                raise not_found(message)
        asked = tuple(named) or groups
        return _Query(text, asked, start_ms, end_ms, self._events.now(), compiled)

    def _run(self, query: _Query) -> None:
        from workshop import insights

        with self._lock:
            if query.is_over:
                return
            query.status = "Running"
        begun = time.monotonic()
        result, status = None, "Complete"
        alarm = threading.Timer(MAX_SECONDS, self._end, (query, "Timeout"))
        alarm.daemon = True
        alarm.start()
        try:
            with self._store.database() as connection:
                with self._lock:
                    query.connection = connection
                try:
                    if not query.is_over:  # it may have been stopped meanwhile
                        result = insights.rows(query.compiled, connection, most=MAX_CHARACTERS)
                finally:
                    with self._lock:
                        query.connection = None
        except insights.TooMuch as error:
            status = "Failed"
            _LOG.error("%s: %s", error, query.text)
        except Exception:  # noqa: BLE001 - whatever it is, who waits for the query is told its end
            status = "Failed"
            if not query.is_over:
                _LOG.exception("the query failed: %s", query.text)
        finally:
            alarm.cancel()
        with self._lock:
            query.seconds = time.monotonic() - begun
            if not query.is_over:
                query.status, query.result = status, result
                self._forget()

    def _forget(self) -> None:
        """Forget the oldest queries that have results, until the rest is no more than is kept."""
        kept = [(one.id, one.result.size) for one in self._queries.values() if one.result]
        size = sum(length for _, length in kept)
        for number, length in kept[:-1]:
            if size <= MAX_CHARACTERS_KEPT:
                break
            del self._queries[number]
            size -= length

    def _end(self, query: _Query, status: str) -> None:
        with self._lock:
            self._stop(query, status)

    def _stop(self, query: _Query, status: str) -> None:
        if not query.is_over:
            query.status = status
            if query.connection is not None:
                query.connection.interrupt()

    def _find(self, given: Arguments) -> _Query:
        number = given.required_text("queryId", most=256)
        with self._lock:
            query = self._queries.get(number)
        if query is None:
            raise not_found(f"Query with ID {number} does not exist")
        return query

    def _groups(self, given: Arguments) -> tuple[str, ...]:
        """Take the log groups, in one of the three ways; empty when the query has to name them."""
        ways: list[Sequence[str]] = []
        if (name := given.text("logGroupName", pattern=GROUP_NAME)) is not None:
            ways.append([name])
        for member in ("logGroupNames", "logGroupIdentifiers"):
            names = given.texts(member, most=MAX_GROUPS)
            if names:
                ways.append([self._events.name_of(one) for one in names])
        if len(ways) > 1:
            raise invalid(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be"
                " specified."
            )
        return tuple(ways[0]) if ways else ()

    def _records(self, group: str, start_ms: int, end_ms: int, most: int) -> list[dict[str, str]]:
        """Read log events with all their fields, as GetLogRecord gives them."""
        from workshop import insights

        text = f"fields {', '.join(_LAMBDA_FIELDS)} | limit {most}"
        scope = insights.Scope((group,), start_ms, end_ms, end_ms)
        compiled = insights.compile_query(insights.parse(text), scope)
        with self._store.database() as connection:
            found = insights.rows(compiled, connection).rows
        records = []
        for row in found:
            record = dict(row)
            records.append(insights.discovered(record["@message"]) | record)
        return records


def _span(start: int, end: int) -> tuple[int, int]:
    """Return the first and the last millisecond of a time given in seconds, or in milliseconds."""
    first = start if start >= _MILLISECONDS_FROM else start * 1000
    last = end if end >= _MILLISECONDS_FROM else end * 1000 + 999
    most = 2**53
    return min(first, most), min(last, most)


def _statistics(query: _Query, result: "Result | None") -> dict[str, float]:
    if result is None:
        return {"recordsMatched": 0.0, "recordsScanned": 0.0, "bytesScanned": 0.0}
    return {
        "recordsMatched": result.statistics.records_matched,
        "recordsScanned": result.statistics.records_scanned,
        "estimatedRecordsSkipped": 0.0,
        "bytesScanned": result.statistics.bytes_scanned,
        "estimatedBytesSkipped": 0.0,
        "logGroupsScanned": float(len(query.groups)),
        "resultCount": float(len(result.rows)),
    }


def _described(query: _Query) -> dict[str, Any]:
    start, end = query.start_ms, query.end_ms
    sources = " | ".join(f'SOURCE "{group}" START={start} END={end}' for group in query.groups)
    return {
        "queryLanguage": "CWLI",
        "queryId": query.id,
        "queryString": f"{sources} | {query.text}" if sources else query.text,
        "status": query.status,
        "createTime": query.created,
        "queryDuration": round(query.seconds * 1000),
        "bytesScanned": query.result.statistics.bytes_scanned if query.result else 0.0,
    } | ({"logGroupName": query.groups[0]} if query.groups else {})
