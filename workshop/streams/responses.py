"""What a function's answer says of its batch.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from workshop.signals import Invocation
from workshop.streams.shard import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """How Lambda reads an answer.

    Attributes:
        failed_from: Place in the batch of the first record to be tried again; None when the whole
            batch is a success. 0 is a failure of the whole batch.
        reason: Why, in a few words.
    """

    failed_from: int | None
    reason: str = ""


SUCCESS = Answer(None)


def read_answer(invocation: Invocation, batch: Sequence[Record], *, reports_items: bool) -> Answer:
    """Read the answer to a batch as Lambda does.

    An error fails the whole batch. With `ReportBatchItemFailures` an answer that names records
    fails from the lowest of their sequence numbers on; an empty one, or an empty list, is a
    success; an identifier that is empty, null, under another key or not of this batch fails the
    whole batch, and so does an answer that has no such shape. Without it, what is returned is not
    looked at.

    The page does not say what comes of an identifier that is not of the batch, nor of an answer
    that is no object: here both fail the batch, since nothing else would lose no record.
    """
    if invocation.function_error is not None:
        return Answer(0, _error_type(invocation.payload))
    if not reports_items:
        return SUCCESS
    try:
        said = json.loads(invocation.payload or b"null")
    except ValueError:
        return Answer(0, "the answer is no JSON")
    if said is None:
        return SUCCESS
    failures = said.get("batchItemFailures") or [] if isinstance(said, dict) else None
    if not isinstance(failures, list):
        return Answer(0, "the answer is no list of batchItemFailures")
    return _lowest(failures, {one.sequence_number: at for at, one in enumerate(batch)})


def _lowest(failures: list[object], places: dict[str, int]) -> Answer:
    found = []
    for one in failures:
        identifier = one.get("itemIdentifier") if isinstance(one, dict) else None
        if not isinstance(identifier, str) or not identifier:
            return Answer(0, "a failure without an itemIdentifier")
        if identifier not in places:
            return Answer(0, f"itemIdentifier {_shortened(identifier)} is none of the batch")
        found.append(places[identifier])
    return Answer(min(found), f"{len(found)} reported") if found else SUCCESS


def _error_type(payload: bytes) -> str:
    try:
        said = json.loads(payload)
        return str(said["errorType"])
    except (ValueError, TypeError, KeyError):
        return "error"


def _shortened(text: str) -> str:
    return text if len(text) <= 16 else f"{text[:4]}…{text[-4:]}"  # noqa: PLR2004 (a glance)
