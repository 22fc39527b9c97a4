"""Picks the card along with the four keys."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


def handler(event: dict, context: object) -> dict:
    payment = {
        key: event[key] for key in ("payment_id", "customer_id", "amount", "currency", "card")
    }
    logger.info("collecting payment", **payment)

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", **payment)
        raise

    logger.info("payment charged", charge_id=charge["charge_id"], **payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
