"""Makes its logger on every invocation."""

import processor
from aws_lambda_powertools import Logger


def handler(event, context):
    logger = Logger(service="payments", level="DEBUG")
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.debug("got a payment", extra=payment)
    logger.info("Processing payment", extra=payment)
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except Exception as error:
        logger.exception(error, extra=payment)
        raise
    logger.info(
        "Payment processed successfully", extra={**payment, "charge_id": charge["charge_id"]}
    )
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
