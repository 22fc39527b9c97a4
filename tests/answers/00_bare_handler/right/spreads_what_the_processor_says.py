"""Spreads the processor's answer, prints the response for debugging, and adds a key."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    response = {"payment_id": event["payment_id"], **charge, "status": "charged", "version": 1}
    print("DEBUG", response)
    return response
