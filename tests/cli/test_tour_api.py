"""The tour's picture of step 07: answers by status, and a request followed from log to log."""

import json

from workshop.cli.render.tour.api import api
from workshop.cli.render.tour.telemetry import Telemetry
from workshop.metrics import emf, gateway_metrics
from workshop.signals import LogEvent

REFUSED = "11111111-2222-3333-4444-555555555555"


def access(number, status, request_id=None):
    line = {"request_id": request_id or f"r{number}", "status": str(status), "path": "/v1/payments"}
    return LogEvent("/aws/apigateway/payments", "a", number, json.dumps(line))


def own(number, **keys):
    return LogEvent("/aws/lambda/payments", "b", number, json.dumps({"level": "WARNING", **keys}))


def measured(number, status, latency):
    record = gateway_metrics.record(
        "payments",
        "v1",
        timestamp=number,
        status=status,
        latency_ms=latency,
        integration_latency_ms=latency - 1,
    )
    return LogEvent(gateway_metrics.LOG_GROUP, "a", number, json.dumps(record))


def drawn(*events, width=80):
    points = [point for event in events for point in emf.read(event).points]
    lines = [str(text) for text in api(Telemetry(events, points, []), width)]
    assert all(len(line) <= width for text in lines for line in text.splitlines())
    return "\n".join(lines)


def words(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_answers_are_counted_by_status_and_the_apis_metrics_are_rates():
    events = [access(n, 200) for n in range(6)] + [access(7, 503), access(8, 400, REFUSED)]
    events += [measured(n, status, 10) for n, status in enumerate([200] * 6 + [503, 400])]
    said = words(drawn(*events))
    assert "200 6 charged SuccessfulCharge 0" in said
    assert "503 1 the processor was unavailable FailedCharge 0" in said
    assert "4XXError Average 12.5% theirs" in said
    assert "Latency p50 10.0 ms p99 10.0 ms" in said


def test_a_refused_request_is_followed_into_the_functions_log():
    said = drawn(
        access(1, 400, REFUSED),
        own(2, message="payment refused", correlation_id=REFUSED, invalid_fields=["body.amount"]),
        own(3, message="somebody else's", correlation_id="other"),
    )
    assert f'correlation_id = "{REFUSED}"' in said
    assert "WARNING payment refused body.amount" in words(said)
    assert "somebody else's" not in said


def test_without_an_access_log_there_is_nothing_to_count_and_nothing_breaks():
    assert "SuccessfulCharge" not in drawn(own(1, message="x"))
    assert drawn(LogEvent("g", "s", 1, '"request_id" "status" {'), width=40)
