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
TIMEOUT = (0.2, 0.5)  # seconds: to connect, and for the answer
TRIES = 3
PAUSE = 0.05


class ProcessorError(Exception):
    """The processor could not charge the card."""


class CardDeclinedError(ProcessorError):
    """The card is refused: trying again will not help."""


# region charge
def charge(card: dict, amount: int, currency: str, idempotency_key: str | None = None) -> dict:
    """Charge a card: once for one idempotency key, however often it is tried."""
    body = {"card": card, "amount": amount, "currency": currency}
    headers = {"Idempotency-Key": idempotency_key}
    try:
        # TODO(06): Wait for TIMEOUT, and no longer.
        # TODO(06): When no answer comes, or a 5xx, PAUSE and try again: TRIES in all.
        answer = requests.post(f"{URL}/charges", json=body, headers=headers)
        if answer.status_code == DECLINED:
            raise CardDeclinedError("card declined")
        answer.raise_for_status()
        return answer.json()
    except requests.RequestException as error:
        raise ProcessorError("processor unavailable") from error
    # endregion charge
