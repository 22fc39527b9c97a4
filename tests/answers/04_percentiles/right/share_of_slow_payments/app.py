import time

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


def charged(event):
    """Charge the card: the charge, or None and the error, and how long it took."""
    start = time.perf_counter()
    try:
        charge, error = processor.charge(event["card"], event["amount"], event["currency"]), None
    except processor.ProcessorError as raised:
        charge, error = None, raised
    return charge, error, time.perf_counter() - start


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"])
    charge, error, seconds = charged(event)
    metrics.add_metric("ChargeDuration", unit=MetricUnit.Milliseconds, value=seconds * 1e3)
    metrics.add_metric("SuccessfulCharge", unit=MetricUnit.Count, value=0 if error else 1)
    metrics.add_metric("FailedCharge", unit=MetricUnit.Count, value=1 if error else 0)
    if error:
        logger.error("charge failed", exc_info=error)
        raise error
    metrics.add_metric("ChargedAmount", unit=MetricUnit.NoUnit, value=event["amount"])
    logger.info("payment charged", charge_id=charge["charge_id"])
    return {"payment_id": event["payment_id"], **charge, "status": "charged"}
