"""What the function tells, and of which model."""

import time
from contextlib import contextmanager

import fraud_model
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="risk")
metrics = Metrics(namespace="Workshop", service="risk")
tracer = Tracer(service="risk", auto_patch=False)


@contextmanager
def timed(name):
    start = time.perf_counter()
    yield
    metrics.add_metric(name, unit=MetricUnit.Milliseconds, value=(time.perf_counter() - start) * 1000)


with timed("ModelLoadDuration"):
    MODEL = fraud_model.load()
