"""Prints what should be logged."""

import processor


def handler(event: dict, context: object) -> dict:
    payment = {key: event[key] for key in ("payment_id", "customer_id", "amount", "currency")}
    print("collecting payment", payment)

    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        print("ERROR charge failed", payment)
        raise

    print("payment charged", charge["charge_id"], payment)
    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
