"""Lambda by boto3."""

import base64
import json
import os
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.conftest import TEMPLATE, client_of
from workshop.endpoint.app import Endpoint
from workshop.lab import Lab


@pytest.fixture
def functions(aws):
    return aws("lambda")


def invoke(functions, event, **more):
    answer = functions.invoke(FunctionName="echo", Payload=json.dumps(event), **more)
    return answer, json.loads(answer["Payload"].read() or b"null")


@pytest.mark.parametrize(
    "name",
    [
        "echo",
        "EchoFunction",
        "echo:$LATEST",
        "123456789012:function:echo",
        "arn:aws:lambda:us-east-1:123456789012:function:echo",
        "arn:aws:lambda:us-east-1:123456789012:function:echo:$LATEST",
    ],
)
def test_a_function_is_invoked_by_any_of_its_names(functions, name):
    answer = functions.invoke(FunctionName=name, Payload='{"a": "é"}')

    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert json.loads(answer["Payload"].read()) == {"a": "é"}


@pytest.mark.parametrize(
    "name",
    ["none", "echo:1", "999999999999:function:echo", "arn:aws:lambda:eu-west-1:1:function:echo"],
)
def test_a_function_that_is_not_there_is_not_found(functions, name):
    with pytest.raises(ClientError) as raised:
        functions.invoke(FunctionName=name)

    assert raised.value.response["Error"]["Code"] in (
        "ResourceNotFoundException",
        "InvalidParameterValueException",
    )


def test_a_handler_that_raises_is_a_function_error_and_no_http_error(functions):
    answer, error = invoke(functions, {"fail": "no card"})

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no card")


def test_the_tail_of_the_log_is_given_back(functions):
    text = uuid.uuid4().hex

    answer, _ = invoke(functions, {"say": text + "x" * 5000 + text}, LogType="Tail")

    tail = base64.b64decode(answer["LogResult"])
    assert len(tail) == 4096
    assert tail.count(text.encode()) == 1
    assert b"REPORT RequestId: " in tail


def test_a_dry_run_runs_nothing(functions):
    answer = functions.invoke(FunctionName="echo", InvocationType="DryRun", Payload='{"sleep": 9}')

    assert answer["StatusCode"] == 204


def test_the_client_context_reaches_the_handler(functions):
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()

    assert invoke(functions, {"context": 1}, ClientContext=context)[1] == {"k": "v"}
    with pytest.raises(functions.exceptions.InvalidRequestContentException):
        invoke(functions, {}, ClientContext="%%%")


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_a_payload_that_is_no_json_is_refused(functions, kind):
    with pytest.raises(functions.exceptions.InvalidRequestContentException):
        functions.invoke(FunctionName="echo", Payload="{", InvocationType=kind)


@pytest.mark.parametrize(("kind", "size"), [("RequestResponse", 6), ("Event", 1)])
def test_a_payload_that_is_too_large_is_refused(functions, kind, size):
    payload = json.dumps("x" * size * 1024 * 1024)
    with pytest.raises(functions.exceptions.RequestTooLargeException):
        functions.invoke(FunctionName="echo", Payload=payload, InvocationType=kind)


def test_functions_are_described(functions):
    (listed,) = functions.list_functions()["Functions"]
    described = functions.get_function(FunctionName="echo")

    configured = functions.get_function_configuration(FunctionName="echo")
    del configured["ResponseMetadata"]

    assert listed == described["Configuration"] == configured
    assert (listed["FunctionName"], listed["Timeout"], listed["Handler"]) == (
        "echo",
        5,
        "app.handler",
    )
    assert described["Concurrency"] == {"ReservedConcurrentExecutions": 2}


def test_a_function_s_own_aws_calls_come_here_and_nowhere_else(functions, endpoint):
    assert invoke(functions, {"variable": "AWS_ENDPOINT_URL"})[1] == endpoint.url
    assert invoke(functions, {"variable": "AWS_CONFIG_FILE"})[1] == os.devnull


def test_without_an_endpoint_they_find_nobody_whatever_the_template_sets(function, tmp_path):
    (tmp_path / "app.py").write_text((function / "app.py").read_text())
    own = "      Environment: {Variables: {AWS_ENDPOINT_URL_LOGS: 'https://logs.example'}}\n"
    (tmp_path / "template.yaml").write_text(
        TEMPLATE.replace("      Tracing: Active\n", f"      Tracing: Active\n{own}")
    )

    with Lab.open(tmp_path / "template.yaml") as lab:
        found = [
            lab.invoke({"variable": name}).payload
            for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LOGS")
        ]

    assert found == [b'"http://127.0.0.1:9"', b"null"]


def test_a_saved_template_is_served_at_once_and_a_broken_one_is_told(function, tmp_path):
    (tmp_path / "app.py").write_text((function / "app.py").read_text())
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE)
    with Endpoint(template, None) as endpoint:
        functions = client_of("lambda", endpoint)
        assert invoke(functions, {"a": 1})[1] == {"a": 1}

        template.write_text(TEMPLATE.replace("FunctionName: echo", "FunctionName: parrot"))
        assert functions.get_function(FunctionName="parrot")
        template.write_text("Resources: [")
        with pytest.raises(ClientError, match="not YAML"):
            functions.list_functions()
        template.write_text(TEMPLATE)
        assert invoke(functions, {"a": 2})[1] == {"a": 2}
        functions.close()


def test_a_trace_header_is_taken_part_in_and_nonsense_is_not(raw):
    path = "/2015-03-31/functions/echo/invocations"
    root = f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
    header = f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1"

    _, taken, _ = raw("POST", path, b"{}", X_Amzn_Trace_Id=header)
    status, own, _ = raw("POST", path, b"{}", X_Amzn_Trace_Id="Root=nonsense;;=;Sampled")

    assert taken["X-Amzn-Trace-Id"] == f"Root={root}"
    assert status == 200
    assert own["X-Amzn-Trace-Id"].startswith("Root=1-")
