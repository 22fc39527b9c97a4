"""Charges a card, and logs which charge it was, in which request."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event: dict, context: object) -> dict:
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    if "campaign" in event:
        logger.append_keys(campaign=event["campaign"])
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"])

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
