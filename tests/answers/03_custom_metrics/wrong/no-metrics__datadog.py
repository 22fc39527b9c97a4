"""Another vendor, another format."""

import processor
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics.provider.datadog import DatadogMetrics

logger = Logger(service="payments")
metrics = DatadogMetrics(namespace="Workshop")


@metrics.log_metrics
def handler(event, context):
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", payment_id=event["payment_id"])
        metrics.add_metric(name="FailedCharge", value=1)
        raise
    metrics.add_metric(name="SuccessfulCharge", value=1)
    metrics.add_metric(name="ChargedAmount", value=event["amount"])
    logger.info("payment charged", payment_id=event["payment_id"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
