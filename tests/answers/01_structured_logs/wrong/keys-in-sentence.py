"""Writes the values into the message with an f-string."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


def handler(event: dict, context: object) -> dict:
    logger.info(
        f"collecting {event['amount']} {event['currency']} for payment {event['payment_id']} "
        f"of {event['customer_id']}"
    )

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception(f"charge failed for payment {event['payment_id']}")
        raise

    logger.info(f"payment {event['payment_id']} charged: {charge['charge_id']}")
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
