"""Which environment serves an event, and when environments end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from workshop.local_lambda import LambdaClosedError, TooManyRequestsError, code_version
from workshop.local_lambda.pool import Pool

SLOW = """
import os, time
def handler(event, context):
    time.sleep(event.get("seconds", 0))
    return os.getpid()
"""


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the code at every event, however long the last look took."""
    monkeypatch.setattr(code_version, "_REST", 0)


def test_an_environment_serves_one_event_at_a_time(serve: Any) -> None:
    source = (
        "import time\n"
        "inside = 0\n"
        "def handler(event, context):\n"
        "    global inside\n"
        "    inside += 1\n"
        "    time.sleep(0.05)\n"
        "    seen, inside = inside, inside - 1\n"
        "    return seen\n"
    )
    invoke = serve(source)
    with ThreadPoolExecutor(6) as threads:
        invocations = list(threads.map(lambda _: invoke(), range(6)))
    assert {invocation.payload for invocation in invocations} == {b"1"}
    assert len({invocation.environment_id for invocation in invocations}) == 6


def test_the_environment_used_last_is_used_first(serve: Any) -> None:
    invoke = serve(SLOW)
    invoke.lambda_.invoke_together([b"{}"] * 2)
    futures = [invoke.lambda_.invoke_async(json.dumps({"seconds": s}).encode()) for s in (0.6, 0.3)]
    last_back = futures[0].result().environment_id
    assert futures[1].result().environment_id != last_back
    assert [invoke().environment_id for _ in range(3)] == [last_back] * 3


def test_more_events_than_environments_are_refused(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
    invoke = serve(SLOW, max_environments=2)
    busy = [invoke.lambda_.invoke_async(b'{"seconds": 0.5}') for _ in range(2)]
    with pytest.raises(TooManyRequestsError, match="all 2") as refusal:
        invoke()
    assert refusal.value.reason == "ConcurrentInvocationLimitExceeded"
    assert [future.result().status for future in busy] == ["success"] * 2
    assert invoke().status == "success"


@pytest.mark.parametrize("reserved", [0, 1])
def test_reserved_concurrency_is_the_limit(serve: Any, reserved: int) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    invoke = serve(SLOW, reserved_concurrency=reserved)
    busy = [invoke.lambda_.invoke_async(b'{"seconds": 0.5}') for _ in range(reserved)]
    with pytest.raises(TooManyRequestsError) as refusal:
        invoke()
    assert refusal.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert [future.result().status for future in busy] == ["success"] * reserved


@pytest.mark.usefixtures("looking")
def test_changed_code_is_served_by_a_new_environment(
    serve: Any, is_alive: Any, eventually: Any
) -> None:
    invoke = serve("import os\ndef handler(e, c): return [1, os.getpid()]\n")
    first, process = json.loads(invoke().payload)
    (invoke.folder / "app.py").write_text("import os\ndef handler(e, c): return [2, os.getpid()]\n")
    second, _ = json.loads(invoke().payload)
    assert (first, second) == (1, 2)
    assert eventually(lambda: not is_alive(process))


@pytest.mark.parametrize("name", ["rates.json", "package/deep.py", "prompt.txt", "model"])
@pytest.mark.usefixtures("looking")
def test_a_file_that_comes_is_a_change(serve: Any, name: str) -> None:
    invoke = serve("def handler(e, c): pass\n")
    first = invoke().environment_id
    assert invoke().environment_id == first
    path = invoke.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    assert invoke().environment_id != first


@pytest.mark.usefixtures("looking")
def test_a_data_file_that_is_edited_is_a_change(serve: Any) -> None:
    invoke = serve("def handler(e, c): return open('prompt.txt').read()\n")
    (invoke.folder / "prompt.txt").write_text("be brief")
    assert invoke().payload == b'"be brief"'
    before = invoke().environment_id
    (invoke.folder / "prompt.txt").write_text("be very brief")
    after = invoke()
    assert after.environment_id != before
    assert after.payload == b'"be very brief"'


@pytest.mark.usefixtures("looking")
def test_files_that_are_not_deployed_change_nothing(serve: Any) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem.html
    invoke = serve("def handler(e, c): pass\n")
    first = invoke().environment_id
    for name in (
        ".app.py.swp",
        "app.py~",
        "#app.py#",
        "__pycache__/app.cpython-313.pyc",
        ".git/x.py",
        "mnt/models/current.txt",
    ):
        path = invoke.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert invoke().environment_id == first


def test_code_that_changes_during_an_invocation_retires_its_environment(serve: Any) -> None:
    invoke = serve(SLOW)
    busy = invoke.lambda_.invoke_async(b'{"seconds": 0.4}')
    time.sleep(0.2)
    (invoke.folder / "app.py").write_text("def handler(e, c): return 'new'\n")
    assert busy.result().status == "success"
    assert invoke().payload == b'"new"'


def test_an_idle_environment_is_retired(serve: Any, is_alive: Any, eventually: Any) -> None:
    invoke = serve(SLOW, idle_seconds=0.2)
    invocation = invoke()
    process = json.loads(invocation.payload)
    assert is_alive(process)
    assert eventually(lambda: not is_alive(process))
    assert invoke().environment_id != invocation.environment_id


def test_an_environment_in_use_is_not_retired(serve: Any) -> None:
    invoke = serve(SLOW, idle_seconds=1)
    first = invoke().environment_id
    for _ in range(4):
        time.sleep(0.3)
        assert invoke().environment_id == first


def test_closing_ends_every_process_and_every_waiting_caller(serve: Any, is_alive: Any) -> None:
    invoke = serve(SLOW)
    process = json.loads(invoke().payload)
    running = invoke.lambda_.invoke_async(b'{"seconds": 60}')
    time.sleep(0.1)
    invoke.lambda_.close()
    assert not is_alive(process)
    with pytest.raises(LambdaClosedError):
        running.result()
    assert threading.active_count() < 10


def test_the_environment_of_a_caller_who_gives_up_ends_and_the_next_event_gets_another(
    serve: Any, tmp_path_factory: pytest.TempPathFactory, is_alive: Any, eventually: Any
) -> None:
    begun = tmp_path_factory.mktemp("elsewhere") / "begun"
    invoke = serve(
        "import os, time\n"
        "def handler(event, context):\n"
        "    if event:\n"
        f"        open({str(begun)!r}, 'w').close()\n"
        "        time.sleep(60)\n"
        "    return os.getpid()\n"
    )
    process = json.loads(invoke().payload)
    abandoned = invoke.lambda_.invoke_async(b'{"sleep": 60}')
    assert eventually(begun.exists)
    assert abandoned.cancel()
    after = invoke()
    assert (after.status, after.cold_start) == ("success", True)
    assert eventually(lambda: not is_alive(process))


def test_ctrl_c_while_closing_leaves_nothing_unfinished(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed, ended = [], []
    close = Pool.close

    async def close_slowly(pool: Pool) -> None:
        if not pressed:
            pressed.append(signal.pthread_kill(threading.main_thread().ident, signal.SIGINT))
        await asyncio.sleep(0.3)
        await close(pool)
        ended.append(pool)

    monkeypatch.setattr(Pool, "close", close_slowly)
    invoke = serve(SLOW)
    invoke()
    with pytest.raises(KeyboardInterrupt):
        invoke.lambda_.close()
    assert ended


def test_what_was_written_before_closing_reaches_the_sink(
    serve: Any, tmp_path_factory: pytest.TempPathFactory, eventually: Any
) -> None:
    begun = tmp_path_factory.mktemp("elsewhere") / "begun"
    invoke = serve(
        "import time\n"
        "def handler(e, c):\n"
        "    print('begun')\n"
        f"    open({str(begun)!r}, 'w').close()\n"
        "    time.sleep(60)\n"
    )
    invoke.lambda_.invoke_async(b"{}")
    assert eventually(begun.exists)
    invoke.lambda_.close()
    assert "begun" in invoke.sink.messages


def test_what_the_sink_refuses_at_the_end_is_raised_by_close(serve: Any) -> None:
    source = (
        "import threading, time\n"
        "def say():\n"
        "    time.sleep(0.1)\n"
        "    print('late')\n"
        "def handler(event, context):\n"
        "    threading.Thread(target=say).start()\n"
        "    time.sleep(event.get('seconds', 0))\n"
    )
    full = threading.Event()

    def sink(log_events: Any, segments: Any) -> None:
        if full.is_set():
            raise OSError("disk full")

    invoke = serve(source, sink=sink)
    invoke()
    invoke.lambda_.invoke_async(b'{"seconds": 60}')
    time.sleep(0.3)
    full.set()
    with pytest.raises(OSError, match="disk full"):
        invoke.lambda_.close()


def test_closing_while_others_invoke_answers_each_of_them(serve: Any, eventually: Any) -> None:
    invoke = serve(SLOW)
    answers: list[str] = []

    def go_on() -> None:
        try:
            while True:
                answers.append(invoke().status)
        except LambdaClosedError:
            answers.append("closed")

    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: "success" in answers)
    invoke.lambda_.close()
    for thread in threads:
        thread.join(5)
    assert answers.count("closed") == 4
    assert set(answers) == {"closed", "success"}


@pytest.mark.usefixtures("looking")
def test_an_environment_that_ends_leaves_no_descriptor_behind(serve: Any) -> None:
    descriptors = Path("/dev/fd")
    invoke = serve(SLOW, timeout_seconds=1)
    invoke()
    before = len(list(descriptors.iterdir()))
    for number in range(5):
        (invoke.folder / "app.py").write_text(f"# {number}\n{SLOW}")
        assert invoke().cold_start
    time.sleep(0.3)
    assert len(list(descriptors.iterdir())) <= before


LAB = """
import json, sys, time
from pathlib import Path
from workshop.local_lambda import LocalLambda
from workshop.sam.model import Function
folder = Path(sys.argv[1])
function = Function("F", "payments", "app.handler", "python3.13", folder, 60, 256, {}, False, "/g")
command = (sys.executable, "-m", "awslambdaric") if "aws" in sys.argv else None
lambda_ = LocalLambda(function, lambda events, segments: None, command=command)
processes = json.loads(lambda_.invoke(b'{}').payload)
running = lambda_.invoke_async(b'{"loop": true}')
again = lambda_.invoke_async(b'{}')
processes += json.loads(again.result().payload)
try:
    print(json.dumps(processes), flush=True)
    running.result()
except KeyboardInterrupt:
    time.sleep(0.2)
    print("still running" if not running.done() else "ended", flush=True)
    print(json.dumps(json.loads(lambda_.invoke(b'{}').payload)), flush=True)
    lambda_.close()
"""

FAMILY = """
import os, subprocess
def handler(event, context):
    if event.get("loop"):
        while True: pass
    sessions = [False, True] if os.path.exists("/proc/self/environ") else [False]
    children = [subprocess.Popen(["sleep", "600"], start_new_session=own).pid for own in sessions]
    return [os.getpid(), *children]
"""


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], list[int]]]]:
    """Start a process that serves FAMILY, in a session of its own, as a terminal would."""
    labs = []

    def start(runtime: str) -> tuple[subprocess.Popen[str], list[int]]:
        (tmp_path / "app.py").write_text(FAMILY)
        command = [sys.executable, "-c", LAB, str(tmp_path), runtime]
        lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        labs.append(lab)
        assert lab.stdout is not None
        return lab, json.loads(lab.stdout.readline())

    yield start
    for lab in labs:
        lab.kill()
        lab.communicate()


@pytest.mark.parametrize("runtime", ["ours", "aws"])
def test_killing_the_lab_leaves_no_process(
    start_lab: Any, is_alive: Any, eventually: Any, runtime: str
) -> None:
    if runtime == "aws":
        pytest.importorskip("awslambdaric")
    lab, processes = start_lab(runtime)
    assert all(is_alive(process) for process in processes)
    group = subprocess.run(
        ["ps", "-axo", "pid=,sess="], capture_output=True, text=True, check=True
    ).stdout
    members = [
        int(line.split()[0]) for line in group.splitlines() if line.split()[1] == str(lab.pid)
    ]
    assert set(processes) & set(members)
    lab.kill()
    lab.wait()
    for process in {*processes, *members} - {lab.pid}:
        assert eventually(lambda process=process: not is_alive(process)), process


def test_ctrl_c_does_not_reach_the_function(start_lab: Any, is_alive: Any, eventually: Any) -> None:
    lab, processes = start_lab("ours")
    os.killpg(lab.pid, signal.SIGINT)
    assert lab.stdout.readline() == "still running\n"
    idle = processes[len(processes) // 2]
    served_by, *children = json.loads(lab.stdout.readline())
    assert served_by == idle
    assert lab.wait() == 0
    processes += children
    for process in processes:
        assert eventually(lambda process=process: not is_alive(process)), process


def test_a_lab_that_is_not_closed_ends_all_the_same(
    tmp_path: Path, is_alive: Any, eventually: Any
) -> None:
    (tmp_path / "app.py").write_text(FAMILY)
    source = LAB.partition("running =")[0] + "print(json.dumps(processes))\n"
    done = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stderr == ""
    for process in json.loads(done.stdout):
        assert eventually(lambda process=process: not is_alive(process)), process
