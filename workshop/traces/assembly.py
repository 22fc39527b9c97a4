"""Segment documents to traces: a tree of spans for each trace id, whatever came and when.

Pure. https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html

Segments arrive in any order. A subsegment comes embedded in its segment's `subsegments`, or as
a document of its own that names its parent, perhaps before that parent. A segment may first be
sent in progress; the complete document then takes its place.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from workshop.signals import SegmentDocument


@dataclass(frozen=True, slots=True)
class Span:
    """One segment or subsegment, with what ran inside it.

    Attributes:
        id: 16 hexadecimal digits.
        name: Of the service, the resource or the piece of code.
        parent_id: Id of the span it ran in, whether or not that one is here; None for a root.
        start_time: Seconds since the epoch.
        end_time: Seconds since the epoch; None while it is in progress.
        document: The document itself, for all that is not named here.
        children: In order of start.
    """

    id: str
    name: str
    parent_id: str | None
    start_time: float
    end_time: float | None
    document: SegmentDocument
    children: tuple["Span", ...] = ()

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while it is in progress."""
        return None if self.end_time is None else self.end_time - self.start_time

    @property
    def in_progress(self) -> bool:
        """Whether its end has not been told yet."""
        return self.end_time is None

    @property
    def is_subsegment(self) -> bool:
        """Whether it is a piece of a service's work and not the service's own segment."""
        return self.document.get("type") == "subsegment" or "trace_id" not in self.document

    @property
    def origin(self) -> str | None:
        """Kind of resource that sent the segment, such as `AWS::Lambda::Function`."""
        return _text(self.document.get("origin"))

    @property
    def namespace(self) -> str | None:
        """`aws` or `remote` for a call that left the process."""
        return _text(self.document.get("namespace"))

    @property
    def error(self) -> bool:
        """Whether the client was at fault (4xx)."""
        return self.document.get("error") is True

    @property
    def fault(self) -> bool:
        """Whether the service was at fault (5xx, or an exception)."""
        return self.document.get("fault") is True

    @property
    def throttle(self) -> bool:
        """Whether the request was throttled (429)."""
        return self.document.get("throttle") is True

    @property
    def annotations(self) -> Mapping[str, Any]:
        """Indexed keys and values."""
        return _mapping(self.document.get("annotations"))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Namespace to keys and values; kept, not indexed."""
        return _mapping(self.document.get("metadata"))

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Span"]]:
        """Give this span and all below it with their depths, depth first, by start."""
        stack = [(depth, self)]
        while stack:
            level, span = stack.pop()
            yield level, span
            stack.extend((level + 1, child) for child in reversed(span.children))


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is known of one request.

    Attributes:
        id: `1-<8 hex: seconds since the epoch>-<24 hex>`.
        spans: The roots, in order of start; one, when everything has arrived.
        is_partial: Whether something is in progress, or a parent has not arrived.
    """

    id: str
    spans: tuple[Span, ...]
    is_partial: bool

    @property
    def start_time(self) -> float:
        """The earliest start, in seconds since the epoch."""
        return min(span.start_time for _, span in self.flat())

    @property
    def end_time(self) -> float:
        """The latest moment known, in seconds since the epoch."""
        return max(
            span.start_time if span.end_time is None else span.end_time for _, span in self.flat()
        )

    @property
    def duration(self) -> float:
        """Seconds from the earliest start to the latest end."""
        return self.end_time - self.start_time

    def flat(self) -> list[tuple[int, Span]]:
        """Give each span with its depth as a waterfall shows them: depth first, by start."""
        return [item for span in self.spans for item in span.walk()]


@dataclass(slots=True)
class _Node:
    """A span in the making: the document, and where it hangs."""

    document: SegmentDocument
    parent_id: str | None

    @property
    def start_time(self) -> float:
        return float(self.document["start_time"])

    @property
    def end_time(self) -> float | None:
        end = self.document.get("end_time")
        if not _is_time(end) or self.document.get("in_progress"):
            return None
        return float(end)


def assemble(documents: Iterable[SegmentDocument]) -> list[Trace]:
    """Assemble segment documents to traces.

    A document that lacks what makes it a span (a string `id`, `name` and `trace_id`, a number
    `start_time`) is left out, as X-Ray rejects it; `problems` says why. Never raises, and never
    hangs: a span whose parent is missing, or is one of its own descendants, becomes a root.

    Args:
        documents: Segments and subsegments of any traces, in order of arrival.

    Returns:
        The traces, in order of start.
    """
    nodes: dict[str, dict[str, _Node]] = defaultdict(dict)
    for document in documents:
        trace_id = document.get("trace_id")
        if isinstance(trace_id, str):
            for node in _unfold(document):
                _keep_newest(nodes[trace_id], node)
    traces = [_trace(trace_id, found) for trace_id, found in nodes.items() if found]
    return sorted(traces, key=lambda trace: (trace.start_time, trace.id))


def newest(documents: Iterable[SegmentDocument]) -> list[SegmentDocument]:
    """Leave one document for each trace and segment id: the complete one, else the last sent.

    Args:
        documents: In order of arrival.

    Returns:
        In order of first arrival; a document without an id is kept as it is.
    """
    kept: dict[object, SegmentDocument] = {}
    for number, document in enumerate(documents):
        trace_id, span_id = document.get("trace_id"), document.get("id")
        key = (
            (trace_id, span_id)
            if isinstance(trace_id, str) and isinstance(span_id, str)
            else number
        )
        before = kept.get(key)
        if before is None or _replaces(document, before):
            kept[key] = document
    return list(kept.values())


def _unfold(document: SegmentDocument) -> Iterator[_Node]:
    """Give the document and the subsegments embedded in it, at any depth, outermost first."""
    stack: list[tuple[Any, str | None]] = [(document, _text(document.get("parent_id")))]
    while stack:
        inner, parent_id = stack.pop()
        if not isinstance(inner, dict):
            continue
        if _is_span(inner):
            yield _Node(inner, parent_id)
            parent_id = inner["id"]
        embedded = inner.get("subsegments")
        if isinstance(embedded, list):
            stack.extend((item, parent_id) for item in reversed(embedded))


def _keep_newest(nodes: dict[str, _Node], node: _Node) -> None:
    before = nodes.get(node.document["id"])
    if before is None or _replaces(node.document, before.document):
        nodes[node.document["id"]] = node


def _replaces(later: SegmentDocument, earlier: SegmentDocument) -> bool:
    return not later.get("in_progress") or bool(earlier.get("in_progress"))


def _trace(trace_id: str, nodes: dict[str, _Node]) -> Trace:
    """Hang the nodes of one trace together; `nodes` are not empty."""
    in_order = sorted(nodes, key=lambda span_id: nodes[span_id].start_time)
    children: dict[str, list[str]] = defaultdict(list)
    roots = []
    is_partial = any(node.end_time is None for node in nodes.values())
    for span_id in in_order:
        parent_id = nodes[span_id].parent_id
        if parent_id is None:
            roots.append(span_id)
        elif parent_id in nodes:
            children[parent_id].append(span_id)
        else:
            roots.append(span_id)
            is_partial = True
    placed: list[str] = []  # parents before children
    seen: set[str] = set()

    def place(root: str) -> None:
        stack = [root]
        while stack:
            span_id = stack.pop()
            seen.add(span_id)
            placed.append(span_id)
            children[span_id] = [child for child in children[span_id] if child not in seen]
            stack.extend(reversed(children[span_id]))

    for root in roots:
        place(root)
    for span_id in in_order:  # what no root leads to goes in a circle: cut it at its earliest
        if span_id not in seen:
            roots.append(span_id)
            is_partial = True
            place(span_id)

    spans: dict[str, Span] = {}
    for span_id in reversed(placed):
        node = nodes[span_id]
        spans[span_id] = Span(
            id=span_id,
            name=node.document["name"],
            parent_id=node.parent_id,
            start_time=node.start_time,
            end_time=node.end_time,
            document=node.document,
            children=tuple(spans[child] for child in children[span_id]),
        )
    roots.sort(key=lambda span_id: nodes[span_id].start_time)
    return Trace(trace_id, tuple(spans[root] for root in roots), is_partial)


def _is_span(document: SegmentDocument) -> bool:
    return (
        isinstance(document.get("id"), str)
        and isinstance(document.get("name"), str)
        and _is_time(document.get("start_time"))
    )


def _is_time(value: object) -> TypeGuard[int | float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
