"""Charges a card, and measures how long the processor takes."""

# region setup
import time

import processor
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_xray_sdk.core import xray_recorder

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")
# endregion setup
# region tracer
tracer = Tracer(service="payments", auto_patch=False)
# endregion tracer


# region handler
def collect_payment(payment: dict) -> dict:
    tracer.put_annotation("customer_id", payment["customer_id"])
    tracer.put_annotation("payment_id", payment["payment_id"])
    subsegment = xray_recorder.begin_subsegment("charge")
    try:
        return processor.charge(payment["card"], payment["amount"], payment["currency"])
    except processor.ProcessorError:
        subsegment.add_fault_flag()
        raise
    finally:
        xray_recorder.end_subsegment()


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
