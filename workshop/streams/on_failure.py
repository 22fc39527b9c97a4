"""What Lambda tells the on-failure destination of records that it gave up.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from workshop.account import ACCOUNT_ID, REGION
from workshop.signals import Invocation
from workshop.streams.settings import Settings
from workshop.streams.shard import Record

Condition: TypeAlias = Literal["RetryAttemptsExhausted", "RecordAgeExceeded", "Expired"]
"""Why records were given up. `Expired` is the stream's own doing: nobody is told."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """Records that were given up.

    Attributes:
        records: Which.
        condition: Why.
        invocations: How often the function was invoked with just these.
        message: What the destination got; None when there is no destination or nothing is sent.
    """

    records: tuple[Record, ...]
    condition: Condition
    invocations: int
    message: dict[str, Any] | None


def message(
    settings: Settings,
    shard_id: str,
    records: Sequence[Record],
    condition: Condition,
    *,
    last: Invocation | None,
    invocations: int,
    now: float,
) -> dict[str, Any]:
    """Return the document that the destination gets.

    Args:
        settings: The mapping.
        shard_id: Where the records are.
        records: What is given up, in order; not empty.
        condition: Why.
        last: The invocation that failed last; None when there was none.
        invocations: How many there were.
        now: Seconds since the epoch.
    """
    first, end = records[0], records[-1]
    context: dict[str, Any] = {
        "requestId": last.request_id if last else "",
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{settings.function}",
        "condition": condition,
        "approximateInvokeCount": invocations,
    }
    response: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
    # A batch that failed by the function's own report has no function error.
    response["functionError"] = last.function_error if last else None
    return {
        "requestContext": context,
        "responseContext": response,
        "version": "1.0",
        "timestamp": _iso(now),
        "KinesisBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": end.sequence_number,
            "approximateArrivalOfFirstRecord": _iso(first.arrived),
            "approximateArrivalOfLastRecord": _iso(end.arrived),
            "batchSize": len(records),
            "streamArn": settings.stream_arn,
        },
    }


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
