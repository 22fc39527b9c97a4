"""Settles charged payments: reads them from a stream, and books them in the ledger."""

# region setup
import base64
import json

import ledger
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

logger = Logger(service="settlements")
metrics = Metrics(namespace="Workshop", service="settlements")
tracer = Tracer(service="settlements", auto_patch=False)
processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
# endregion setup


# region settle
# A JSONDecodeError holds the whole document: capture_error would put it into the trace.
@tracer.capture_method(capture_response=False, capture_error=False)
def settle(record: dict) -> None:
    try:
        payment = json.loads(base64.b64decode(record["kinesis"]["data"]))
        is_new = ledger.book(payment["payment_id"], payment["amount"], payment["currency"])
    except Exception:
        logger.exception("record rejected", sequence_number=record["kinesis"]["sequenceNumber"])
        raise
    if is_new:
        logger.info("payment settled", payment_id=payment["payment_id"])
        count(payment)
    # endregion settle


# region count
def count(payment: dict) -> None:
    metrics.add_metric("SettledPayment", unit=MetricUnit.Count, value=1)
    with single_metric(
        "SettledAmount", unit=MetricUnit.NoUnit, value=payment["amount"], namespace="Workshop"
    ) as metric:
        metric.add_dimension("service", "settlements")
        metric.add_dimension("currency", payment["currency"])
    # endregion count


# region handler
@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
def handler(event: dict, context: object) -> dict:
    return process_partial_response(event, settle, processor, context)
    # endregion handler
