import functools
import os
import random
import time

import requests

BASE = os.getenv("PROCESSOR_URL")


class ProcessorError(Exception):
    pass


class CardDeclinedError(ProcessorError):
    pass


def retry(*errors, times, wait):
    def decorate(function):
        @functools.wraps(function)
        def retrying(*args, **kwargs):
            for attempt in range(times):
                try:
                    return function(*args, **kwargs)
                except errors:
                    if attempt + 1 == times:
                        raise
                    time.sleep(random.uniform(0, wait * 2**attempt))

        return retrying

    return decorate


class Unavailable(ProcessorError):
    pass


# region charge
@retry(Unavailable, times=4, wait=0.02)
def charge(card, amount, currency, idempotency_key):
    try:
        reply = requests.request(
            "POST",
            url=f"{BASE}/charges",
            json={"card": card, "amount": amount, "currency": currency},
            headers={"idempotency-key": idempotency_key},
            timeout=(0.3, 0.35),
        )
    except requests.RequestException as error:
        raise Unavailable("no answer") from error
    if reply.status_code >= 500:
        raise Unavailable(f"status {reply.status_code}")
    if reply.status_code == 402:
        raise CardDeclinedError("declined")
    if reply.status_code >= 400:
        raise ProcessorError(reply.text)
    return reply.json()
# endregion charge
