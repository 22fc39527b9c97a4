"""`make slides` when something is in the way: one clear message, and a way on."""

import contextlib
import os
import re
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.slides.conftest import SLIDES
from workshop.endpoint.app import DECK_PORT

_COLOUR = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture
def taken() -> Iterator[None]:
    """Hold the deck's port, if nobody does."""
    family, *_, address = socket.getaddrinfo("localhost", DECK_PORT, type=socket.SOCK_STREAM)[0]
    with socket.socket(family) as holder:
        with contextlib.suppress(OSError):
            holder.bind(address)
            holder.listen()
        yield


@pytest.fixture
def serving(node_modules, taken) -> Iterator[subprocess.Popen[str]]:
    """Serve the deck where its port is taken."""
    assert node_modules
    with subprocess.Popen(
        ["node", "tools/serve.mjs"],
        cwd=SLIDES,
        env=os.environ | {"TALK": "all"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.terminate()


def test_where_the_port_is_taken_the_next_one_is_and_is_named(serving):
    said = ""
    for line in serving.stdout:
        said += _COLOUR.sub("", line)
        if "public slide show" in line:
            break
    named = re.search(rf"· port {DECK_PORT} is taken: the slides are at (http://\S+)", said)
    assert named, said
    assert "Error" not in said
    (shown,) = re.findall(r"public slide show\s+> (\S+)/\n", said)
    assert named[1] == shown


def test_a_length_that_there_is_not_is_refused_in_one_line(node_modules):
    assert node_modules
    ran = subprocess.run(
        ["node", "tools/serve.mjs"],
        cwd=SLIDES,
        env=os.environ | {"TALK": "31"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "✗ TALK is one of 30, 45, all, not 31\n"
