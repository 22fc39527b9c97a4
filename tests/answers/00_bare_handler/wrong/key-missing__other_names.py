"""Names the keys its own way."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    return {
        "paymentId": event["payment_id"],
        "chargeId": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
