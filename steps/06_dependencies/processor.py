"""The card processor's API, over HTTP.

The last four digits of the card say what happens:

    0119            503 on every try
    0259            503 on the first try, then charged
    0341            charged, but the first answer takes 3 seconds
    0002            declined: 402
    anything else   charged within a few milliseconds
"""

import os

import requests

URL = os.environ["PROCESSOR_URL"]
DECLINED = 402


class ProcessorError(Exception):
    """The processor could not charge the card."""


class CardDeclinedError(ProcessorError):
    """The card is refused: trying again will not help."""


# region charge
# TODO(06): Take an idempotency_key too, and send it as the header Idempotency-Key.
def charge(card: dict, amount: int, currency: str) -> dict:
    """Charge a card."""
    body = {"card": card, "amount": amount, "currency": currency}
    try:
        # TODO(06): Wait half a second for an answer, and no longer.
        # TODO(06): When none comes, or a 5xx, pause for a moment and try again: three times in all.
        answer = requests.post(f"{URL}/charges", json=body)
        if answer.status_code == DECLINED:
            raise CardDeclinedError("card declined")
        answer.raise_for_status()
        return answer.json()
    except requests.RequestException as error:
        raise ProcessorError("processor unavailable") from error
    # endregion charge
