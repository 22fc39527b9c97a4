"""Names its keys as JavaScript would."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


def handler(event, context):
    payment = {
        "paymentId": event["payment_id"],
        "customerId": event["customer_id"],
        "amount": event["amount"],
        "currency": event["currency"],
    }
    logger.info("collecting payment", **payment)
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
