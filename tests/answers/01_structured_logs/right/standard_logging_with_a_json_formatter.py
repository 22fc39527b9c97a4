"""Uses the standard library alone, with a formatter that writes JSON."""

import json
import logging
import sys

import processor

KEYS = ("payment_id", "customer_id", "amount", "currency")


class JsonFormatter(logging.Formatter):
    def format(self, record):
        entry = {"level": record.levelname, "message": record.getMessage(), "service": "payments"}
        entry |= {key: getattr(record, key) for key in KEYS if hasattr(record, key)}
        if record.exc_info:
            entry["stack"] = self.formatException(record.exc_info).splitlines()
        return json.dumps(entry)


console = logging.StreamHandler(sys.stdout)
console.setFormatter(JsonFormatter())
logger = logging.getLogger("payments")
logger.setLevel("INFO")
logger.addHandler(console)
logger.propagate = False


def handler(event, context):
    keys = {key: event[key] for key in KEYS}
    logger.info("collecting payment", extra=keys)
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", extra=keys)
        raise
    logger.info("payment charged", extra=keys)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
