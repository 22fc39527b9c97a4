"""A port of its own for each server: the one asked for, or the first that is free."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from workshop.errors import ToolError, UsageError
from workshop.loopback import HOST

S = TypeVar("S")

_PORTS = 50


def require_free(port: int) -> None:
    """See to it that a server could listen on a port.

    Raises:
        UsageError: The port is taken, or not open to this account.
    """
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        raise _unusable(port, error) from error


def _unusable(port: int, error: OSError) -> UsageError:
    reason = "not open to this account" if error.errno == errno.EACCES else "taken"
    return UsageError(f"port {port} is {reason}", "leave --port away, and a free one is found")


@contextmanager
def listening(
    serve: Callable[[int], AbstractContextManager[S]],
    first: int,
    port: int | None,
    *,
    what: str,
    command: str,
) -> Iterator[S]:
    """Run a server, and end it with the `with`.

    Args:
        serve: Makes the server of a port; raises OSError where it cannot listen.
        first: The first port to try where none is asked for, and so many after it.
        port: The port asked for.
        what: What it is called: `the endpoint`.
        command: The command that takes `--port`.

    Raises:
        UsageError: The port asked for is taken, or not open to this account.
        ToolError: No port is free, or this machine cannot listen.
    """
    wanted = range(first, first + _PORTS) if port is None else [port]
    for candidate in wanted:
        try:
            server = serve(candidate)
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise ToolError(f"{what} cannot listen: {error}") from error
            if port is not None:
                raise _unusable(port, error) from error
            continue
        with server as running:
            yield running
        return
    raise ToolError(f"no port from {wanted[0]} to {wanted[-1]} is free", f"{command} --port N")
