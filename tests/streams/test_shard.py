"""Records in the shape in which Lambda gets them.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.errors import UsageError
from workshop.streams import Clock, Shard, records_of

ARN = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"
NUMBER = "49590338271490256608559692538361571095921575989136588898"


def test_an_entry_of_the_event_has_the_documented_shape():
    record = Shard(Clock(1545084650.987)).put(b"Hello, this is a test.", "1")
    assert record.event(ARN) == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": NUMBER,
            "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{NUMBER}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/workshop",
        "awsRegion": "us-east-1",
        "eventSourceARN": ARN,
    }


def test_sequence_numbers_grow():
    shard = Shard()
    numbers = [int(shard.put(b"").sequence_number) for _ in range(3)]
    assert numbers == sorted(set(numbers))


def test_what_is_no_bytes_is_written_as_json():
    assert Shard().put({"a": "é"}).data == b'{"a": "\\u00e9"}'


def test_a_record_larger_than_kinesis_takes_is_refused():
    with pytest.raises(UsageError, match="1 MB"):
        Shard().put(b"x" * (1024 * 1024 + 1))


@pytest.mark.parametrize("key", ["", "x" * 257])
def test_a_partition_key_that_is_none_is_refused(key):
    with pytest.raises(UsageError, match="partition key"):
        Shard().put(b"", key)


@given(st.lists(st.tuples(st.binary(max_size=50), st.text(min_size=1, max_size=20)), min_size=1))
def test_an_event_gives_back_the_records_it_was_made_of(pairs):
    shard = Shard(Clock(1_700_000_000.125))
    records = tuple(shard.put(data, key) for data, key in pairs)
    assert records_of({"Records": [one.event(ARN) for one in records]}) == records


@pytest.mark.parametrize(
    "event",
    [None, [], "x", {}, {"Records": []}, {"Records": "x"}, {"Records": [{"eventSource": "s3"}]}],
)
def test_another_event_holds_no_records(event):
    assert records_of(event) == ()


@pytest.mark.parametrize("spoiled", [{"data": "%"}, {"sequenceNumber": "x"}, {"data": None}])
def test_a_record_that_cannot_be_read_is_told_with_its_place(spoiled):
    entry = Shard().put(base64.b64encode(b"x")).event(ARN)
    entry["kinesis"] |= spoiled
    with pytest.raises(UsageError, match=r"Records\[0\]"):
        records_of({"Records": [entry]})


def test_a_clock_waits_without_waiting():
    clock = Clock(100.0)
    other = clock.copy()
    clock.wait(3600)
    clock.wait_until(200.0)
    clock.wait(-5)
    assert (clock.now(), other.now()) == (3700.0, 100.0)
