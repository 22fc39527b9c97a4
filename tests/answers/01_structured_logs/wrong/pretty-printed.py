"""Indents its JSON: CloudWatch cuts at line ends, and no line alone is JSON."""

import functools
import json

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments", json_serializer=functools.partial(json.dumps, indent=4))


def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.info("collecting payment", **payment)
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", **payment)
        raise
    logger.info("payment charged", **payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
