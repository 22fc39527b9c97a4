"""Prints JSON by hand, with no logger at all."""

import json
import traceback

import processor


def log(level, message, **keys):
    print(json.dumps({"level": level, "message": message, "service": "payments", **keys}))


def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    log("info", "collecting payment", **payment)
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        log("error", "charge failed", **payment, stack=traceback.format_exc())
        raise
    log("info", "payment charged", **payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
