"""A trace as a check reads it: the part that the function itself wrote.

Lambda writes two segments for each invocation, and the subsegments Initialization, Invocation and
Overhead in the second one. What the function's own tracer writes lies within Invocation.
https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workshop.course.sent import Sent
    from workshop.traces import Span

_INVOCATION = "Invocation"


@dataclass(frozen=True)
class OwnSpan:
    """A subsegment that the function wrote.

    Attributes:
        depth: 1 for one directly in Lambda's Invocation, 2 for one within that, and so on.
        span: The subsegment.
    """

    depth: int
    span: Span

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it is in progress."""
        return self.span.duration or 0.0

    @property
    def failed(self) -> bool:
        """Whether it is flagged: error, fault or throttle."""
        return self.span.error or self.span.fault or self.span.throttle

    @property
    def is_remote(self) -> bool:
        """Whether it is a call of another service, as a patched client writes it."""
        return self.span.document.get("namespace") == "remote"

    def __str__(self) -> str:
        return f"{self.span.name} ({self.seconds * 1000:.0f} ms)"


def own_spans(sent: Sent) -> tuple[OwnSpan, ...]:
    """Return the subsegments that the function wrote, each before those within it."""
    if sent.trace is None:
        return ()
    found: list[OwnSpan] = []
    inside: int | None = None  # depth of the Invocation that we are in
    for depth, span in sent.trace.flat():
        if inside is not None and depth <= inside:
            inside = None
        if inside is not None:
            found.append(OwnSpan(depth - inside, span))
        elif span.name == _INVOCATION and span.is_subsegment:
            inside = depth
    return tuple(found)


def annotated(spans: Iterable[OwnSpan]) -> dict[str, Any]:
    """Return the annotations of subsegments by key; of one given twice, the last."""
    return {key: value for one in spans for key, value in one.span.annotations.items()}


def metadata(spans: Iterable[OwnSpan]) -> Iterator[tuple[str, Any]]:
    """Give the metadata of subsegments, whatever their namespace, as (key, value)."""
    for one in spans:
        for entries in (one.span.document.get("metadata") or {}).values():
            if isinstance(entries, dict):
                yield from entries.items()


def names(spans: Iterable[OwnSpan]) -> str:
    """Return the names of subsegments as text, with how long they took."""
    return ", ".join(map(str, spans)) or "none"
