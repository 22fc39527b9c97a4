"""Writes EMF by hand without a namespace."""

import json
import time

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")
cold = True


def emit(**values):
    units = {"ChargedAmount": "None"}
    record = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Dimensions": [["service"]],
                    "Metrics": [
                        {"Name": name, "Unit": units.get(name, "Count")} for name in values
                    ],
                }
            ],
        },
        "service": "payments",
        **values,
    }
    print(json.dumps(record))


@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    global cold
    if cold:
        emit(ColdStart=1)
        cold = False
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        logger.exception("charge failed")
        emit(FailedCharge=1)
        raise
    emit(SuccessfulCharge=1, ChargedAmount=event["amount"])
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
