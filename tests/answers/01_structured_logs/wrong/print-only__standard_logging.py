"""Uses the standard logger as it is: sentences with a level before them."""

import logging

import processor

logger = logging.getLogger("payments")
logger.setLevel(logging.INFO)


def handler(event: dict, context: object) -> dict:
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.info("collecting payment", extra=payment)

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", extra=payment)
        raise

    logger.info("payment charged", extra=payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
