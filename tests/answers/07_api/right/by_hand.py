"""Charges a card: the API's event read and answered by hand, without a library for it."""

import hashlib
import json
import re
import time

import processor
from aws_lambda_powertools import Logger, Metrics, Tracer

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")
tracer = Tracer(service="payments", patch_modules=["requests"])

TEXTS = ("payment_id", "customer_id", "currency")
CARD = {"number": r"[0-9]{12,19}", "cvc": r"[0-9]{3,4}", "holder": r".+"}


def answer(status, body):
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }


def wrong_fields(payment):
    if not isinstance(payment, dict):
        return ["body"]
    wrong = [name for name in TEXTS if not isinstance(payment.get(name), str)]
    amount = payment.get("amount")
    if type(amount) is not int or amount <= 0:
        wrong.append("amount")
    if payment.get("currency") not in ("USD", "EUR", "GBP"):
        wrong.append("currency")
    card = payment.get("card")
    if not isinstance(card, dict):
        return [*wrong, "card"]
    for name, pattern in CARD.items():
        if not isinstance(card.get(name), str) or not re.fullmatch(pattern, card[name]):
            wrong.append(f"card.{name}")
    return wrong


def charge(payment):
    tracer.put_annotation("customer_id", payment["customer_id"])
    key = hashlib.sha256(f"{payment['customer_id']}/{payment['payment_id']}".encode()).hexdigest()
    return processor.charge(payment["card"], payment["amount"], payment["currency"], key)


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event, context):
    if (event["httpMethod"], event["resource"]) != ("POST", "/payments"):
        return answer(404, {"error": "no such thing"})
    try:
        payment = json.loads(event["body"] or "")
    except ValueError:
        payment = None
    wrong = wrong_fields(payment)
    if wrong:
        logger.warning("refused", fields=wrong)
        metrics.add_metric("InvalidRequest", "Count", 1)
        return answer(400, {"error": "not valid", "fields": wrong})

    logger.append_keys(payment_id=payment["payment_id"], customer_id=payment["customer_id"])
    start = time.perf_counter()
    try:
        made = charge(payment)
    except processor.CardDeclinedError:
        logger.info("declined")
        metrics.add_metric("DeclinedCharge", "Count", 1)
        return answer(402, {"error": "declined"})
    except processor.ProcessorError:
        logger.exception("charge failed")
        metrics.add_metric("FailedCharge", "Count", 1)
        return answer(503, {"error": "unavailable"})
    finally:
        metrics.add_metric(
            "ChargeDuration", "Milliseconds", (time.perf_counter() - start) * 1000
        )
    logger.info("payment charged", charge_id=made["charge_id"])
    metrics.add_metric("SuccessfulCharge", "Count", 1)
    metrics.add_metric("ChargedAmount", "None", payment["amount"])
    return answer(
        200,
        {
            "payment_id": payment["payment_id"],
            "charge_id": made["charge_id"],
            "amount": payment["amount"],
            "currency": payment["currency"],
            "status": "charged",
        },
    )
