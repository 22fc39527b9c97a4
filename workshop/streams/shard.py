"""A shard of a Kinesis stream in memory, and records in the shape in which Lambda gets them.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from workshop.account import ACCOUNT_ID, REGION
from workshop.errors import UsageError
from workshop.streams.clock import Clock

MAX_RECORD_BYTES = 1024 * 1024
"""https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"""

_FIRST = 49590338271490256608559692538361571095921575989136588898
_SHARD_ID = "shardId-000000000000"
_SOURCE = "aws:kinesis"


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a shard.

    Attributes:
        data: The producer's bytes.
        partition_key: Decides the shard; records of one key keep their order.
        sequence_number: Grows within the shard: a number of some 56 digits, as text.
        arrived: When Kinesis took it, in seconds since the epoch.
    """

    data: bytes
    partition_key: str
    sequence_number: str
    arrived: float

    def event(self, stream_arn: str, shard_id: str = _SHARD_ID) -> dict[str, Any]:
        """Return it as an entry of a Lambda event's `Records`."""
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": self.partition_key,
                "sequenceNumber": self.sequence_number,
                "data": base64.b64encode(self.data).decode(),
                "approximateArrivalTimestamp": round(self.arrived, 3),
            },
            "eventSource": _SOURCE,
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{self.sequence_number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT_ID}:role/workshop",
            "awsRegion": REGION,
            "eventSourceARN": stream_arn,
        }


@dataclass
class Shard:
    """What a shard holds, oldest first.

    Attributes:
        clock: Tells when a record arrives.
        id: Its name.
        records: What was put, in order.
    """

    clock: Clock = field(default_factory=Clock)
    id: str = _SHARD_ID
    records: list[Record] = field(default_factory=list)

    def put(self, data: object, partition_key: str = "0") -> Record:
        """Append a record, as PutRecord does.

        Args:
            data: The producer's bytes; anything else is written as JSON.
            partition_key: 1 to 256 characters.

        Raises:
            UsageError: The record is larger than 1 MB, or the key is none.
        """
        payload = data if isinstance(data, bytes) else json.dumps(data).encode()
        if len(payload) > MAX_RECORD_BYTES:
            limit = "a stream takes up to 1 MB unless it is set to more"
            raise UsageError(f"a record of {len(payload)} bytes: {limit}")
        if not 1 <= len(partition_key) <= 256:  # noqa: PLR2004 (Kinesis's own limit)
            raise UsageError("a partition key has 1 to 256 characters")
        number = str(_FIRST + len(self.records))
        record = Record(payload, partition_key, number, self.clock.now())
        self.records.append(record)
        return record


def records_of(event: object) -> tuple[Record, ...]:
    """Read the records out of a Lambda event; nothing where it is no batch of Kinesis.

    Raises:
        UsageError: It is a batch, but one of its records cannot be read.
    """
    entries = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(entries, list) or not entries:
        return ()
    if any(not isinstance(one, dict) or one.get("eventSource") != _SOURCE for one in entries):
        return ()
    found = []
    for place, one in enumerate(entries):
        try:
            said = one["kinesis"]
            found.append(
                Record(
                    base64.b64decode(said["data"], validate=True),
                    str(said["partitionKey"]),
                    str(int(said["sequenceNumber"])),
                    float(said["approximateArrivalTimestamp"]),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"Records[{place}] of the event is no record of Kinesis: {error!r}",
                "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html",
            ) from error
    return tuple(found)
