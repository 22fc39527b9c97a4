"""Returns JSON text, which Lambda then turns into JSON once more."""

import json

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    return json.dumps({
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    })
