"""The Lambda Runtime API of one execution environment, over HTTP on loopback.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import json
import re
import socket
from http import HTTPStatus
from typing import Protocol

import httptools

MAX_RESPONSE_BYTES = 6_291_556
"""Largest response of a synchronous invocation: 6 MB and a hundred bytes.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution
(the service's own message names the number).
"""

_NEXT = b"/2018-06-01/runtime/invocation/next"
_INIT_ERROR = b"/2018-06-01/runtime/init/error"
_ANSWER = re.compile(rb"/2018-06-01/runtime/invocation/([0-9a-f-]{36})/(response|error)")

_REASONS = {status.value: status.phrase for status in HTTPStatus}

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
        connection.send_event(headers, body)

    def close(self) -> None:
        """Close the socket and every connection."""
        if self._server:
            self._server.close()
        for connection in list(self.connections):
            connection.close()


class _Connection(asyncio.Protocol):
    """One connection of the runtime.

    Our runtime asks for the next event in the same packet that answers the last one. Then the
    acknowledgement waits for that event, so that each side is woken once for each event.
    """

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._outgoing: list[bytes] = []
        self.on_message_begin()

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
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
        if self._api.waiting is not self:
            self._send()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Put a response in the queue; an event, which the runtime waits for, sends the queue."""
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        self._outgoing += (head.encode("latin-1"), body)

    def send_event(self, headers: Headers, body: bytes) -> None:
        """Answer the request for the next event."""
        self.respond(200, headers, body)
        self._send()

    def _send(self) -> None:
        if self._outgoing and self._transport:
            self._transport.write(b"".join(self._outgoing))
            self._outgoing.clear()

    # --------------------------------------------------------------------- what the parser has read

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._size = 0

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._headers.get(b"expect", b"").lower() == b"100-continue":
            self._outgoing.append(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= MAX_RESPONSE_BYTES:
            self._body.append(part)

    def on_message_complete(self) -> None:
        self._dispatch(self._parser.get_method(), b"".join(self._body))
        if not self._parser.should_keep_alive():
            self._send()
            self.close()

    def _dispatch(self, method: bytes, body: bytes) -> None:
        too_large = self._size > MAX_RESPONSE_BYTES
        runtime = self._api.runtime
        if self._is_foreign():
            self._refuse(403, "Forbidden", "Not the runtime of this execution environment")
        elif method == b"GET" and self._target == _NEXT:
            self._api.waiting = self
            runtime.next_asked()
        elif method == b"POST" and (answer := _ANSWER.fullmatch(self._target)):
            request_id = answer[1].decode()
            if answer[2] == b"response":
                waited = runtime.answered(request_id, None if too_large else body)
            else:
                cause = self._headers.get(b"lambda-runtime-function-xray-error-cause")
                text = None if cause is None else cause.decode("latin-1")
                waited = runtime.raised(request_id, body, text)
            if not waited:
                self._refuse(400, "InvalidRequestID", "Invalid request ID")
            elif too_large:
                message = f"Exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
                self._refuse(413, "RequestEntityTooLarge", message)
            else:
                self._accept()
        elif method == b"POST" and self._target == _INIT_ERROR:
            kind = self._headers.get(b"lambda-runtime-function-error-type", b"Runtime.Unknown")
            runtime.init_failed(body, kind.decode("latin-1"))
            self._accept()
        else:
            self._refuse(404, "NotFound", "Not part of the Lambda Runtime API")

    def _is_foreign(self) -> bool:
        """Tell whether this is not from the runtime, but from a page in a browser.

        Such a page may name any address; a request for the next event would take it away.
        """
        headers = self._headers
        own_address = headers.get(b"host") == self._api.address.encode()
        return not own_address or b"origin" in headers or b"sec-fetch-site" in headers

    def _accept(self) -> None:
        self.respond(202, [("Content-Type", "application/json")], b'{"status":"OK"}\n')

    def _refuse(self, status: int, kind: str, message: str) -> None:
        body = json.dumps({"errorMessage": message, "errorType": kind}, separators=(",", ":"))
        self.respond(status, [("Content-Type", "application/json")], body.encode())
