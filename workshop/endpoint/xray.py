"""X-Ray: segments put, traces found and drawn.

https://docs.aws.amazon.com/xray/latest/api/API_Operations.html
"""

import json
import time
from collections.abc import Callable
from typing import Any, cast

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.protocols import Operation, Route, rest_operation
from workshop.signals import SegmentDocument
from workshop.store import Store
from workshop.traces import Trace, graph, problems, search, summaries
from workshop.traces.filters import InvalidFilter, parse_filter

MAX_DOCUMENTS = 50
MAX_TRACE_IDS = 5
TRACES_PER_PAGE = 500
PATIENCE_SECONDS = 0.25
"""For a first page; for further ones, which somebody wants whole, `PATIENCE_LATER_SECONDS`."""
PATIENCE_LATER_SECONDS = 2.0

_RANGES = ("TraceId", "Event", "Service")
_MAX_FILTER = 2000


def invalid(message: str) -> ApiError:
    """Make the error for a wrong request."""
    return ApiError("InvalidRequestException", message)


class XRay:
    """The operations.

    Args:
        store: Where segments are.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    @property
    def routes(self) -> list[Route]:
        """The operations with their paths."""
        operations: dict[str, tuple[str, Operation]] = {
            "BatchGetTraces": ("/Traces", self.batch_get_traces),
            "GetServiceGraph": ("/ServiceGraph", self.get_service_graph),
            "GetTraceGraph": ("/TraceGraph", self.get_trace_graph),
            "GetTraceSummaries": ("/TraceSummaries", self.get_trace_summaries),
            "PutTraceSegments": ("/TraceSegments", self.put_trace_segments),
        }
        return [
            Route("xray", name, "POST", path, rest_operation(operation, invalid))
            for name, (path, operation) in operations.items()
        ]

    def put_trace_segments(self, given: Arguments) -> dict[str, Any]:
        """Keep segment documents; say which are malformed, and why."""
        texts = given.texts("TraceSegmentDocuments", most=MAX_DOCUMENTS) or []
        given.finish()
        kept: list[SegmentDocument] = []
        refused = []
        for text in texts:
            document, found = _document(text)
            if document is not None and not found:
                kept.append(document)
                continue
            number = document.get("id") if isinstance(document, dict) else None
            refusal = {"ErrorCode": "InvalidSegment", "Message": "; ".join(found)}
            refused.append(refusal | ({"Id": number} if isinstance(number, str) else {}))
        self._store.append([], kept)
        return {"UnprocessedTraceSegments": refused}

    def get_trace_summaries(self, given: Arguments) -> dict[str, Any]:
        """Find traces by time and by a filter expression, newest first."""
        start, end = self._range(given)
        kind = given.choice("TimeRangeType", _RANGES, "TraceId")
        expression = given.text("FilterExpression", most=_MAX_FILTER) or ""
        if given.flag("Sampling"):
            raise invalid("the workshop endpoint gives all traces: Sampling is not offered")
        after = _cursor(given.text("NextToken"))
        given.finish()
        try:
            wanted = parse_filter(expression)
        except InvalidFilter as error:
            raise invalid(error.what) from error
        range_type = cast("summaries.TimeRangeType", kind)
        with self._store.database() as connection:
            page = search.search(
                connection,
                start,
                end,
                chosen=wanted,
                kind=range_type,
                after=after,
                limit=TRACES_PER_PAGE,
                patience_seconds=PATIENCE_SECONDS if after is None else PATIENCE_LATER_SECONDS,
            )
        answer: dict[str, Any] = {
            "TraceSummaries": [
                summaries.summary(
                    trace,
                    matched_event_time=(
                        summaries.matched_event_time(trace, start) if kind == "Event" else None
                    ),
                )
                for trace in page.traces
            ],
            "ApproximateTime": self._clock(),
            "TracesProcessedCount": page.processed,
        }
        if page.next is not None:
            answer["NextToken"] = f"{page.next.start_time!r}/{page.next.trace_id}"
        return answer

    def batch_get_traces(self, given: Arguments) -> dict[str, Any]:
        """Give traces whole."""
        return {
            "Traces": [summaries.full_trace(trace) for trace in self._asked(given)],
            "UnprocessedTraceIds": [],
        }

    def get_trace_graph(self, given: Arguments) -> dict[str, Any]:
        """Draw the services of traces."""
        return graph.trace_graph(self._asked(given))

    def get_service_graph(self, given: Arguments) -> dict[str, Any]:
        """Draw the services of all traces of a time."""
        start, end = self._range(given)
        if given.text("NextToken"):
            raise invalid("The NextToken is not one of ours.")
        group = given.text("GroupName")
        if group not in (None, "Default"):
            raise invalid(f"the workshop endpoint has no trace groups but Default: {group}")
        given.finish()
        with self._store.database() as connection:
            there = search.scan(connection, start, end, kind="Event")
            return graph.service_graph(there, start, end)

    def _range(self, given: Arguments) -> tuple[float, float]:
        start, end = given.seconds("StartTime"), given.seconds("EndTime")
        if start is None or end is None:
            raise invalid("StartTime and EndTime are required")
        if start > end:
            raise invalid("StartTime must be before EndTime")
        return start, end

    def _asked(self, given: Arguments) -> list[Trace]:
        numbers = given.texts("TraceIds", most=MAX_TRACE_IDS)
        if given.text("NextToken"):
            raise invalid("The NextToken is not one of ours.")
        given.finish()
        if not numbers:
            raise invalid("TraceIds is required")
        with self._store.database() as connection:
            return search.load(connection, numbers)


def _document(text: str) -> tuple[SegmentDocument | None, tuple[str, ...]]:
    """Read a segment document; give it, and what is wrong with it."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, (f"the document is not JSON: {error}",)
    found = problems(document)
    return (document if isinstance(document, dict) else None), found


def _cursor(token: str | None) -> search.Cursor | None:
    """Read where the page before ended."""
    if token is None:
        return None
    start, _, number = token.partition("/")
    try:
        return search.Cursor(float(start), number)
    except ValueError:
        raise invalid("The NextToken is not one of ours.") from None
