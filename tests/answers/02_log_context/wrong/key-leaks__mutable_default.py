"""Collects keys in a default argument, which Python makes once."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


def keys_of(event, keys={}):
    keys.update({k: event[k] for k in ("payment_id", "customer_id", "campaign") if k in event})
    return keys


@logger.inject_lambda_context(correlation_id_path="correlation_id")
def handler(event, context):
    keys = keys_of(event)
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"], **keys)
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", **keys)
        raise
    logger.info("payment charged", **keys)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
