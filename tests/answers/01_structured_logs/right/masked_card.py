"""Shows the last four digits, masked as receipts do."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")

def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.info("collecting payment", **payment, card="**** **** **** " + event["card"]["number"][-4:])
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", **payment)
        raise
    logger.info("payment charged", **payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
