"""AWS's Runtime Interface Emulator, run without a container.

Its binary comes with the AWS SAM CLI, for Linux alone; it starts `awslambdaric`, AWS's own runtime
client. https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

import http.client
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

FUNCTION = Path(__file__).parent / "function"
VARIABLES = {
    "POWERTOOLS_SERVICE_NAME": "measured",
    "POWERTOOLS_METRICS_NAMESPACE": "Benchmark",
}
_PATH = "/2015-03-31/functions/function/invocations"
_PATTERN = ".venv-sam/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"


def find_binary() -> Path | None:
    """Return the emulator for this machine; None where there is none."""
    if platform.system() != "Linux":
        return None
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    root = Path(__file__).parents[1]
    return next(iter(root.glob(_PATTERN.format(machine=machine))), None)


class Emulator:
    """One emulator with the measured function; its runtime starts on the first event.

    Args:
        binary: From `find_binary`.
    """

    def __init__(self, binary: Path) -> None:
        port, runtime_port = _free_port(), _free_port()
        # Where the tracer sends to; nobody reads it.
        self._daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._daemon.bind(("127.0.0.1", 0))
        # What it prints is kept too, in the cheapest way there is.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
        self._process = subprocess.Popen(
            [
                *(str(binary), "--log-level", "error"),
                *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
                *("--runtime-api-address", f"127.0.0.1:{runtime_port}"),
                *(sys.executable, "-B", "-m", "awslambdaric", "app.handler_under_emulator"),
            ],
            cwd=FUNCTION,
            env={
                "PATH": os.environ["PATH"],
                "LAMBDA_TASK_ROOT": str(FUNCTION),
                "AWS_LAMBDA_FUNCTION_NAME": "measured",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                "AWS_LAMBDA_FUNCTION_TIMEOUT": "10",
                "AWS_REGION": "us-east-1",
                "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:{1}".format(*self._daemon.getsockname()),
                **VARIABLES,
            },
            stdout=self._log,
            stderr=self._log,
        )
        self._socket = _connect(port)
        self._client = http.client.HTTPConnection("127.0.0.1", port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()
        self._socket.close()
        self._daemon.close()
        self._log.close()
        self._process.terminate()
        self._process.wait()

    def invoke(self, payload: bytes) -> bytes:
        """Send one event by Python's HTTP client, over a kept connection."""
        self._client.request("POST", _PATH, payload)
        response = self._client.getresponse()
        body = response.read()
        if response.status != HTTPStatus.OK:
            message = f"the emulator answered {response.status}: {body[:80]!r}"
            raise RuntimeError(message)
        return body

    def invoke_by_socket(self, payload: bytes) -> bytes:
        """Send one event over a kept connection, with as little client as can be."""
        self._socket.sendall(
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
            % (_PATH.encode(), len(payload), payload)
        )
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            message = f"the emulator answered {head[:80]!r}"
            raise RuntimeError(message)
        while len(body) < int(length.group(1)):
            body += self._receive()
        return body

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            message = "the emulator hung up"
            raise RuntimeError(message)
        return data


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _connect(port: int) -> socket.socket:
    for _ in range(200):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.05)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    message = "the emulator does not listen"
    raise RuntimeError(message)
