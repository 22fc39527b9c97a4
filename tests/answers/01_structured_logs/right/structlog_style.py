"""A small structlog of its own: bound keys, one JSON line to stdout."""

import json
import sys
import time
import traceback

import processor


class BoundLogger:
    def __init__(self, **keys):
        self.keys = keys

    def bind(self, **keys):
        return BoundLogger(**self.keys, **keys)

    def _emit(self, level, event, **keys):
        entry = {"event": event, "level": level, "timestamp": time.time(), **self.keys, **keys}
        sys.stdout.write(json.dumps(entry, default=str) + "\n")

    def info(self, event, **keys):
        self._emit("info", event, **keys)

    def exception(self, event, **keys):
        self._emit("error", event, exception=traceback.format_exc(), **keys)


log = BoundLogger(service="payments")


def handler(event, context):
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    bound = log.bind(**payment)
    bound.info("payment_started")
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        bound.exception("payment_failed")
        raise
    bound.info("payment_succeeded", charge_id=charge["charge_id"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
