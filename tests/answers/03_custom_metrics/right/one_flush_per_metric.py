"""Flushes after each metric."""

import functools

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")

cold = [True]


def count(name, value=1, unit=MetricUnit.Count):
    metrics.add_metric(name=name, unit=unit, value=value)
    metrics.flush_metrics()


def handler(event, context):
    if cold:
        cold.clear()
        count("ColdStart")
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", payment_id=event["payment_id"])
        count("FailedCharge")
        raise
    count("SuccessfulCharge")
    count("ChargedAmount", event["amount"], "None")
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
