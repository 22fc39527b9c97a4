"""`workshop up`, `down`, `status`, `env`, and the commands that ask the endpoint something."""

import csv
import io
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from workshop.endpoint.client import Client
from workshop.errors import ToolError


@pytest.fixture(autouse=True)
def put_away(checkout):
    """End whatever endpoint a test has left running."""
    yield
    with suppress(OSError, ValueError, KeyError):
        os.kill(state(checkout)["pid"], signal.SIGKILL)


def state(checkout):
    return json.loads((checkout / ".workshop/endpoint.json").read_text())


def gone(pid, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            # A child of a process that is still there stays as a zombie until it is waited for.
            os.waitpid(pid, os.WNOHANG)
        except (ProcessLookupError, ChildProcessError):
            with suppress(ProcessLookupError):
                os.kill(pid, 0)
                time.sleep(0.02)
                continue
            return True
        time.sleep(0.02)
    return False


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_up_status_down(workshop, checkout):
    assert workshop("status").status == 1

    up = workshop("up", "1")
    assert up.status == 0, up.said
    assert "01_structured_logs, your code" in up.said
    here = state(checkout)
    assert workshop("status").status == 0
    assert f"127.0.0.1:{here['port']}" in workshop("status").said

    assert workshop("up", "1").status == 0
    assert state(checkout) == here  # the same one still

    assert "has ended" in workshop("down").said
    assert not listens(here["port"])
    assert gone(here["pid"])
    assert workshop("status").status == 1
    assert "was not running" in workshop("down").said


def test_up_outlives_its_terminal(process, checkout):
    assert process("up").status == 0

    here = state(checkout)
    assert os.getsid(here["pid"]) == here["pid"]  # no closing terminal reaches it
    assert listens(here["port"])


def test_up_for_another_step_replaces_it_on_the_same_port(workshop, checkout):
    workshop("up", "1")
    before = state(checkout)

    up = workshop("up", "2", "--solution")

    assert "02_log_context, the solution" in up.said
    after = state(checkout)
    assert after["port"] == before["port"]
    assert after["pid"] != before["pid"]


def test_a_port_that_is_taken_is_passed_over_or_named(workshop, checkout):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = workshop("up", "--port", str(port))
        assert refused.status == 2
        assert f"port {port} is taken" in refused.said
    with suppress(OSError), socket.create_server(("127.0.0.1", 4590)):
        assert workshop("up").status == 0
        assert state(checkout)["port"] > 4590


def test_a_port_that_is_taken_leaves_the_endpoint_that_runs(workshop, checkout):
    workshop("up", "1")
    before = state(checkout)
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert workshop("up", "2", "--port", str(other.getsockname()[1])).status == 2
    assert state(checkout) == before
    assert listens(before["port"])


def test_an_answer_that_is_no_json_is_shown():
    class Failing(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(500)
            self.end_headers()
            self.wfile.write(b"out of order")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Failing) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(ToolError, match="answered 500: out of order"):
            Client(server.server_port).call("logs", "DescribeLogGroups")
        thread.join()


def test_a_place_where_no_state_can_be_kept_is_named_in_words(workshop, checkout):
    (checkout / ".workshop").write_text("a file")
    refused = workshop("up", "1")
    assert refused.status == 3
    assert "Errno" not in refused.said
    assert str(checkout) in "".join(refused.err.split())


def test_a_disk_that_takes_nothing_is_named_although_no_log_can_tell_of_it(checkout):
    script = f"ulimit -f 0; exec {shlex.quote(sys.executable)} -m workshop.cli up 1"
    refused = subprocess.run(
        ["sh", "-c", script], cwd=checkout, capture_output=True, check=False, timeout=300
    )
    assert refused.returncode == 3
    assert "the endpoint cannot be started: file too large" in refused.stderr.decode()


def test_an_endpoint_ends_when_its_checkout_is_moved_away(workshop, checkout):
    assert workshop("up", "1").status == 0
    here = state(checkout)
    was, moved = checkout / ".workshop", checkout / "elsewhere"
    was.rename(moved)

    assert gone(here["pid"])
    assert not listens(here["port"])
    assert "its checkout was moved or deleted" in (moved / "endpoint.log").read_text()
    assert not was.exists(), "nothing is written where it was"


def test_a_stale_state_file_is_recovered_and_its_process_left_alone(workshop, checkout):
    workshop("up", "1")
    here = state(checkout)
    os.kill(here["pid"], signal.SIGKILL)
    assert gone(here["pid"])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    file = checkout / ".workshop/endpoint.json"
    file.write_text(json.dumps(here | {"pid": other.pid}))

    assert workshop("status").status == 1
    assert "was not running" in workshop("down").said
    file.write_text(json.dumps(here | {"pid": other.pid}))
    assert workshop("up", "1").status == 0

    assert other.poll() is None
    other.kill()
    other.wait()
    assert state(checkout)["pid"] != other.pid


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"port": 1}'])
def test_a_damaged_state_file_is_no_obstacle(workshop, checkout, content):
    (checkout / ".workshop").mkdir(exist_ok=True)
    (checkout / ".workshop/endpoint.json").write_text(content)

    assert workshop("status").status == 1
    assert workshop("down").status == 0


def test_two_ups_at_once_make_one_endpoint(checkout):
    command = [sys.executable, "-m", "workshop.cli", "up", "1"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=300) for one in both]

    assert [one.returncode for one in both] == [0, 0], said
    second = subprocess.run(
        [*command, "--foreground"], capture_output=True, check=False, text=True, timeout=300
    )
    assert second.returncode == 2
    assert "running already" in second.stderr


def test_killed_and_up_again_it_has_all_that_was_acknowledged(workshop, checkout):
    workshop("up", "1")
    here = state(checkout)
    connection = HTTPConnection("127.0.0.1", here["port"], timeout=120)
    path = "/2015-03-31/functions/payments/invocations"
    event = (checkout / "steps/01_structured_logs/events/charge.json").read_bytes()
    for _ in range(5):
        connection.request("POST", path, event)
        assert connection.getresponse().read()
    connection.close()
    os.kill(here["pid"], signal.SIGKILL)
    assert gone(here["pid"])

    assert workshop("up", "1").status == 0

    counted = workshop("query", "filter @type = 'REPORT' | stats count(*) as n", "--json")
    assert json.loads(counted.out)["results"] == [{"n": "5"}]


def test_killed_during_ingest_it_has_every_event_that_was_acknowledged(workshop, checkout):
    workshop("up", "1")
    here = state(checkout)
    client = Client(here["port"])
    client.call("logs", "CreateLogGroup", logGroupName="/i")
    client.call("logs", "CreateLogStream", logGroupName="/i", logStreamName="s")
    acknowledged = 0
    killing = threading.Timer(0.5, os.kill, [here["pid"], signal.SIGKILL])
    killing.start()

    def put_hundred():
        batch = [{"timestamp": int(time.time() * 1000), "message": "x"}] * 100
        client.call("logs", "PutLogEvents", logGroupName="/i", logStreamName="s", logEvents=batch)

    with suppress(ToolError):  # what a client says whose endpoint is gone
        while True:
            put_hundred()
            acknowledged += 100
    client.close()
    killing.join()
    assert gone(here["pid"])
    assert workshop("up", "1").status == 0

    counted = workshop("query", "stats count(*) as n", "--group", "/i", "--json")
    found = int(json.loads(counted.out)["results"][0]["n"])
    assert acknowledged
    # The batch under way may have been kept without anybody being told.
    assert found in (acknowledged, acknowledged + 100)


def test_a_function_that_calls_the_processor_finds_one(workshop, checkout):
    workshop("up", "6", "--solution")
    connection = HTTPConnection("127.0.0.1", state(checkout)["port"], timeout=120)
    event = (checkout / "steps/06_dependencies/events/charge.json").read_bytes()
    connection.request("POST", "/2015-03-31/functions/payments/invocations", event)
    assert json.load(connection.getresponse())["status"] == "charged"
    connection.close()


def test_env_points_at_files_of_the_project_and_is_read_by_a_shell(workshop, checkout, monkeypatch):
    assert workshop("env").status == 2
    workshop("up", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LOGS", "http://elsewhere")

    lines = workshop("env").out.splitlines()

    assert lines[0] == "unset AWS_ENDPOINT_URL_LOGS"
    values = dict(shlex.split(line)[1].split("=", 1) for line in lines[1:])
    assert values["AWS_PROFILE"] == "workshop"
    assert values["AWS_CONFIG_FILE"] == str(checkout / ".workshop/aws/config")
    config = (checkout / ".workshop/aws/config").read_text()
    assert config.count(f"127.0.0.1:{state(checkout)['port']}") == 5  # the profile, four services


def test_env_writes_files_anew_that_are_gone(workshop, checkout):
    workshop("up", "1")
    shutil.rmtree(checkout / ".workshop/aws")

    assert workshop("env").status == 0

    assert f"127.0.0.1:{state(checkout)['port']}" in (checkout / ".workshop/aws/config").read_text()
    assert "aws_access_key_id" in (checkout / ".workshop/aws/credentials").read_text()


@pytest.mark.parametrize(
    "command", [("query", "fields @message"), ("logs",), ("metrics",), ("traces",)]
)
def test_without_an_endpoint_every_question_says_how_to_start_it(workshop, command):
    done = workshop(*command)

    assert done.status == 2
    assert "the endpoint is not running" in done.err
    assert "workshop up" in done.err


def test_what_a_run_leaves_behind_can_be_asked_for(workshop, checkout):
    workshop("up", "3", "--solution")
    workshop("run", "3", "--solution", "--count", "3")

    table = workshop("query", "stats count(*) as n by @type | sort @type").out
    assert "REPORT" in table
    asked = "filter @message like 'REPORT' | fields @message, @logStream"
    answer = list(csv.reader(io.StringIO(workshop("query", asked, "--csv").out)))
    assert answer[0] == ["@message", "@logStream"]
    assert len(answer) == 4
    assert "\t" in answer[1][0]  # as it was
    assert "3 of" in workshop("query", asked).out

    assert "REPORT RequestId" in workshop("logs").out
    assert "REPORT" not in workshop("logs", "--filter", "START").out

    assert "Workshop/SuccessfulCharge" in workshop("metrics").out
    chart = workshop("metrics", "Workshop/SuccessfulCharge", "--period", "3600").out
    assert chart.splitlines()[0].startswith("SuccessfulCharge")
    assert " 3  █" in chart

    listed = workshop("traces").out.splitlines()
    assert len(listed) == 4
    drawn = workshop("traces", listed[1].split()[0]).out
    assert "payments (Lambda::Function)" in drawn
    assert len(workshop("traces", "fault = true").out.splitlines()) == 1


def test_what_is_malformed_is_wrong_usage_with_its_place(workshop):
    workshop("up", "1")
    assert "no log events yet" in workshop("query", "fields x").said
    workshop("run", "1")

    query = workshop("query", "stats count(")
    assert (query.status, "at character 12" in query.said) == (2, True)
    assert workshop("traces", "service(").status == 2
    assert workshop("logs", "--filter", "[a]").status == 2
    assert workshop("logs", "--group", "/none").status == 2
    named = workshop("metrics", "Workshop/Nothing")
    assert (named.status, "no metric" in named.said) == (2, True)
    assert workshop("query", "fields x", "--since", "soon").status == 2


def test_logs_follow_until_they_are_stopped(workshop, checkout):
    workshop("up", "1")
    follower = subprocess.Popen(
        [sys.executable, "-m", "workshop.cli", "logs", "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        time.sleep(0.8)
        workshop("run", "1")
        assert follower.stdout is not None
        assert "INIT_START" in follower.stdout.readline()
    finally:
        follower.send_signal(signal.SIGINT)
        follower.communicate(timeout=60)
    assert follower.returncode == 130
