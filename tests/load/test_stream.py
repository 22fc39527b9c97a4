"""A stream driven through a mapping: as records arrive, and laid over the past."""

import pytest

from workshop.lab import Lab
from workshop.load import Window, backfill_stream, live_stream
from workshop.load.shift import begins
from workshop.metrics import emf
from workshop.store import Store
from workshop.streams import Clock, Record, reading_mapping

START = 1_763_900_000.0
WINDOW = Window(START, START + 600)

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: bookings
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
      Timeout: 2
      MemorySize: 256
      Tracing: Active
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:123456789012:stream/orders
            StartingPosition: TRIM_HORIZON
            BatchSize: 4
"""

HANDLER = """
import base64

def handler(event, context):
    texts = [base64.b64decode(one["kinesis"]["data"]).decode() for one in event["Records"]]
    print("got", "".join(texts))
    if "x" in texts:
        raise ValueError("x")
"""


@pytest.fixture
def lab_of(tmp_path):
    """Open a lab whose mapping has further settings: `lab_of("MaximumRetryAttempts: 1")`."""
    opened = []

    def make(*settings, **options):
        lines = "".join(f"\n            {one}" for one in settings)
        (tmp_path / "template.yaml").write_text(TEMPLATE.rstrip() + lines + "\n")
        (tmp_path / "app.py").write_text(HANDLER)
        opened.append(Lab.open(tmp_path / "template.yaml", **options))
        return opened[-1], reading_mapping(opened[-1].template)

    yield make
    for one in opened:
        one.close()


def records(texts, apart):
    """Records, one character each, which arrive so many seconds after one another."""
    return [
        Record(text.encode(), "key", str(100 + place), START + place * apart)
        for place, text in enumerate(texts)
    ]


def texts(attempt):
    return "".join(one.data.decode() for one in attempt.records)


def ages(attempt):
    points = [point for one in attempt.invocation.log_events for point in emf.read(one).points]
    return {(one.timestamp, one.values) for one in points if one.name == "IteratorAge"}


def test_a_record_is_sent_at_the_time_at_which_it_arrived(lab_of):
    attempts, mapping = backfill_stream(*lab_of(), records("abc", 20), WINDOW)
    made = list(attempts)

    assert [texts(one) for one in made] == ["a", "b", "c"]
    assert [one.at - START for one in made] == [0, 20, 40]
    assert [begins(one.invocation) / 1000 - START for one in made] == [0, 20, 40]
    assert mapping.discarded == []


def test_a_window_gathers_and_a_full_batch_goes_at_once(lab_of):
    lab, settings = lab_of("MaximumBatchingWindowInSeconds: 120")
    attempts, _ = backfill_stream(lab, settings, records("abcdefg", 20), WINDOW)
    made = list(attempts)

    assert [texts(one) for one in made] == ["abcd", "efg"]
    assert [round(one.at - START, 3) for one in made] == [60, 200]


def test_what_waits_behind_a_failing_batch_is_as_old_as_its_iterator_age_says(lab_of):
    lab, settings = lab_of("MaximumRetryAttempts: 3")
    attempts, mapping = backfill_stream(lab, settings, records("xab", 1), WINDOW)
    made = list(attempts)

    assert [texts(one) for one in made] == ["x", "x", "x", "x", "ab"]
    assert [one.condition for one in mapping.discarded] == ["RetryAttemptsExhausted"]
    for one in made:
        sent = one.invocation.log_events[0].timestamp
        assert ages(one) == {(sent, (one.iterator_age_ms,))}
    assert made[-1].iterator_age_ms >= 5000


def test_a_batch_that_fails_for_ever_blocks_all_behind_it_to_the_end(lab_of):
    attempts, mapping = backfill_stream(*lab_of(), records("axbc", 20), WINDOW)
    made = list(attempts)

    assert {texts(one) for one in made} == {"a", "x"}
    assert 10 < len(made) < 25
    assert made[-1].at <= WINDOW.end
    assert mapping.discarded == []


def test_a_deployment_in_a_past_starts_a_new_environment(lab_of):
    lab, settings = lab_of()
    attempts, _ = backfill_stream(lab, settings, records("abcd", 20), WINDOW, [START + 30])

    assert [one.invocation.cold_start for one in attempts] == [True, False, True, False]


def test_records_are_asked_for_as_they_are_needed(lab_of):
    asked = []

    def coming():
        for one in records("abcdefgh", 20):
            asked.append(one)
            yield one

    attempts, _ = backfill_stream(*lab_of(), coming(), WINDOW)
    next(attempts)

    assert len(asked) == 2


def test_live_records_wait_for_their_time_and_are_kept_with_their_age(lab_of):
    waits = []

    class Waiting(Clock):
        def wait(self, seconds):
            if seconds > 0:
                waits.append(round(seconds))
            super().wait(seconds)

    with Store.open(None) as store:
        lab, settings = lab_of("MaximumRetryAttempts: 2", store=store)
        attempts, mapping = live_stream(
            lab, settings, records("axb", 20), WINDOW, store.append, Waiting(START)
        )
        made = list(attempts)
        lab.close()
        kept = store.log_events()
        points = store.data_points()

    assert [texts(one) for one in made] == ["a", "x", "x", "x", "b"]
    assert waits == [20, 1, 2, 17]
    assert [one.data for lost in mapping.discarded for one in lost.records] == [b"x"]
    assert sum("got" in one.message for one in kept) == 5
    assert len([one for one in points if one.name == "IteratorAge"]) == 5 * 3
