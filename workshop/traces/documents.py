"""Judge a segment document by the format that X-Ray publishes.

Pure. https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import json
import math
import re
from collections.abc import Iterator, Mapping

MAX_BYTES = 64 * 1024
MAX_NAME = 200
MAX_ANNOTATIONS = 50
"""Indexed annotations of a whole trace; one document with more cannot fit either."""

_SPAN_ID = re.compile(r"[0-9a-f]{16}", re.IGNORECASE)
_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}", re.IGNORECASE)
# Unicode letters, numbers and white space, and these symbols.
_NAME = re.compile(r"[\w\s.:/%&#=+\\\-@]+")
# Dots came with `annotation[key]`: https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
_ANNOTATION_KEY = re.compile(r"[A-Za-z0-9_.]+")

_SHOWN = 60


def problems(document: object) -> tuple[str, ...]:
    """Say what keeps a segment document from being taken whole.

    Args:
        document: A segment, or a subsegment sent alone, as parsed from JSON.

    Returns:
        A sentence for each fault, naming the member, what it is and what is wanted; empty when
        there is none. Never raises.
    """
    if not isinstance(document, dict):
        return (f"a segment document must be a JSON object; this is {_show(document)}",)
    found = list(_top(document))
    stack: list[tuple[object, str]] = [(document, "")]
    while stack:
        span, where = stack.pop()
        if not isinstance(span, dict):
            found.append(f"`{where.rstrip('.')}` must be an object; it is {_show(span)}")
            continue
        found.extend(_span(span, where))
        embedded = span.get("subsegments", [])
        if isinstance(embedded, list):
            items = [(item, f"{where}subsegments[{n}].") for n, item in enumerate(embedded)]
            stack.extend(reversed(items))
        else:
            found.append(f"`{where}subsegments` must be an array; it is {_show(embedded)}")
    return tuple(found)


def _top(document: Mapping[str, object]) -> Iterator[str]:
    """Judge what belongs to a document as it is sent, not to each subsegment in it."""
    try:
        size = len(json.dumps(document, separators=(",", ":")).encode())
    except (ValueError, TypeError, RecursionError):
        yield "the document cannot be written as JSON"
        return
    if size > MAX_BYTES:
        yield f"the document has {size} bytes; X-Ray takes at most {MAX_BYTES}"
    if not _matches(_TRACE_ID, document.get("trace_id")):
        yield (
            "`trace_id` must be `1-<8 hexadecimal digits>-<24 hexadecimal digits>`; "
            f"it {_is(document.get('trace_id'))}"
        )
    kind = document.get("type")
    if kind == "subsegment":
        if "parent_id" not in document:
            yield "`parent_id` is missing: a subsegment sent alone names the span it ran in"
    elif kind is not None:
        yield f'`type` must be "subsegment", or left out of a segment; it is {_show(kind)}'


def _span(span: Mapping[str, object], where: str) -> Iterator[str]:
    """Judge what segments and subsegments have in common."""
    name = span.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        yield f"`{where}name` must be a string of 1 to {MAX_NAME} characters; it {_is(name)}"
    elif not _NAME.fullmatch(name):
        yield (
            f"`{where}name` is {_show(name)}; it may hold letters, digits, spaces "
            r"and _ . : / % & # = + \ - @"
        )
    if not _matches(_SPAN_ID, span.get("id")):
        yield f"`{where}id` must be 16 hexadecimal digits; it {_is(span.get('id'))}"
    if "parent_id" in span and not _matches(_SPAN_ID, span["parent_id"]):
        yield f"`{where}parent_id` must be 16 hexadecimal digits; it {_is(span['parent_id'])}"
    yield from _times(span, where)
    yield from _flags(span, where)
    yield from _annotations(span.get("annotations", {}), f"{where}annotations")
    yield from _metadata(span.get("metadata", {}), f"{where}metadata")


def _flags(span: Mapping[str, object], where: str) -> Iterator[str]:
    for flag in ("error", "fault", "throttle"):
        if not isinstance(span.get(flag, False), bool):
            yield f"`{where}{flag}` must be true or false; it {_is(span[flag])}"
    if span.get("namespace", "aws") not in ("aws", "remote"):
        yield f'`{where}namespace` must be "aws" or "remote"; it {_is(span["namespace"])}'


def _times(span: Mapping[str, object], where: str) -> Iterator[str]:
    if not _is_time(span.get("start_time")):
        yield (
            f"`{where}start_time` must be a number, seconds since 1970; "
            f"it {_is(span.get('start_time'))}"
        )
    if span.get("in_progress") is True:
        if "end_time" in span:
            yield f"`{where}in_progress` is true although there is an `end_time`"
    elif not _is_time(span.get("end_time")):
        yield (
            f"`{where}end_time` must be a number, seconds since 1970, unless `in_progress` is "
            f"true; it {_is(span.get('end_time'))}"
        )


def _annotations(annotations: object, where: str) -> Iterator[str]:
    if not isinstance(annotations, dict):
        yield f"`{where}` must be an object; it {_is(annotations)}"
        return
    if len(annotations) > MAX_ANNOTATIONS:
        yield f"`{where}` has {len(annotations)} keys; a trace is indexed by {MAX_ANNOTATIONS}"
    for key, value in annotations.items():
        if not _matches(_ANNOTATION_KEY, key):
            yield f"`{where}` has the key {_show(key)}; a key holds letters, digits, _ and ."
        if not isinstance(value, str | int | float):  # a bool is an int
            yield (
                f"`{where}` has {_show(value)} for {_show(key)}; "
                "a value is a string, a number or a boolean"
            )


def _metadata(metadata: object, where: str) -> Iterator[str]:
    if not isinstance(metadata, dict):
        yield f"`{where}` must be an object; it {_is(metadata)}"
        return
    for key in metadata:
        if isinstance(key, str) and key.startswith("AWS."):
            yield f"`{where}` has the key {_show(key)}; keys that begin with AWS. are reserved"


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_time(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is(value: object) -> str:
    return "is missing" if value is None else f"is {_show(value)}"


def _show(value: object) -> str:
    try:
        text = json.dumps(value, default=repr)
    except RecursionError:
        return "what nests too deeply"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
