"""Returns the whole event with the charge id added."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    return {**event, "charge_id": charge["charge_id"], "status": "charged"}
