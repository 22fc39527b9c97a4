"""Gives the amount a name of its own."""

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event: dict, context: object) -> dict:
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    if "campaign" in event:
        logger.append_keys(campaign=event["campaign"])
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"])

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed")
        metrics.add_metric("FailedCharge", unit=MetricUnit.Count, value=1)
        raise

    logger.info("payment charged", charge_id=charge["charge_id"])
    metrics.add_metric("SuccessfulCharge", unit=MetricUnit.Count, value=1)
    metrics.add_metric("Amount", unit=MetricUnit.NoUnit, value=event["amount"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
