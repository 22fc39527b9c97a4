"""basicConfig does nothing in Lambda: the root logger has its handler already, and its level."""

import json
import logging

import processor

logging.basicConfig(level=logging.INFO, format="%(message)s")


def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logging.info(json.dumps({"level": "INFO", "message": "collecting payment", **payment}))
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logging.exception("charge failed")
        raise
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
