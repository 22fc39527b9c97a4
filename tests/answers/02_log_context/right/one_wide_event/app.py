"""One wide event for each request, written at the end whatever came of it."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    wide = {k: event[k] for k in ("payment_id", "customer_id", "amount", "currency")}
    if event.get("campaign") is not None:
        wide["campaign"] = event["campaign"]
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
        wide["charge_id"] = charge["charge_id"]
        logger.info("payment", **wide, outcome="charged")
    except processor.ProcessorError:
        logger.exception("payment", **wide, outcome="failed")
        raise
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
