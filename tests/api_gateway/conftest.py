"""A small API over one function, which answers what it is told to."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import pytest

from workshop.api_gateway import Exchange, Front, HttpRequest, RestApi, rest_api
from workshop.lab import Lab
from workshop.sam import load_template
from workshop.store import Store

CODE = """\
import json
import time


def handler(event, context):
    told = json.loads(event["body"] or "{}")
    if "sleep" in told:
        time.sleep(told["sleep"])
    if "raise" in told:
        raise ValueError(told["raise"])
    if "answer" in told:
        return told["answer"]
    return {"statusCode": 200, "body": json.dumps(event)}
"""
API = """\
Api:
  Type: AWS::Serverless::Api
  Properties:
    Name: shop
    StageName: v1
"""
ANY = """\
Any:
  Type: Api
  Properties: {RestApiId: !Ref Api, Path: /a, Method: any}
"""
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
SHARED
Resources:
  API
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: echo
      Handler: app.handler
      Runtime: python3.13
      CodeUri: .
      Timeout: 10
      MemorySize: 256
      Tracing: Active
      ReservedConcurrentExecutions: 2
      Events:
        EVENTS
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /api/shop}
"""


def template(folder: Path, api: str = API, events: str = "", shared: str = "") -> Path:
    """Write a template with an API and a function, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(CODE)
    path = folder / "template.yaml"
    text = TEMPLATE.replace("SHARED\n", shared)
    text = text.replace("  API\n", indent(api, "  "))
    path.write_text(text.replace("        EVENTS\n", indent(events or ANY, " " * 8)))
    return path


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., RestApi]:
    """Write a template and read its API: `read(api, events, shared)`."""
    return lambda *parts: rest_api(load_template(template(tmp_path / "function", *parts)))


ALL = """\
Api:
  Type: AWS::Serverless::Api
  Properties:
    Name: shop
    StageName: v1
    TracingEnabled: true
    Variables: {colour: blue}
    BinaryMediaTypes: [image~1png]
    AccessLogSetting:
      DestinationArn: !GetAtt Logs.Arn
      Format: >-
        {"id": "$context.requestId", "status": "$context.status", "agent":
        "$context.identity.userAgent", "error": "$context.error.message",
        "type": "$context.error.responseType", "route": "$context.resourcePath",
        "trace": "$context.xrayTraceId", "own": "$context.integration.status",
        "why": "$context.integrationErrorMessage", "waited": "$context.integrationLatency"}
"""
EVENTS = """\
Things:
  Type: Api
  Properties: {RestApiId: !Ref Api, Path: "/things/{id}", Method: any}
Slow:
  Type: Api
  Properties: {RestApiId: !Ref Api, Path: /slow, Method: post, TimeoutInMillis: 100}
Files:
  Type: Api
  Properties: {RestApiId: !Ref Api, Path: "/files/{proxy+}", Method: get}
"""


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """Where the telemetry goes."""
    with Store.open(None) as store:
        yield store


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Iterator[Lab]:
    """A lab of a template whose API has everything."""
    folder = tmp_path_factory.mktemp("an api")
    with Lab.open(template(folder, ALL, EVENTS), store=store) as lab:
        yield lab


@pytest.fixture(scope="module")
def front(lab: Lab, store: Store) -> Front:
    """The front over it."""
    return Front(lab, rest_api(lab.template), store.append)


@pytest.fixture(scope="module")
def ask(front: Front) -> Callable[..., Exchange]:
    """Send a request: `ask(told, method=…, target=…, headers=…)`."""

    def send(
        told: object = None,
        *headers: tuple[str, str],
        method: str = "POST",
        target: str = "/v1/things/7",
        body: bytes | None = None,
    ) -> Exchange:
        content = body if body is not None else b"" if told is None else json.dumps(told).encode()
        return front.answer(HttpRequest(method, target, headers, content))

    return send
