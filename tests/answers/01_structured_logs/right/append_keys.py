"""Appends the keys once, as step 02 will; also prints for debugging."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


def handler(event: dict, context: object) -> dict:
    print("DEBUG here we go")
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.append_keys(**payment)
    logger.info("collecting payment")

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed")
        raise

    logger.info("payment charged", charge_id=charge["charge_id"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
