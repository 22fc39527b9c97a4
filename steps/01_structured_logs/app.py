"""Charges a card: the least a Lambda function can be."""

# region setup
import processor

# TODO(01): Import Logger from aws_lambda_powertools.
# TODO(01): Make one for the service "payments".
# endregion setup


# region handler
def handler(event: dict, context: object) -> dict:
    # TODO(01): Log, don't print: payment_id, customer_id, amount and currency as keys.
    print("collecting payment")
    # TODO(01): Log a ProcessorError at level ERROR with its stack, and raise it again.
    charge = processor.charge(event["card"], event["amount"], event["currency"])
    # TODO(01): Log this one too, with the same keys.
    print("payment charged", charge["charge_id"])

    return {
        "payment_id": event["payment_id"],
        "charge_id": charge["charge_id"],
        "amount": event["amount"],
        "currency": event["currency"],
        "status": "charged",
    }
    # endregion handler
