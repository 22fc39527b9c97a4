"""HTTP/1.1 on loopback: connections in one event loop, requests answered in worker threads.

A web page that a learner has open can send requests to loopback too, and with a name of its own
that resolves to 127.0.0.1 it could read the answers. Browsers say so in `Host` and `Origin`, and
whatever names neither this server nor nothing is refused before anything is looked at.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

HOST = "127.0.0.1"

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Largest body taken: an event of 6 MB, the most that any operation here allows, and room."""

_MAX_DISCARDED_BYTES = 64 * 1024 * 1024  # read past a body that is too large, to be heard
_MAX_HEAD_BYTES = 64 * 1024
_WORKERS = 64
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: Such as `POST`.
        path: Without the query; percent-encoding undone.
        query: The query's parameters; of one given twice, the last.
        headers: By lower-case name.
        body: As it came.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered.

    Attributes:
        status: The HTTP status.
        body: The body.
        headers: Further headers, beside Content-Length.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]


def text(status: int, what: str) -> Response:
    """Make a response of a sentence."""
    return Response(status, f"{what}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


class Server:
    """A listening socket on 127.0.0.1 and the threads that answer.

    Args:
        handle: Answers a request; called in a worker thread, several at once.
        port: The port to listen on; 0 for any free one.

    Raises:
        OSError: When the port is taken.

    Attributes:
        port: The port it listens on.
    """

    def __init__(self, handle: Handler, port: int = 0) -> None:
        listener = socket.create_server((HOST, port))
        self.port: int = listener.getsockname()[1]
        self._own = {f"{name}:{self.port}" for name in (HOST, "localhost")}
        self._handle = handle
        self._workers = ThreadPoolExecutor(_WORKERS, "endpoint")
        self._loop = asyncio.new_event_loop()
        self._connections: set[_Connection] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        opening = asyncio.run_coroutine_threadsafe(self._open(listener), self._loop)
        self._server = opening.result()

    def close(self) -> None:
        """Stop listening, let the requests under way end, and close every connection."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._workers.shutdown(wait=True, cancel_futures=True)

        async def end() -> None:
            for connection in list(self._connections):
                connection.close()
            await asyncio.sleep(0)  # for the transports to close

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self, listener: socket.socket) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self), sock=listener)

    # ------------------------------------------------------------- what the connections ask for

    def opened(self, connection: "_Connection") -> None:
        """Take note of a connection."""
        self._connections.add(connection)

    def closed(self, connection: "_Connection") -> None:
        """Forget a connection."""
        self._connections.discard(connection)

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Say why a request is not for this server; None when it is."""
        host = headers.get("host", "").lower()
        if host not in self._own:
            return (
                f"refused: this endpoint answers to {HOST}:{self.port} and to no other name"
                f" (Host: {host or 'none'})"
            )
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in {f"http://{name}" for name in self._own}:
            return f"refused: no web page may read this telemetry (Origin: {origin})"
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            return "refused: no web page may read this telemetry (Sec-Fetch-Site)"
        return None

    def answer(self, request: Request, then: Callable[[Response], None]) -> None:
        """Have a request answered in a worker thread; `then` is called in the event loop."""

        def tell(future: Future[Response]) -> None:
            if not future.cancelled():
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(then, future.result())

        with contextlib.suppress(RuntimeError):  # closing: no more work is taken
            self._workers.submit(self._answer, request).add_done_callback(tell)

    def _answer(self, request: Request) -> Response:
        try:
            return self._handle(request)
        except Exception:  # noqa: BLE001 - whatever it is, the client is to be told
            _LOG.exception("%s %s failed", request.method, request.path)
            return text(500, "the workshop endpoint itself failed; .workshop/endpoint.log says how")


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered before the next is read."""

    def __init__(self, server: Server) -> None:
        self._server = server
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
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._transport = None
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        with self._understood():
            self._http.receive_data(data)
            self._read_events()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """Tell a client that does not speak HTTP, and hear no more of it."""
        try:
            yield
        except h11.RemoteProtocolError as error:
            self._give_up(text(error.error_status_hint, f"this is no HTTP/1.1 request: {error}"))

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
                    if self._size <= MAX_BODY_BYTES:
                        self._body.append(bytes(event.data))
                    elif self._size > _MAX_DISCARDED_BYTES:
                        self._give_up(self._too_large())
                        return
                case h11.EndOfMessage():
                    self._dispatch()
                case h11.ConnectionClosed():
                    self.close()
                    return
                case _:  # NEED_DATA, or PAUSED until the response is sent
                    return

    def _dispatch(self) -> None:
        raw = self._request
        assert raw is not None  # noqa: S101 - h11 gives EndOfMessage only after Request; for the type
        body, self._body = b"".join(self._body), []
        headers = {
            bytes(name).decode("latin-1"): bytes(value).decode("latin-1")
            for name, value in raw.headers
        }
        refusal = self._server.refusal(headers)
        if refusal:
            self._respond(text(403, refusal))
        elif self._size > MAX_BODY_BYTES:
            self._respond(self._too_large())
        else:
            try:
                target = urlsplit(bytes(raw.target).decode("latin-1"))
            except ValueError as error:
                self._respond(text(400, f"this is no path: {error}"))
                return
            request = Request(
                bytes(raw.method).decode("latin-1"),
                unquote(target.path),
                dict(parse_qsl(target.query, keep_blank_values=True)),
                headers,
                body,
            )
            self._server.answer(request, self._answered)

    def _answered(self, response: Response) -> None:
        if self._transport is None:
            return
        self._respond(response)
        with self._understood():
            self._read_events()  # what was sent meanwhile

    def _respond(self, response: Response) -> None:
        method = self._request.method if self._request else b""
        head = [*response.headers.items(), ("Content-Length", str(len(response.body)))]
        parts = [self._http.send(h11.Response(status_code=response.status, headers=head))]
        if method != b"HEAD":
            parts.append(self._http.send(h11.Data(data=response.body)))
        parts.append(self._http.send(h11.EndOfMessage()))
        if self._transport:
            self._transport.write(b"".join(part or b"" for part in parts))
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()

    def _give_up(self, response: Response) -> None:
        """Answer what cannot be read to its end, and close."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            closing = Response(
                response.status, response.body, {**response.headers, "Connection": "close"}
            )
            with contextlib.suppress(h11.LocalProtocolError):
                self._respond(closing)
        self.close()

    @staticmethod
    def _too_large() -> Response:
        return text(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes")
