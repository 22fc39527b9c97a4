"""A checkout of its own for each test, and ways to type a command in it."""

import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

from workshop.cli.main import main

ROOT = Path(__file__).parents[2]
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that it printed, as one line of words: how it was folded does not matter."""
        return " ".join((self.out + " " + self.err).split())


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the course, as a learner has it who has just cloned it."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in ("steps", "solutions"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for step in (ROOT / "workshop/course/starts").iterdir():
        shutil.copytree(step, root / "steps" / step.name, dirs_exist_ok=True)
    for name in ("pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, root)
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def workshop(checkout: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Type a command, in this process."""

    def type_it(*arguments: str) -> Done:
        status = main(list(arguments))
        return Done(status, *capsys.readouterr())

    return type_it


@pytest.fixture
def process(checkout: Path) -> Callable[..., Done]:
    """Type a command in a process of its own, whose output is a pipe."""

    def type_it(*arguments: str, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "workshop.cli", *arguments],
            capture_output=True,
            check=False,
            cwd=checkout,
            env={**os.environ, **environment},
            timeout=300,
        )
        encoding = environment.get("PYTHONIOENCODING", "utf-8").partition(":")[0]
        return Done(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))

    return type_it


class Terminal:
    """A command in a terminal of its own, as a person would have it."""

    def __init__(
        self, arguments: tuple[str, ...], folder: Path, columns: int, environment: dict[str, str]
    ) -> None:
        """Start it."""
        self._master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        shared = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workshop.cli", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env={**shared, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self.raw = ""

    @property
    def text(self) -> str:
        """What it has printed, without the escapes."""
        return _ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    def read_until(self, wanted: str, seconds: float = 120) -> str:
        """Read until something has been printed."""
        end = time.monotonic() + seconds
        while wanted not in self.text:
            assert time.monotonic() < end, f"no {wanted!r} in:\n{self.text}"
            if not self._read(0.1) and self.process.poll() is not None:
                while self._read(0):
                    pass
                assert wanted in self.text, f"ended without {wanted!r}:\n{self.text}"
        return self.text

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def finish(self, seconds: float = 120) -> int:
        """Read to the end; return the exit status."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still running:\n{self.text}"
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.returncode

    def close(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            read = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return False
        self.raw += read.decode("utf-8", "replace")
        return bool(read)


@pytest.fixture
def terminal(checkout: Path) -> Iterator[Callable[..., Terminal]]:
    """Type a command in a terminal."""
    opened = []

    def type_it(*arguments: str, columns: int = 80, **environment: str) -> Terminal:
        opened.append(Terminal(arguments, checkout, columns, environment))
        return opened[-1]

    yield type_it
    for one in opened:
        one.close()
