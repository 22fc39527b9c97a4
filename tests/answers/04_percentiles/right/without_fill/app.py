from time import monotonic

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    if event.get("campaign"):
        logger.append_keys(campaign=event["campaign"])
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"])

    def took(begun):
        metrics.add_metric("ChargeDuration", "Milliseconds", 1000 * (monotonic() - begun))

    begun = monotonic()
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        took(begun)
        logger.exception("charge failed")
        metrics.add_metric("FailedCharge", "Count", 1)
        raise
    took(begun)

    logger.info("payment charged", charge_id=charge["charge_id"])
    metrics.add_metric("SuccessfulCharge", "Count", 1)
    metrics.add_metric("ChargedAmount", "None", event["amount"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
