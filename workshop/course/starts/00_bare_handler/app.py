"""Charges a card: the least a Lambda function can be."""

# region setup
import processor

# endregion setup


# region handler
def handler(event: dict, context: object) -> dict:
    print("collecting payment")
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    print("payment charged", charge["charge_id"])

    # TODO(00): Return the charge to the caller, as a dict with the keys
    # TODO(00): payment_id, charge_id, amount, currency and status ("charged").
    # endregion handler
