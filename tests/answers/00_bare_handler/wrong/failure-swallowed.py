"""Answers a refused charge as if nothing had happened."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        return {"payment_id": event["payment_id"], "status": "failed"}
    print("payment charged", charge["charge_id"])

    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
