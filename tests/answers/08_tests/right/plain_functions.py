"""No fixture at all: functions, and a fake that is put back by hand."""
import json
from contextlib import contextmanager

import app
import processor


class Context:
    function_name = "payments"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:payments"
    aws_request_id = "11111111-2222-3333-4444-555555555555"


def event(**changes):
    body = {
        "payment_id": "pay_9",
        "customer_id": "cus_9",
        "amount": 250,
        "currency": "EUR",
        "card": {"number": "5555555555554444", "cvc": "999", "holder": "Alan Turing"},
    }
    body.update(changes)
    return {
        "resource": "/payments",
        "path": "/payments",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "pathParameters": None,
        "requestContext": {"requestId": "abc-123", "stage": "prod"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


@contextmanager
def fake_processor(error=None):
    calls = []

    def charge(*args):
        calls.append(args)
        if error:
            raise error
        return {"charge_id": "ch_42"}

    real = processor.charge
    processor.charge = charge
    try:
        yield calls
    finally:
        processor.charge = real


def written(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line]


def metric_names(lines):
    return {
        (metric["Name"], metric["Unit"])
        for line in lines
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", [])
        for metric in directive["Metrics"]
    }


def test_good(capsys):
    with fake_processor() as calls:
        answer = app.handler(event(), Context())
    assert answer["statusCode"] == 200
    assert len(calls) == 1
    assert calls[0][1] == 250
    lines = written(capsys)
    assert ("SuccessfulCharge", "Count") in metric_names(lines)
    assert ("ChargeDuration", "Milliseconds") in metric_names(lines)
    assert any(line.get("correlation_id") == "abc-123" for line in lines)
    assert not any("5555555555554444" in json.dumps(line) for line in lines)


def test_twice():
    with fake_processor() as calls:
        app.handler(event(), Context())
        app.handler(event(), Context())
    assert calls[0] == calls[1]


def test_bad():
    with fake_processor() as calls:
        answer = app.handler(event(amount=-5), Context())
    assert answer["statusCode"] == 400
    assert calls == []


def test_declined(capsys):
    with fake_processor(processor.CardDeclinedError("no")):
        answer = app.handler(event(), Context())
    assert answer["statusCode"] == 402
    assert metric_names(written(capsys)) >= {("DeclinedCharge", "Count")}


def test_down(capsys):
    with fake_processor(processor.ProcessorError("no")):
        answer = app.handler(event(), Context())
    assert answer["statusCode"] == 503
    assert metric_names(written(capsys)) >= {("FailedCharge", "Count")}
