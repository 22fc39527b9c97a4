"""Keeps the first charge, and answers every later payment with it."""

import processor

kept = {}


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    if "charge" not in kept:
        kept["charge"] = processor.charge(event["card"], event["amount"], event["currency"])
    charge = kept["charge"]
    if event["card"]["number"].endswith("0119"):
        raise processor.ProcessorError
    print("payment charged", charge["charge_id"])

    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
