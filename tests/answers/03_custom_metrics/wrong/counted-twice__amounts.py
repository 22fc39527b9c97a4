"""Keeps the sum of amounts outside the handler, and sends it every time."""

import json
import time

import processor
from aws_lambda_powertools import Logger

logger = Logger(service="payments")
cold = True
sum_of_amounts = 0


def emit(**values):
    units = {"ChargedAmount": "None"}
    record = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Workshop",
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
    global cold, sum_of_amounts
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
    sum_of_amounts += event["amount"]
    emit(SuccessfulCharge=1, ChargedAmount=sum_of_amounts)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
