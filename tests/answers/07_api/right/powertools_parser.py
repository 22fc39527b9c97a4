"""Charges a card: the body parsed by Powertools' parser, the answers made by hand."""

import hashlib
import json
import time
from typing import Literal

import processor
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parser import BaseModel, Field, ValidationError, parse
from aws_lambda_powertools.utilities.parser.envelopes import ApiGatewayEnvelope

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")
tracer = Tracer(service="payments", patch_modules=["requests"])


class Card(BaseModel, extra="forbid"):
    number: str = Field(pattern=r"^[0-9]{12,19}$")
    cvc: str = Field(pattern=r"^[0-9]{3,4}$")
    holder: str = Field(min_length=1)


class Payment(BaseModel, extra="forbid"):
    payment_id: str
    customer_id: str
    amount: int = Field(gt=0, strict=True)
    currency: Literal["USD", "EUR", "GBP"]
    card: Card
    campaign: str | None = None


def respond(code: int, **body: object) -> dict:
    return {"statusCode": code, "body": json.dumps(body)}


@tracer.capture_method(capture_response=False, capture_error=False)
def collect(payment: Payment) -> dict:
    key = hashlib.sha256(f"{payment.customer_id}:{payment.payment_id}".encode()).hexdigest()
    card = payment.card.model_dump()
    return processor.charge(card, payment.amount, payment.currency, key)


def timed(payment: Payment) -> dict:
    begun = time.monotonic()
    try:
        return collect(payment)
    finally:
        took = 1000 * (time.monotonic() - begun)
        metrics.add_metric(name="ChargeDuration", unit=MetricUnit.Milliseconds, value=took)


@logger.inject_lambda_context(
    correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True
)
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict, context: object) -> dict:
    try:
        payment = parse(event={**event, "body": event["body"] or "null"}, model=Payment,
                        envelope=ApiGatewayEnvelope)
    except ValidationError as error:
        logger.info("not valid", problems=error.error_count())
        metrics.add_metric(name="InvalidRequest", unit=MetricUnit.Count, value=1)
        return respond(400, message="the request is not valid")
    logger.info("collecting", payment_id=payment.payment_id)
    try:
        charge = timed(payment)
    except processor.ProcessorError as error:
        if isinstance(error, processor.CardDeclinedError):
            metrics.add_metric(name="DeclinedCharge", unit=MetricUnit.Count, value=1)
            return respond(402, message="declined")
        logger.exception("failed")
        metrics.add_metric(name="FailedCharge", unit=MetricUnit.Count, value=1)
        return respond(503, message="come back later")
    metrics.add_metric(name="SuccessfulCharge", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="ChargedAmount", unit=MetricUnit.NoUnit, value=payment.amount)
    answer = payment.model_dump(include={"payment_id", "amount", "currency"})
    return respond(200, **answer, charge_id=charge["charge_id"], status="charged")
