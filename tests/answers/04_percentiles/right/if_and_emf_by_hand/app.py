import json
import time

import processor
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="payments")
metrics = Metrics(namespace="Workshop", service="payments")


def emit(name, value, unit):
    print(
        json.dumps(
            {
                "_aws": {
                    "Timestamp": int(time.time() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": "Workshop",
                            "Dimensions": [["service"]],
                            "Metrics": [{"Name": name, "Unit": unit, "StorageResolution": 1}],
                        }
                    ],
                },
                "service": "payments",
                name: value,
            }
        )
    )


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context(correlation_id_path="correlation_id", clear_state=True)
def handler(event, context):
    logger.append_keys(payment_id=event["payment_id"], customer_id=event["customer_id"])
    logger.info("collecting payment", amount=event["amount"], currency=event["currency"])
    start = time.perf_counter()
    outcome = "FailedCharge"
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
        outcome = "SuccessfulCharge"
    except processor.ProcessorError:
        logger.exception("charge failed")
        raise
    finally:
        emit("ChargeDuration", (time.perf_counter() - start) * 1000.0, "Milliseconds")
        metrics.add_metric(outcome, unit=MetricUnit.Count, value=1)
    metrics.add_metric("ChargedAmount", unit=MetricUnit.NoUnit, value=event["amount"])
    logger.info("payment charged", charge_id=charge["charge_id"])
    return {"payment_id": event["payment_id"], **charge, "status": "charged"}
