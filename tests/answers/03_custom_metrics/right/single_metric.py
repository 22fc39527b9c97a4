"""Writes each metric as a record of its own."""

import processor
from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


def count(name, value=1, unit=MetricUnit.Count):
    with single_metric(name=name, unit=unit, value=value, namespace="Workshop") as metric:
        metric.add_dimension(name="service", value="payments")


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed")
        count("FailedCharge")
        raise
    count("SuccessfulCharge")
    count("ChargedAmount", event["amount"], MetricUnit.NoUnit)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
