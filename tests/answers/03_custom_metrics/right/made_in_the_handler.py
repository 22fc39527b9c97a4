"""Makes its metrics for each invocation, and flushes them in `finally`."""

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
cold = True


def handler(event, context):
    global cold
    metrics = Metrics(namespace="Workshop", service="payments")
    if cold:
        metrics.add_metric(name="ColdStart", unit=MetricUnit.Count, value=1)
        cold = False
    try:
        return charge_card(event, metrics)
    finally:
        metrics.flush_metrics()


def charge_card(event, metrics):
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", payment_id=event["payment_id"])
        metrics.add_metric(name="FailedCharge", unit=MetricUnit.Count, value=1)
        raise
    metrics.add_metric(name="SuccessfulCharge", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="ChargedAmount", unit=MetricUnit.NoUnit, value=event["amount"])
    logger.info("payment charged", payment_id=event["payment_id"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
