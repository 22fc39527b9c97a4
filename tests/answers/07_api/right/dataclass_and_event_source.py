"""Charges a card: the event wrapped in a data class, the payment a plain dataclass."""

import hashlib
import json
import re
import time
from dataclasses import dataclass, fields

import processor
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent, event_source

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")
tracer = Tracer(service="payments", patch_modules=["requests"])


class InvalidPayment(Exception):
    pass


@dataclass
class Payment:
    payment_id: str
    customer_id: str
    amount: int
    currency: str
    card: dict
    campaign: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in (str, int, dict) and type(value) is not field.type:
                raise InvalidPayment(field.name)
        if self.amount < 1:
            raise InvalidPayment("amount")
        if self.currency not in ("USD", "EUR", "GBP"):
            raise InvalidPayment("currency")
        number, cvc, holder = (self.card.get(name) for name in ("number", "cvc", "holder"))
        if not re.fullmatch(r"\d{12,19}", number or ""):
            raise InvalidPayment("card number")
        if not re.fullmatch(r"\d{3,4}", cvc or ""):
            raise InvalidPayment("cvc")
        if not holder:
            raise InvalidPayment("holder")

    @classmethod
    def read(cls, text: str | None) -> "Payment":
        try:
            value = json.loads(text or "")
        except ValueError:
            raise InvalidPayment("not JSON") from None
        if not isinstance(value, dict):
            raise InvalidPayment("not an object")
        known = {field.name for field in fields(cls)}
        try:
            return cls(**{name: one for name, one in value.items() if name in known})
        except TypeError:
            raise InvalidPayment("something is missing") from None


STATUS = {InvalidPayment: 400, processor.CardDeclinedError: 402, processor.ProcessorError: 503}
METRIC = {400: "InvalidRequest", 402: "DeclinedCharge", 503: "FailedCharge"}


def process(event: APIGatewayProxyEvent) -> dict:
    payment = Payment.read(event.body)
    logger.append_keys(payment_id=payment.payment_id)
    logger.info("collecting payment")
    key = hashlib.sha256(f"{payment.customer_id} {payment.payment_id}".encode()).hexdigest()
    start = time.perf_counter()
    try:
        made = processor.charge(payment.card, payment.amount, payment.currency, key)
    finally:
        took = (time.perf_counter() - start) * 1000
        metrics.add_metric("ChargeDuration", MetricUnit.Milliseconds, took)
    metrics.add_metric("SuccessfulCharge", MetricUnit.Count, 1)
    metrics.add_metric("ChargedAmount", MetricUnit.NoUnit, payment.amount)
    return {
        "payment_id": payment.payment_id,
        "charge_id": made["charge_id"],
        "amount": payment.amount,
        "currency": payment.currency,
        "status": "charged",
    }


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@event_source(data_class=APIGatewayProxyEvent)
def handler(event: APIGatewayProxyEvent, context: object) -> dict:
    logger.set_correlation_id(event.request_context.request_id)
    try:
        status, body = 200, process(event)
    except tuple(STATUS) as error:
        status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
        metrics.add_metric(METRIC[status], MetricUnit.Count, 1)
        if status == 503:
            logger.exception("charge failed")
        else:
            logger.warning("refused", why=type(error).__name__)
        body = {"error": str(error) if status == 400 else "see the status"}
    return {
        "statusCode": status,
        "multiValueHeaders": {"Content-Type": ["application/json; charset=utf-8"]},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
