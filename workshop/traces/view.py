"""What is known of a whole trace, as summaries and filter expressions read it.

Pure. https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from workshop.signals import SegmentDocument
from workshop.traces.assembly import Trace
from workshop.traces.documents import MAX_ANNOTATIONS
from workshop.traces.filter_syntax import CauseKind
from workshop.traces.root_causes import Shape, root_causes
from workshop.traces.services import Segment, part, segments

AnnotationValue: TypeAlias = str | float | bool


class Outcome(NamedTuple):
    """How a request ended: the flags of a document. A throttled request is an error too."""

    error: bool
    fault: bool
    throttle: bool

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return not (self.error or self.fault)


class View:
    """A trace with its segments, each part worked out when it is first asked for.

    Attributes:
        trace: The trace.
        segments: Its segments, the inferred ones included, callers first.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.segments = segments(trace)
        self._causes: dict[CauseKind, list[Shape]] = {}

    @property
    def root(self) -> Segment | None:
        """The segment that began the trace; None while it has not arrived."""
        return next((s for s in self.segments if s.is_root and not s.inferred), None)

    @property
    def outcome(self) -> Outcome:
        """How the root ended, which is all that its client saw; well, until that is known."""
        return outcome(self.root.document) if self.root else Outcome(False, False, False)

    @property
    def response_time(self) -> float | None:
        """Seconds that the root took; None while it is in progress."""
        return self.root.span.duration if self.root else None

    @property
    def duration(self) -> float:
        """Seconds from the start of the first segment to the end of the last that has ended."""
        sent = [segment.span for segment in self.segments if not segment.inferred]
        spans = sent or self.trace.spans
        starts = [span.start_time for span in spans]
        ends = [span.end_time for span in spans if span.end_time is not None]
        return max([*starts, *ends]) - min(starts)

    @cached_property
    def annotations(self) -> dict[str, list[tuple[AnnotationValue, Segment]]]:
        """The indexed annotations of the trace, by key, each with the segment that has it."""
        found: dict[str, list[tuple[AnnotationValue, Segment]]] = {}
        for segment in self.segments:
            if segment.inferred:  # the caller's segment has those
                continue
            for key, value in annotations(segment):
                if key in found or len(found) < MAX_ANNOTATIONS:
                    found.setdefault(key, []).append((value, segment))
        return found

    def causes(self, kind: CauseKind) -> list[Shape]:
        """Return the root causes of one kind, as GetTraceSummaries gives them."""
        if kind not in self._causes:
            self._causes[kind] = root_causes(kind, self.segments)
        return self._causes[kind]


def outcome(document: SegmentDocument) -> Outcome:
    """Return how the work of a segment or subsegment ended."""
    throttle = document.get("throttle") is True
    return Outcome(
        error=throttle or document.get("error") is True,
        fault=document.get("fault") is True,
        throttle=throttle,
    )


def annotations(segment: Segment) -> Iterator[tuple[str, AnnotationValue]]:
    """Give the annotations of a segment and its subsegments that have a value of a known type."""
    for span in segment.own_spans():
        for key, value in span.annotations.items():
            if isinstance(value, str | bool | float):
                yield key, value
            elif isinstance(value, int) and abs(value) < 1 << 1000:  # what a double holds
                yield key, float(value)


def http(document: SegmentDocument) -> dict[str, Any]:
    """Return what a segment tells of an HTTP request, in the shape of a trace summary's `Http`."""
    request, response = part(document, "http", "request"), part(document, "http", "response")
    status = response.get("status")
    told = {
        "HttpURL": request.get("url"),
        "HttpMethod": request.get("method"),
        "UserAgent": request.get("user_agent"),
        "ClientIp": request.get("client_ip"),
    }
    shape = {key: value for key, value in told.items() if isinstance(value, str)}
    if isinstance(status, int) and not isinstance(status, bool):
        return {**shape, "HttpStatus": status}
    return shape


def user(document: SegmentDocument) -> str | None:
    """Return the user that a segment names."""
    return _text(document.get("user"))


def resource_arn(document: SegmentDocument) -> str | None:
    """Return the ARN of the resource that ran a segment."""
    return _text(document.get("resource_arn"))


def instance_id(document: SegmentDocument) -> str | None:
    """Return the EC2 instance that ran a segment."""
    return _text(part(document, "aws", "ec2").get("instance_id"))


def availability_zone(document: SegmentDocument) -> str | None:
    """Return the Availability Zone that a segment ran in."""
    return _text(part(document, "aws", "ec2").get("availability_zone"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
