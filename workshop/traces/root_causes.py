"""Why a trace failed, or was slow: the way from its root to the piece of work that is to blame.

Pure. https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html and, for the shapes,
API_FaultRootCause, API_ErrorRootCause and API_ResponseTimeRootCause beside it. How X-Ray finds
the way is not published. Here a fault is followed down to the deepest span that has it, and a
response time down to the longest child as long as that takes at least half of the whole.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from workshop.traces.assembly import Span
from workshop.traces.filter_syntax import CauseKind
from workshop.traces.services import Segment, part

Shape = dict[str, Any]

_COVERAGE = 0.5


def root_causes(kind: CauseKind, segments: Sequence[Segment]) -> list[Shape]:
    """Find the root causes of one kind.

    Args:
        kind: Of what.
        segments: Of one trace, as `services.segments` gives them.

    Returns:
        In the shape that GetTraceSummaries gives them, in order of the spans.
    """
    roots = [segment for segment in segments if segment.is_root and not segment.inferred]
    if kind == "responsetime":
        return [cause for root in roots for cause in _response_time(root, segments)]
    blamed: Callable[[Span], bool] = _has_fault if kind == "fault" else _has_error
    return [cause for root in roots for cause in _failures(root, segments, blamed)]


def _has_fault(span: Span) -> bool:
    return span.fault


def _has_error(span: Span) -> bool:
    return span.error or span.throttle


def _failures(
    root: Segment, segments: Sequence[Segment], blamed: Callable[[Span], bool]
) -> Iterator[Shape]:
    """Give a cause for each failed span with none below it that failed."""
    way: list[Span] = []
    ways: list[tuple[Span, ...]] = []
    deepest = -1  # depth of the last failed span, until its way is taken
    for depth, span in root.span.walk():
        if depth <= deepest:
            ways.append(tuple(way[: deepest + 1]))
            deepest = -1
        del way[depth:]
        way.append(span)
        if blamed(span):
            deepest = depth
    if deepest >= 0:
        ways.append(tuple(way[: deepest + 1]))
    for spans in ways:
        first = next(number for number, span in enumerate(spans) if blamed(span))
        yield {
            "Services": _services(spans, first, segments, _exceptions),
            "ClientImpacting": first == 0,
        }


def _response_time(root: Segment, segments: Sequence[Segment]) -> Iterator[Shape]:
    whole = root.span.duration
    if not whole or whole < 0:
        return
    way = [root.span]
    while True:
        children = [child for child in way[-1].children if child.duration is not None]
        longest = max(children, key=lambda child: child.duration or 0.0, default=None)
        if longest is None or (longest.duration or 0.0) < whole * _COVERAGE:
            break
        way.append(longest)
    total = whole

    def coverage(span: Span) -> Shape:
        return {"Coverage": round(min(1.0, (span.duration or 0.0) / total), 3)}

    yield {"Services": _services(way, 0, segments, coverage), "ClientImpacting": True}


def _services(
    way: Sequence[Span],
    first: int,
    segments: Sequence[Segment],
    more: Callable[[Span], Shape],
) -> list[Shape]:
    """Cut a way from a root into the services it goes through, from its span number `first` on."""
    own = {segment.span.id: segment for segment in segments if not segment.inferred}
    services: list[Shape] = []
    for number, span in enumerate(way):
        if span.id in own:
            owner = own[span.id]
        if number < first:
            continue
        if span is owner.span or not services:
            services.append(_service(owner))
        services[-1]["EntityPath"].append(
            {"Name": span.name, **more(span), "Remote": span.namespace is not None}
        )
    last = next((s for s in segments if s.inferred and s.span is way[-1]), None)
    if last is not None:
        entity = {"Name": last.span.name, **more(last.span), "Remote": False}
        services.append({**_service(last), "EntityPath": [entity]})
    return services


def _service(segment: Segment) -> Shape:
    service = segment.service
    shape: Shape = {"Name": service.name, "Names": [service.name]}
    if service.type is not None:
        shape["Type"] = service.type
    if service.account_id is not None:
        shape["AccountId"] = service.account_id
    return {**shape, "EntityPath": [], "Inferred": segment.inferred}


def _exceptions(span: Span) -> Shape:
    exceptions = part(span.document, "cause").get("exceptions")
    found = []
    for exception in exceptions if isinstance(exceptions, list) else []:
        if isinstance(exception, dict):
            named = {"Name": exception.get("type"), "Message": exception.get("message")}
            found.append({key: text for key, text in named.items() if isinstance(text, str)})
    return {"Exceptions": found}
