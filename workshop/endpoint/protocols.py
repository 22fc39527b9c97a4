"""From an HTTP request to an operation of a service, and its answer back, as AWS's protocols say.

Three protocols are spoken: AWS JSON (logs and cloudwatch: one path, the operation in a header),
and REST JSON (xray and lambda: the operation is the method and the path). botocore 1.44 sends
cloudwatch AWS JSON 1.0 although the model names CBOR first.
https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

import gzip
import io
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from workshop.endpoint.arguments import Arguments, Refuse
from workshop.endpoint.errors import ApiError
from workshop.endpoint.http import MAX_BODY_BYTES, Request, Response
from workshop.errors import WorkshopError

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

Operation = Callable[[Arguments], Mapping[str, Any] | None]
"""Does what is asked; the answer's members, or None for an answer without any."""

Raw = Callable[[Request, re.Match[str]], Response]
"""Answers a request whose body is not JSON members; the match is that of its path."""


@dataclass(frozen=True)
class JsonService:
    """A service spoken to in AWS JSON.

    Attributes:
        name: As in `aws <name>`.
        target: What stands before the dot of X-Amz-Target.
        version: Of the protocol, `1.0` or `1.1`.
        operations: By name.
        refuse: Makes the service's error for a wrong member.
    """

    name: str
    target: str
    version: str
    operations: Mapping[str, Operation]
    refuse: Refuse


@dataclass(frozen=True)
class Route:
    """An operation spoken to in REST JSON.

    Attributes:
        service: As in `aws <service>`.
        name: The operation's.
        method: Of HTTP.
        path: A regular expression for the whole path.
        answer: Answers the request.
    """

    service: str
    name: str
    method: str
    path: str
    answer: Raw


class Protocols:
    """Finds the operation meant by a request, and has it done.

    Args:
        services: Those spoken to in AWS JSON.
        routes: The operations spoken to in REST JSON.
    """

    def __init__(self, services: Sequence[JsonService], routes: Sequence[Route]) -> None:
        self._services = services
        self._routes = routes

    def answer(self, request: Request) -> Response:
        """Answer a request; one that means nothing here is told what is served."""
        target = request.headers.get("x-amz-target")
        if target is not None:
            return self._json(target, request)
        for route in self._routes:
            match = re.fullmatch(route.path, request.path)
            if match and route.method == request.method:
                return _rest(route, match, request)
        error = ApiError("UnknownOperationException", self._unknown(request), status=404)
        if request.path.startswith("/service/"):
            return _cbor_error(error)
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _xml_error(error)
        return rest_error(error)

    def _json(self, target: str, request: Request) -> Response:
        prefix, _, name = target.rpartition(".")
        service = next((one for one in self._services if one.target == prefix), None)
        if service is None:
            message = f"no service here answers to {target[:100]!r}; {self._served()}"
            return _json_error("1.1", ApiError("UnknownOperationException", message))
        try:
            operation = service.operations.get(name)
            if operation is None:
                message = f"{service.name} {name[:100]} is not served here; {_names(service)}"
                raise ApiError("UnknownOperationException", message)  # noqa: TRY301 - one way out
            with _explained():
                answer = operation(Arguments(members(request), service.refuse))
        except ApiError as error:
            return _json_error(service.version, error)
        body = b"" if answer is None else to_json(answer)
        return Response(200, body, _head(f"application/x-amz-json-{service.version}"))

    def _unknown(self, request: Request) -> str:
        return f"{request.method} {request.path[:100]} is not served here; {self._served()}"

    def _served(self) -> str:
        by_service: dict[str, list[str]] = {
            one.name: sorted(one.operations) for one in self._services
        }
        for route in self._routes:
            by_service.setdefault(route.service, []).append(route.name)
        served = "; ".join(f"{name}: {', '.join(of)}" for name, of in by_service.items())
        return f"served are {served}"


def members(request: Request) -> dict[str, Any]:
    """Read a body as the members of a structure.

    Raises:
        ApiError: SerializationException, when it is none.
    """
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        body = _unzipped(body)
    if not body:
        return {}
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "it nests too deeply" if isinstance(error, RecursionError) else error
        raise ApiError("SerializationException", f"the body is not JSON: {reason}") from error
    if not isinstance(value, dict):
        raise ApiError("SerializationException", "the body is not a JSON object")
    if _SURROGATE.search(body):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            message = "a string holds half of a surrogate pair, which is no text"
            raise ApiError("SerializationException", message) from error
    return value


def to_json(value: object) -> bytes:
    """Write an answer's members as JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def rest_error(error: ApiError) -> Response:
    """Write an error as REST JSON has it; under both names that the services use."""
    head = _head("application/json") | {"x-amzn-ErrorType": error.code}
    body = {"message": error.message, "Message": error.message, "__type": error.code}
    return Response(error.status, to_json(body | error.members), head)


def request_id() -> str:
    """Make a request id."""
    return str(uuid.uuid4())


def rest_operation(operation: Operation, refuse: Refuse) -> Raw:
    """Make a route's answer of an operation whose members are all in the body."""

    def answer(request: Request, match: re.Match[str]) -> Response:
        del match
        done = operation(Arguments(members(request), refuse))
        return Response(200, to_json(done or {}), _head("application/json"))

    return answer


def _rest(route: Route, match: re.Match[str], request: Request) -> Response:
    try:
        with _explained():
            return route.answer(request, match)
    except ApiError as error:
        return rest_error(error)


@contextmanager
def _explained() -> Iterator[None]:
    """Make an error of AWS's of what went wrong on this machine, such as a full disk."""
    try:
        yield
    except WorkshopError as error:
        what = f"{error.what}: {error.look}" if error.look else error.what
        raise ApiError("ServiceUnavailableException", what, status=503) from error


def _json_error(version: str, error: ApiError) -> Response:
    head = _head(f"application/x-amz-json-{version}")
    head["x-amzn-ErrorType"] = error.code
    # cloudwatch was a service of the Query protocol, and its clients look for the error here.
    sender = "Sender" if error.status < 500 else "Receiver"  # noqa: PLR2004 - HTTP's own classes
    head["x-amzn-query-error"] = f"{error.code};{sender}"
    body = {"__type": error.code, "message": error.message} | error.members
    return Response(error.status, to_json(body), head)


def _xml_error(error: ApiError) -> Response:
    """Write an error for an older client, whose cloudwatch speaks the Query protocol."""
    text = error.message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{error.code}</Code>"
        f"<Message>{text}; cloudwatch is served in JSON, as botocore 1.44 sends it</Message>"
        f"</Error><RequestId>{request_id()}</RequestId></ErrorResponse>"
    )
    return Response(error.status, body.encode(), _head("text/xml"))


def _cbor_error(error: ApiError) -> Response:
    """Write an error for a client that speaks CBOR: a map of two strings."""
    message = f"{error.message}; cloudwatch is served in JSON, as botocore 1.44 sends it"
    body = b"\xa2" + b"".join(
        b"\x79" + len(text.encode()).to_bytes(2, "big") + text.encode()
        for text in ("__type", error.code, "message", message)
    )
    head = _head("application/cbor") | {"smithy-protocol": "rpc-v2-cbor"}
    return Response(error.status, body, head)


def _head(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type, "x-amzn-RequestId": request_id()}


def _names(service: JsonService) -> str:
    return f"served of {service.name} are {', '.join(sorted(service.operations))}"


def _unzipped(body: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            content = file.read(MAX_BODY_BYTES + 1)
    except (OSError, EOFError) as error:
        raise ApiError("SerializationException", f"the body is not gzip: {error}") from error
    if len(content) > MAX_BODY_BYTES:
        message = f"the body is larger than {MAX_BODY_BYTES:,} bytes"
        raise ApiError("RequestEntityTooLargeException", message, status=413)
    return content


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)
