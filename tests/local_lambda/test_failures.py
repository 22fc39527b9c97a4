"""Handlers that misbehave: each is reported as Lambda does, and the next event is served."""

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from workshop.local_lambda import CodeMissingError, EnvironmentStartError

DRAMA = """
import os, signal, subprocess, sys, threading, time
def handler(event, context):
    match event.get("do"):
        case "loop":
            while True: pass
        case "sleep": time.sleep(60)
        case "eat":
            held = []
            while True: held.append(b"x" * 10_000_000)
        case "exit": os._exit(event["status"])
        case "exit after output":
            print("half a line", end="")
            os._exit(1)
        case "kill": os.kill(os.getpid(), signal.SIGKILL)
        case "kill group": os.killpg(0, signal.SIGKILL)
        case "stop": os.kill(os.getpid(), signal.SIGSTOP)
    return os.getpid()
"""


def error_of(invocation: Any) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(invocation.payload)
    return error


def test_an_endless_loop_is_timed_out(serve: Any, is_alive: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
    invoke = serve(DRAMA, timeout_seconds=1)
    process = json.loads(invoke().payload)
    invocation = invoke({"do": "loop"})
    assert invocation.status == "timeout"
    assert invocation.function_error == "Unhandled"
    identifier = invocation.request_id
    assert error_of(invocation) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {identifier} Error: Task timed out after 1.00 seconds",
    }
    assert not is_alive(process)
    assert invocation.report.duration_ms >= 1000
    _, line, end, report = [event.message for event in invocation.log_events]
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\dT[\d:.]{{12}}Z {identifier} Task timed out after 1.00 seconds", line
    )
    assert end.startswith("END RequestId")
    assert "\tStatus: timeout\t" in report


def test_no_more_than_the_time_out_is_billed(serve: Any) -> None:
    # As in REPORT lines of AWS: Duration: 31012.52 ms, Billed Duration: 31000 ms.
    invoke = serve(DRAMA, timeout_seconds=1)
    cold, warm = invoke({"do": "sleep"}), serve(DRAMA, timeout_seconds=1)
    warm()
    assert warm({"do": "sleep"}).report.billed_duration_ms == 1000
    init_ms = cold.report.init_duration_ms
    assert cold.report.billed_duration_ms == pytest.approx(1000 + init_ms, abs=1.02)


def test_after_a_time_out_the_next_event_gets_a_new_environment(serve: Any) -> None:
    invoke = serve(DRAMA, timeout_seconds=1)
    first, timed_out, after = invoke(), invoke({"do": "sleep"}), invoke()
    assert first.environment_id == timed_out.environment_id != after.environment_id
    assert after.cold_start
    assert after.status == "success"


def test_a_process_that_stops_itself_is_timed_out(serve: Any) -> None:
    assert serve(DRAMA, timeout_seconds=1)({"do": "stop"}).status == "timeout"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"do": "exit", "status": 0}, "Runtime exited without providing a reason"),
        ({"do": "exit", "status": 1}, "Runtime exited with error: exit status 1"),
        ({"do": "exit", "status": 139}, "Runtime exited with error: exit status 139"),
        ({"do": "kill"}, "Runtime exited with error: signal: killed"),
        ({"do": "kill group"}, "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends_is_an_exit_error(serve: Any, event: Any, reason: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
    invoke = serve(DRAMA)
    invocation = invoke(event)
    assert invocation.status == "error"
    assert error_of(invocation) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {invocation.request_id} Error: {reason}",
    }
    messages = [one.message for one in invocation.log_events]
    assert messages[-3] == f"RequestId: {invocation.request_id} Error: {reason}\nRuntime.ExitError"
    assert "Status: error\tError Type: Runtime.ExitError" in messages[-1]
    assert invoke().status == "success"


def test_last_words_are_kept(serve: Any) -> None:
    messages = [event.message for event in serve(DRAMA)({"do": "exit after output"}).log_events]
    assert "half a line" in messages


def test_too_much_memory_is_killed_and_reported(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
    invoke = serve(DRAMA, memory_mb=128)
    invocation = invoke({"do": "eat"})
    assert error_of(invocation)["errorType"] == "Runtime.OutOfMemory"
    assert error_of(invocation)["errorMessage"].endswith(
        "Runtime exited with error: signal: killed"
    )
    assert invocation.report.max_memory_used_mb == 128
    assert "Error Type: Runtime.OutOfMemory" in invocation.log_events[-1].message
    assert invoke().status == "success"


def test_too_much_memory_is_noticed_even_when_it_was_given_back_at_once(serve: Any) -> None:
    source = "def handler(event, context):\n    len(b'x' * 200_000_000)\n    return 'done'\n"
    invocation = serve(source, memory_mb=128)()
    assert error_of(invocation)["errorType"] == "Runtime.OutOfMemory"


def test_memory_of_children_counts(serve: Any) -> None:
    source = (
        "import subprocess, sys\n"
        "child = 'import time; held = b\"x\" * 200_000_000; time.sleep(5)'\n"
        "def handler(event, context):\n"
        "    subprocess.run([sys.executable, '-c', child])\n"
    )
    invocation = serve(source, memory_mb=128)()
    assert error_of(invocation)["errorType"] == "Runtime.OutOfMemory"


@pytest.mark.parametrize(
    ("source", "handler", "kind", "message"),
    [
        (
            "def handler(e, c)\n",
            "app.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app'",
        ),
        ("import absent\n", "app.handler", "Runtime.ImportModuleError", "No module named 'absent'"),
        ("", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("", "gone.handler", "Runtime.ImportModuleError", "No module named 'gone'"),
        ("", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"),
        ("{}['k']", "app.handler", "KeyError", "'k'"),
    ],
)
def test_an_init_error_answers_the_invocation(
    serve: Any, source: str, handler: str, kind: str, message: str
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    invocation = serve(source, handler=handler)()
    assert invocation.status == "error"
    assert error_of(invocation)["errorType"] == kind
    assert message in error_of(invocation)["errorMessage"]
    reports = [e.message for e in invocation.log_events if e.message.startswith("INIT_REPORT")]
    phases = [report.split("\t")[1] for report in reports]
    assert phases == ["Phase: init", "Phase: invoke"]
    assert all(f"Status: error\tError Type: {kind}" in report for report in reports)
    assert invocation.report.init_duration_ms is None


def test_an_init_that_works_the_second_time_serves_the_event(serve: Any) -> None:
    source = (
        "import pathlib\n"
        "seen = pathlib.Path('seen')\n"
        "if not seen.exists():\n"
        "    seen.touch()\n"
        "    raise ValueError('not yet')\n"
        "def handler(event, context):\n"
        "    return 'served'\n"
    )
    invocation = serve(source)()
    assert invocation.payload == b'"served"'
    streams = {event.log_stream for event in invocation.log_events}
    assert len(streams) == 1


def test_an_init_that_takes_too_long_is_tried_again_within_the_time_out(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
    monkeypatch.setattr("workshop.local_lambda.environment.INIT_SECONDS", 0.3)
    invocation = serve("while True: pass\n", timeout_seconds=1)()
    assert invocation.status == "timeout"
    reports = [e.message for e in invocation.log_events if e.message.startswith("INIT_REPORT")]
    assert [report.split("\t")[1:] for report in reports] == [
        ["Phase: init", "Status: timeout"],
        ["Phase: invoke", "Status: timeout"],
    ]
    assert error_of(invocation)["errorType"] == "Sandbox.Timedout"


def test_a_hundred_megabytes_of_output_all_reach_the_sink_and_never_sit_in_memory(
    serve: Any,
) -> None:
    lines, batches = [0], []

    def sink(log_events: Any, segments: Any) -> None:
        lines[0] += sum(event.message == "x" * 99 for event in log_events)
        batches.append(sum(len(event.message) for event in log_events))

    source = (
        "def handler(event, context):\n"
        "    for n in range(1000): print(('x' * 99 + '\\n') * 1000, end='')\n"
    )
    invoke = serve(source, sink=sink, timeout_seconds=60)
    invocation = invoke()
    assert invocation.status == "success"
    assert lines == [1_000_000]
    assert max(batches) < 6_000_000
    assert len(invocation.log_events) + invocation.dropped_log_events == 1_000_004
    assert len(invocation.log_events) <= 10_004
    assert invocation.log_events[-1].message.startswith("REPORT")


def test_one_line_of_many_megabytes_is_cut_into_events_of_one(serve: Any) -> None:
    # https://aws.amazon.com/about-aws/whats-new/2025/04/amazon-cloudwatch-logs-increases-log-event-size-1-mb/
    invoke = serve("def handler(event, context):\n    print('é' * 5_000_000)\n")
    invoke()
    texts = [message for message in invoke.sink.messages if "é" in message]
    assert "".join(texts) == "é" * 5_000_000
    assert max(len(text.encode()) for text in texts) <= 1_048_576 - 26


def test_a_response_that_json_cannot_hold_is_a_marshal_error(serve: Any) -> None:
    invocation = serve("def handler(event, context):\n    return {1, 2}\n")()
    assert error_of(invocation)["errorType"] == "Runtime.MarshalError"
    assert "set is not JSON serializable" in error_of(invocation)["errorMessage"]


def test_an_async_handler_is_told_in_its_own_invocation_that_nobody_awaited_it(serve: Any) -> None:
    first = serve("async def handler(event, context):\n    return 1\n")()
    assert "coroutine is not JSON serializable" in error_of(first)["errorMessage"]
    assert "'handler' was never awaited" in "\n".join(event.message for event in first.log_events)


def test_what_an_event_leaves_is_cleared_up_before_the_next_one(serve: Any) -> None:
    source = (
        "class Result(dict):\n"
        "    def __del__(self): print('gone')\n"
        "def handler(event, context):\n"
        "    return Result(event)\n"
    )
    assert "gone" in [event.message for event in serve(source)().log_events]


def test_threads_are_frozen_between_invocations(serve: Any) -> None:
    source = (
        "import threading, time\n"
        "ticks = 0\n"
        "def tick():\n"
        "    global ticks\n"
        "    while True:\n"
        "        ticks += 1\n"
        "        time.sleep(0.001)\n"
        "threading.Thread(target=tick, daemon=True).start()\n"
        "def handler(event, context):\n"
        "    time.sleep(0.05)\n"
        "    return ticks\n"
    )
    invoke = serve(source)
    before = json.loads(invoke().payload)
    time.sleep(1)
    after = json.loads(invoke().payload)
    assert before < after < before + 300


def test_what_a_thread_writes_between_invocations_is_kept(serve: Any) -> None:
    source = (
        "import threading, time\n"
        "def say():\n"
        "    time.sleep(0.05)\n"
        "    print('late')\n"
        "def handler(event, context):\n"
        "    if event.get('start'): threading.Thread(target=say).start()\n"
        "    else: time.sleep(0.1)\n"
    )
    invoke = serve(source)
    first, second = invoke({"start": 1}), invoke()
    assert "late" not in [event.message for event in first.log_events]
    assert "late" in [event.message for event in second.log_events]


CHILDREN = """
import subprocess, sys
def handler(event, context):
    return subprocess.Popen(["sleep", "600"], start_new_session=event["own_session"]).pid
"""


@pytest.mark.parametrize("own_session", [False, True])
def test_children_left_behind_end_with_the_environment(
    serve: Any, is_alive: Any, eventually: Any, *, own_session: bool
) -> None:
    if own_session and not Path("/proc/self/environ").exists():
        pytest.skip("a child that leaves its process group is found on Linux alone")
    invoke = serve(CHILDREN)
    child = json.loads(invoke({"own_session": own_session}).payload)
    assert is_alive(child)
    invoke.lambda_.close()
    assert eventually(lambda: not is_alive(child))


def test_a_frozen_process_that_is_killed_is_replaced(
    serve: Any, eventually: Any, is_alive: Any
) -> None:
    invoke = serve(DRAMA)
    process = json.loads(invoke().payload)
    os.kill(process, signal.SIGKILL)
    assert eventually(lambda: not is_alive(process))
    time.sleep(0.1)
    assert invoke().status == "success"


def test_a_folder_that_is_not_there_is_said(serve: Any, tmp_path: Path) -> None:
    invoke = serve("", code_uri=tmp_path / "absent")
    with pytest.raises(CodeMissingError, match="absent"):
        invoke()


def test_a_runtime_that_cannot_be_started_is_the_tools_failure(serve: Any) -> None:
    invoke = serve("", command=("/nonexistent/python",))
    with pytest.raises(EnvironmentStartError, match="could not be started"):
        invoke()
