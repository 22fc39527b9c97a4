"""The AWS/ApiGateway metrics of a request, as its front measured them.

Pure. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html

API Gateway logs only what its access log format asks for, so these cannot be read back from a log
as Lambda's are. Each request leaves an EMF record in a log group of its own: here too a metric is
a log event, and whoever reads data points finds these among them.
"""

from http import HTTPStatus
from typing import Any

NAMESPACE = "AWS/ApiGateway"
LOG_GROUP = "/workshop/api-gateway"
"""Where the records are kept."""


def record(
    api: str,
    stage: str,
    *,
    timestamp: int,
    status: int,
    latency_ms: float,
    integration_latency_ms: float | None = None,
    method: str | None = None,
    resource: str | None = None,
) -> dict[str, Any]:
    """Make the EMF record of one request.

    Count, 4XXError, 5XXError, Latency and IntegrationLatency are each there by `ApiName`, and by
    `ApiName` and `Stage`. The errors have a 0 for each request without, so that their Average is
    a rate, as API Gateway's is.

    Args:
        api: Name of the API.
        stage: Name of the stage.
        timestamp: When the request came, in milliseconds since the epoch.
        status: The HTTP status that the caller got.
        latency_ms: From the request to the response.
        integration_latency_ms: The function's part of it; None when none was called.
        method: With `resource`, adds the detailed metrics by method.
        resource: The path of the route.
    """
    dimensions = {"ApiName": api, "Stage": stage}
    sets = [["ApiName"], ["ApiName", "Stage"]]
    if method is not None and resource is not None:
        dimensions |= {"Method": method, "Resource": resource}
        sets.append(["ApiName", "Method", "Resource", "Stage"])
    client = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    values: dict[str, tuple[str, float]] = {
        "Count": ("Count", 1),
        "4XXError": ("Count", int(client)),
        "5XXError": ("Count", int(status >= HTTPStatus.INTERNAL_SERVER_ERROR)),
        "Latency": ("Milliseconds", latency_ms),
    }
    if integration_latency_ms is not None:
        values["IntegrationLatency"] = ("Milliseconds", integration_latency_ms)
    return {
        "_aws": {
            "Timestamp": timestamp,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": sets,
                    "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in values.items()],
                }
            ],
        },
        **dimensions,
        **{name: value for name, (_, value) in values.items()},
    }
