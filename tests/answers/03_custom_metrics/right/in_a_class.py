"""Keeps business logic apart from counting."""

from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from processor import ProcessorError, charge

log = Logger(service="payments")
meter = Metrics(namespace="Workshop", service="payments")


@contextmanager
def counted():
    try:
        yield
    except ProcessorError:
        meter.add_metric(name="FailedCharge", unit=MetricUnit.Count, value=1)
        raise
    meter.add_metric(name="SuccessfulCharge", unit=MetricUnit.Count, value=1)


class Payment:
    def __init__(self, event):
        self.event = event

    def collect(self):
        with counted():
            made = charge(self.event["card"], self.event["amount"], self.event["currency"])
        meter.add_metric(name="ChargedAmount", unit=MetricUnit.NoUnit, value=self.event["amount"])
        keys = ("payment_id", "amount", "currency")
        answer = {key: self.event[key] for key in keys}
        return answer | {"charge_id": made["charge_id"], "status": "charged"}


@log.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@meter.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    try:
        return Payment(event).collect()
    except ProcessorError:
        log.exception("charge failed", payment_id=event["payment_id"])
        raise
