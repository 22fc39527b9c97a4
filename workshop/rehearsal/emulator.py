"""The emulator of AWS: MiniStack, as a process on loopback that keeps everything in memory.

Its functions run as processes of this laptop, by the Python that it runs by itself. It listens on
127.0.0.1 alone, checks every signature and every role's policies (`AUTH`), and dies with us: it
reads a pipe that ends when we do, however that is.
"""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

from workshop.errors import ToolError, UsageError

HOST = "127.0.0.1"
START_SECONDS = 60.0

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 5.0
_HEALTH = "/_ministack/health"
_SCRIPT = """
import os, runpy, signal, sys, threading

def end_with_the_parent():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=end_with_the_parent, daemon=True).start()
runpy.run_module("ministack", run_name="__main__")
"""


class Emulator:
    """The emulator, from `with` to its end.

    Args:
        python: The Python that has it installed.
        environment: The variables it is to have; ours are not passed on.
        log: The file that its output goes to.
        port: Where to listen; None for any free port.
    """

    def __init__(
        self, python: Path, environment: dict[str, str], log: Path, port: int | None = None
    ) -> None:
        self._python = python
        self._log = log
        self.port = _free(port)
        self._environment = environment | {
            "AUTH": "true",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            # No other door, and no containers.
            "DOCKER_HOST": f"unix://{log.parent}/no-docker",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "SFTP_ENABLED": "0",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        """Start it, and wait until it answers.

        Raises:
            ToolError: It does not start, or does not answer in time.
        """
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [self._python, "-c", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._log.parent,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for us; we end it when all is put away
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it and every function it started; safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # all it has is in memory
        process.wait(_PATIENCE_SECONDS)
        if process.stdin:
            process.stdin.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process is None or self._process.poll() is not None:
                raise ToolError("the emulator of AWS ended as it began", f"why: {self._log}")
            if time.monotonic() > deadline:
                what = f"the emulator of AWS did not answer within {START_SECONDS:.0f} seconds"
                raise ToolError(what, f"what it said: {self._log}")
            time.sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        connection = HTTPConnection(HOST, self.port, timeout=_PATIENCE_SECONDS)
        try:
            connection.request("GET", _HEALTH)
            return connection.getresponse().status == 200  # noqa: PLR2004
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def _free(port: int | None) -> int:
    """Return the port if it is free; for None, any that is.

    Raises:
        UsageError: It is taken, or not ours to take.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port or 0))
        except OSError as error:
            what = f"port {port} cannot be had: {error.strerror}"
            raise UsageError(what, "without --port any free one is taken") from None
        found: int = probe.getsockname()[1]
        return found
