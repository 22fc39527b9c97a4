"""Keeps model and measurements in an object, made when the module is imported."""

from time import perf_counter

import fraud_model
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="risk")
metrics = Metrics(namespace="Workshop", service="risk")
tracer = Tracer(service="risk")


class Measured:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.start = perf_counter()

    def __exit__(self, *_):
        took = (perf_counter() - self.start) * 1_000
        metrics.add_metric(name=self.name, unit=MetricUnit.Milliseconds, value=took)


class Scorer:
    def __init__(self):
        with Measured("ModelLoadDuration"):
            self.model = fraud_model.load()
        self.says = {"model_version": self.model.version}

    def __call__(self, event):
        with Measured("InferenceDuration"):
            return self.model.score(event)


scorer = Scorer()


@tracer.capture_lambda_handler
@logger.inject_lambda_context(correlation_id_path="correlation_id")
@metrics.log_metrics(capture_cold_start_metric=True, default_dimensions=scorer.says)
def handler(event, context):
    for name, value in scorer.says.items():
        tracer.put_annotation(name, value)
    risk = scorer(event)
    decision = "accept" if risk <= 0.5 else "review"
    metrics.add_metric(name="ScoredPayment", unit=MetricUnit.Count, value=1)
    logger.info("payment scored", extra={**scorer.says, "payment_id": event["payment_id"], "risk": risk})
    print("debugging", decision)
    return {"payment_id": event["payment_id"], "risk": risk, "decision": decision}
