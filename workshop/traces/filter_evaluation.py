"""Filter expressions judged: does an expression hold of a trace?

Pure. Outside braces a keyword is about the trace: outcome, response time and HTTP request are
the root segment's, so that an error the root has swallowed does not count; `user` and what names
a machine are of any segment. Within `service { }` it is about one segment of the service, within
`edge { }` about one call as its caller saw it. Annotations of a segment are its subsegments' too.
https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from workshop.signals import SegmentDocument
from workshop.traces import filter_syntax as syntax
from workshop.traces.root_causes import Shape
from workshop.traces.services import CLIENT, Segment, ServiceId, client
from workshop.traces.view import (
    AnnotationValue,
    View,
    annotations,
    availability_zone,
    http,
    instance_id,
    outcome,
    resource_arn,
    user,
)

_NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "contains": operator.contains,
    "beginswith": str.startswith,
    "endswith": str.endswith,
}
_HTTP = {
    "http.url": "HttpURL",
    "http.method": "HttpMethod",
    "http.useragent": "UserAgent",
    "http.clientip": "ClientIp",
    "http.status": "HttpStatus",
}
_OF_DOCUMENTS: dict[str, Callable[[SegmentDocument], str | None]] = {
    "user": user,
    "resource.arn": resource_arn,
    "instance.id": instance_id,
    "availabilityzone": availability_zone,
}


def holds(expression: syntax.Expression, view: View) -> bool:
    """Say whether an expression holds of a trace."""
    return _holds(expression, _OfTrace(view))


class _Subject(Protocol):
    """What keywords are about."""

    def values(self, keyword: str) -> Iterable[object]:
        """Give the values of a keyword; None is no value."""

    def annotations(self, annotation: syntax.Annotation) -> Iterable[AnnotationValue]:
        """Give the values of an annotation."""


def _holds(expression: syntax.Expression, subject: _Subject) -> bool:
    match expression:
        case syntax.And(terms):
            return all(_holds(term, subject) for term in terms)
        case syntax.Or(terms):
            return any(_holds(term, subject) for term in terms)
        case syntax.Not(term):
            return not _holds(term, subject)
        case syntax.Keyword(name, comparison):
            return _any_is(subject.values(name), comparison)
        case syntax.Annotation(_, comparison):
            return _any_is(subject.annotations(expression), comparison)
        case _:
            return isinstance(subject, _OfTrace) and subject.has(expression)


def _any_is(values: Iterable[object], comparison: syntax.Comparison) -> bool:
    return any(value is not None and _is(value, comparison) for value in values)


def _is(value: object, comparison: syntax.Comparison) -> bool:
    """Compare a value that is set; values of different types are never equal nor unequal."""
    wanted, name = comparison.value, comparison.operator
    if name is None:
        return value is not False
    if name in _TEXTUAL:
        return wanted == "" or (
            isinstance(value, str) and isinstance(wanted, str) and _TEXTUAL[name](value, wanted)
        )
    if _kind(value) is not _kind(wanted):
        return False
    if name in _NUMERIC:
        return _NUMERIC[name](value, wanted)
    return (value == wanted) is (name == "=")


def _kind(value: object) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


class _OfTrace:
    """The whole trace."""

    def __init__(self, view: View) -> None:
        self._view = view

    def values(self, keyword: str) -> Iterable[object]:
        view = self._view
        if keyword in ("ok", "error", "fault", "throttle"):
            return [getattr(view.outcome, keyword)]
        if keyword in _HTTP:
            return [http(view.root.document).get(_HTTP[keyword])] if view.root else []
        if keyword in _OF_DOCUMENTS:
            return [_OF_DOCUMENTS[keyword](segment.document) for segment in view.segments]
        if keyword == "partial":
            return [view.trace.is_partial]
        if keyword == "inferred":
            return [any(segment.inferred for segment in view.segments)]
        return [view.response_time if keyword == "responsetime" else view.duration]

    def annotations(self, annotation: syntax.Annotation) -> Iterable[AnnotationValue]:
        return [value for value, _ in self._view.annotations.get(annotation.key, [])]

    def has(
        self, expression: syntax.Service | syntax.Edge | syntax.RootCause | syntax.RootCauseJson
    ) -> bool:
        """Say whether some part of the trace is what a complex keyword asks for."""
        segments = self._view.segments
        match expression:
            case syntax.Service(target, body):
                if any(
                    _fits(segment.service, target)
                    and (body is None or _holds(body, _OfSegment(segment)))
                    for segment in segments
                ):
                    return True
                root = self._view.root
                return body is None and root is not None and _fits(client(root.service), target)
            case syntax.Edge(source, destination, body):
                return any(
                    _fits(segment.source, source)
                    and _fits(segment.service, destination)
                    and (body is None or _holds(body, _OfCall(segment)))
                    for segment in segments
                )
            case syntax.RootCause(kind, part, body):
                return any(
                    _holds(body, _OfCause(element, number, len(elements), part))
                    for cause in self._view.causes(kind)
                    for elements in [list(_elements(cause, part))]
                    for number, element in enumerate(elements)
                )
            case syntax.RootCauseJson(patterns):
                causes = [
                    cause
                    for kind in ("fault", "error", "responsetime")
                    for cause in self._view.causes(kind)
                ]
                if patterns is None:
                    return bool(causes)
                return all(any(_like(cause, pattern) for cause in causes) for pattern in patterns)


class _OfSegment:
    """One segment of a service."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment

    def values(self, keyword: str) -> Iterable[object]:
        segment = self._segment
        if keyword == "name":
            return [segment.service.name]
        if keyword == "type":
            return [segment.service.type]
        if keyword == "root":
            return [segment.is_root]
        seconds = segment.duration if keyword == "duration" else segment.span.duration
        return [_of_span(keyword, segment.document, seconds, segment)]

    def annotations(self, annotation: syntax.Annotation) -> Iterable[AnnotationValue]:
        return [value for key, value in annotations(self._segment) if key == annotation.key]


class _OfCall:
    """One call, as the caller saw it; what the caller did not tell is the called one's."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment

    def values(self, keyword: str) -> Iterable[object]:
        seen = self._segment.seen_by_caller
        value = _of_span(keyword, seen.document, seen.duration, self._segment)
        if value is None:
            value = _of_span(keyword, self._segment.document, seen.duration, self._segment)
        return [value]

    def annotations(self, annotation: syntax.Annotation) -> Iterable[AnnotationValue]:
        end = self._segment if annotation.end == "destination" else self._segment.caller
        pairs = annotations(end) if end is not None else ()
        return [value for key, value in pairs if key == annotation.key]


def _of_span(
    keyword: str, document: SegmentDocument, seconds: float | None, segment: Segment
) -> object:
    """Return the value of a keyword of one document."""
    if keyword in ("ok", "error", "fault", "throttle"):
        return getattr(outcome(document), keyword)
    if keyword in _HTTP:
        return http(document).get(_HTTP[keyword])
    if keyword in _OF_DOCUMENTS:
        return _OF_DOCUMENTS[keyword](document)
    if keyword == "inferred":
        return segment.inferred
    if keyword == "partial":
        return seconds is None
    return seconds  # responsetime, and the duration of a call


class _OfCause:
    """One element of a root cause: a service, an entity or an exception."""

    def __init__(self, element: Shape, number: int, count: int, part: syntax.CausePart) -> None:
        self._element = element
        self._number = number
        self._count = count
        self._part = part

    def values(self, keyword: str) -> Iterable[object]:
        if keyword == "first":
            return [self._number == 0]
        if keyword == "last":
            return [self._number == self._count - 1]
        if keyword == "index":
            return [self._number]
        return [self._element.get(keyword.capitalize())]

    def annotations(self, annotation: syntax.Annotation) -> Iterable[AnnotationValue]:  # noqa: ARG002 - as the protocol has it
        return ()


def _elements(cause: Shape, part: syntax.CausePart) -> Iterator[Shape]:
    """Give the services of a root cause, or all their entities, or all the exceptions of those."""
    for service in cause["Services"]:
        if part == "service":
            yield service
            continue
        for entity in service["EntityPath"]:
            if part == "entity":
                yield entity
            else:
                yield from entity["Exceptions"]


def _fits(service: ServiceId, target: syntax.Target) -> bool:
    if service.type == CLIENT and target.type is None and target.name is not None:
        return False  # the client bears the root's name: whoever names a service means that
    return (
        target.name in (None, service.name)
        and target.type in (None, service.type)
        and target.account_id in (None, service.account_id)
    )


def _like(actual: object, pattern: object) -> bool:
    """Compare a root cause with a pattern, of which any member may be left out."""
    if isinstance(pattern, Mapping):
        return isinstance(actual, Mapping) and all(
            key in actual and _like(actual[key], wanted) for key, wanted in pattern.items()
        )
    if isinstance(pattern, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(pattern)
            and all(map(_like, actual, pattern))
        )
    return _kind(actual) is _kind(pattern) and actual == pattern
