"""Charges a card: a resolver without validation, the body parsed in the route, 201 when created."""

import hashlib
import time
from typing import Annotated

import processor
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ServiceError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel, StringConstraints, ValidationError, field_validator

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")
tracer = Tracer(service="payments", patch_modules=["requests"])
app = APIGatewayRestResolver(strip_prefixes=["/v1"])

Digits = Annotated[str, StringConstraints(pattern=r"^\d+$", min_length=3, max_length=19)]


class Card(BaseModel):
    number: Digits
    cvc: Digits
    holder: str

    @field_validator("number")
    @classmethod
    def long_enough(cls, number: str) -> str:
        if len(number) < 12:
            raise ValueError("too short")
        return number


class Payment(BaseModel):
    payment_id: str
    customer_id: str
    amount: int
    currency: str
    card: Card
    campaign: str = ""

    @field_validator("amount")
    @classmethod
    def above_zero(cls, amount: int) -> int:
        if amount <= 0:
            raise ValueError("not above zero")
        return amount

    @field_validator("currency")
    @classmethod
    def known(cls, currency: str) -> str:
        if currency not in {"USD", "EUR", "GBP"}:
            raise ValueError("unknown")
        return currency


def payment_in(text: str | None) -> Payment:
    try:
        return Payment.model_validate_json(text or "")
    except ValidationError as error:
        fields = sorted({str(one["loc"][0]) if one["loc"] else "body" for one in error.errors()})
        logger.warning("invalid request", fields=fields)
        metrics.add_metric("InvalidRequest", MetricUnit.Count, 1)
        raise BadRequestError(f"please look at {', '.join(fields)}") from None


@app.post("/payments")
def pay():
    payment = payment_in(app.current_event.body)
    logger.append_keys(payment_id=payment.payment_id, customer_id=payment.customer_id)
    logger.info("collecting payment")
    start = time.perf_counter()
    key = hashlib.sha256((payment.customer_id + payment.payment_id).encode()).hexdigest()[:40]
    try:
        made = processor.charge(
            payment.card.model_dump(), payment.amount, payment.currency, key
        )
    except processor.CardDeclinedError:
        metrics.add_metric("DeclinedCharge", MetricUnit.Count, 1)
        raise ServiceError(402, "declined") from None
    except processor.ProcessorError:
        logger.exception("charge failed")
        metrics.add_metric("FailedCharge", MetricUnit.Count, 1)
        raise ServiceError(503, "not now") from None
    finally:
        metrics.add_metric(
            "ChargeDuration", MetricUnit.Milliseconds, (time.perf_counter() - start) * 1000
        )
    metrics.add_metric("SuccessfulCharge", MetricUnit.Count, 1)
    metrics.add_metric("ChargedAmount", MetricUnit.NoUnit, payment.amount)
    return {
        "payment_id": payment.payment_id,
        "charge_id": made["charge_id"],
        "amount": payment.amount,
        "currency": payment.currency,
        "status": "charged",
    }, 201


@metrics.log_metrics(capture_cold_start_metric=True)
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(
    correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True
)
def handler(event, context):
    return app.resolve(event, context)
