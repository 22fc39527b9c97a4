"""Keeps the bytes of the file, and makes a session of them for every payment."""

import time

import os
from pathlib import Path

import numpy as np
import onnxruntime
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="risk")
metrics = Metrics(namespace="Workshop", service="risk")
tracer = Tracer(service="risk", auto_patch=False)

REVIEW_ABOVE = 0.5


start = time.perf_counter()
mount = Path(os.environ["MODEL_MOUNT"])
MODEL = (mount / (mount / "current.txt").read_text().strip()).read_bytes()
model = onnxruntime.InferenceSession(MODEL)
took = (time.perf_counter() - start) * 1000
VERSION = model.get_modelmeta().custom_metadata_map["version"]
metrics.set_default_dimensions(model_version=VERSION)
metrics.add_metric("ModelLoadDuration", unit=MetricUnit.Milliseconds, value=took)


def score(payment):
    card = payment["card"]
    foreign = float(payment["country"] != card["country"])
    last_hour = payment.get("payments_last_hour", 0)
    row = [payment["amount"], payment["hour"], foreign, last_hour, card["age_days"]]
    session = onnxruntime.InferenceSession(MODEL)
    return float(session.run(None, {"features": np.array([row], dtype=np.float32)})[0][0][0])


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict, context: object) -> dict:
    logger.append_keys(payment_id=event["payment_id"], model_version=VERSION)
    tracer.put_annotation("model_version", VERSION)

    start = time.perf_counter()
    risk = score(event)
    took = (time.perf_counter() - start) * 1000
    metrics.add_metric("InferenceDuration", unit=MetricUnit.Milliseconds, value=took)

    decision = "review" if risk > REVIEW_ABOVE else "accept"
    logger.info("payment scored", risk=round(risk, 4), decision=decision)
    metrics.add_metric("ScoredPayment", unit=MetricUnit.Count, value=1)
    return {"payment_id": event["payment_id"], "risk": round(risk, 4), "decision": decision}
