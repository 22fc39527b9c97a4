"""What step 00 promises: the caller learns what was charged, and a refused charge fails.

The log is shown to the learner and not judged.
"""

import json

from workshop.course.wrong import Wrong

LOOK = (
    "the end of the handler in app.py; "
    "https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html"
)
KEYS = ("payment_id", "charge_id", "amount", "currency", "status")


def shown(value, limit=150):
    """Return a JSON value as text that fits a line or two."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}…"


def charged(traffic):
    """Return the payments that went well."""
    return (traffic.first, traffic.warm, traffic.planted, traffic.again)


def test_the_handler_returns_something(traffic):
    """Every successful payment is answered."""
    for sent in charged(traffic):
        if sent.response is None:
            optional = "" if "campaign" in sent.event else " of a payment without a campaign"
            raise Wrong(
                "no-response",
                "the handler returned nothing",
                saw=f"the card was charged, and the caller{optional} was answered: null",
                wanted=f"a dict with the keys {', '.join(KEYS)}",
                look=LOOK,
            )


def test_the_response_is_an_object(traffic):
    """The response is one object with the charge's values at its top."""
    for sent in charged(traffic):
        response = sent.response
        if not isinstance(response, dict):
            raise Wrong(
                "response-not-an-object",
                "the response is not an object",
                saw=f"{shown(response)}, which JSON calls {kind(response)}",
                wanted="a dict: Lambda itself turns it into JSON, once",
                look=LOOK,
            )
        if "statusCode" in response or "body" in response:
            raise Wrong(
                "response-wrapped",
                "the response is wrapped as if for a web server",
                saw=f"an object with the keys {', '.join(response)}",
                wanted=f"the charge itself: {', '.join(KEYS)}. No API stands in front of it yet",
                look=LOOK,
            )


def kind(value):
    """Return the JSON name of a value's type."""
    if isinstance(value, bool):
        return "a boolean"
    return {str: "a string", list: "an array"}.get(type(value), "a number")


def test_the_card_is_not_handed_back(traffic):
    """Nothing private is in the response."""
    card = traffic.planted.event["card"]
    text = json.dumps(traffic.planted.response, ensure_ascii=False)
    private = [f"card.{key}" for key, value in card.items() if value in text]
    if private:
        raise Wrong(
            "private-data-returned",
            "the response holds private data",
            saw=f"the values of {', '.join(private)} came back to the caller",
            wanted=f"{', '.join(KEYS)}, picked one by one",
            look=LOOK,
        )


def test_the_response_has_every_key(traffic):
    """No key that the caller needs is missing."""
    for sent in charged(traffic):
        missing = [key for key in KEYS if key not in sent.response]
        if missing:
            raise Wrong(
                "key-missing",
                f"the response lacks {', '.join(missing)}",
                saw=f"an object with the keys {', '.join(sent.response) or '(none)'}",
                wanted=", ".join(KEYS),
                look=LOOK,
            )


def test_the_values_are_those_of_the_payment(traffic):
    """Each payment is answered with its own values, and a charge id of its own."""
    charge_ids = set()
    for sent in charged(traffic):
        expected = {key: sent.event[key] for key in ("payment_id", "amount", "currency")}
        expected["status"] = "charged"
        for key, value in expected.items():
            if sent.response[key] != value:
                raise Wrong(
                    "value-wrong",
                    f"{key} in the response is not that of the payment",
                    saw=f'"{key}": {shown(sent.response[key])}',
                    wanted=f'"{key}": {shown(value)}',
                    look=LOOK,
                )
        charge_id = str(sent.response["charge_id"])
        if not charge_id.startswith("ch_") or charge_id in charge_ids:
            again = " again, for another payment" if charge_id in charge_ids else ""
            raise Wrong(
                "value-wrong",
                "charge_id in the response is not the processor's",
                saw=f'"charge_id": {shown(charge_id)}{again}',
                wanted="the charge_id in what processor.charge returned for this payment",
                look="processor.py says what charge() returns",
            )
        charge_ids.add(charge_id)


def test_a_refused_charge_fails(traffic):
    """The processor's error reaches the caller."""
    if traffic.failed.succeeded:
        raise Wrong(
            "failure-swallowed",
            "the processor was unavailable, and the invocation succeeded",
            saw=f"the response {shown(traffic.failed.response)}",
            wanted="the ProcessorError to leave the handler, so that the invocation fails",
            look="an except around processor.charge in app.py? Let the error go on: `raise`",
        )
