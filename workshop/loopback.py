"""Whether 127.0.0.1 can be reached: the runtime, the X-Ray daemon and the services are there."""

import socket

from workshop.errors import ToolError

HOST = "127.0.0.1"
_PATIENCE_SECONDS = 2.0


class LoopbackError(ToolError):
    """Nothing on loopback can be reached: the interface is down, full, or shut by a firewall."""


def require() -> None:
    """Open a TCP and a UDP port, and reach them as an execution environment does.

    A port can be opened on an interface that is down, and behind a firewall; nobody gets there.

    Raises:
        LoopbackError: One of them cannot be reached.
    """
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with (
                socket.socket(socket.AF_INET, kind) as server,
                socket.socket(socket.AF_INET, kind) as client,
            ):
                for one in (server, client):
                    one.settimeout(_PATIENCE_SECONDS)
                server.bind((HOST, 0))
                if kind == socket.SOCK_STREAM:
                    server.listen(1)
                client.connect(server.getsockname())
                if kind == socket.SOCK_DGRAM:
                    client.send(b".")
                    server.recv(1)
    except OSError as error:
        raise LoopbackError(
            f"{HOST} cannot be reached: {error.strerror or error}",
            "this is about the machine, not about your code: workshop doctor",
        ) from error
