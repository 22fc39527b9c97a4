import os

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

URL = os.environ["PROCESSOR_URL"]

session = requests.Session()
session.mount("http://", HTTPAdapter(max_retries=Retry(total=2, backoff_factor=0.02, status_forcelist=[500, 502, 503, 504], allowed_methods=None)))


class ProcessorError(Exception):
    pass


class CardDeclinedError(ProcessorError):
    pass


# region charge
def charge(card, amount, currency, idempotency_key):
    try:
        answer = session.post(
            URL + "/charges",
            json=dict(card=card, amount=amount, currency=currency),
            headers={"Idempotency-Key": idempotency_key},
            timeout=0.5,
        )
    except requests.exceptions.RequestException as error:
        raise ProcessorError(f"no answer: {type(error).__name__}") from None
    if answer.status_code == 402:
        raise CardDeclinedError(answer.json()["error"])
    if not answer.ok:
        raise ProcessorError(f"the processor answered {answer.status_code}")
    return answer.json()
# endregion charge
