"""Writes log events and EMF by hand, and uses the X-Ray SDK as it is."""

import json
import os
import time
from pathlib import Path

from aws_xray_sdk.core import xray_recorder

import fraud_model

started = time.monotonic_ns()
MODEL = fraud_model.load()
TO_TELL = {"ModelLoadDuration": (time.monotonic_ns() - started) / 1e6}


def tell(**values):
    metrics = [{"Name": name, "Unit": "Milliseconds"} for name in values]
    directive = {
        "Namespace": "Workshop",
        "Dimensions": [["service", "model_version"], ["service"]],
        "Metrics": metrics,
    }
    record = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        "service": "risk",
        "model_version": MODEL.version,
    }
    print(json.dumps(record | values))


@xray_recorder.capture("score")
def score(event):
    xray_recorder.current_subsegment().put_annotation("model_version", MODEL.version)
    return MODEL.score(event)


def handler(event, context):
    began = time.monotonic_ns()
    risk = score(event)
    tell(**TO_TELL, InferenceDuration=(time.monotonic_ns() - began) / 1e6)
    TO_TELL.clear()
    decision = "review" if risk > 0.5 else "accept"
    print(json.dumps({"level": "INFO", "message": "scored", "payment_id": event["payment_id"], "model_version": MODEL.version, "decision": decision}))
    return {"payment_id": event["payment_id"], "risk": risk, "decision": decision}
