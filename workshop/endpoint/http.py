"""HTTP/1.1 on loopback: connections in one event loop, requests answered in worker threads.

A web page that a learner has open can send requests to loopback too, and with a name of its own
that resolves to 127.0.0.1 it could read the answers. Browsers say so in `Host` and `Origin`, and
whatever names neither this server nor nothing is refused before anything is looked at. A server
may let pages in, by their origin, for some requests. https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from workshop.local_lambda.hand_over import begun_in
from workshop.loopback import HOST

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Largest body taken: a lookup table of 10 MB, the most that any operation allows, and room."""

_MAX_DISCARDED_BYTES = 64 * 1024 * 1024  # read past a body that is too large, to be heard
_MAX_HEAD_BYTES = 64 * 1024
_HTTP_PORT = 80
_WORKERS = 64
_LENGTHS = {b"content-length", b"transfer-encoding"}  # two who read them may see two requests
_FAILED = "the workshop endpoint itself failed; .workshop/crash-*.txt says how"

# What a page's browser is told when it asks what the page may send.
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type, X-Amz-Target",
    "Access-Control-Max-Age": "600",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: Such as `POST`.
        path: Without the query; percent-encoding undone.
        query: The query's parameters; of one given twice, the last.
        headers: By lower-case name.
        body: As it came.
        target: Path and query as they came.
        header_pairs: The headers in order, as they were written; a name may come several times.
        protocol: Such as `HTTP/1.1`.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str = ""
    header_pairs: tuple[tuple[str, str], ...] = ()
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered.

    Attributes:
        status: The HTTP status.
        body: The body.
        headers: Further headers, beside Content-Length.
        header_pairs: Still further ones, of which a name may come several times.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    header_pairs: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Response]
Refusal = Callable[[int, str], Response]
"""Makes a response of a status and a sentence."""


def text(status: int, what: str) -> Response:
    """Make a response of a sentence."""
    return Response(status, f"{what}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


class Server:
    """A listening socket on 127.0.0.1 and the threads that answer.

    Args:
        handle: Answers a request; called in a worker thread, several at once.
        port: The port to listen on; 0 for any free one.
        max_body_bytes: Largest body taken.
        refuse: Words the server's own answers; text, unless told otherwise.
        pages: Origins of the web pages that may read answers.
        page_may_send: Tells which requests are answered when such a page sends them.

    Raises:
        OSError: When the port is taken.

    Attributes:
        port: The port it listens on.
        max_body_bytes: Largest body taken.
        refuse: Words the server's own answers.
        page_may_send: Tells which requests a web page may send.
    """

    def __init__(
        self,
        handle: Handler,
        port: int = 0,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        refuse: Refusal = text,
        pages: Collection[str] = (),
        page_may_send: Callable[[Request], bool] = lambda _: False,
    ) -> None:
        self.max_body_bytes = max_body_bytes
        self.refuse = refuse
        self.page_may_send = page_may_send
        self._pages = frozenset(pages)
        listener = socket.create_server((HOST, port))
        self.port: int = listener.getsockname()[1]
        names = (HOST, "localhost")
        self._own = {f"{name}:{self.port}" for name in names}
        if self.port == _HTTP_PORT:  # clients leave it out
            self._own.update(names)
        self._handle = handle
        self._workers = ThreadPoolExecutor(_WORKERS, "endpoint")
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(
            lambda _, context: self.tell(
                context.get("exception") or RuntimeError(context["message"])
            )
        )
        self._told: set[str] = set()
        self._connections: set[_Connection] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._server = begun_in(self._loop, lambda: self._open(listener)).result()

    def close(self) -> None:
        """Stop listening, let the requests under way end, and close every connection."""
        self._loop.call_soon_threadsafe(self._server.close)
        self._workers.shutdown(wait=True, cancel_futures=True)

        async def end() -> None:
            for connection in list(self._connections):
                connection.close()
            await asyncio.sleep(0)  # for the transports to close

        begun_in(self._loop, end).result()
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
        if origin in self._pages:
            return None
        if origin is not None and origin.lower() not in {f"http://{name}" for name in self._own}:
            return f"refused: no web page may read this telemetry (Origin: {origin})"
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            return "refused: no web page may read this telemetry (Sec-Fetch-Site)"
        return None

    def page(self, headers: Mapping[str, str]) -> str | None:
        """Return the origin of the web page that asks and may; None when no page does."""
        origin = headers.get("origin")
        return origin if origin in self._pages else None

    def failed(self) -> Response:
        """Word that this server itself failed."""
        return self.refuse(500, _FAILED)

    def tell(self, error: BaseException) -> None:
        """Tell of an error of ours as if a thread had died of it; once, for it may come again."""
        if repr(error) not in self._told:
            self._told.add(repr(error))
            died = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(died))

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
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is to be told
            error.add_note(f"in the answer to {request.method} {request.path}")
            self.tell(error)
            return self.failed()


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered before the next is read."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._transport: asyncio.Transport | None = None
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._is_full = False  # whether the client does not read what it is sent
        self._page: str | None = None  # the origin of the web page that asks, if it may

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

    def pause_writing(self) -> None:
        self._is_full = True
        self._hear(more=False)

    def resume_writing(self) -> None:
        self._is_full = False
        self._go_on()

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """Tell a client that does not speak HTTP, and hear no more of it."""
        try:
            yield
        except h11.RemoteProtocolError as error:
            said = f"this is no HTTP/1.1 request: {error}"
            self._give_up(self._server.refuse(error.error_status_hint, said))

    def _read_events(self) -> None:
        while True:
            event = self._http.next_event()
            match event:
                case h11.Request():
                    if not self._begun(event):
                        return
                case h11.Data():
                    self._size += len(event.data)
                    if self._size <= self._server.max_body_bytes:
                        self._body.append(bytes(event.data))
                    elif self._size > _MAX_DISCARDED_BYTES:
                        self._give_up(self._too_large())
                        return
                case h11.EndOfMessage():
                    self._dispatch()
                case h11.ConnectionClosed():
                    self.close()
                    return
                case h11.PAUSED:  # the next request is here, and waits for this one's response
                    self._hear(more=False)
                    return
                case _:  # NEED_DATA
                    return

    def _begun(self, request: h11.Request) -> bool:
        """Begin a request by its head; return whether its body is to be read."""
        self._request, self._body, self._size = request, [], 0
        if {name for name, _ in request.headers} >= _LENGTHS:
            said = "a body has a Content-Length or a Transfer-Encoding, not both"
            self._give_up(self._server.refuse(400, said))
            return False
        if self._http.they_are_waiting_for_100_continue and self._transport:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self._transport.write(self._http.send(go_on) or b"")
        return True

    def _dispatch(self) -> None:
        raw = self._request
        assert raw is not None  # noqa: S101 - h11 gives EndOfMessage only after Request; for the type
        body, self._body = b"".join(self._body), []
        pairs = tuple(
            (bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
            for name, value in raw.headers.raw_items()
        )
        headers = {name.lower(): value for name, value in pairs}
        refusal = self._server.refusal(headers)
        self._page = None if refusal else self._server.page(headers)
        if refusal:
            self._respond(self._server.refuse(403, refusal))
        elif self._page and raw.method == b"OPTIONS":
            self._respond(Response(200, b"", _PREFLIGHT))
        elif self._size > self._server.max_body_bytes:
            self._respond(self._too_large())
        else:
            whole = bytes(raw.target).decode("latin-1")
            try:
                target = urlsplit(whole)
            except ValueError as error:
                self._respond(self._server.refuse(400, f"this is no path: {error}"))
                return
            request = Request(
                bytes(raw.method).decode("latin-1"),
                unquote(target.path),
                dict(parse_qsl(target.query, keep_blank_values=True)),
                headers,
                body,
                whole,
                pairs,
                f"HTTP/{bytes(raw.http_version).decode('latin-1')}",
            )
            if self._page and not self._server.page_may_send(request):
                said = "refused: a web page may not ask for this"
                self._respond(self._server.refuse(403, said))
                return
            self._server.answer(request, self._answered)

    def _answered(self, response: Response) -> None:
        if self._transport is None:
            return
        self._respond(response)
        if not self._is_full:
            self._go_on()

    def _go_on(self) -> None:
        """Read what was sent meanwhile, and hear more."""
        if self._transport is None or self._transport.is_closing():
            return
        self._hear(more=True)
        with self._understood():
            self._read_events()

    def _hear(self, *, more: bool) -> None:
        """Take from the socket or leave it there, so that no client can fill our memory."""
        if self._transport is None:
            return
        if more:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _respond(self, response: Response) -> None:
        """Send a response; of one that cannot be sent, the client is told that we failed."""
        try:
            sent = self._written(response)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client waits
            self._server.tell(error)
            # What was written of it so far is written nowhere but in the state of the protocol.
            self._http, self._request = h11.Connection(h11.SERVER), None
            sent = self._written(_closing(self._server.failed()))
        if self._transport:
            self._transport.write(sent)
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            self._request = None
        else:
            self.close()

    def _written(self, response: Response) -> bytes:
        """Write a response as HTTP has it.

        Raises:
            UnicodeEncodeError: A header is not in Latin-1.
            h11.LocalProtocolError: HTTP has no such response.
        """
        head = [
            *response.headers.items(),
            *response.header_pairs,
            ("Content-Length", str(len(response.body))),
        ]
        if self._page:
            head += [("Access-Control-Allow-Origin", self._page), ("Vary", "Origin")]
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head]
        parts = [self._http.send(h11.Response(status_code=response.status, headers=headers))]
        if self._request is None or self._request.method != b"HEAD":
            parts.append(self._http.send(h11.Data(data=response.body)))
        parts.append(self._http.send(h11.EndOfMessage()))
        return b"".join(part or b"" for part in parts)

    def _give_up(self, response: Response) -> None:
        """Answer what cannot be read to its end, and close."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._respond(_closing(response))
        self.close()

    def _too_large(self) -> Response:
        said = f"the body is larger than {self._server.max_body_bytes:,} bytes"
        return self._server.refuse(413, said)


def _closing(response: Response) -> Response:
    """Say with a response that the connection ends."""
    return replace(response, headers={**response.headers, "Connection": "close"})
