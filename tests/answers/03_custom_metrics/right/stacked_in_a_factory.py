"""A middleware that counts; the handler knows nothing of metrics."""

import functools

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


def counted(function):
    @functools.wraps(function)
    def wrapper(event, context):
        try:
            response = function(event, context)
        except Exception:
            metrics.add_metric("FailedCharge", "Count", 1)
            raise
        metrics.add_metric("SuccessfulCharge", "Count", 1)
        metrics.add_metric("ChargedAmount", "None", response["amount"])
        return response

    return wrapper


@metrics.log_metrics(capture_cold_start_metric=True)
@counted
def handler(event, context):
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
