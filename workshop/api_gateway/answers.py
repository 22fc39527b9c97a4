"""What a function answered, made into the HTTP response; and the answers of API Gateway itself.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from workshop.api_gateway.messages import Headers, HttpResponse, last
from workshop.api_gateway.proxy_event import is_binary

_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
_STATUSES = range(200, 600)  # what is below is no answer yet, and HTTP has one answer
_BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_REMAPPED = {
    *("authorization", "connection", "content-length", "content-md5", "date", "host", "server"),
    *("user-agent", "via", "www-authenticate"),
}
_DROPPED = {"expect", "max-forwards", "te", "trailer", "transfer-encoding", "upgrade"}


class MalformedAnswerError(ValueError):
    """A function's answer is none that API Gateway can hand on."""


@dataclass(frozen=True, slots=True)
class GatewayError:
    """An answer of API Gateway's own, no function's.

    Attributes:
        status: The HTTP status.
        message: What the caller is told.
        kind: The gateway response type, as `$context.error.responseType`.
        error_type: The header x-amzn-ErrorType.
    """

    status: HTTPStatus
    message: str
    kind: str
    error_type: str

    @property
    def response(self) -> HttpResponse:
        """The response, as the template of the service's own makes it."""
        body = json.dumps({"message": self.message})
        headers = (("Content-Type", "application/json"), ("x-amzn-ErrorType", self.error_type))
        return HttpResponse(int(self.status), headers, body.encode())


NO_ROUTE = GatewayError(
    HTTPStatus.FORBIDDEN,
    "Missing Authentication Token",
    "MISSING_AUTHENTICATION_TOKEN",
    "MissingAuthenticationTokenException",
)
"""No method of no resource: the service takes it for a request that somebody forgot to sign."""

NO_STAGE = GatewayError(HTTPStatus.FORBIDDEN, "Forbidden", "ACCESS_DENIED", "ForbiddenException")
MALFORMED = GatewayError(
    HTTPStatus.BAD_GATEWAY,
    "Internal server error",
    "DEFAULT_5XX",
    "InternalServerErrorException",
)
"""The function failed, or answered what is no proxy response."""

LAMBDA_THROTTLED = GatewayError(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Internal server error",
    "INTEGRATION_FAILURE",
    "InternalServerErrorException",
)
"""Lambda would not take the event: the caller is not told of its 429."""

TIMED_OUT = GatewayError(
    HTTPStatus.GATEWAY_TIMEOUT,
    "Endpoint request timed out",
    "INTEGRATION_TIMEOUT",
    "InternalServerErrorException",
)
THROTTLED = GatewayError(
    HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests", "THROTTLED", "TooManyRequestsException"
)
TOO_LARGE = GatewayError(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "Request Too Long",
    "REQUEST_TOO_LARGE",
    "RequestTooLargeException",
)


def mapped(payload: bytes, *, accept: str | None, binary_types: Sequence[str]) -> HttpResponse:
    """Make a response of what a function returned.

    Args:
        payload: What it returned, as JSON.
        accept: The request's Accept header; its first type decides whether base64 is decoded.
        binary_types: The API's binary media types.

    Raises:
        MalformedAnswerError: It is no proxy response; the error says why.
    """
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError("the function's answer is no JSON") from error
    if not isinstance(answer, dict):
        raise MalformedAnswerError(f"the function answered {_kind(answer)}, not an object")
    if unknown := sorted(answer.keys() - _KEYS):
        raise MalformedAnswerError(
            f"keys that a proxy response does not have: {', '.join(unknown[:5])}"
        )
    status = _status(answer)
    headers = tuple(_headers(answer))
    if last(headers, "content-type") is None:
        headers = (("Content-Type", "application/json"), *headers)
    body = _body(answer, accept, binary_types)
    # HTTP has no body there: https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1
    return HttpResponse(status, headers, b"" if status in _BODILESS else body)


def _status(answer: dict[str, Any]) -> int:
    status = answer.get("statusCode")
    if isinstance(status, str) and re.fullmatch(r"[0-9]{3}", status):
        status = int(status)
    if isinstance(status, float) and status.is_integer():
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or status not in _STATUSES:
        what = "is missing" if "statusCode" not in answer else f"is {_kind(status)}"
        raise MalformedAnswerError(f"statusCode {what}: wanted is a number from 200 to 599")
    return status


def _headers(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the headers; of a name in both, those of multiValueHeaders."""
    single, several = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    for name, value in (("headers", single), ("multiValueHeaders", several)):
        if not isinstance(value, dict):
            raise MalformedAnswerError(f"{name} is {_kind(value)}, not an object")
    taken = {name.lower() for name in several}
    pairs: list[tuple[str, object]] = [
        (name, value) for name, value in single.items() if name.lower() not in taken
    ]
    for name, values in several.items():
        if not isinstance(values, list):
            raise MalformedAnswerError(f"multiValueHeaders.{name} is {_kind(values)}, not a list")
        pairs += [(name, value) for value in values]
    for name, value in pairs:
        if value is None:
            continue
        if isinstance(value, dict | list):
            raise MalformedAnswerError(f"the header {name} is {_kind(value)}, not text")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(text):
            raise MalformedAnswerError(f"the header {name!r} cannot be sent")
        if name.lower() in _DROPPED:
            continue
        remapped = name.lower() in _REMAPPED
        yield (f"x-amzn-Remapped-{name}" if remapped else name), text.strip()


def _body(answer: dict[str, Any], accept: str | None, binary_types: Sequence[str]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswerError(f"the body is {_kind(body)}, not text")
    if answer.get("isBase64Encoded") is True and is_binary(
        (accept or "").partition(",")[0], binary_types
    ):
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise MalformedAnswerError("isBase64Encoded, and the body is not") from error
    return body.encode("utf-8", "surrogatepass")


def _kind(value: object) -> str:
    """Name the kind of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return f"{json.dumps(value)[:40]}"
    return "a list" if isinstance(value, list) else "an object"


def complete(response: HttpResponse, added: Headers) -> HttpResponse:
    """Return a response with the headers of API Gateway's own, which replace the function's."""
    names = {name.lower() for name, _ in added}
    kept = tuple(pair for pair in response.headers if pair[0].lower() not in names)
    return HttpResponse(response.status, (*added, *kept), response.body)
