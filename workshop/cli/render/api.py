"""`workshop api` on the screen: where the API is, how to try it, and a line for each request."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from workshop.api_gateway import Exchange
from workshop.cli.render.text import cut, labelled, printable
from workshop.endpoint.rest_api import RestApiServer

_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_ID = 36


def serving(server: RestApiServer, code: str, example: str, width: int) -> Iterator[Text]:
    """Draw an API that is served.

    Args:
        server: It.
        code: What it serves, in words.
        example: A command that sends it a request; it stays in one line, to be copied.
        width: Columns to draw in.
    """
    api = server.api
    yield Text.assemble(
        ("✓ ", "good"), ("the API is served", "strong"), ("  until Ctrl-C", "quiet")
    )
    routes = ", ".join(f"{route.method} {route.resource}" for route in api.routes)
    for label, value in (("at", server.url), ("serves", code), ("routes", routes)):
        yield labelled(f"  {label:<12}", value, width, "quiet")
    if api.access_log:
        yield labelled(f"  {'access log':<12}", api.access_log.group, width, "quiet")
    yield labelled("  ", "Try it in another terminal:", width)
    yield Text(f"  {example}", "command")
    yield Text()


def exchange(one: Exchange, width: int) -> Iterator[Text]:
    """Draw a request and its answer in a line, and why where API Gateway answered by itself."""
    status = one.response.status
    style = "bad" if status >= _SERVER_ERROR else "warn" if status >= _CLIENT_ERROR else "good"
    now = f"{datetime.now().astimezone():%H:%M:%S}"
    room = width - len(now) - _ID - 11
    asked = cut(f"{one.request.method} {printable(one.request.target)}", room)
    yield Text.assemble(
        (f"{now}  ", "quiet"),
        f"{asked:<{room}}  ",
        (f"{status}", style),
        (f"  {one.request_id}", "quiet"),
    )
    if one.reason:
        yield labelled("          ", printable(one.reason), width, style=style)
