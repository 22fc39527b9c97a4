"""The payments API: charges a card, and answers in terms that the caller can act on."""

# region setup
import hashlib
import time
from http import HTTPStatus
from typing import Literal

import processor
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel, Field

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")
tracer = Tracer(service="payments", patch_modules=["requests"])
app = APIGatewayRestResolver(enable_validation=True)
# endregion setup


# region model
class Card(BaseModel):
    number: str = Field(pattern=r"^\d{12,19}$")
    cvc: str = Field(pattern=r"^\d{3,4}$")
    holder: str


class Payment(BaseModel):
    payment_id: str
    customer_id: str
    amount: int = Field(gt=0)
    currency: Literal["USD", "EUR", "GBP"]
    card: Card
    campaign: str | None = None
    # endregion model


# region trace
@tracer.capture_method
def make_idempotency_key(payment: Payment) -> str:
    """The same payment has the same key, so that a second try cannot charge a second time."""
    name = f"{payment.customer_id}/{payment.payment_id}"
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@tracer.capture_method(capture_response=False)
def collect_payment(payment: Payment) -> dict:
    tracer.put_annotation("customer_id", payment.customer_id)
    tracer.put_annotation("payment_id", payment.payment_id)
    key = make_idempotency_key(payment)
    return processor.charge(payment.card.model_dump(), payment.amount, payment.currency, key)
    # endregion trace


# region route
@app.post("/payments")
def create_payment(payment: Payment) -> dict:
    logger.append_keys(payment_id=payment.payment_id, customer_id=payment.customer_id)
    if payment.campaign:
        logger.append_keys(campaign=payment.campaign)
    logger.info("collecting payment", amount=payment.amount, currency=payment.currency)

    start = time.perf_counter()
    try:
        charge = collect_payment(payment)
    except processor.CardDeclinedError:
        logger.warning("card declined")
        metrics.add_metric("DeclinedCharge", unit=MetricUnit.Count, value=1)
        raise
    except processor.ProcessorError:
        logger.exception("charge failed")
        metrics.add_metric("FailedCharge", unit=MetricUnit.Count, value=1)
        raise
    finally:
        took = (time.perf_counter() - start) * 1000
        metrics.add_metric("ChargeDuration", unit=MetricUnit.Milliseconds, value=took)

    logger.info("payment charged", charge_id=charge["charge_id"])
    metrics.add_metric("SuccessfulCharge", unit=MetricUnit.Count, value=1)
    metrics.add_metric("ChargedAmount", unit=MetricUnit.NoUnit, value=payment.amount)
    return {
        "payment_id": payment.payment_id,
        "charge_id": charge["charge_id"],
        "amount": payment.amount,
        "currency": payment.currency,
        "status": "charged",
        "card": payment.card.model_dump(),
    }
    # endregion route


# region errors
def problem(status: HTTPStatus, error: str) -> Response:
    return Response(status, "application/json", {"error": error})


@app.exception_handler(RequestValidationError)
def invalid(error: RequestValidationError) -> Response:
    wrong = [".".join(map(str, one["loc"])) for one in error.errors()]
    logger.warning("payment refused", invalid_fields=wrong)
    metrics.add_metric("InvalidRequest", unit=MetricUnit.Count, value=1)
    return problem(HTTPStatus.BAD_REQUEST, f"missing or not valid: {', '.join(wrong)}")


@app.exception_handler(processor.CardDeclinedError)
def declined(error: processor.CardDeclinedError) -> Response:
    return problem(HTTPStatus.PAYMENT_REQUIRED, "the card was declined")


@app.exception_handler(processor.ProcessorError)
def unavailable(error: processor.ProcessorError) -> Response:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "try again later, with the same payment_id")
    # endregion errors


# region handler
@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(
    correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True
)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
    # endregion handler
