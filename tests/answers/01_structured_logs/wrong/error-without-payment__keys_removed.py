"""Appends keys, and takes them off before the error is logged."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.append_keys(**payment)
    try:
        logger.info("collecting payment")
        charge = processor.charge(event["card"], event["amount"], event["currency"])
        logger.info("payment charged")
    except processor.ProcessorError:
        logger.remove_keys(list(payment))
        logger.exception("charge failed")
        raise
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
