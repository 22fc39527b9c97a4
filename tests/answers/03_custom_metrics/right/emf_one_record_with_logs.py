"""EMF by hand in the log event itself: one JSON line has the keys and the metrics."""

import json
import time

import processor

cold = True


def emit(values, **keys):
    units = {"ChargedAmount": "None"}
    names = [{"Name": n, "Unit": units.get(n, "Count")} for n in values]
    directive = {"Namespace": "Workshop", "Dimensions": [["service"]], "Metrics": names}
    aws = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": aws, "service": "payments", "level": "INFO", **values, **keys}))


def handler(event, context):
    global cold
    values = {"ColdStart": 1} if cold else {}
    cold = False
    keys = {"payment_id": event["payment_id"], "message": "payment"}
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        emit({**values, "FailedCharge": 1}, **keys)
        raise
    emit({**values, "SuccessfulCharge": 1, "ChargedAmount": event["amount"]}, **keys)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
