"""Turns cents into units of the currency."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"] / 100,
        "currency": event["currency"],
        "status": "charged",
    }
