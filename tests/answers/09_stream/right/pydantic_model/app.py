"""Settles charged payments: reads them from a stream, and books them in the ledger."""

# region setup
import base64
from typing import Literal

import ledger
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from pydantic import BaseModel, ConfigDict, Field, ValidationError

logger = Logger(service="settlements")
metrics = Metrics(namespace="Workshop", service="settlements")
tracer = Tracer(service="settlements", auto_patch=False)
processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
# endregion setup


# region settle
class Payment(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    payment_id: str
    amount: int = Field(gt=0)
    currency: Literal["EUR", "GBP", "USD"]


# A JSONDecodeError holds the whole document: capture_error would put it into the trace.
@tracer.capture_method(capture_response=False, capture_error=False)
def settle(record: dict) -> None:
    try:
        payment = Payment.model_validate_json(base64.b64decode(record["kinesis"]["data"]))
    except ValidationError as error:
        logger.error(
            "record rejected",
            sequence_number=record["kinesis"]["sequenceNumber"],
            wrong=[one["type"] for one in error.errors(include_input=False)],
        )
        raise
    if ledger.book(payment.payment_id, payment.amount, payment.currency):
        logger.info("payment settled", payment_id=payment.payment_id)
        count(payment.model_dump())
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
