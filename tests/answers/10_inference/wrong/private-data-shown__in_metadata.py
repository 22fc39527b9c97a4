"""Keeps the card with the trace."""

import time

import fraud_model
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="risk")
metrics = Metrics(namespace="Workshop", service="risk")
tracer = Tracer(service="risk", auto_patch=False)

REVIEW_ABOVE = 0.5


start = time.perf_counter()
model = fraud_model.load()
took = (time.perf_counter() - start) * 1000
metrics.set_default_dimensions(model_version=model.version)
metrics.add_metric("ModelLoadDuration", unit=MetricUnit.Milliseconds, value=took)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict, context: object) -> dict:
    logger.append_keys(payment_id=event["payment_id"], model_version=model.version)
    tracer.put_annotation("model_version", model.version)
    tracer.put_metadata("card", event["card"])

    start = time.perf_counter()
    risk = model.score(event)
    took = (time.perf_counter() - start) * 1000
    metrics.add_metric("InferenceDuration", unit=MetricUnit.Milliseconds, value=took)

    decision = "review" if risk > REVIEW_ABOVE else "accept"
    logger.info("payment scored", risk=round(risk, 4), decision=decision)
    metrics.add_metric("ScoredPayment", unit=MetricUnit.Count, value=1)
    return {"payment_id": event["payment_id"], "risk": round(risk, 4), "decision": decision}
