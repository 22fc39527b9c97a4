"""Logs one event for each payment, when all is known."""

import processor
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

logger = Logger(service="payments", logger_formatter=LambdaPowertoolsFormatter(utc=True))


def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    outcome = "charged"
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        outcome = "failed"
        raise
    finally:
        log = logger.info if outcome == "charged" else logger.exception
        log("payment", outcome=outcome, **payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
