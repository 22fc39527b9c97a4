"""Charges a card by a service that can be slow, fail, or not answer at all."""

# region setup
import hashlib
import time

import processor
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")
# endregion setup
# region tracer
tracer = Tracer(service="payments", patch_modules=["requests"])
# endregion tracer


# region trace
@tracer.capture_method
def make_idempotency_key(payment: dict) -> str:
    """The same payment has the same key, so that a second try cannot charge a second time."""
    name = f"{payment['customer_id']}/{payment['payment_id']}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@tracer.capture_method(capture_response=False)
def collect_payment(payment: dict) -> dict:
    tracer.put_annotation("customer_id", payment["customer_id"])
    tracer.put_annotation("payment_id", payment["payment_id"])
    key = make_idempotency_key(payment)
    return processor.charge(payment["card"], payment["amount"], payment["currency"])
    # endregion trace


# region handler
@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict, context: object) -> dict:
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    if "campaign" in event:
        logger.append_keys(campaign=event["campaign"])
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"])
    # endregion handler

    # region charge
    start = time.perf_counter()
    try:
        charge = collect_payment(event)
    except processor.ProcessorError:
        logger.exception("charge failed")
        metrics.add_metric("FailedCharge", unit=MetricUnit.Count, value=1)
        raise
    finally:
        took = (time.perf_counter() - start) * 1000
        metrics.add_metric("ChargeDuration", unit=MetricUnit.Milliseconds, value=took)
    # endregion charge

    # region charged
    logger.info("payment charged", charge_id=charge["charge_id"])
    metrics.add_metric("SuccessfulCharge", unit=MetricUnit.Count, value=1)
    metrics.add_metric("ChargedAmount", unit=MetricUnit.NoUnit, value=event["amount"])
    # endregion charged
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
