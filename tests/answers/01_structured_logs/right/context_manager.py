"""Keeps the keys for the time of a with block."""

from aws_lambda_powertools import Logger
from processor import charge

log = Logger("payments", level="INFO")


def take(payment, card):
    with log.append_context_keys(
        payment_id=payment["payment_id"],
        customer_id=payment["customer_id"],
        amount=payment["amount"],
        currency=payment["currency"],
    ):
        log.info("charging")
        try:
            return charge(card, payment["amount"], payment["currency"])
        except Exception:
            log.exception("no charge")
            raise


def handler(event, context):
    made = take(event, event["card"])
    log.info("charged", charge_id=made["charge_id"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": made["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
