"""Would we know before users do? What the payments API promises, one test each."""

# region setup
import json
from types import SimpleNamespace
from unittest.mock import ANY, Mock

import app
import processor
import pytest

CARD = {"number": "4242424242424242", "cvc": "123", "holder": "Ada Lovelace"}
PAYMENT = {
    "payment_id": "pay_1",
    "customer_id": "cus_ada",
    "amount": 1299,
    "currency": "USD",
    "card": CARD,
}
# endregion setup


# region fixtures
@pytest.fixture
def pay():
    """Send a payment, some of its fields changed, as API Gateway would."""
    context = SimpleNamespace(
        function_name="payments",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:payments",
        aws_request_id="597479cc-6a6f-46b6-9479-bbd37f8c6292",
    )

    def send(**changes):
        event = {
            "httpMethod": "POST",
            "path": "/payments",
            "headers": {"Content-Type": "application/json"},
            "requestContext": {"requestId": "req_1"},
            "body": json.dumps(PAYMENT | changes),
        }
        return app.handler(event, context)

    return send


@pytest.fixture
def charge(monkeypatch):
    """A processor that does what it is told, and remembers how it was asked."""
    fake = Mock(return_value={"charge_id": "ch_1"})
    monkeypatch.setattr(processor, "charge", fake)
    return fake


@pytest.fixture
def written(capsys):
    """Read what was written, as CloudWatch would: one JSON object a line."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def units(lines):
    """The metrics among the lines: name to unit."""
    return {
        metric["Name"]: metric["Unit"]
        for line in lines
        if "_aws" in line
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    # endregion fixtures


# region charged
def test_a_payment_is_charged_once_in_cents(pay, charge):
    response = pay()
    assert response["statusCode"] == 200
    assert json.loads(response["body"])["charge_id"] == "ch_1"
    charge.assert_called_once_with(CARD, 1299, "USD", ANY)


def test_a_payment_sent_again_has_the_same_key(pay, charge):
    pay()
    pay()
    first, again = (call.args[3] for call in charge.call_args_list)
    assert first == again
    # endregion charged


# region telemetry
def test_a_charge_is_counted_and_timed(pay, charge, written):
    pay()
    lines = written()
    assert units(lines).items() >= {
        ("SuccessfulCharge", "Count"),
        ("ChargedAmount", "None"),
        ("ChargeDuration", "Milliseconds"),
    }
    assert [line["ChargedAmount"] for line in lines if "ChargedAmount" in line] == [[1299]]


def test_the_log_tells_which_request_and_no_card(pay, charge, written):
    pay()
    lines = written()
    log_events = [line for line in lines if "level" in line]
    assert log_events
    assert {line["correlation_id"] for line in log_events} == {"req_1"}
    assert CARD["number"] not in json.dumps(lines)
    # endregion telemetry


# region refused
@pytest.mark.parametrize("changes", [{"amount": 0}, {"amount": None}, {"currency": "XXX"}])
def test_a_bad_request_is_400_and_charges_nothing(pay, charge, written, changes):
    assert pay(**changes)["statusCode"] == 400
    charge.assert_not_called()
    assert "InvalidRequest" in units(written())


def test_a_declined_card_is_402_and_no_failure_of_ours(pay, charge, written):
    charge.side_effect = processor.CardDeclinedError
    assert pay()["statusCode"] == 402
    assert "DeclinedCharge" in (names := units(written()))
    assert not names.keys() & {"FailedCharge", "SuccessfulCharge"}
    # endregion refused


# region unavailable
def test_an_unavailable_processor_is_503_and_a_failure(pay, charge, written):
    charge.side_effect = processor.ProcessorError
    assert pay()["statusCode"] == 503
    assert "FailedCharge" in (names := units(written()))
    assert "SuccessfulCharge" not in names
    # endregion unavailable
