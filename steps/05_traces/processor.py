"""A stand-in for a card processor's client library. It is given: no step changes it.

Like the test cards of real processors, the last four digits of the card say what happens:

    0119            raises ProcessorError
    0341            crawls, and charges the card in the end
    anything else   charges the card within a few milliseconds
"""

import time
import uuid

UNAVAILABLE = "0119"
SLOW = "0341"
SLOW_SECONDS = 0.6


class ProcessorError(Exception):
    """The processor could not charge the card."""


def charge(card: dict, amount: int, currency: str) -> dict:
    """Charge a card.

    Args:
        card: `number`, `cvc` and `holder`.
        amount: In the smallest unit of the currency, such as cents.
        currency: Three letters, such as USD.

    Returns:
        `charge_id`, `amount` and `currency` of the charge.

    Raises:
        ProcessorError: The processor is unavailable.
    """
    number = card["number"]
    time.sleep(_seconds(number))
    if number.endswith(UNAVAILABLE):
        message = "processor unavailable"
        raise ProcessorError(message)
    return {"charge_id": f"ch_{uuid.uuid4().hex[:16]}", "amount": amount, "currency": currency}


def _seconds(number: str) -> float:
    """Return how long this card takes: always the same, so that runs can be compared."""
    if number.endswith(SLOW):
        return SLOW_SECONDS
    return 0.002 + sum(map(ord, number)) % 7 / 1000
