"""Names its own things differently, and keeps the keys in a with block."""

from aws_lambda_powertools import Logger
from processor import ProcessorError, charge

log = Logger("payments")


def collect(event):
    log.info("collecting", extra={"amount": event["amount"], "currency": event["currency"]})
    try:
        made = charge(event["card"], event["amount"], event["currency"])
    except ProcessorError as error:
        log.error("refused", exc_info=error)
        raise
    log.info("charged", extra={"charge_id": made["charge_id"]})
    return made


@log.inject_lambda_context(correlation_id_path="correlation_id")
def handler(event, context):
    keys = {key: event[key] for key in ("payment_id", "customer_id", "campaign") if key in event}
    with log.append_context_keys(**keys):
        made = collect(event)
    return {
        "payment_id": event["payment_id"],
        "charge_id": made["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
