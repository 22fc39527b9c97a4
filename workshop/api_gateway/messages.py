"""HTTP requests and responses as plain values."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values in order; a name may come several times, in any case."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as the client sent it.

    Attributes:
        method: Such as `POST`.
        target: Path and query, percent-encoded.
        headers: In order, the names as they were written.
        body: As it came.
        source_ip: Where it came from.
        protocol: Such as `HTTP/1.1`.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    @classmethod
    def of_json(cls, method: str, target: str, value: object, *headers: tuple[str, str]) -> Self:
        """Make a request whose body is JSON."""
        content = ("Content-Type", "application/json")
        return cls(method, target, (content, *headers), json.dumps(value).encode())

    def header(self, name: str) -> str | None:
        """Return the last header of a name, in whatever case; None when there is none."""
        return last(self.headers, name)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response as the client gets it.

    Attributes:
        status: The HTTP status.
        headers: In order; Content-Length is not among them.
        body: The body.
    """

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the last header of a name, in whatever case; None when there is none."""
        return last(self.headers, name)


def last(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the last value of a header; None when there is none."""
    wanted = name.lower()
    found = None
    for one, value in headers:
        if one.lower() == wanted:
            found = value
    return found
