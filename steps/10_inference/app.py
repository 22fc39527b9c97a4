"""Says how likely a payment is fraud, by a model from a shared mount."""

# region setup
import fraud_model
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="risk")
metrics = Metrics(namespace="Workshop", service="risk")
tracer = Tracer(service="risk", auto_patch=False)

REVIEW_ABOVE = 0.5
# endregion setup


# region model
# TODO(10): Load the model here, once, and add how long it took as ModelLoadDuration.
# TODO(10): Make the model's version a dimension of every metric.
# endregion model


# region handler
@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict, context: object) -> dict:
    # TODO(10): Put the model's version on the log events, and on the trace.
    logger.append_keys(payment_id=event["payment_id"])

    # TODO(10): Do not load it here. Add how long the score took as InferenceDuration.
    model = fraud_model.load()
    risk = model.score(event)

    decision = "review" if risk > REVIEW_ABOVE else "accept"
    logger.info("payment scored", risk=round(risk, 4), decision=decision)
    metrics.add_metric("ScoredPayment", unit=MetricUnit.Count, value=1)
    return {"payment_id": event["payment_id"], "risk": round(risk, 4), "decision": decision}
    # endregion handler
