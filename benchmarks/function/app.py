"""The handler that the benchmarks invoke: all that steps 01 to 05 teach, and no work of its own.

Each event leaves one log event, one EMF record of two metrics, and the subsegments of a captured
handler and a captured method.
"""

import os

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
metrics = Metrics()
tracer = Tracer()


@tracer.capture_method
def charge(event):
    tracer.put_annotation("payment_id", event["payment_id"])
    return {"payment_id": event["payment_id"], "amount": event["amount"], "status": "charged"}


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event, context):
    answer = charge(event)
    metrics.add_metric("SuccessfulCharge", unit=MetricUnit.Count, value=1)
    metrics.add_metric("ChargedAmount", unit=MetricUnit.NoUnit, value=event["amount"])
    logger.info("charged", payment_id=event["payment_id"], amount=event["amount"])
    return answer


def handler_under_emulator(event, context):
    """Be the same handler where nobody passes a trace id, so that its tracer has the same to do."""
    os.environ["_X_AMZN_TRACE_ID"] = (
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    )
    return handler(event, context)
