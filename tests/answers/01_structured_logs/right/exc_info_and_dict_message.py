"""Wraps the processor in a function of its own, which logs and raises."""

import logging

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")
logging.getLogger().setLevel(logging.DEBUG)


def collect(event, keys):
    try:
        return processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError as error:
        logger.error("Charge failed", exc_info=error, extra=keys)
        raise


def handler(event, context):
    print("Received payment", event["payment_id"])
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    charge = collect(event, payment)
    logger.warning("large amount", **payment) if event["amount"] > 10_000_000 else None
    logger.info({"text": "charged"}, **payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
