"""API Gateway on loopback: the REST API of one template, over HTTP, until it is closed."""

import logging
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Self

from workshop.api_gateway import Exchange, Front, HttpRequest, RestApi, rest_api
from workshop.api_gateway.answers import LAMBDA_THROTTLED, MALFORMED, TOO_LARGE, GatewayError
from workshop.api_gateway.front import MAX_BODY_BYTES
from workshop.endpoint.functions import Functions, Parameters, no_parameters
from workshop.endpoint.http import Request, Response, Server
from workshop.errors import WorkshopError
from workshop.lab import Lab
from workshop.loopback import HOST
from workshop.store import Store

DEFAULT_PORT = 4600
"""The first port tried; when it is taken, those after it."""

Told = Callable[[Exchange | WorkshopError], None]
"""Is told of each request, answered or not; called in a worker thread."""

_LOG = logging.getLogger(__name__)


class RestApiServer:
    """A REST API on 127.0.0.1. Thread-safe.

    The template is read again when it has been saved, and the code is what it is then.

    Args:
        template: The template file.
        store: Where telemetry is kept.
        port: The port to listen on; 0 for any free one.
        parameters: Gives the values of the template's parameters, each time it is read.
        told: Is told of each request.

    Raises:
        OSError: When the port is taken.
        TemplateError: When the template cannot be read.
        UnsupportedApiError: When it has no REST API, or one that cannot be served.
    """

    def __init__(
        self,
        template: Path,
        store: Store,
        *,
        port: int = 0,
        parameters: Parameters = no_parameters,
        told: Told = lambda _: None,
    ) -> None:
        self._functions = Functions(template, store, parameters)
        self._store = store
        self._told = told
        self._lock = threading.Lock()
        self._front: tuple[Lab, Front] | None = None
        try:
            with self._functions.lab() as lab:
                self.api: RestApi = self._over(lab).api
            self._server = Server(
                self._answer, port, max_body_bytes=MAX_BODY_BYTES, refuse=_refusal
            )
        except BaseException:
            self._functions.close()
            raise
        self.port = self._server.port

    @property
    def url(self) -> str:
        """Where the stage is."""
        return f"http://{HOST}:{self.port}/{self.api.stage}"

    def close(self) -> None:
        """Stop listening, and end the functions."""
        try:
            self._functions.close()
        finally:
            self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _over(self, lab: Lab) -> Front:
        """Return the front over a lab: one for as long as the lab is the same."""
        with self._lock:
            if self._front is None or self._front[0] is not lab:
                self._front = lab, Front(lab, rest_api(lab.template), self._store.append)
            return self._front[1]

    def _answer(self, request: Request) -> Response:
        asked = HttpRequest(
            request.method,
            request.target,
            request.header_pairs,
            request.body,
            protocol=request.protocol,
        )
        try:
            with self._functions.lab() as lab:
                exchange = self._over(lab).answer(asked)
        except WorkshopError as error:
            self._told(error)
            return _response(MALFORMED)
        except RuntimeError:  # it is being closed
            _LOG.debug("%s %s came too late", request.method, request.path)
            return _response(MALFORMED)
        self._told(exchange)
        answer = exchange.response
        return Response(answer.status, answer.body, header_pairs=answer.headers)


def _response(error: GatewayError) -> Response:
    answer = error.response
    return Response(answer.status, answer.body, header_pairs=answer.headers)


def _refusal(status: int, what: str) -> Response:
    """Word what the HTTP server refuses as API Gateway words it: in JSON."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _response(TOO_LARGE)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _response(LAMBDA_THROTTLED)
    return _response(GatewayError(HTTPStatus(status), what, "BAD_REQUEST", "BadRequestException"))
