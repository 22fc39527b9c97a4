"""A trace as services and the calls between them, those that sent no segment included.

Pure. A call that left the process (a subsegment with the namespace `aws` or `remote`) that no
segment answers makes an inferred segment, with the times and the outcome that the caller saw.
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html#api-segmentdocuments-subsegments
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-gettingdata.html#xray-api-traces
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workshop.signals import SegmentDocument
from workshop.traces.assembly import Span, Trace

CLIENT = "client"
"""Type of the service that stands for whoever sent the request."""

# Names that SDKs give to the subsegments of AWS calls, to those that X-Ray's types have.
_AWS_NAMES = {
    name.lower(): name
    for name in ("DynamoDB", "Events", "Kinesis", "KMS", "Lambda", "S3", "SES", "SNS", "SQS", "SSM")
} | {"secretsmanager": "SecretsManager", "states": "StepFunctions", "sts": "STS"}


@dataclass(frozen=True, slots=True)
class ServiceId:
    """What tells one node of a service graph from another.

    Attributes:
        name: Of the function, the host, the table.
        type: Such as `AWS::Lambda::Function`, `remote` or `client`; None when nobody told.
        account_id: Of its owner, when that is known.
    """

    name: str
    type: str | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """The work of one service for one request.

    Attributes:
        service: Whose work it was.
        document: The segment's own document, or the one inferred, without subsegments.
        span: The segment's span; of an inferred segment, the subsegment of the caller.
        caller: The segment that called it; None at a root.
        call: The subsegment of the caller that called it; None when a segment stands directly
            below another, as the function's does below Lambda's.
        inferred: Whether the service sent no segment of its own.
    """

    service: ServiceId
    document: SegmentDocument
    span: Span
    caller: "Segment | None"
    call: Span | None
    inferred: bool

    @property
    def is_root(self) -> bool:
        """Whether the request began here."""
        return self.caller is None

    @property
    def source(self) -> ServiceId:
        """Who called: a service, or the client of a root."""
        return client(self.service) if self.caller is None else self.caller.service

    @property
    def seen_by_caller(self) -> Span:
        """The call as its caller saw it, with its time and its outcome."""
        return self.span if self.call is None else self.call

    @property
    def duration(self) -> float | None:
        """Seconds until the last of its work ended, which may be after it responded."""
        if self.span.in_progress:
            return None
        ends = [span.end_time for span in self.own_spans() if span.end_time is not None]
        return max(ends) - self.span.start_time

    def own_spans(self) -> Iterator[Span]:
        """Give the segment's span and those of its subsegments; of an inferred one, its call."""
        stack = [self.span]
        while stack:
            span = stack.pop()
            yield span
            if not self.inferred:
                stack.extend(child for child in reversed(span.children) if child.is_subsegment)


def client(root: ServiceId) -> ServiceId:
    """Return the service that stands for the caller of a root; it has the root's name."""
    return ServiceId(root.name, CLIENT)


def segments(trace: Trace) -> list[Segment]:
    """Give the segments of a trace, callers before those that they call.

    Subsegments whose segment has not arrived belong to no service yet; the services that they
    call are there, as roots.
    """
    found: list[Segment] = []
    # Each span with the segment that it is part of, or the one that called it.
    stack: list[tuple[Span, Segment | None, Span | None]] = [
        (span, None, None) for span in reversed(trace.spans)
    ]
    while stack:
        span, owner, parent = stack.pop()
        call = parent
        if not span.is_subsegment:
            call = parent if parent is not None and parent.is_subsegment else None
            owner = Segment(_service(span), span.document, span, owner, call, inferred=False)
            found.append(owner)
        elif span.namespace in ("aws", "remote") and all(
            child.is_subsegment for child in span.children
        ):
            document = _inferred_document(span, trace.id)
            service = _inferred_service(span, str(document["origin"]))
            found.append(Segment(service, document, span, owner, span, inferred=True))
        stack.extend((child, owner, span) for child in reversed(span.children))
    return found


def _service(span: Span) -> ServiceId:
    account_id = part(span.document, "aws").get("account_id")
    return ServiceId(span.name, span.origin, account_id if isinstance(account_id, str) else None)


def _inferred_service(call: Span, origin: str) -> ServiceId:
    aws = part(call.document, "aws")
    name: object = None
    if origin == "AWS::DynamoDB::Table":
        name = aws.get("table_name")
    elif origin == "AWS::Lambda":
        name = aws.get("function_name")
    return ServiceId(name if isinstance(name, str) else call.name, origin)


def _inferred_document(call: Span, trace_id: str) -> SegmentDocument:
    """Make the document of an inferred segment, as BatchGetTraces returns it."""
    kept = ("http", "aws", "sql", "error", "fault", "throttle", "cause", "in_progress")
    taken = {key: value for key, value in call.document.items() if key in kept}
    times = {"start_time": call.start_time}
    if call.end_time is not None:
        times["end_time"] = call.end_time
    return {
        "id": hashlib.sha256(call.id.encode("utf-8", "replace")).hexdigest()[:16],
        "name": call.name,
        **times,
        "parent_id": call.id,
        "inferred": True,
        **taken,
        "trace_id": trace_id,
        "origin": _inferred_origin(call),
    }


def _inferred_origin(call: Span) -> str:
    if call.namespace == "remote":
        return "Database::SQL" if "sql" in call.document else "remote"
    name = _AWS_NAMES.get(call.name.lower(), call.name)
    if name == "DynamoDB" and isinstance(part(call.document, "aws").get("table_name"), str):
        return "AWS::DynamoDB::Table"
    return f"AWS::{name}"


def part(document: SegmentDocument, *keys: str) -> dict[str, Any]:
    """Return an object within a document; empty when it is not there, or is no object."""
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
