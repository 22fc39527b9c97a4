"""The REST API over HTTP: what goes through to the front, and what the server refuses itself."""

import json
import socket
from http.client import HTTPConnection

import pytest

from workshop.api_gateway import Exchange, UnsupportedApiError
from workshop.endpoint.rest_api import RestApiServer
from workshop.errors import WorkshopError
from workshop.store import Store

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
      Events:
        Any:
          Type: Api
          Properties: {Path: /echo, Method: any}
"""
CODE = """\
import json


def handler(event, context):
    headers = {"Set-Cookie": ["a=1", "b=2"]}
    return {"statusCode": 200, "multiValueHeaders": headers, "body": json.dumps(event)}
"""
NEW_CODE = 'def handler(event, context):\n    return {"statusCode": 418, "body": "new"}\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "app.py").write_text(CODE)
    return tmp_path


@pytest.fixture
def told():
    return []


@pytest.fixture
def store():
    with Store.open(None) as store:
        yield store


@pytest.fixture
def server(folder, told, store):
    with RestApiServer(folder / "template.yaml", store, told=told.append) as server:
        yield server


@pytest.fixture
def send(server):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)

    def send(method="GET", target="/Prod/echo", body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, named)
        response = connection.getresponse()
        return response, response.read()

    yield send
    connection.close()


def test_a_request_goes_through_as_it_was_written(send, told):
    response, body = send("POST", "/Prod/echo?a=1&a=2", b'{"x": 1}', X_Odd_Case="1")
    event = json.loads(body)
    assert response.status == 200
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["headers"]["X-Odd-Case"] == "1"
    assert event["body"] == '{"x": 1}'
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers["x-amzn-RequestId"] == event["requestContext"]["requestId"]
    assert isinstance(told[0], Exchange)


def test_a_browser_gets_json_also_where_nothing_is(send):
    response, body = send("GET", "/", Sec_Fetch_Site="none", Accept="text/html")
    assert (response.status, json.loads(body)) == (403, {"message": "Forbidden"})
    assert response.headers["Content-Type"] == "application/json"


def test_telemetry_is_in_the_store(send, store):
    response, _ = send()
    assert {point.namespace for point in store.data_points()} == {"AWS/ApiGateway"}
    events = store.log_events("/aws/lambda/echo")
    assert any("REPORT" in event.message for event in events)
    root = dict(part.split("=") for part in response.headers["X-Amzn-Trace-Id"].split(";"))["Root"]
    assert root.startswith("1-")


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}],
)
def test_another_name_or_a_web_page_of_another_is_refused_in_json(send, told, headers):
    response, body = send(**headers)
    assert response.status == 403
    assert json.loads(body)["message"].startswith("refused")
    assert told == []


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ({"statusCode": 204, "body": "gone"}, 204, b""),
        ({"statusCode": 304, "body": "the same"}, 304, b""),
        ({"statusCode": 101}, 502, b'{"message": "Internal server error"}'),
        ({"statusCode": 200, "headers": {"X-Name": "Jos\u00e9"}, "body": "x"}, 200, b"x"),
        ({"statusCode": 200, "headers": {"X-Name": "\u20ac"}}, 502, None),
    ],
)
def test_an_answer_that_http_has_no_room_for_is_answered_all_the_same(
    send, folder, told, answer, status, body
):
    (folder / "app.py").write_text(f"def handler(event, context):\n    return {answer!r}\n")
    response, got = send()

    assert response.status == status
    assert body in (None, got)
    assert told[-1].response.status == status
    assert status != 200 or response.headers["X-Name"] == "Jos\u00e9"
    assert send()[0].status == status, "on the same connection"


def test_a_body_that_is_too_large_is_413_in_json(send):
    response, body = send("POST", body=b"x" * (10 * 1024 * 1024 + 1))
    assert (response.status, json.loads(body)) == (413, {"message": "Request Too Long"})


def test_what_is_no_http_is_refused_in_json(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'{"message": ' in answer


def test_saved_code_counts_from_the_next_request_on(send, folder):
    assert send()[0].status == 200
    (folder / "app.py").write_text(NEW_CODE)
    response, body = send()
    assert (response.status, body) == (418, b"new")


def test_a_saved_template_counts_from_the_next_request_on(send, folder):
    assert send()[0].status == 200
    (folder / "template.yaml").write_text(TEMPLATE.replace("/echo", "/other"))
    assert send()[0].status == 403
    assert send(target="/Prod/other")[0].status == 200


def test_a_template_that_is_broken_meanwhile_is_told_and_mended_by_the_next_save(
    send, folder, told
):
    (folder / "template.yaml").write_text(TEMPLATE.replace("Type: Api", "\tType: Api"))
    assert send()[0].status == 502
    assert isinstance(told[0], WorkshopError)
    (folder / "template.yaml").write_text(TEMPLATE)
    assert send()[0].status == 200


def test_a_template_without_an_api_is_not_served(folder, store):
    (folder / "template.yaml").write_text(TEMPLATE.partition("      Events:")[0])
    with pytest.raises(UnsupportedApiError, match="no event of Type: Api"):
        RestApiServer(folder / "template.yaml", store)


def test_a_port_that_is_taken_is_an_error(server, folder, store):
    with pytest.raises(OSError, match="in use"):
        RestApiServer(folder / "template.yaml", store, port=server.port)
