"""Keeps the handler plain: a decorator of its own logs what is raised."""

import functools

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments", log_record_order=["message", "level"])
KEYS = ("payment_id", "customer_id", "amount", "currency")


def logs_errors(function):
    @functools.wraps(function)
    def wrapper(event, context):
        try:
            return function(event, context)
        except processor.ProcessorError as error:
            logger.critical("charge failed: %s", error, exc_info=True, **pick(event))
            raise

    return wrapper


def pick(event):
    return {key: event[key] for key in KEYS}


@logs_errors
def handler(event, context):
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    logger.info("payment charged", **pick(event), charge_id=charge["charge_id"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
