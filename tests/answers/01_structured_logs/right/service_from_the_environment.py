"""Takes the service from the environment, set before the Logger is made; logs one event for each payment."""

import os

import processor
from aws_lambda_powertools import Logger

os.environ["POWERTOOLS_SERVICE_NAME"] = "payments"
logger = Logger()


def handler(event: dict, context: object) -> dict:
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}

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
