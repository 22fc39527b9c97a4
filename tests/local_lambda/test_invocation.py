"""What one invocation gives back, and what it leaves with the sink."""

import json
import re
import socket
import subprocess
import time
from typing import Any

import pytest

from workshop.errors import ToolError
from workshop.local_lambda import (
    InvalidRequestContentError,
    LambdaClosedError,
    RequestTooLargeError,
    TelemetryNotKeptError,
)

ECHO = "def handler(event, context):\n    return event\n"


def test_the_response_is_what_the_handler_returned(serve: Any) -> None:
    invocation = serve(ECHO)({"amount": 1299, "name": "Ada ✓"})
    assert json.loads(invocation.payload) == {"amount": 1299, "name": "Ada ✓"}
    assert (invocation.status, invocation.function_error) == ("success", None)


def test_the_first_invocation_is_a_cold_start_and_the_next_one_is_not(serve: Any) -> None:
    invoke = serve(ECHO)
    first, second = invoke(), invoke()
    assert (first.cold_start, second.cold_start) == (True, False)
    assert first.environment_id == second.environment_id
    assert first.report.init_duration_ms is not None
    assert first.report.init_duration_ms > 1
    assert second.report.init_duration_ms is None


def test_init_is_measured_from_the_start_of_the_process(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def wait_for_a_core(*arguments: Any, **options: Any) -> Any:
        process = start(*arguments, **options)
        time.sleep(0.3)
        return process

    monkeypatch.setattr(subprocess, "Popen", wait_for_a_core)
    assert serve(ECHO)().report.init_duration_ms >= 300


def test_platform_lines_have_the_form_of_the_documentation(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    invoke = serve(ECHO)
    first, second = invoke(), invoke()
    init, start, end, report = [event.message for event in first.log_events]
    identifier = first.request_id
    assert re.fullmatch(
        r"INIT_START Runtime Version: python:3\.\d+\.v\d+\t"
        r"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}",
        init,
    )
    assert start == f"START RequestId: {identifier} Version: $LATEST"
    assert end == f"END RequestId: {identifier}"
    assert re.fullmatch(
        rf"REPORT RequestId: {identifier}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n"
        rf"XRAY TraceId: {first.trace_id}\tSegmentId: [0-9a-f]{{16}}\tSampled: true\t",
        report,
    )
    assert "Init Duration" not in second.log_events[-1].message


def test_init_is_billed(serve: Any) -> None:
    # https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
    report = serve("import time\ntime.sleep(0.2)\n" + ECHO)().report
    assert report.init_duration_ms is not None
    assert report.init_duration_ms >= 200
    assert report.billed_duration_ms >= 200
    whole = report.duration_ms + report.init_duration_ms
    assert whole - 0.02 <= report.billed_duration_ms < whole + 1.02


def test_figures_are_measured(serve: Any) -> None:
    source = (
        "import time\n"
        "def handler(event, context):\n"
        "    held = b'x' * 60_000_000\n"
        "    time.sleep(0.1)\n"
    )
    report = serve(source)().report
    assert 100 <= report.duration_ms < 1000
    assert 57 < report.max_memory_used_mb < 150


def test_json_logging_gives_platform_records(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    invoke = serve(ECHO, log_format="JSON", system_log_level="INFO")
    cold, warm = invoke(), invoke()
    records = [json.loads(event.message) for event in cold.log_events]
    assert [record["type"] for record in records] == [
        "platform.initStart",
        "platform.start",
        "platform.report",
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", r["time"]) for r in records)
    report = records[-1]["record"]
    assert report["requestId"] == cold.request_id
    assert report["status"] == "success"
    assert set(report["metrics"]) == {
        "durationMs",
        "billedDurationMs",
        "memorySizeMB",
        "maxMemoryUsedMB",
        "initDurationMs",
    }
    assert report["metrics"]["billedDurationMs"] == cold.report.billed_duration_ms
    assert "initDurationMs" not in json.loads(warm.log_events[-1].message)["record"]["metrics"]


@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        ("DEBUG", ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]),
        ("INFO", ["initStart", "start", "report"]),
        ("WARN", []),
    ],
)
def test_the_system_log_level_keeps_what_it_says(serve: Any, level: str, kinds: list[str]) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    invocation = serve(ECHO, log_format="JSON", system_log_level=level)()
    seen = [json.loads(event.message)["type"] for event in invocation.log_events]
    assert seen == [f"platform.{kind}" for kind in kinds]


def test_the_system_log_level_warn_still_tells_of_a_crash(serve: Any) -> None:
    source = "import os\ndef handler(event, context):\n    os._exit(3)\n"
    invocation = serve(source, log_format="JSON", system_log_level="WARN")()
    records = [json.loads(event.message) for event in invocation.log_events]
    assert [record["type"] for record in records] == ["platform.runtimeDone", "platform.report"]
    assert records[-1]["record"]["errorType"] == "Runtime.ExitError"


def test_the_application_log_level_filters_json_lines(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    source = (
        "import json\n"
        "def handler(event, context):\n"
        "    for level in ('DEBUG', 'INFO', 'WARNING', 'ERROR'):\n"
        "        print(json.dumps({'level': level, 'timestamp': '2026-11-23T11:42:07.123Z'}))\n"
        "    print('plain')\n"
    )
    invocation = serve(source, log_format="JSON", application_log_level="WARN")()
    lines = [event.message for event in invocation.log_events if "platform" not in event.message]
    assert [json.loads(line)["level"] for line in lines[:-1]] == ["WARNING", "ERROR"]
    assert lines[-1] == "plain"


def test_log_streams_are_named_as_lambda_names_them(serve: Any) -> None:
    invocation = serve(ECHO)()
    streams = {event.log_stream for event in invocation.log_events}
    assert len(streams) == 1
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", streams.pop())
    assert {event.log_group for event in invocation.log_events} == {"/aws/lambda/payments"}


def test_timestamps_never_run_backwards(serve: Any) -> None:
    source = (
        "import logging\n"
        "def handler(event, context):\n"
        "    for n in range(50):\n"
        "        print(n)\n"
        "        logging.error(n)\n"
    )
    stamps = [event.timestamp for event in serve(source)().log_events]
    assert stamps == sorted(stamps)
    assert stamps[-1] - stamps[0] < 10_000


def test_the_sink_has_everything_in_one_call_before_the_invocation_is_acknowledged(
    serve: Any,
) -> None:
    invoke = serve("def handler(event, context):\n    print('hello')\n")
    invocation = invoke()
    assert invoke.sink.calls == [5]
    assert tuple(invoke.sink.log_events) == invocation.log_events
    assert tuple(invoke.sink.segments) == invocation.segments


@pytest.mark.parametrize(
    "refusal",
    [OSError("no room"), ToolError("the telemetry could not be kept: no room", "make room")],
)
def test_a_sink_that_refuses_fails_the_invocation_which_is_told_all_the_same(
    serve: Any, refusal: Exception
) -> None:
    failures = [refusal]

    def sink(log_events: Any, segments: Any) -> None:
        if failures:
            raise failures.pop()

    invoke = serve(ECHO, sink=sink)
    with pytest.raises(TelemetryNotKeptError) as caught:
        invoke({"amount": 1299})
    error = caught.value
    assert error.what == "the telemetry could not be kept: no room"
    assert error.look == getattr(refusal, "look", "")
    assert error.__cause__ is refusal
    assert error.invocation.payload == b'{"amount": 1299}'
    assert error.invocation.log_events[-1].message.startswith("REPORT")
    assert invoke().environment_id == error.invocation.environment_id


def test_segments_share_one_trace_and_hang_together(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
    invoke = serve(SENDS_A_SUBSEGMENT)
    cold, warm = invoke({"id": "a" * 16}), invoke({"id": "b" * 16})
    own, service, function = cold.segments
    assert {segment["trace_id"] for segment in cold.segments} == {cold.trace_id}
    assert (service["origin"], function["origin"]) == ("AWS::Lambda", "AWS::Lambda::Function")
    assert function["parent_id"] == service["id"]
    phases = {phase["name"]: phase for phase in function["subsegments"]}
    assert list(phases) == ["Initialization", "Invocation", "Overhead"]
    assert own["id"] == "a" * 16
    assert own["parent_id"] == phases["Invocation"]["id"]
    assert service["start_time"] <= phases["Initialization"]["start_time"]
    assert phases["Initialization"]["end_time"] <= phases["Invocation"]["start_time"]
    assert (
        phases["Invocation"]["end_time"] <= phases["Overhead"]["end_time"] <= function["end_time"]
    )
    assert function["end_time"] <= service["end_time"]
    assert [phase["name"] for phase in warm.segments[-1]["subsegments"]] == [
        "Invocation",
        "Overhead",
    ]
    assert not any("fault" in segment for segment in cold.segments)


SENDS_A_SUBSEGMENT = """
import json, os, socket, time
def handler(event, context):
    fields = dict(part.split("=") for part in os.environ["_X_AMZN_TRACE_ID"].split(";"))
    host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
    document = {"id": event["id"], "name": "charge", "type": "subsegment",
                "trace_id": fields["Root"], "parent_id": fields["Parent"],
                "start_time": time.time(), "end_time": time.time()}
    head = b'{"format":"json","version":1}\\n'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        for body in (b"no header", head + b"not json", head + b"[]",
                     head + json.dumps(document).encode()):
            daemon.sendto(body, (host, int(port)))
    return os.environ["_X_AMZN_TRACE_ID"]
"""


def test_no_segment_of_a_burst_is_lost(serve: Any) -> None:
    source = SENDS_A_SUBSEGMENT.replace("daemon.sendto(body", "[daemon.sendto(body").replace(
        "int(port)))", "int(port))) for n in range(100)]"
    )
    invocation = serve(source)({"id": "c" * 16})
    assert len(invocation.segments) == 102


def test_a_failed_invocation_is_a_fault_with_its_cause(serve: Any) -> None:
    source = "def handler(event, context):\n    raise ValueError('bad luck')\n"
    service, function = serve(source)().segments
    assert service["fault"] is True
    assert function["fault"] is True
    error = function["cause"]["exceptions"][0]
    assert (error["type"], error["message"]) == ("ValueError", "bad luck")
    assert error["stack"][-1]["label"] == "handler"
    assert re.fullmatch("[0-9a-f]{16}", error["id"])


def test_an_invocation_joins_the_callers_trace(serve: Any) -> None:
    root, parent = "1-65f0a1b2-0123456789abcdef01234567", "fedcba9876543210"
    invocation = serve(ECHO)(trace_header=f"Root={root};Parent={parent};Sampled=1")
    assert invocation.trace_id == root
    assert invocation.segments[0]["trace_id"] == root
    assert invocation.segments[0]["parent_id"] == parent


@pytest.mark.parametrize(
    ("tracing", "header"),
    [
        (False, None),
        (False, "Sampled=1"),
        (True, "Root=1-65f0a1b2-0123456789abcdef01234567;Sampled=0"),
    ],
)
def test_an_unsampled_invocation_leaves_no_segments(
    serve: Any, header: str | None, *, tracing: bool
) -> None:
    source = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
    invocation = serve(source, tracing=tracing)(trace_header=header)
    assert invocation.segments == ()
    assert b"Sampled=0" in invocation.payload
    assert "XRAY" not in invocation.log_events[-1].message


@pytest.mark.parametrize("payload", [b"{", b"NaN", b"[1,]", b"\xff", b"'a'", b"[" * 100_000])
def test_an_event_that_is_not_json_is_refused(serve: Any, payload: bytes) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
    invoke = serve(ECHO)
    with pytest.raises(InvalidRequestContentError, match="Could not parse request body into json"):
        invoke.lambda_.invoke(payload)


def test_no_event_is_an_empty_object(serve: Any) -> None:
    assert serve(ECHO).lambda_.invoke(b"").payload == b"{}"


def test_an_event_of_more_than_6_mb_is_refused(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    invoke = serve("def handler(event, context):\n    return len(event)\n")
    assert invoke("x" * (6 * 1024 * 1024 - 2)).payload == b"6291454"
    with pytest.raises(RequestTooLargeError, match="limit 6291456 bytes"):
        invoke("x" * (6 * 1024 * 1024 - 1))


def test_a_response_of_more_than_6_mb_is_an_error(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    invoke = serve("def handler(event, context):\n    return 'x' * event\n")
    assert len(invoke(6_291_556 - 2).payload) == 6_291_556
    invocation = invoke(6_291_556 - 1)
    error = json.loads(invocation.payload)
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert error["errorMessage"] == (
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    )
    assert invocation.function_error == "Unhandled"
    assert invoke(1).status == "success"


def test_a_client_context_that_is_not_an_object_is_refused(serve: Any) -> None:
    invoke = serve(ECHO)
    for context in ("", "3", "{\n", '{"a":' * 100_000):
        with pytest.raises(InvalidRequestContentError):
            invoke(client_context=context)


def test_the_function_sees_lambdas_variables_and_its_own_alone(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    for name in (
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "HOME",
        "AWS_PROFILE",
        "AWS_SAM_LOCAL",
        "POWERTOOLS_DEV",
    ):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
    source = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    invocation = serve(
        source, environment={"STAGE": "dev", "AWS_REGION": "mine", "TZ": "Asia/Tokyo"}
    )()
    variables = json.loads(invocation.payload)
    assert "/elsewhere" not in variables.values()
    assert "the user's own" not in variables.values()
    assert variables["STAGE"] == "dev"
    assert variables["TZ"] == "Asia/Tokyo"
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "payments"
    assert variables["AWS_LAMBDA_LOG_STREAM_NAME"] == invocation.log_events[0].log_stream
    unknown = {n for n in variables if not n.startswith(("AWS_", "LAMBDA_", "_HANDLER", "_X_AMZN"))}
    assert unknown - {"LC_CTYPE"} == {"STAGE", "TZ", "LANG", "PATH"}


def test_the_runtimes_own_folder_is_not_importable(serve: Any) -> None:
    source = "def handler(event, context):\n    import service_segments\n"
    assert json.loads(serve(source)().payload)["errorType"] == "ModuleNotFoundError"


def test_nothing_is_written_beside_the_code(serve: Any) -> None:
    invoke = serve("import helper\n" + ECHO)
    (invoke.folder / "helper.py").write_text("")
    assert invoke().status == "success"
    assert sorted(path.name for path in invoke.folder.iterdir()) == ["app.py", "helper.py"]


def test_a_closed_lambda_refuses_and_may_be_closed_again(serve: Any) -> None:
    invoke = serve(ECHO)
    invoke.lambda_.close()
    invoke.lambda_.close()
    with pytest.raises(LambdaClosedError):
        invoke()


def test_a_stranger_on_the_runtime_api_gets_nothing_and_breaks_nothing(serve: Any) -> None:
    source = (
        "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_RUNTIME_API']\n"
    )
    invoke = serve(source)
    host, _, port = json.loads(invoke().payload).rpartition(":")
    wrong = "00000000-0000-4000-8000-000000000000"
    for request, status in (
        (b"rubbish\r\n\r\n", b""),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"403"),
        (f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode(), b"404"),
        (
            f"POST /2018-06-01/runtime/invocation/{wrong}/response HTTP/1.1\r\n"
            f"Host: {host}:{port}\r\nContent-Length: 1\r\n\r\n1".encode(),
            b"400",
        ),
    ):
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(request)
            assert status in stranger.recv(1000)
    assert invoke().status == "success"
