"""A retry that the processor never grants."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")

def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.append_keys(**payment)
    try:
        for attempt in (1, 2):
            try:
                charge = processor.charge(event["card"], event["amount"], event["currency"])
                break
            except processor.ProcessorError:
                if attempt == 2:
                    logger.exception("charge failed", attempt=attempt)
                    raise
                logger.warning("charge failed, trying again", attempt=attempt)
        logger.info("payment charged")
    finally:
        logger.remove_keys(list(payment))
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
