"""The AWS/ApiGateway metrics of a request, as an EMF record.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
"""

import json

import pytest

from workshop.metrics import emf, gateway_metrics
from workshop.signals import LogEvent

NOON = 1_700_049_600_000


def read(**given):
    record = gateway_metrics.record(
        "shop", "v1", timestamp=NOON, **{"status": 200, "latency_ms": 12.5, **given}
    )
    reading = emf.read(LogEvent(gateway_metrics.LOG_GROUP, "s", NOON, json.dumps(record)))
    assert reading.problems == ()
    return reading.points


def test_each_metric_has_its_unit_and_dimensions():
    points = read(integration_latency_ms=10.0)
    assert {(point.namespace, point.name, point.unit) for point in points} == {
        ("AWS/ApiGateway", "Count", "Count"),
        ("AWS/ApiGateway", "4XXError", "Count"),
        ("AWS/ApiGateway", "5XXError", "Count"),
        ("AWS/ApiGateway", "Latency", "Milliseconds"),
        ("AWS/ApiGateway", "IntegrationLatency", "Milliseconds"),
    }
    for name in ("Count", "Latency"):
        assert [point.dimensions for point in points if point.name == name] == [
            {"ApiName": "shop"},
            {"ApiName": "shop", "Stage": "v1"},
        ]
    assert {point.timestamp for point in points} == {NOON}


@pytest.mark.parametrize(
    ("status", "client", "server"),
    [(200, 0, 0), (302, 0, 0), (400, 1, 0), (499, 1, 0), (500, 0, 1), (504, 0, 1)],
)
def test_errors_are_0_or_1_so_that_their_average_is_a_rate(status, client, server):
    values = {point.name: point.values for point in read(status=status)}
    assert (values["4XXError"], values["5XXError"]) == ((client,), (server,))


def test_without_a_call_of_a_function_there_is_no_integration_latency():
    assert "IntegrationLatency" not in {point.name for point in read()}


def test_detailed_metrics_are_there_by_method_and_resource():
    assert {
        "ApiName": "shop",
        "Method": "GET",
        "Resource": "/a",
        "Stage": "v1",
    } in [point.dimensions for point in read(method="GET", resource="/a")]
