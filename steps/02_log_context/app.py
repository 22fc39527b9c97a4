"""Charges a card, and logs which charge it was."""

# region setup
import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")
# endregion setup


# region handler
# TODO(02): Let the logger inject the Lambda context, and the event's correlation_id, here.
def handler(event: dict, context: object) -> dict:
    # TODO(02): Append payment_id and customer_id to every log event of this invocation, and
    # TODO(02): campaign when the event has one. No key may stay for the next invocation.
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.info("collecting payment", **payment)
    # endregion handler

    # region charge
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", **payment)
        raise
    # endregion charge

    # region charged
    logger.info("payment charged", charge_id=charge["charge_id"], **payment)
    # endregion charged
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
