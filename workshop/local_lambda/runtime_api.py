"""The Lambda Runtime API of one execution environment, over HTTP on loopback.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import json
import re
import socket
from typing import Protocol

import h11

MAX_RESPONSE_BYTES = 6_291_556
"""Largest response of a synchronous invocation: 6 MB and a hundred bytes.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution
(the service's own message names the number).
"""

_MAX_HEAD_BYTES = (1 << 20) + (1 << 16)
_NEXT = b"/2018-06-01/runtime/invocation/next"
_INIT_ERROR = b"/2018-06-01/runtime/init/error"
_ANSWER = re.compile(rb"/2018-06-01/runtime/invocation/([0-9a-f-]{36})/(response|error)")

Headers = list[tuple[str, str]]


class Runtime(Protocol):
    """Who is told what the runtime asks and answers; each method is called in the event loop."""

    def next_asked(self) -> None:
        """The runtime is ready for an event."""

    def answered(self, request_id: str, body: bytes | None) -> bool:
        """The handler returned; `body` is None when too large. False if nobody waits for it."""

    def raised(self, request_id: str, body: bytes, cause: str | None) -> bool:
        """The handler raised; `cause` is the X-Ray cause, as JSON. False if nobody waits for it."""

    def init_failed(self, body: bytes, error_type: str) -> None:
        """The runtime cannot initialise the function."""


class RuntimeApi:
    """A listening socket, and the connections that a runtime opens to it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.address = ""
        self.waiting: _Connection | None = None
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen on a free port of 127.0.0.1; `address` says which."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{1}".format(*listener.getsockname())
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=listener)

    def send_event(self, headers: Headers, body: bytes) -> None:
        """Answer the runtime's request for the next event.

        Raises:
            ConnectionError: The runtime does not wait for one any more.
        """
        connection, self.waiting = self.waiting, None
        if connection is None:
            raise ConnectionError
        connection.respond(200, headers, body)

    def close(self) -> None:
        """Close the socket and every connection."""
        if self._server:
            self._server.close()
        for connection in list(self.connections):
            connection.close()


class _Connection(asyncio.Protocol):
    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._transport: asyncio.Transport | None = None
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what TCP gives; for the type
        # asyncio does this only for sockets that were made with the protocol's number.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._api.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._api.connections.discard(self)
        if self._api.waiting is self:
            self._api.waiting = None

    def data_received(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            self._read_events()
        except h11.ProtocolError:
            self.close()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a response, then go on with what the runtime has sent meanwhile."""
        head = [*headers, ("Content-Length", str(len(body)))]
        parts = (
            self._http.send(h11.Response(status_code=status, headers=head)),
            self._http.send(h11.Data(data=body)),
            self._http.send(h11.EndOfMessage()),
        )
        if self._transport:
            self._transport.write(b"".join(part or b"" for part in parts))
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()

    def _read_events(self) -> None:
        while True:
            event = self._http.next_event()
            match event:
                case h11.Request():
                    self._request, self._body, self._size = event, [], 0
                    if self._http.they_are_waiting_for_100_continue and self._transport:
                        go_on = h11.InformationalResponse(status_code=100, headers=[])
                        self._transport.write(self._http.send(go_on) or b"")
                case h11.Data():
                    self._size += len(event.data)
                    if self._size <= MAX_RESPONSE_BYTES:
                        self._body.append(bytes(event.data))
                case h11.EndOfMessage():
                    self._dispatch()
                case h11.ConnectionClosed():
                    self.close()
                    return
                case _:  # NEED_DATA, or PAUSED until the response is sent
                    return

    def _dispatch(self) -> None:
        request = self._request
        assert request is not None  # noqa: S101 - h11 gives EndOfMessage only after Request; for the type
        body = b"".join(self._body)
        too_large = self._size > MAX_RESPONSE_BYTES
        self._body = []
        runtime = self._api.runtime
        headers = {bytes(name): bytes(value).decode("latin-1") for name, value in request.headers}
        target = bytes(request.target)
        if request.method == b"GET" and target == _NEXT:
            self._api.waiting = self
            runtime.next_asked()
        elif request.method == b"POST" and (answer := _ANSWER.fullmatch(target)):
            request_id = answer[1].decode()
            if answer[2] == b"response":
                waited = runtime.answered(request_id, None if too_large else body)
            else:
                cause = headers.get(b"lambda-runtime-function-xray-error-cause")
                waited = runtime.raised(request_id, body, cause)
            if not waited:
                self._refuse(400, "InvalidRequestID", "Invalid request ID")
            elif too_large:
                message = f"Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
                self._refuse(413, "RequestEntityTooLarge", message)
            else:
                self._accept()
        elif request.method == b"POST" and target == _INIT_ERROR:
            kind = headers.get(b"lambda-runtime-function-error-type", "Runtime.Unknown")
            runtime.init_failed(body, kind)
            self._accept()
        else:
            self._refuse(404, "NotFound", "Not part of the Lambda Runtime API")

    def _accept(self) -> None:
        self.respond(202, [("Content-Type", "application/json")], b'{"status":"OK"}\n')

    def _refuse(self, status: int, kind: str, message: str) -> None:
        body = json.dumps({"errorMessage": message, "errorType": kind}, separators=(",", ":"))
        self.respond(status, [("Content-Type", "application/json")], body.encode())
