import time
from contextlib import contextmanager

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


@contextmanager
def timed(name):
    start = time.time_ns()
    try:
        yield
    finally:
        metrics.add_metric(name, MetricUnit.Milliseconds, (time.time_ns() - start) / 1e6)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id")}
    with logger.append_context_keys(**payment):
        logger.info("collecting payment", amount=event["amount"], currency=event["currency"])
        try:
            with timed("ChargeDuration"):
                charge = processor.charge(event["card"], event["amount"], event["currency"])
        except processor.ProcessorError:
            logger.exception("charge failed")
            metrics.add_metric("FailedCharge", MetricUnit.Count, 1)
            raise
        metrics.add_metric("SuccessfulCharge", MetricUnit.Count, 1)
        metrics.add_metric("ChargedAmount", MetricUnit.NoUnit, event["amount"])
        logger.info("payment charged", charge_id=charge["charge_id"])
    return {**payment, **charge, "status": "charged"}
