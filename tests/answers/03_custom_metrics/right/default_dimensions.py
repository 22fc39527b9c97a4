"""The service as a default dimension; units as text."""

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop")
metrics.set_default_dimensions(service="payments")


@metrics.log_metrics(capture_cold_start_metric=True, raise_on_empty_metrics=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", payment_id=event["payment_id"])
        metrics.add_metric(name="FailedCharge", unit="Count", value=1)
        raise
    metrics.add_metric(name="SuccessfulCharge", unit="Count", value=1)
    metrics.add_metric(name="ChargedAmount", unit="None", value=event["amount"])
    logger.info("payment charged", payment_id=event["payment_id"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
