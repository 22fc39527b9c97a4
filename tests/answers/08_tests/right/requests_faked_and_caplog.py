"""The seam is one deeper: requests.post; and the log is read by caplog."""
import json
import logging
from types import SimpleNamespace

import app
import pytest
import requests


class Answer:
    def __init__(self, status):
        self.status_code = status

    def raise_for_status(self):
        if self.status_code >= 400:
            raise requests.HTTPError(str(self.status_code))

    def json(self):
        return {"charge_id": "ch_1"}


@pytest.fixture
def posted(monkeypatch):
    calls = []

    def post(url, json, headers, timeout):
        calls.append(SimpleNamespace(json=json, headers=headers))
        return Answer(post.status)

    post.status = 200
    monkeypatch.setattr(requests, "post", post)
    monkeypatch.setattr("time.sleep", lambda _: None)
    calls_and_status = SimpleNamespace(calls=calls, post=post)
    return calls_and_status


@pytest.fixture
def context():
    return SimpleNamespace(
        function_name="f", memory_limit_in_mb=1, invoked_function_arn="a", aws_request_id="r"
    )


@pytest.fixture
def event():
    return {
        "httpMethod": "POST",
        "path": "/payments",
        "requestContext": {"requestId": "id-of-the-request"},
        "body": json.dumps(
            {
                "payment_id": "p",
                "customer_id": "c",
                "amount": 12345,
                "currency": "USD",
                "card": {"number": "6011111111111117", "cvc": "123", "holder": "Tony Hoare"},
            }
        ),
    }


def emf(capsys):
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def test_happy(event, context, posted, capsys, caplog):
    caplog.handler.setFormatter(app.logger.registered_formatter)
    assert app.handler(event, context)["statusCode"] == 200
    assert posted.calls[0].json["amount"] == 12345
    assert "6011111111111117" not in caplog.text
    assert caplog.text.count("id-of-the-request") >= 1
    metrics = emf(capsys)[-1]
    assert metrics["SuccessfulCharge"] == [1]
    units = {m["Name"]: m["Unit"] for m in metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units["ChargeDuration"] == "Milliseconds"


def test_idempotent(event, context, posted):
    for _ in range(3):
        app.handler(event, context)
    assert len({call.headers["Idempotency-Key"] for call in posted.calls}) == 1


def test_garbage(event, context, posted, caplog):
    event["body"] = json.dumps({"amount": 1})
    assert app.handler(event, context)["statusCode"] == 400
    assert not posted.calls
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize(("status", "answer", "name"), [(402, 402, "Declined"), (500, 503, "Failed")])
def test_sad(event, context, posted, capsys, status, answer, name):
    posted.post.status = status
    assert app.handler(event, context)["statusCode"] == answer
    assert emf(capsys)[-1][f"{name}Charge"] == [1]
