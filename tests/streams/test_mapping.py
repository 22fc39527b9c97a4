"""The event source mapping: batches, retries, splits, and what is given up.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.streams.bookings import ARN, NOON, QUEUE, Function, text_of
from workshop.streams import Clock, EventSourceMapping, Settings, Shard


def texts(records):
    return "".join(one.data.decode() for one in records)


def sent(delivery):
    return [texts(one.records) for one in delivery.attempts]


def lost(delivery):
    return [(texts(one.records), one.condition) for one in delivery.discarded]


def test_records_are_sent_in_order_in_batches_of_the_size_asked_for(mapping):
    delivery = mapping(Function(), "abcdefg", batch_size=3).run()
    assert sent(delivery) == ["abc", "def", "g"]
    assert lost(delivery) == []


def test_what_has_been_sent_is_not_sent_again(mapping, shard):
    made = mapping(Function(), "ab")
    made.run()
    shard.put(b"c")
    assert sent(made.run()) == ["c"]


def test_a_batch_that_fails_is_sent_again_as_a_whole_and_then_given_up(mapping):
    delivery = mapping(Function("b"), "abc", retry_attempts=2).run()
    assert sent(delivery) == ["abc", "abc", "abc"]
    assert [one.tries for one in delivery.attempts] == [1, 2, 3]
    assert lost(delivery) == [("abc", "RetryAttemptsExhausted")]


def test_without_retries_a_batch_is_given_up_at_once(mapping):
    assert sent(mapping(Function("b"), "abc", retry_attempts=0).run()) == ["abc"]


def test_nothing_behind_a_failing_batch_is_sent_before_it_is_given_up(mapping):
    delivery = mapping(Function("a"), "abcd", batch_size=2, retry_attempts=1).run()
    assert sent(delivery) == ["ab", "ab", "cd"]


def test_the_wait_between_tries_doubles_up_to_a_minute(mapping):
    delivery = mapping(Function("a"), "a", retry_attempts=8).run()
    moments = [one.at - NOON for one in delivery.attempts]
    assert moments == [0, 1, 3, 7, 15, 31, 63, 123, 183]


def test_a_failed_batch_is_split_until_the_bad_record_is_alone(mapping):
    delivery = mapping(Function("c"), "abcde", bisect=True, retry_attempts=1).run()
    assert sent(delivery) == ["abcde", "ab", "cde", "c", "c", "de"]
    assert lost(delivery) == [("c", "RetryAttemptsExhausted")]


def test_splitting_does_not_count_as_a_retry(mapping):
    delivery = mapping(Function("a"), "abcd", bisect=True, retry_attempts=0).run()
    assert sent(delivery) == ["abcd", "ab", "a", "b", "cd"]


def test_what_is_reported_is_gone_on_from(mapping):
    function = Function("c", "report")
    delivery = mapping(function, "abcd", reports_items=True, retry_attempts=1).run()
    assert sent(delivery) == ["abcd", "cd", "cd"]
    assert lost(delivery) == [("cd", "RetryAttemptsExhausted")]
    assert [one.then for one in delivery.attempts] == ["from-checkpoint", "again", "discarded"]


def test_of_several_the_lowest_is_gone_on_from(mapping):
    made = mapping(Function("bd", "report"), "abcd", reports_items=True, retry_attempts=0)
    assert sent(made.run()) == ["abcd", "bcd"]


def test_with_both_a_batch_is_cut_where_reported_and_then_in_two(mapping):
    made = mapping(
        Function("c", "report"), "abcdef", reports_items=True, bisect=True, retry_attempts=1
    )
    delivery = made.run()
    assert sent(delivery) == ["abcdef", "cdef", "cd", "c", "c", "d", "ef"]
    assert lost(delivery) == [("c", "RetryAttemptsExhausted")]


def test_a_report_is_not_looked_at_unless_asked_for(mapping):
    delivery = mapping(Function("b", "report"), "abc", retry_attempts=2).run()
    assert sent(delivery) == ["abc"]
    assert lost(delivery) == []


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None},
                                    {"batchItemFailures": []}])  # fmt: skip
def test_an_empty_answer_is_a_success(mapping, answer):
    function = Function(how=lambda _: answer)
    delivery = mapping(function, "abc", reports_items=True).run()
    assert [one.then for one in delivery.attempts] == ["done"]


@pytest.mark.parametrize(
    "failures",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemidentifier": "1"}],
        [{"itemIdentifier": "1"}],
        [{"itemIdentifier": 1}],
        [{}],
        ["1"],
        "1",
        {"itemIdentifier": "1"},
    ],
)
def test_an_answer_that_names_no_record_of_the_batch_fails_all_of_it(mapping, failures):
    function = Function(how=lambda _: {"batchItemFailures": failures})
    delivery = mapping(function, "abc", reports_items=True, retry_attempts=1).run()
    assert sent(delivery) == ["abc", "abc"]
    assert lost(delivery) == [("abc", "RetryAttemptsExhausted")]


def test_one_right_identifier_among_wrong_ones_fails_all_of_the_batch(mapping):
    def answer(event):
        last = event["Records"][-1]["kinesis"]["sequenceNumber"]
        return {"batchItemFailures": [{"itemIdentifier": last}, {"itemIdentifier": "x"}]}

    delivery = mapping(Function(how=answer), "abc", reports_items=True, retry_attempts=0).run()
    assert lost(delivery) == [("abc", "RetryAttemptsExhausted")]


@pytest.mark.parametrize("answer", ["done", 7, ["abc"]])
def test_an_answer_that_is_no_object_fails_the_batch(mapping, answer):
    function = Function(how=lambda _: answer)
    delivery = mapping(function, "ab", reports_items=True, retry_attempts=0).run()
    assert lost(delivery) == [("ab", "RetryAttemptsExhausted")]


def test_a_record_that_grew_too_old_is_given_up(mapping):
    delivery = mapping(Function("a"), "a", record_age_seconds=60).run()
    assert lost(delivery) == [("a", "RecordAgeExceeded")]
    assert delivery.attempts[-1].at - NOON <= 60


def test_only_the_old_records_of_a_batch_are_given_up(mapping, shard):
    made = mapping(Function(), "a", record_age_seconds=60)
    shard.clock.wait(61)
    shard.put(b"b")
    delivery = made.run()
    assert (lost(delivery), sent(delivery)) == ([("a", "RecordAgeExceeded")], ["b"])


def test_without_any_limit_a_record_is_tried_until_the_stream_forgets_it(mapping):
    made = mapping(Function("a"), "a", retention_seconds=3600)
    delivery = made.run()
    assert lost(delivery) == [("a", "Expired")]
    assert made.messages == []
    assert 60 <= len(delivery.attempts) <= 70


def test_a_run_may_be_ended_and_gone_on_with(mapping):
    function = Function("b")
    made = mapping(function, "abc", batch_size=1)
    first = made.run(most=5)
    assert sent(first) == ["a", "b", "b", "b", "b"]
    assert texts(first.unfinished) == "bc"
    function.bad.clear()
    assert sent(made.run()) == ["b", "c"]


def test_a_window_gathers_what_comes_in_it(mapping, shard):
    function = Function()
    made = mapping(function, batching_window_seconds=10)
    for text in (b"a", b"b", b"c"):
        shard.put(text)
        shard.clock.wait(6)
    shard.clock = Clock(NOON)
    delivery = made.run()
    assert sent(delivery) == ["ab", "c"]
    assert [one.at - NOON for one in delivery.attempts] == [10, 22]


def test_without_a_window_nothing_is_waited_for(mapping, shard):
    made = mapping(Function())
    for text in (b"a", b"b"):
        shard.put(text)
        shard.clock.wait(6)
    shard.clock = Clock(NOON)
    assert sent(made.run()) == ["a", "b"]


def test_a_batch_is_no_larger_than_an_event_may_be(mapping, shard):
    made = mapping(Function())
    for _ in range(6):
        shard.put(b"x" * 1_000_000)
    assert [len(one.records) for one in made.run().attempts] == [4, 2]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"starting_position": "TRIM_HORIZON"}, ["abc"]),
        ({"starting_position": "LATEST"}, ["c"]),
        ({"starting_position": "AT_TIMESTAMP", "starting_timestamp": NOON + 1}, ["bc"]),
    ],
)
def test_reading_begins_where_asked_for(shard, settings, expected):
    for text in (b"a", b"b"):
        shard.put(text)
        shard.clock.wait(1)
    made = EventSourceMapping(Settings("O", ARN, "f", **settings), shard, Function())
    shard.put(b"c")
    assert sent(made.run()) == expected


def test_a_mapping_that_is_not_enabled_reads_nothing(mapping):
    assert sent(mapping(Function(), "abc", enabled=False).run()) == []


@pytest.mark.parametrize(("bad", "other"), [("a", "bd"), ("b", "ac")])
def test_lanes_keep_the_order_of_a_key_and_do_not_wait_for_each_other(shard, bad, other):
    settings = Settings("O", ARN, "f", "TRIM_HORIZON", parallelization=2, retry_attempts=3)
    for text, key in (("a", "one"), ("b", "two"), ("c", "one"), ("d", "two")):
        shard.put(text.encode(), key)
    delivery = EventSourceMapping(settings, shard, Function(bad)).run()
    assert set(sent(delivery)) == {"ac", "bd"}
    (well,) = [one for one in delivery.attempts if texts(one.records) == other]
    assert well.at == NOON
    assert shard.clock.now() == NOON + 7


def test_the_destination_is_told_where_the_records_are(mapping, shard):
    made = mapping(Function("b"), "a", retry_attempts=1)
    shard.clock.wait(0.25)
    shard.put(b"b")
    delivery = made.run()
    (told,) = made.messages
    first, last = shard.records
    assert told == {
        "requestContext": {
            "requestId": "c9b8fa9f-5a7f-4f0e-af9c-0c604cde93a5",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:bookings",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "2023-11-15T12:00:01.250Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": "2023-11-15T12:00:00.000Z",
            "approximateArrivalOfLastRecord": "2023-11-15T12:00:00.250Z",
            "batchSize": 2,
            "streamArn": ARN,
        },
    }
    assert delivery.discarded[0].message == told


def test_without_a_destination_nobody_is_told(mapping):
    made = mapping(Function("a"), "a", retry_attempts=0, on_failure_arn=None)
    assert made.run().discarded[0].message is None
    assert made.messages == []


def test_iterator_age_is_the_age_of_the_last_record_when_it_is_sent(mapping, shard):
    made = mapping(Function("b"), "a", retry_attempts=1)
    shard.clock.wait(5)
    shard.put(b"b")
    shard.clock.wait(2)
    delivery = made.run()
    assert [one.iterator_age_ms for one in delivery.attempts] == [2000, 3000]
    named = [p for p in delivery.points if p.dimensions == {"FunctionName": "bookings"}]
    assert [(p.namespace, p.name, p.unit, p.values) for p in named] == [
        ("AWS/Lambda", "IteratorAge", "Milliseconds", (2000.0,)),
        ("AWS/Lambda", "IteratorAge", "Milliseconds", (3000.0,)),
    ]


def test_an_error_of_the_lab_reaches_the_caller(mapping):
    def refuse(event):
        raise RuntimeError(len(event["Records"]))

    with pytest.raises(RuntimeError, match="3"):
        mapping(refuse, "abc").run()


@given(
    bad=st.sets(st.integers(0, 39), max_size=8),
    batch_size=st.integers(1, 12),
    retries=st.integers(0, 3),
    how=st.sampled_from(["raise", "report", "first"]),
)
def test_with_bisect_the_bad_records_are_lost_and_no_other(bad, batch_size, retries, how):
    shard = Shard(Clock(NOON))
    records = [shard.put(f"{number:02}".encode()) for number in range(40)]
    settings = Settings(
        "O",
        ARN,
        "f",
        "TRIM_HORIZON",
        batch_size=batch_size,
        retry_attempts=retries,
        bisect=True,
        reports_items=how != "raise",
        on_failure_arn=QUEUE,
    )
    done = []
    spoiled = {f"{number:02}" for number in bad}
    function = Function(spoiled, how)

    def invoke(event):
        result = function(event)
        if how == "first":  # it stops there
            for one in event["Records"]:
                if text_of(one) in spoiled:
                    break
                done.append(text_of(one))
        return result

    mapping = EventSourceMapping(settings, shard, invoke)
    delivery = mapping.run()
    given_up = [record for one in delivery.discarded for record in one.records]
    assert given_up == [records[number] for number in sorted(bad)]
    assert all(one.invocations == retries + 1 for one in delivery.discarded)
    assert len(mapping.messages) == len(bad)
    if how == "first":  # each good one exactly once, and in order
        assert done == [f"{number:02}" for number in range(40) if number not in bad]
