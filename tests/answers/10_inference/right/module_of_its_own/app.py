"""Says how likely a payment is fraud."""

from telling import MODEL, logger, metrics, timed, tracer


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    metrics.add_dimension(name="model_version", value=MODEL.version)
    tracer.put_annotation(key="model_version", value=MODEL.version)
    with logger.append_context_keys(payment_id=event["payment_id"], model_version=MODEL.version):
        with timed("InferenceDuration"):
            risk = MODEL.score(event)
        decision = ["accept", "review"][risk > 0.5]
        logger.info({"message": "payment scored", "risk": risk, "decision": decision})
    return {"payment_id": event["payment_id"], "risk": round(risk, 4), "decision": decision}
