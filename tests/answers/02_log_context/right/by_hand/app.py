"""Appends everything by hand."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")
cold_start = True


def handler(event, context):
    global cold_start
    logger.append_keys(
        function_request_id=context.aws_request_id,
        cold_start=cold_start,
        correlation_id=event["correlation_id"],
        payment_id=event["payment_id"],
        customer_id=event["customer_id"],
        campaign=event.get("campaign"),
    )
    cold_start = False
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
