"""An endpoint with one small function, and real clients of it."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.validate import ParamValidator

from workshop.endpoint.app import Endpoint

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: echo
      Handler: app.handler
      Runtime: python3.13
      CodeUri: .
      Timeout: 5
      MemorySize: 256
      Tracing: Active
      ReservedConcurrentExecutions: 2
  EchoLogs:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: /aws/lambda/echo
      RetentionInDays: 7
  FailedAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: echo-fails
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions:
        - Name: FunctionName
          Value: echo
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
"""
CODE = """\
import json
import os
import time


def handler(event, context):
    if "say" in event:
        print(event["say"])
    if "metric" in event:
        print(json.dumps({
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [{
                    "Namespace": "Test",
                    "Dimensions": [["who"]],
                    "Metrics": [{"Name": "Work", "Unit": "Count"}],
                }],
            },
            "who": "me",
            "Work": event["metric"],
        }))
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "fail" in event:
        raise ValueError(event["fail"])
    if "variable" in event:
        return os.environ.get(event["variable"])
    if "context" in event:
        return context.client_context.custom
    return event
"""
GROUP = "/aws/lambda/echo"
TOKEN = uuid.uuid4().hex


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the function."""
    folder = tmp_path_factory.mktemp("function")
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "app.py").write_text(CODE)
    return folder


@pytest.fixture(scope="module")
def endpoint(function: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An endpoint that keeps its telemetry in files."""
    data = tmp_path_factory.mktemp("data")
    with Endpoint(function / "template.yaml", data, token=TOKEN) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def aws(endpoint: Endpoint) -> Iterator[Callable[[str], Any]]:
    """Make a boto3 client; every answer that it gets is held against botocore's own shape."""
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = client_of(service, endpoint)
        return clients[service]

    yield client
    for made in clients.values():
        made.close()


def client_of(service: str, endpoint: Endpoint) -> Any:
    """Make a client of one endpoint; whoever makes it closes it."""
    made = boto3.client(
        service,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
        endpoint_url=endpoint.url,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
    )
    made.meta.events.register("before-parse", validate)
    return made


def validate(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Hold an answer's JSON against the output shape: no member too many, none of another type."""
    if response_dict["status_code"] >= 300 or operation_model.has_streaming_output:
        return
    body = response_dict["body"]
    shape = operation_model.output_shape
    if shape is None or not shape.members:
        assert body in (b"", b"{}")
        return
    report = ParamValidator().validate(json.loads(body), shape)
    assert not report.has_errors(), report.generate_report()


@pytest.fixture
def raw(endpoint: Endpoint) -> Iterator[Callable[..., tuple[int, dict[str, str], bytes]]]:
    """Send a request by hand, all on one connection."""
    connection = HTTPConnection("127.0.0.1", endpoint.port, timeout=20)

    def send(
        method: str = "POST", path: str = "/", body: Any = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()

    yield send
    connection.close()


def eventually(ask: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer
