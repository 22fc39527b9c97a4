"""Returns the values without their names."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    return [event["payment_id"], charge["charge_id"], event["amount"], event["currency"], "charged"]
