"""What is read out of stored telemetry, and nothing else."""

import json

from hypothesis import given
from hypothesis import strategies as st

from workshop.cli import findings
from workshop.signals import DataPoint, LogEvent


def event(message):
    text = message if isinstance(message, str) else json.dumps(message)
    return LogEvent("/aws/lambda/payments", "stream", 0, text)


def test_only_log_events_with_a_level_are_records():
    events = [
        event("START RequestId: 1"),
        event({"level": "INFO", "message": "hello"}),
        event({"_aws": {}, "level": "INFO"}),
        event({"type": "platform.report", "record": {}}),
        event("{broken"),
        event('["level"]'),
    ]
    assert [record["message"] for record in findings.records(events)] == ["hello"]


def test_a_failure_says_what_its_log_event_says_and_no_more():
    records = [
        {"level": "INFO", "payment_id": "pay_0"},
        {
            "level": "ERROR",
            "payment_id": "pay_1",
            "exception": "Traceback\n  x\nProcessorError: no\n",
        },
        {"level": "ERROR", "message": "charge failed"},
    ]
    assert findings.failures(records) == [
        findings.Failure("pay_1", None, None, "ProcessorError: no"),
        findings.Failure(None, None, None, "charge failed"),
    ]


def test_a_request_is_what_shares_a_correlation_id():
    records = [
        {"level": "INFO", "correlation_id": "a", "n": 1},
        {"level": "INFO", "correlation_id": "b"},
        {"level": "INFO", "correlation_id": "a", "n": 2, "customer_id": "cus"},
        {"level": "INFO"},
    ]
    first, second = findings.requests(records)
    assert (first.correlation_id, first.customer_id) == ("a", "cus")
    assert [one["n"] for one in first.records] == [1, 2]
    assert second.customer_id is None


def test_cold_starts_are_counted_by_request_and_not_by_log_event():
    records = [
        {"function_request_id": "1", "cold_start": True},
        {"function_request_id": "1", "cold_start": True},
        {"function_request_id": "2", "cold_start": False},
        {},
    ]
    assert findings.cold_starts(records) == (1, 2)


def test_numbers_gather_every_sample_of_a_metric():
    points = [DataPoint("W", "A", {}, 0, (1.0, 2.0), "Count"), DataPoint("W", "A", {}, 0, (6.0,))]
    (one,) = findings.numbers(points).values()
    assert (one.total, one.average, one.unit) == (9.0, 3.0, "Count")


@given(st.lists(st.floats(0, 1e6)), st.lists(st.floats(0, 1e6), unique=True).map(sorted))
def test_a_histogram_counts_every_value_once(values, edges):
    counts = findings.histogram(values, edges)
    assert len(counts) == len(edges) + 1
    assert sum(counts) == len(values)
