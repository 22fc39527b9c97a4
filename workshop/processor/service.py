"""The card processor as a service of its own: HTTP on loopback, slow and failing on request.

It answers `POST /charges` with a body of `card`, `amount` and `currency`. Like the test cards of
real processors, the last four digits of the card say what happens:

    0119            503 on every try
    0259            503 on the first try, then charged
    0341            charged, but the first answer takes 3 seconds
    0002            declined: 402
    anything else   charged within a few milliseconds

A charge made under an `Idempotency-Key` is made once: the same key gets the same charge again, at
once. Without a key, or with another, it is another charge. A key belongs to one payment: another
amount or card under it is refused with 422.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import struct
import threading
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from random import Random
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from workshop.errors import ToolError
from workshop.processor.cards import DECLINED, FLAKY, SLOW, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
PATH = "/charges"
SLOW_SECONDS = 3.0

_MAX_BODY_BYTES = 64 * 1024
_POLL_SECONDS = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_What: TypeAlias = tuple[str, int, str]
"""What is charged: card number, amount, currency."""


@dataclass(frozen=True)
class Charge:
    """A charge made.

    Attributes:
        charge_id: `ch_` and 16 hexadecimal digits.
        number: The card's number.
        amount: In the smallest unit of the currency.
        currency: Three letters.
        key: The Idempotency-Key; None when it was made without one.
    """

    charge_id: str
    number: str
    amount: int
    currency: str
    key: str | None

    @property
    def answer(self) -> dict[str, Any]:
        """What the caller is told of it."""
        return {"charge_id": self.charge_id, "amount": self.amount, "currency": self.currency}


@dataclass(frozen=True)
class Try:
    """A request to charge a card, as it came in.

    Attributes:
        number: The card's number.
        amount: In the smallest unit of the currency.
        key: The Idempotency-Key, or None.
        at: When it came in, in seconds of the monotonic clock.
        status: The HTTP status decided on; None where no answer was to come.
    """

    number: str
    amount: int
    key: str | None
    at: float
    status: int | None


@dataclass
class _Mood:
    """How the service is just now.

    Attributes:
        status: What every charge is answered with; None for what the card says.
        silent: Whether no answer comes.
        dies: Whether the next answer breaks off, and nobody listens then.
        tail: The dice of a slow tail, its share of the answers, and its mean in seconds.
        over: Set when the mood ends, for those who wait in it.
    """

    status: int | None = None
    silent: bool = False
    dies: bool = False
    tail: tuple[Random, float, float] | None = None
    over: threading.Event = field(default_factory=threading.Event)


class Processor:
    """The service, from when it is made until it is closed. Thread-safe.

    One mood at a time: `failing`, `silent`, `refusing`, `dying` and `slow_tail` hold until their
    `with` ends, and do not nest.

    Args:
        port: The port to listen on; 0 for any free one.

    Raises:
        ToolError: The port is taken, or there is none.
    """

    def __init__(self, port: int = 0) -> None:
        self._lock = threading.Lock()
        self._mood = _Mood()
        self._charges: list[Charge] = []
        self._tries: list[Try] = []
        self._complaints: list[str] = []
        self._refused_once: set[_What] = set()
        self._going_down: threading.Thread | None = None
        self._placeholder: socket.socket | None = None
        try:
            if port:
                # SO_REUSEPORT, which `refusing` needs, would let two of them share a port.
                socket.create_server((HOST, port)).close()
            self._server: _Server | None = _Server(self, port)
        except OSError as error:
            where = f"port {port}" if port else "any port"
            said = error.strerror or str(error)
            raise ToolError(f"the processor cannot listen on {where}: {said}") from error
        self.port: int = self._server.server_address[1]
        self._server.begin()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    def charges(self, number: str | None = None) -> tuple[Charge, ...]:
        """Return the charges made, in order; with a card's number, those of that card."""
        with self._lock:
            return tuple(one for one in self._charges if number in (None, one.number))

    def tries(self, number: str | None = None) -> tuple[Try, ...]:
        """Return the requests to charge, in order; with a card's number, those of that card."""
        with self._lock:
            return tuple(one for one in self._tries if number in (None, one.number))

    def complaints(self) -> tuple[str, ...]:
        """Return what was wrong with requests that asked for no charge, in order."""
        with self._lock:
            return tuple(self._complaints)

    @contextlib.contextmanager
    def failing(self, status: int = HTTPStatus.SERVICE_UNAVAILABLE) -> Iterator[None]:
        """Answer every charge with an HTTP status of failure; nothing is charged."""
        with self._in(_Mood(status=int(status))):
            yield

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Take every request and answer none; nothing is charged."""
        with self._in(_Mood(silent=True)):
            yield

    @contextlib.contextmanager
    def slow_tail(self, *, seed: int, share: float, seconds: float) -> Iterator[None]:
        """Let a share of the answers take longer, by so many seconds on average.

        Args:
            seed: Seed of the dice: the same ones fall for the same order of requests.
            share: 0 to 1.
            seconds: Mean of an exponential distribution.
        """
        with self._in(_Mood(tail=(Random(seed), share, seconds))):
            yield

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Listen no more, so that connections are refused; those that are open end."""
        self._stop_listening()
        try:
            yield
        finally:
            self._listen_again()

    @contextlib.contextmanager
    def dying(self) -> Iterator[None]:
        """Make the next charge, break off in the middle of the answer, and be gone."""
        try:
            with self._in(_Mood(dies=True)):
                yield
        finally:
            if self._going_down is not None:
                self._going_down.join()
                self._going_down = None
                self._listen_again()

    def close(self) -> None:
        """Stop listening and end every connection; safe to call twice."""
        self._mood.over.set()
        if self._going_down is not None:
            self._going_down.join()
        server, self._server = self._server, None
        if server is not None:
            server.end()
        placeholder, self._placeholder = self._placeholder, None
        if placeholder is not None:
            placeholder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _in(self, mood: _Mood) -> Iterator[None]:
        former, self._mood = self._mood, mood
        try:
            yield
        finally:
            self._mood = former
            mood.over.set()

    def _stop_listening(self) -> None:
        # The port stays ours: a socket that is bound and does not listen refuses connections.
        placeholder = socket.socket()
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        placeholder.bind((HOST, self.port))
        self._placeholder = placeholder
        server, self._server = self._server, None
        if server is not None:
            server.end()

    def _listen_again(self) -> None:
        placeholder, self._placeholder = self._placeholder, None
        if placeholder is None:
            return  # it was closed meanwhile
        try:
            server = _Server(self, self.port)
        finally:
            placeholder.close()
        server.begin()
        self._server = server

    def complain(self, complaint: str) -> None:
        """Keep what was wrong with a request: for the handlers of connections."""
        with self._lock:
            self._complaints.append(complaint)

    def answer(self, what: _What, key: str | None, connection: _Connection) -> None:
        """Answer one request to charge: for the handlers of connections."""
        mood = self._mood
        begun = time.monotonic()
        status, said, seconds = self._decide(what, key, mood)
        with self._lock:
            told = None if mood.silent or mood.dies else int(status)
            self._tries.append(Try(what[0], what[1], key, begun, told))
        if mood.silent:
            mood.over.wait()
            connection.cut()
        elif mood.dies:
            connection.begin(f'{{"charge_id": "{said.get("charge_id", "")[:5]}')
            self._go_down()
            connection.server.ended.wait()  # whoever sees the end can be sure that nobody listens
            connection.cut()
        else:
            if seconds:
                connection.server.ended.wait(seconds)
            connection.say(status, said)

    def _go_down(self) -> None:
        with self._lock:
            if self._going_down is None:
                # In a thread of its own: it waits for the one that calls this.
                down = threading.Thread(target=self._stop_listening, name="processor dies")
                self._going_down = down
                down.start()

    def _decide(
        self, what: _What, key: str | None, mood: _Mood
    ) -> tuple[HTTPStatus, dict[str, Any], float]:
        """Return the status, the body, and how many seconds the answer takes."""
        number = what[0]
        with self._lock:
            seconds = 0.002 + sum(map(ord, number)) % 7 / 1000
            if mood.tail is not None:
                dice, share, mean = mood.tail
                seconds += dice.expovariate(1 / mean) if dice.random() < share else 0.0
            status = None if mood.status is None else HTTPStatus(mood.status)
            if mood.silent or (status is None and self._is_unavailable(what)):
                status = HTTPStatus.SERVICE_UNAVAILABLE
            if status is not None:
                return status, {"error": "processor unavailable"}, seconds
            if _is(DECLINED, what):
                return HTTPStatus.PAYMENT_REQUIRED, {"error": "card declined"}, seconds
            made = next((one for one in self._charges if key and one.key == key), None)
            if made is None:
                made = Charge(f"ch_{uuid.uuid4().hex[:16]}", *what, key)
                self._charges.append(made)
                return HTTPStatus.OK, made.answer, SLOW_SECONDS if _is(SLOW, what) else seconds
            if (made.number, made.amount, made.currency) == what:
                return HTTPStatus.OK, made.answer, 0.0
            said = "this Idempotency-Key has been used for another charge"
            return HTTPStatus.UNPROCESSABLE_ENTITY, {"error": said}, 0.0

    def _is_unavailable(self, what: _What) -> bool:
        """Whether this try fails; a flaky card's does when the one before it did not."""
        if _is(FLAKY, what) and what not in self._refused_once:
            self._refused_once.add(what)
            return True
        self._refused_once.discard(what)
        return _is(UNAVAILABLE, what)


class _Server(socketserver.ThreadingTCPServer):
    """The listening socket, a thread that accepts, and one thread for each connection."""

    allow_reuse_address = True
    allow_reuse_port = True
    request_queue_size = 128

    def __init__(self, processor: Processor, port: int) -> None:
        super().__init__((HOST, port), _Connection, bind_and_activate=False)
        self.processor = processor
        self.ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        try:
            self.server_bind()
            self.server_activate()
        except OSError:
            self.server_close()
            raise
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_SECONDS,), name="processor", daemon=True
        )

    def begin(self) -> None:
        """Accept connections."""
        self._thread.start()

    def end(self) -> None:
        """Accept none any more, end those that are open, and wait for their threads."""
        self.shutdown()
        self._thread.join()
        self.socket.close()  # at once, so that nobody waits in its queue
        self.ended.set()
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (socketserver's own types)
        """Remember a connection and give it a thread."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 (socketserver's own types)
        """Forget a connection and close it."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (socketserver's own types)
        """Say nothing of a caller who has gone away: a time-out is what this is about."""


class _Connection(BaseHTTPRequestHandler):
    """Reads the requests of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "processor"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_POST(self) -> None:
        """Charge a card."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MAX_BODY_BYTES:
            self.close_connection = True
            self._refuse(HTTPStatus.BAD_REQUEST, "a body of a known length is wanted")
            return
        body = self.rfile.read(int(length))
        if self.path.partition("?")[0] != PATH:
            self._refuse(HTTPStatus.NOT_FOUND, f"POST {PATH} is all there is")
            return
        what = _what(body)
        if what is None:
            wanted = "a JSON object with card.number, amount (cents) and currency is wanted"
            self._refuse(HTTPStatus.BAD_REQUEST, wanted)
            return
        self.server.processor.answer(what, self.headers.get("Idempotency-Key"), self)

    def do_GET(self) -> None:
        """Tell a browser what there is."""
        self._refuse(HTTPStatus.NOT_FOUND, f"POST {PATH} is all there is")

    def _refuse(self, status: HTTPStatus, wanted: str) -> None:
        """Answer a request that asks for no charge, and remember it."""
        complaint = f"{self.command} {self.path} answered {status.value}: {wanted}"
        self.server.processor.complain(complaint)
        self.say(status, {"error": wanted})

    def say(self, status: HTTPStatus, said: dict[str, Any]) -> None:
        """Answer with JSON."""
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def begin(self, beginning: str) -> None:
        """Send the beginning of an answer that says it is longer."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "64")
        self.end_headers()
        self.wfile.write(beginning.encode())
        self.wfile.flush()

    def cut(self) -> None:
        """Break the connection."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            cast("socket.socket", self.connection).setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
            )

    def finish(self) -> None:
        """Close both files of the connection, also where the caller has gone away."""
        for file in (self.wfile, self.rfile):
            with contextlib.suppress(OSError):
                file.close()

    def log_message(self, *_: object) -> None:
        """Write nothing to the terminal."""


def _is(last4: str, what: _What) -> bool:
    return what[0].endswith(last4)


def _what(body: bytes) -> _What | None:
    """Read a request's body; None when it is not one to charge a card."""
    try:
        said = json.loads(body)
        number, amount, currency = said["card"]["number"], said["amount"], said["currency"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(amount, bool) or not isinstance(amount, int):
        return None
    return (number, amount, currency) if isinstance(number, str) else None
