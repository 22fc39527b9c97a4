"""The deck, read and built once; what its tests need, or why they cannot run."""

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SLIDES = ROOT / "slides"
HERE = Path(__file__).parent

Deck = dict[str, Any]


def node(*arguments: str | Path, talk: str = "all", seconds: int = 900, **variables: str) -> str:
    """Run a program of ours in Node; return what it prints."""
    ran = subprocess.run(
        ["node", *map(str, arguments)],
        cwd=SLIDES,
        env=os.environ | {"TALK": talk} | variables,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr or ran.stdout
    return ran.stdout


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """What the deck is built with; skips where a machine has no Node, or nobody set it up."""
    if shutil.which("node") is None:
        pytest.skip("Node is not here: the slides want Node 20 or newer")
    modules = SLIDES / "node_modules"
    if not (modules / "made-of").is_file():
        pytest.skip("slides/node_modules is not set up: make test, or sh slides/tools/install.sh")
    return modules


@pytest.fixture(scope="session")
def chromium(node_modules: Path) -> str:
    """A browser's path; skips where there is none."""
    assert node_modules
    ran = subprocess.run(
        ["node", "tools/chromium.mjs"], cwd=SLIDES, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        pytest.skip(ran.stderr.strip())
    return ran.stdout.strip()


@pytest.fixture(scope="session")
def decks(node_modules: Path) -> dict[str, Deck]:
    """The talk of 30 minutes, the one of 45, and all slides, as Slidev reads them."""
    assert node_modules
    return {talk: json.loads(node("tools/deck.mjs", talk=talk)) for talk in ("30", "45", "all")}


@pytest.fixture(scope="session")
def built(node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole deck, built into a folder of its own."""
    out = tmp_path_factory.mktemp("deck") / "any folder" / "deck"
    slidev = node_modules / "@slidev" / "cli" / "bin" / "slidev.mjs"
    options = ("--router-mode", "hash", "--base", "./", "--out", out)
    node(slidev, "build", "slides.md", *options)
    return out


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture(scope="session")
def address(built: Path) -> Iterator[str]:
    """Where the built deck is served, from a folder below the root: by any server of files."""
    handler = partial(_Quiet, directory=built.parents[1])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/any%20folder/deck/"
        server.shutdown()


@pytest.fixture(scope="session")
def met(address: str, chromium: str, decks: dict[str, Deck]) -> dict[str, Any]:
    """What a browser met on its way through every slide and click (walk.mjs)."""
    count = str(len(decks["all"]["slides"]))
    found: dict[str, Any] = json.loads(node(HERE / "walk.mjs", chromium, address, count))
    return found
