"""Makes the response from a dataclass."""

from dataclasses import asdict, dataclass

from processor import charge


@dataclass
class Charge:
    payment_id: str
    charge_id: str
    amount: int
    currency: str
    status: str = "charged"


def handler(event, _context):
    made = charge(event["card"], event["amount"], event["currency"])
    return asdict(
        Charge(event["payment_id"], made["charge_id"], event["amount"], event["currency"])
    )
