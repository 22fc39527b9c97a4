"""Trace summaries, and whole traces, in the shapes of the X-Ray API.

Pure. Times are in seconds since the epoch, as the API's JSON has them.
https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html
https://docs.aws.amazon.com/xray/latest/api/API_BatchGetTraces.html
"""

import json
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from workshop.signals import SegmentDocument
from workshop.traces import view as read
from workshop.traces.assembly import Span, Trace
from workshop.traces.services import Segment, ServiceId, client
from workshop.traces.view import AnnotationValue, View

Shape: TypeAlias = dict[str, Any]
TimeRangeType: TypeAlias = Literal["TraceId", "Event", "Service"]

MAX_NESTING = 100
"""How deep subsegments are returned; what is deeper is cut, and `LimitExceeded` says so."""


def summary(trace: Trace, *, matched_event_time: float | None = None) -> Shape:
    """Summarise a trace, as GetTraceSummaries does.

    Args:
        trace: The trace.
        matched_event_time: When the event happened that a search by event time found it by.

    Returns:
        A `TraceSummary`. `ResponseTime` is missing while the root is in progress, `EntryPoint`
        and `Http` are empty while there is no root.
    """
    view = View(trace)
    root, segments = view.root, view.segments
    shape: Shape = {
        "Id": trace.id,
        "StartTime": trace.start_time,
        "Duration": _seconds(view.duration),
        "HasFault": view.outcome.fault,
        "HasError": view.outcome.error,
        "HasThrottle": any(read.outcome(segment.document).throttle for segment in segments),
        "IsPartial": trace.is_partial,
        "Http": read.http(root.document) if root else {},
        "Annotations": _annotations(view),
        "Users": _users(segments),
        "ServiceIds": _unique(_service_ids(segments)),
        "ResourceARNs": _named("ARN", map(read.resource_arn, _documents(segments))),
        "InstanceIds": _named("Id", map(read.instance_id, _documents(segments))),
        "AvailabilityZones": _named("Name", map(read.availability_zone, _documents(segments))),
        "EntryPoint": service_id(root.service) if root else {},
        "FaultRootCauses": view.causes("fault"),
        "ErrorRootCauses": view.causes("error"),
        "ResponseTimeRootCauses": view.causes("responsetime"),
        "Revision": 1,
    }
    if view.response_time is not None:
        shape["ResponseTime"] = _seconds(view.response_time)
    if matched_event_time is not None:
        shape["MatchedEventTime"] = matched_event_time
    return shape


def service_id(service: ServiceId) -> Shape:
    """Return a `ServiceId`: name, and type and account where they are known."""
    shape: Shape = {"Name": service.name, "Names": [service.name]}
    if service.account_id is not None:
        shape["AccountId"] = service.account_id
    if service.type is not None:
        shape["Type"] = service.type
    return shape


def trace_id_time(trace_id: str) -> float | None:
    """Return the time that a trace id begins with, in seconds since the epoch.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
    """
    try:
        return float(int(trace_id.split("-")[1], 16))
    except (IndexError, ValueError, OverflowError):
        return None


def in_range(trace: Trace, start: float, end: float, kind: TimeRangeType = "TraceId") -> bool:
    """Say whether a trace is in the range [start, end) of GetTraceSummaries.

    `TraceId` goes by the time in the trace's id, `Event` takes what was active in the range
    whenever it began, and `Service` what had a segment under way in it.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-gettingdata.html#xray-api-traces

    Args:
        trace: The trace.
        start: In seconds since the epoch; within the range.
        end: In seconds since the epoch; not within the range.
        kind: What the range is of.
    """
    if kind == "TraceId":
        began = trace_id_time(trace.id)
        return began is not None and start <= began < end
    spans = [segment.span for segment in View(trace).segments if not segment.inferred]
    spans = spans or list(trace.spans)
    times = [(span.start_time, _last_known(span)) for span in spans]
    if kind == "Event":
        times = [(min(first for first, _ in times), max(last for _, last in times))]
    return any(first < end and last >= start for first, last in times)


def _last_known(span: Span) -> float:
    return span.start_time if span.end_time is None else span.end_time


def matched_event_time(trace: Trace, start: float) -> float:
    """Return when a trace was first active at `start` or later."""
    return max(trace.start_time, start)


def full_trace(trace: Trace) -> Shape:
    """Give a trace whole, as BatchGetTraces does.

    Each segment is one document with all its subsegments in it, those that were sent alone
    too; calls to services that sent nothing are there as inferred segments.

    Returns:
        A `Trace`: `Id`, `Duration`, `LimitExceeded` and `Segments`, whose documents are JSON text.
    """
    view = View(trace)
    limit_exceeded = False
    documents: list[SegmentDocument] = []
    for segment in view.segments:
        if segment.inferred:
            documents.append(segment.document)
        else:
            document, cut = _nested(segment.span)
            documents.append(document)
            limit_exceeded |= cut
    for span in trace.spans:
        if span.is_subsegment:  # its segment has not arrived
            document, cut = _nested(span)
            documents.append(document)
            limit_exceeded |= cut
    return {
        "Id": trace.id,
        "Duration": _seconds(view.duration),
        "LimitExceeded": limit_exceeded,
        "Segments": [
            {
                "Id": document["id"],
                "Document": json.dumps(document, separators=(",", ":"), ensure_ascii=False),
            }
            for document in documents
        ],
    }


def _nested(top: Span) -> tuple[SegmentDocument, bool]:
    """Return a document with all its subsegments in it, and whether any lay too deep."""
    made = _own(top.document, kept=("trace_id", "type", "parent_id"))
    stack = [(top, made, 1)]
    cut = False
    while stack:
        span, document, depth = stack.pop()
        inner = [child for child in span.children if child.is_subsegment]
        if not inner:
            continue
        if depth > MAX_NESTING:
            cut = True
            continue
        document["subsegments"] = []
        for child in inner:
            embedded = _own(child.document)
            document["subsegments"].append(embedded)
            stack.append((child, embedded, depth + 1))
    return made, cut


def _own(document: SegmentDocument, kept: tuple[str, ...] = ()) -> SegmentDocument:
    """Copy a document without its subsegments, nor what only a document sent alone has."""
    dropped = {"subsegments", "trace_id", "type", "parent_id"}.difference(kept) | {"subsegments"}
    return {key: value for key, value in document.items() if key not in dropped}


def _annotations(view: View) -> Shape:
    shape: Shape = {}
    for key, found in view.annotations.items():
        by_value: dict[tuple[type, AnnotationValue], list[ServiceId]] = {}
        for value, segment in found:
            by_value.setdefault((type(value), value), []).append(segment.service)
        shape[key] = [
            {"AnnotationValue": _annotation_value(value), "ServiceIds": _unique(services)}
            for (_, value), services in by_value.items()
        ]
    return shape


def _annotation_value(value: AnnotationValue) -> Shape:
    if isinstance(value, bool):
        return {"BooleanValue": value}
    return {"StringValue": value} if isinstance(value, str) else {"NumberValue": value}


def _users(segments: Iterable[Segment]) -> list[Shape]:
    services: dict[str, list[ServiceId]] = {}
    for segment in segments:
        name = read.user(segment.document)
        if name is not None:
            services.setdefault(name, []).append(segment.service)
    return [{"UserName": name, "ServiceIds": _unique(ids)} for name, ids in services.items()]


def _service_ids(segments: Iterable[Segment]) -> Iterable[ServiceId]:
    """Give the services of a trace, and the client before each root, as X-Ray lists it too."""
    for segment in segments:
        if segment.is_root and not segment.inferred:
            yield client(segment.service)
        yield segment.service


def _unique(services: Iterable[ServiceId]) -> list[Shape]:
    return [service_id(service) for service in dict.fromkeys(services)]


def _documents(segments: Iterable[Segment]) -> Iterable[SegmentDocument]:
    return (segment.document for segment in segments)


def _named(key: str, values: Iterable[str | None]) -> list[Shape]:
    return [{key: value} for value in dict.fromkeys(values) if value is not None]


def _seconds(value: float) -> float:
    """Round to milliseconds, as X-Ray does."""
    return round(value, 3)
