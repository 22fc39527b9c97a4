"""A make-believe card processor, so that the payments API has somebody to call. It charges nobody.

The last four digits of the card say what happens:

    0119            503 on every try
    0259            503 on the first try, then charged
    0341            charged, but the first answer takes 3 seconds
    0002            declined: 402
    anything else   charged at once

A charge made under an `Idempotency-Key` is made once: the same key gets the same charge again, at
once; another amount or card under it is refused with 422. A table keeps, for a day, the key and a
hash of what it is for; no card number.
"""

import base64
import hashlib
import json
import os
import time
import uuid
from http import HTTPStatus

import boto3
from botocore.exceptions import ClientError

UNAVAILABLE, FLAKY, SLOW, DECLINED = "0119", "0259", "0341", "0002"
SLOW_SECONDS = 3
KEPT_SECONDS = 24 * 60 * 60

charges = boto3.resource("dynamodb").Table(os.environ["CHARGES_TABLE"])


def handler(event, context):
    try:
        body = event.get("body") or ""
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body)
        wanted = json.loads(body)
        number, amount = wanted["card"]["number"], wanted["amount"]
        currency = wanted["currency"]
        ending = number[-4:]
    except (ValueError, LookupError, TypeError):
        return answer(HTTPStatus.BAD_REQUEST, error="wanted: card, amount and currency, as JSON")
    if ending == UNAVAILABLE:
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, error="the processor is unavailable")
    if ending == DECLINED:
        return answer(HTTPStatus.PAYMENT_REQUIRED, error="the card was declined")

    headers = {name.lower(): value for name, value in event["headers"].items()}
    key = headers.get("idempotency-key") or str(uuid.uuid4())
    purpose = hashlib.sha256(f"{key}/{number}/{amount}/{currency}".encode()).hexdigest()
    first = remember(key, purpose)
    if first != purpose:
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, error="this key is another payment's")
    if first is purpose and ending == FLAKY:
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, error="the processor is unavailable")
    if first is purpose and ending == SLOW:
        time.sleep(SLOW_SECONDS)
    charge_id = f"ch_{purpose[:16]}"
    return answer(HTTPStatus.OK, charge_id=charge_id, amount=amount, currency=currency)


def remember(key, purpose):
    """What a key was first used for: `purpose` itself, the very object, when it is new."""
    item = {"key": key, "purpose": purpose, "expires": int(time.time()) + KEPT_SECONDS}
    try:
        charges.put_item(
            Item=item,
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": "key"},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        found = charges.get_item(Key={"key": key}, ConsistentRead=True)
        return str(found.get("Item", {}).get("purpose", ""))
    return purpose


def answer(status, **body):
    headers = {"content-type": "application/json"}
    return {"statusCode": int(status), "headers": headers, "body": json.dumps(body)}
