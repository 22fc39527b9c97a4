"""Takes the attribute names of a log record for its keys: levelname, not level."""

import json
import logging
import sys

import processor


class JsonFormatter(logging.Formatter):
    def format(self, record):
        entry = {"levelname": record.levelname, "message": record.getMessage()}
        entry |= record.__dict__.get("payment", {}) | {"service": "payments"}
        if record.exc_info:
            entry["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(entry)


console = logging.StreamHandler(sys.stdout)
console.setFormatter(JsonFormatter())
logger = logging.getLogger("payments")
logger.setLevel("INFO")
logger.addHandler(console)
logger.propagate = False


def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    logger.info("collecting payment", extra={"payment": payment})
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed", extra={"payment": payment})
        raise
    logger.info("payment charged", extra={"payment": payment})
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
