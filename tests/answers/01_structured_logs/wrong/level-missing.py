"""Writes JSON by hand, and no level."""

import json

import processor


def handler(event: dict, context: object) -> dict:
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    print(json.dumps({"message": "collecting payment", "service": "payments", **payment}))

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        print(json.dumps({"message": "charge failed", "service": "payments", **payment}))
        raise

    print(json.dumps({"message": "payment charged", "service": "payments", **payment}))
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
