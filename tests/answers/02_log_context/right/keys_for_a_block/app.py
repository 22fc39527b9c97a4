"""Keys for the length of a `with` block: nothing to clear."""

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")


@logger.inject_lambda_context(correlation_id_path="correlation_id")
def handler(event, context):
    keys = {key: event[key] for key in ("payment_id", "customer_id", "campaign") if key in event}
    with logger.append_context_keys(**keys):
        logger.info("collecting payment", amount=event["amount"], currency=event["currency"])
        try:
            charge = processor.charge(event["card"], event["amount"], event["currency"])
        except processor.ProcessorError:
            logger.exception("charge failed")
            raise
        logger.info("payment charged")
        return {
            "payment_id": event["payment_id"],
            "charge_id": charge["charge_id"],
            "amount": event["amount"],
            "currency": event["currency"],
            "status": "charged",
        }
