"""`workshop run` with a batch of a stream: what the event source mapping did with it."""

import json

import pytest

from workshop.store import Store


@pytest.fixture
def template(checkout):
    """The learner's template of step 09."""
    return checkout / "steps/09_stream/template.yaml"


def test_a_batch_that_fails_for_ever_is_shown_as_blocked(workshop):
    done = workshop("run", "09", "--event", "poison")
    assert done.status == 1
    assert "event source mapping Payments: charged-payments to settlements" in done.said
    assert "1-6 1 ✗ JSONDecodeError again, all of it" in done.said
    assert "6 in the stream, 180 sent in all · 0 done · 6 still waiting" in done.said
    assert (
        "✗ blocked it goes on like this until the record expires, 24 h after it came" in done.said
    )


def test_a_bad_record_is_followed_to_where_it_ends(workshop):
    said = workshop("run", "09", "--event", "poison", "--solution").said
    assert "1-6 1 ✗ 1 reported, first 3 on from 3" in said
    assert "3-6 1 ✗ 1 reported, first 3 split in two" in said
    assert "3 3 ✗ BatchProcessingError given up" in said
    assert "6 in the stream, 18 sent in all · 5 done · 1 given up" in said
    assert "record 3: RetryAttemptsExhausted after 3 tries, in rejected-settlements" in said


def test_a_batch_without_a_bad_record_is_done_at_once(workshop):
    done = workshop("run", "09", "--solution")
    assert done.status == 0
    assert "6 in the stream, 6 sent in all · 6 done" in done.said


def test_what_is_given_up_without_a_destination_is_said_to_be_lost(workshop, template):
    template.write_text(
        template.read_text().replace(
            "BatchSize: 10", "BatchSize: 10\n            MaximumRetryAttempts: 0"
        )
    )
    said = workshop("run", "09", "--event", "poison").said
    assert "record 1-6: RetryAttemptsExhausted after 1 tries, and nobody is told" in said


def test_a_mapping_that_cannot_be_had_here_is_told_with_its_place(workshop, template):
    text = template.read_text()
    template.write_text(text.replace("BatchSize: 10", "TumblingWindowInSeconds: 10"))
    done = workshop("run", "09")
    assert done.status == 1
    assert "TumblingWindowInSeconds cannot be had here" in done.said
    assert "template.yaml:" in done.said


def test_records_that_cannot_be_read_are_told(workshop, checkout):
    path = checkout / "spoiled.json"
    event = json.loads((checkout / "steps/09_stream/events/charge.json").read_text())
    del event["Records"][1]["kinesis"]["data"]
    path.write_text(json.dumps(event))
    done = workshop("run", "09", "--event", "spoiled.json")
    assert done.status == 2
    assert "Records[1] of the event is no record of Kinesis" in done.said


def test_any_other_event_goes_to_the_function_as_it_is(workshop, checkout):
    (checkout / "other.json").write_text("{}")
    done = workshop("run", "09", "--event", "other.json")
    assert done.status == 1
    assert "KeyError" in done.out
    assert "event source mapping" not in done.out


def test_json_tells_each_attempt_and_what_was_given_up(workshop):
    done = workshop("run", "09", "--event", "poison", "--solution", "--json")
    document = json.loads(done.out)
    stream = document["stream"]
    numbers = [one["kinesis"]["sequenceNumber"] for one in document["event"]["Records"]]
    assert [one["then"] for one in stream["attempts"]] == [
        *("from-checkpoint", "split", "split", "again", "again", "discarded", "done", "done")
    ]
    assert stream["attempts"][0]["sequence_numbers"] == numbers
    assert [one["request_id"] for one in stream["attempts"]] == [
        one["request_id"] for one in document["invocations"]
    ]
    (lost,) = stream["given_up"]
    assert lost["sequence_numbers"] == [numbers[2]]
    assert lost["message"]["KinesisBatchInfo"]["startSequenceNumber"] == numbers[2]
    assert stream["waiting"] == []


@pytest.mark.parametrize("columns", ["60", "80", "100"])
def test_no_row_is_wider_than_the_terminal(workshop, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = workshop("run", "09", "--event", "poison", "--solution")
    assert max(map(len, done.out.splitlines())) <= int(columns)


def test_iterator_age_is_kept_with_the_rest_of_the_telemetry(workshop, checkout):
    workshop("run", "09", "--event", "poison", "--solution")
    with Store.open(checkout / ".workshop/data") as store:
        ages = [
            point.values[0]
            for point in store.data_points()
            if (point.namespace, point.name) == ("AWS/Lambda", "IteratorAge")
            and point.dimensions == {"FunctionName": "settlements"}
        ]
    assert len(ages) == 8
    assert 3000 <= max(ages) < 60_000  # two retries: 1 s and 2 s
