"""`workshop api`: the API of a step on loopback, until Ctrl-C."""

import errno
import json
import re
import shlex
import shutil
import socket
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest


def served(terminal):
    """Wait until it serves; return its address and the command it gives to try."""
    text = terminal.read_until("curl ")
    text = terminal.read_until("/payments\n")
    url = re.search(r"http://127\.0\.0\.1:\d+/v1", text)[0]
    lines = text.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("  curl "))
    last = next(place for place, line in enumerate(lines) if line.endswith("/v1/payments"))
    return url, shlex.split("".join(lines[first : last + 1]))


def send(url, method="POST", body=None):
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=120)
    connection.request(method, parts.path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    said = response.read()
    connection.close()
    return response, json.loads(said)


def processes(folder):
    """Processes, such as execution environments, that run in a folder or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd = (process / "cwd").readlink()
            started = b"runtime" in (process / "cmdline").read_bytes()
        except OSError:
            continue
        if started and cwd.is_relative_to(folder):
            found.append(process.name)
    return found


@pytest.fixture
def finished(checkout):
    """The step's solution in the place of the learner's code."""
    step = checkout / "steps" / "07_api"
    shutil.copytree(checkout / "solutions" / "07_api", step, dirs_exist_ok=True)
    return step


def test_the_command_it_prints_works_and_each_request_is_told(terminal, finished, workshop):
    here = terminal("api", "07")
    url, command = served(here)
    body = command[command.index("-d") + 1]

    response, answer = send(f"{url}/payments", body=body)
    assert (response.status, answer["status"]) == (200, "charged")
    here.read_until(response.headers["x-amzn-RequestId"])
    assert send(f"{url}/payments", "GET")[0].status == 403
    here.read_until("no route for GET /payments")
    assert send(f"{url}/payments", body="{}")[0].status == 400

    # A query in another terminal sees it while the API is still served.
    assert workshop("up", "07").status == 0
    try:
        asked = workshop("query", "stats count(*) as n by status | filter ispresent(status)")
        assert {"200", "403", "400"} <= set(asked.out.split())
        measured = workshop("metrics", "AWS/ApiGateway/4XXError", "--stat", "Sum")
        assert "ApiName=payments" in measured.out
    finally:
        workshop("down")


def test_ctrl_c_ends_it_and_leaves_nothing(terminal, finished, checkout):
    here = terminal("api", "07")
    url, command = served(here)
    assert send(f"{url}/payments", body=command[command.index("-d") + 1])[0].status == 200
    here.interrupt()
    assert here.finish() == 130
    assert "Traceback" not in here.text
    end = time.monotonic() + 30
    while processes(checkout):
        assert time.monotonic() < end
        time.sleep(0.02)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlsplit(url).port)) != 0


def test_saved_code_counts_and_a_malformed_answer_says_why(terminal, finished):
    here = terminal("api", "07")
    url, _ = served(here)
    assert send(f"{url}/payments", body="{}")[0].status == 400
    (finished / "app.py").write_text("def handler(event, context):\n    return {'status': 'ok'}\n")
    response, answer = send(f"{url}/payments", body="{}")
    assert (response.status, answer) == (502, {"message": "Internal server error"})
    here.read_until("malformed Lambda proxy response")


def test_a_port_that_is_taken_is_named(workshop, finished):
    with socket.create_server(("127.0.0.1", 0)) as other:
        refused = workshop("api", "07", "--port", str(other.getsockname()[1]))
    assert refused.status == 2
    assert "is taken" in refused.said


def test_a_port_that_only_the_system_may_use_is_not_said_to_be_taken(
    workshop, finished, monkeypatch
):
    def refuse(*_args, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("workshop.cli.api.RestApiServer", refuse)
    refused = workshop("api", "07", "--port", "80")
    assert refused.status == 2
    assert "port 80 is not open to this account" in refused.said


def test_a_step_without_an_api_says_what_is_missing(workshop):
    refused = workshop("api", "03")
    assert refused.status == 1
    assert "no event of Type: Api" in refused.said
