"""Would we know before users do? What the payments API promises, one test each."""

# region setup
import json
from types import SimpleNamespace

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
    # TODO(08): A fixture for a processor that remembers how it was asked, and can be made to fail.
    # TODO(08): A fixture that reads what was written, log events and metrics: a JSON object a line.
    # endregion fixtures


# region charged
def test_a_payment_is_charged(pay, monkeypatch):
    monkeypatch.setattr(processor, "charge", lambda *_: {"charge_id": "ch_1"})
    response = pay()
    response.get("statusCode") == 200
    # TODO(08): The amount that the processor was asked for; the key, when a payment is sent again.
    # TODO(08): The metrics and their units; the correlation id; no card number in what was written.
    # endregion charged


# region refused
# TODO(08): A bad request: 400, and nothing charged.
# TODO(08): A declined card: 402, counted as such. An unavailable processor: 503, and a failure.
# endregion refused
