"""A function that answers as it is told."""

import base64
import json

from workshop.signals import Invocation, Report

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:rejected"
NOON = 1_700_049_600.0


def invocation(answer=None, error=None):
    """Return what came of an event: an answer, or an error's type."""
    payload = json.dumps({"errorType": error, "errorMessage": "no"} if error else answer)
    return Invocation(
        request_id="c9b8fa9f-5a7f-4f0e-af9c-0c604cde93a5",
        function_name="bookings",
        trace_id="1-00000000-000000000000000000000000",
        status="error" if error else "success",
        payload=payload.encode(),
        function_error="Unhandled" if error else None,
        cold_start=False,
        environment_id="one",
        log_events=(),
        segments=(),
        report=Report(1.0, 1, 128, 64),
    )


class Function:
    """A function that fails on some texts.

    Args:
        bad: Texts that cannot be processed.
        how: `raise`; `report` all that failed; `first`, the first of them; or an answer.
    """

    def __init__(self, bad=(), how="raise"):
        self.bad = set(bad)
        self.how = how
        self.batches = []

    def __call__(self, event):
        texts = [text_of(one) for one in event["Records"]]
        self.batches.append(texts)
        if callable(self.how):
            return invocation(self.how(event))
        failed = [one for one in event["Records"] if text_of(one) in self.bad]
        if failed and self.how == "raise":
            return invocation(error="ValueError")
        failed = failed[:1] if self.how == "first" else failed
        return invocation(
            {"batchItemFailures": [{"itemIdentifier": number_of(one)} for one in failed]}
        )


def text_of(entry):
    return base64.b64decode(entry["kinesis"]["data"]).decode()


def number_of(entry):
    return entry["kinesis"]["sequenceNumber"]
