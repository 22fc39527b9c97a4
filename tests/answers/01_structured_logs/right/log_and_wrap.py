"""Raises an error of its own from the processor's, and lets a warning pass."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


class PaymentFailed(Exception):
    pass


def handler(event: dict, context: object) -> dict:
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.info("collecting payment", **payment)

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError as error:
        logger.exception("charge failed", **payment)
        raise PaymentFailed(event["payment_id"]) from error

    logger.warning("the processor is slow today")
    logger.info("payment charged", charge_id=charge["charge_id"], **payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
