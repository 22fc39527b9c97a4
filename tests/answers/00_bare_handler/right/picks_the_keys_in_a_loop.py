"""Picks the payment's keys in a comprehension and adds the rest."""

import processor


def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    answer = {key: event[key] for key in ("payment_id", "amount", "currency")}
    answer.update(charge_id=charge["charge_id"], status="charged")
    return answer
