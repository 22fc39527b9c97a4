"""One table of outcomes, run through one test."""
import json
from dataclasses import dataclass, field
from typing import Any

import app
import processor
import pytest


@dataclass
class LambdaContext:
    function_name: str = "payments"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:payments"
    aws_request_id: str = "0b7a1f6e-0000-4000-8000-000000000001"


@dataclass
class FakeProcessor:
    error: Exception | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def charge(self, card, amount, currency, idempotency_key):
        self.asked.append((card, amount, currency, idempotency_key))
        if self.error is not None:
            raise self.error
        return {"charge_id": "ch_7", "amount": amount, "currency": currency}


@pytest.fixture
def fake(monkeypatch):
    one = FakeProcessor()
    monkeypatch.setattr("processor.charge", one.charge)
    return one


def request(**changes):
    payment = {
        "payment_id": "pay_7",
        "customer_id": "cus_7",
        "amount": 4200,
        "currency": "USD",
        "campaign": "spring",
        "card": {"number": "378282246310005", "cvc": "1234", "holder": "Radia Perlman"},
    } | changes
    return {
        "httpMethod": "POST",
        "path": "/payments",
        "requestContext": {"requestId": "req_77"},
        "body": json.dumps(payment),
    }


def emf(text):
    found = {}
    for line in map(json.loads, text.splitlines()):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in directive["Metrics"]:
                found[metric["Name"], metric["Unit"]] = sum(line[metric["Name"]])
    return found


class TestOutcomes:
    @pytest.mark.parametrize(
        ("error", "status", "counted"),
        [
            (None, 200, "SuccessfulCharge"),
            (processor.CardDeclinedError("card declined"), 402, "DeclinedCharge"),
            (processor.ProcessorError("processor unavailable"), 503, "FailedCharge"),
        ],
    )
    def test_status_and_metric(self, fake, capsys, error, status, counted):
        fake.error = error
        response = app.handler(request(), LambdaContext())
        metrics = emf(capsys.readouterr().out)
        assert response["statusCode"] == status
        outcomes = {name for name, _ in metrics} & {
            "SuccessfulCharge",
            "DeclinedCharge",
            "FailedCharge",
        }
        assert outcomes == {counted}
        assert metrics[counted, "Count"] == 1
        assert ("ChargeDuration", "Milliseconds") in metrics

    @pytest.mark.parametrize("field_name", ["payment_id", "customer_id", "amount", "card"])
    def test_a_field_is_missing(self, fake, field_name):
        event = request()
        body = json.loads(event["body"])
        del body[field_name]
        event["body"] = json.dumps(body)
        assert app.handler(event, LambdaContext())["statusCode"] == 400
        assert not fake.asked

    def test_no_json(self, fake):
        assert app.handler(request() | {"body": "{"}, LambdaContext())["statusCode"] == 400
        assert not fake.asked


class TestCharge:
    def test_once_and_to_the_cent(self, fake):
        app.handler(request(), LambdaContext())
        [(_, amount, currency, _)] = fake.asked
        assert (amount, currency) == (4200, "USD")

    def test_keys(self, fake):
        app.handler(request(), LambdaContext())
        app.handler(request(), LambdaContext(aws_request_id="another"))
        app.handler(request(payment_id="pay_8"), LambdaContext())
        one, again, other = (asked[3] for asked in fake.asked)
        assert one == again
        assert one != other


class TestLog:
    @pytest.fixture(autouse=True)
    def lines(self, fake, capsys):
        app.handler(request(), LambdaContext())
        self.text = capsys.readouterr().out
        self.events = [one for one in map(json.loads, self.text.splitlines()) if "level" in one]

    def test_no_card(self):
        for secret in ("378282246310005", "1234", "Perlman"):
            assert f'"{secret}"' not in self.text
        assert "378282246310005" not in self.text

    def test_request(self):
        assert self.events
        assert all(one["correlation_id"] == "req_77" for one in self.events)
