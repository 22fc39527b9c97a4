"""Initialises the failure with 0, and never counts it up."""

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", payment_id=event["payment_id"])
        metrics.add_metric(name="FailedCharge", unit=MetricUnit.Count, value=0)
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
