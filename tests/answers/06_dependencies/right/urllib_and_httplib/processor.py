import json
import os
import time
import urllib.error
import urllib.request

URL = os.environ["PROCESSOR_URL"]


class ProcessorError(Exception):
    pass


class CardDeclinedError(ProcessorError):
    pass


# region charge
def charge(card, amount, currency, key):
    body = json.dumps({"card": card, "amount": amount, "currency": currency}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    for pause in (0.02, 0.1, None):
        try:
            request = urllib.request.Request(URL + "/charges", body, headers)
            with urllib.request.urlopen(request, timeout=0.4) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 402:
                    raise CardDeclinedError("declined") from None
        except (OSError, ValueError) as error:
            print("no answer", error)
        except Exception as error:
            print("half an answer", type(error).__name__)
        if pause:
            time.sleep(pause)
    raise ProcessorError("the processor is not available")
# endregion charge
