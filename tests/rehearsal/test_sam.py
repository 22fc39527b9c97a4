"""What a rehearsal needs, and what its programs are told: nothing of the user's own AWS set-up."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workshop.cli.main import main
from workshop.errors import ToolError, UsageError
from workshop.rehearsal import Rehearsal, sam
from workshop.rehearsal.emulator import Emulator

linux = pytest.mark.skipif(sys.platform != "linux", reason="a rehearsal wants Linux")


@pytest.fixture
def made_up(tmp_path):
    """Tools that are not there, in a folder with a space in its name."""
    root = tmp_path / "check out"
    python = root / ".venv-emulator" / "bin" / "python"
    return sam.Tools(root, root / ".venv-sam" / "bin" / "python", python, "3.13")


@linux
def test_without_the_sam_cli_it_says_what_to_type(tmp_path):
    with pytest.raises(ToolError) as raised:
        sam.find(tmp_path)
    assert raised.value.what == "the AWS SAM CLI is not installed"
    assert raised.value.look.startswith("make rehearse")


@linux
def test_a_python_too_old_for_the_functions_is_told(tmp_path):
    for name in ("sam", "emulator"):
        python = tmp_path / f".venv-{name}" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text('#!/bin/sh\ncase "$2" in *find_spec*) echo True;; *) echo 3.11;; esac\n')
        python.chmod(0o755)
    with pytest.raises(
        ToolError, match=r"wants Python 3\.12 or newer for the functions, not 3\.11"
    ):
        sam.find(tmp_path)


@linux
def test_without_the_sam_cli_the_command_ends_with_the_status_of_the_tool(
    checkout, monkeypatch, capsys
):
    (checkout / ".venv-sam").unlink()
    monkeypatch.chdir(checkout)
    assert main(["rehearse"]) == ToolError.exit_status
    assert "the AWS SAM CLI is not installed" in capsys.readouterr().err


def test_a_tab_in_the_template_is_the_first_thing_told(checkout, monkeypatch, capsys):
    template = checkout / "template.yaml"
    text = template.read_text().replace("    Type: String", "\tType: String", 1)
    template.write_text(text)
    (checkout / ".venv-sam").unlink()  # it comes before what is not installed
    monkeypatch.chdir(checkout)
    assert main(["rehearse"]) == 1
    said = capsys.readouterr().err
    line = 1 + text[: text.index("\t")].count("\n")
    assert "tab" in said
    assert f"template.yaml:{line}:1" in said


def test_a_port_that_is_taken_is_told(checkout, tools):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be had: Address already in use"):
            Rehearsal(checkout, port)


def test_programs_get_a_home_and_credentials_of_their_own(tmp_path, made_up, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "mine")
    found = sam.variables(tmp_path / "home", made_up, "http://127.0.0.1:1")
    assert "mine" not in found.values()
    assert "AWS_PROFILE" not in found
    for name in ("HOME", "TMPDIR", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert found[name].startswith(str(tmp_path))
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


def test_the_sam_cli_has_no_reason_to_ask_for_a_newer_version(tmp_path, made_up):
    found = sam.variables(tmp_path / "home", made_up)
    settings = json.loads((tmp_path / "home" / ".aws-sam" / "metadata.json").read_text())
    assert settings["lastVersionCheck"] == pytest.approx(time.time(), abs=3600)
    assert not settings["telemetryEnabled"]
    assert found["SAM_CLI_TELEMETRY"] == "0"


def test_a_build_takes_the_packages_that_make_fetched(made_up):
    made_up.wheels.mkdir(parents=True)
    found = sam.pip_variables(made_up, {"PIP_INDEX_URL": "x", "HOME": "/home/ada"})
    assert found["PIP_NO_INDEX"] == "1"
    assert found["PIP_FIND_LINKS"].startswith("file://")
    assert " " not in found["PIP_FIND_LINKS"]
    assert "PIP_INDEX_URL" not in found


def test_without_them_pip_works_as_the_user_set_it_up(made_up):
    own = {"PIP_INDEX_URL": "x", "HTTPS_PROXY": "p", "HOME": "/home/ada", "AWS_PROFILE": "mine"}
    found = sam.pip_variables(made_up, own)
    assert found["PIP_INDEX_URL"] == "x"
    assert found["HTTPS_PROXY"] == "p"
    assert found["XDG_CONFIG_HOME"] == "/home/ada/.config"
    assert "AWS_PROFILE" not in found


@linux
def test_a_failure_of_the_sam_cli_is_told_with_the_last_it_said(tmp_path, made_up):
    made_up.sam.parent.mkdir(parents=True)
    made_up.sam.write_text("#!/bin/sh\necho building\necho Error: no such runtime\nexit 1\n")
    made_up.sam.chmod(0o755)
    log = tmp_path / "logs" / "build.log"
    with pytest.raises(ToolError) as raised:
        sam.run(made_up, ["build"], dict(os.environ), log)
    assert raised.value.what == "sam build failed: building · Error: no such runtime"
    assert str(log) in raised.value.look


def test_an_emulator_that_cannot_start_is_told(tmp_path, tools):
    log = tmp_path / "emulator.log"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    (tmp_path / "ministack.py").write_text("raise SystemExit('no')")
    emulator = Emulator(tools.emulator, environment, log)
    with pytest.raises(ToolError, match="ended as it began"), emulator:
        pass
    assert "no" in log.read_text()


def test_the_emulator_dies_with_the_rehearsal_however_that_ends(tmp_path, tools):
    script = f"""
import os, pathlib, signal
from workshop.rehearsal import sam
from workshop.rehearsal.emulator import Emulator
tools = sam.find(pathlib.Path({str(tools.root)!r}))
folder = pathlib.Path({str(tmp_path)!r})
with Emulator(tools.emulator, sam.variables(folder, tools), folder / "log") as emulator:
    print(emulator._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout, done.stderr
    pid = int(done.stdout)
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if "State:\tZ" in _status(pid):
            return
    pytest.fail("the emulator is still there")


def _status(pid):
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return "State:\tZ"
