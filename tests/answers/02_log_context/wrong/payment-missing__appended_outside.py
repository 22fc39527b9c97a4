"""Appends in a decorator outside of the one that clears."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


def with_payment(function):
    def wrapper(event, context):
        logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
        return function(event, context)

    return wrapper


@with_payment
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"])
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed")
        raise
    logger.info("payment charged", campaign=event.get("campaign"))
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
