"""The whole rehearsal: the real SAM CLI builds, deploys and deletes the real root template.

Slow: it takes a minute or so, most of it in `sam build` and `sam deploy`.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

POISON = "[default\nthis would stop any AWS client that reads it"
PATIENCE_SECONDS = 300


@pytest.fixture
def home(tmp_path):
    """The home of somebody whose AWS set-up cannot even be read without an error."""
    aws = tmp_path / "home" / ".aws"
    aws.mkdir(parents=True)
    for name in ("config", "credentials"):
        (aws / name).write_text(POISON)
    return aws.parent


@pytest.fixture
def rehearse(checkout, home, tools):
    """Start `workshop rehearse` in a process of its own."""
    environment = os.environ | {
        "HOME": str(home),
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "COLUMNS": "100",
    }

    def start():
        return subprocess.Popen(
            [sys.executable, "-m", "workshop.cli", "rehearse"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=checkout,
            env=environment,
            start_new_session=True,
        )

    return start


def processes_of(folder):
    """The processes whose home is in a folder, as that of all that a rehearsal starts is."""
    found = []
    for process in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"HOME={folder}/".encode() in process.read_bytes():
                found.append(process)
    return found


def test_interrupted_and_begun_again_it_builds_deploys_calls_and_leaves_nothing(
    checkout, home, rehearse
):
    folder = checkout / ".aws-sam" / "rehearsal"
    interrupted = rehearse()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (folder / "deploy.log").exists():
        assert interrupted.poll() is None, interrupted.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    interrupted.send_signal(signal.SIGINT)
    out, err = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130, out + err
    assert "Traceback" not in err
    assert processes_of(folder) == []

    again = rehearse()
    out, err = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 0, out + err
    said = " ".join(out.split())
    for scene in ("sam build", "sam deploy", "called", "sam delete", "nothing is left"):
        assert f"✓ {scene}" in said
    for omission in ("canary", "payments-failing", "metric math", "host names", "poison"):
        assert omission in said
    for asked, status in (
        ("a payment that nobody signed", 403),
        ("a payment", 200),
        ("the processor fails once", 200),
        ("the processor is slow, once", 200),
        ("the card is declined", 402),
        ("the processor is down", 503),
        ("half a payment", 400),
        ("a charge on the stream is settled", 200),
        ("the risk of a payment", 200),
    ):
        assert f"{asked} {status}" in said
    assert processes_of(folder) == []
    assert not (folder / "home").exists()
    assert sorted(path.name for path in home.rglob("*")) == [".aws", "config", "credentials"]
    assert all((home / ".aws" / name).read_text() == POISON for name in ("config", "credentials"))
