"""The Lambda API: Invoke, ListFunctions, GetFunction, GetFunctionConfiguration.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.event_queue import Event, EventQueue
from workshop.endpoint.functions import Functions
from workshop.endpoint.http import Request, Response
from workshop.endpoint.protocols import Route, request_id, to_json
from workshop.errors import WorkshopError
from workshop.lab import Lab
from workshop.local_lambda import (
    InvalidRequestContentError,
    RequestTooLargeError,
    TooManyRequestsError,
)
from workshop.sam import Function
from workshop.signals import Invocation

MAX_EVENT_BYTES = 1024 * 1024
"""Largest event of an asynchronous invocation, since October 2025.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

TAIL_BYTES = 4096
"""How much of the log LogType=Tail gives back."""

_MAX_CONTEXT_CHARACTERS = 3583
_FUNCTIONS = "/2015-03-31/functions"
_NAME = re.compile(
    r"(?:(?:arn:aws:lambda:[a-z0-9-]+:)?(?P<account>\d{12}):function:)?"
    r"(?P<name>[\w-]{1,140})(?::(?P<qualifier>\$LATEST|[\w-]{1,129}))?"
)


class LambdaApi:
    """The operations.

    Args:
        functions: What can be invoked.
        region: AWS region to be in.
        account_id: AWS account to be in.
        throttled: Called with a function's name when an event for it was turned away.
    """

    def __init__(
        self,
        functions: Functions,
        *,
        region: str,
        account_id: str,
        throttled: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._throttled = throttled
        self._functions = functions
        self._region = region
        self._account_id = account_id
        self._queue = EventQueue(self._serve)

    @property
    def routes(self) -> list[Route]:
        """The operations with their paths."""
        one = f"{_FUNCTIONS}/([^/]+)"
        return [
            Route("lambda", "GetFunction", "GET", one, self.get_function),
            Route(
                "lambda",
                "GetFunctionConfiguration",
                "GET",
                f"{one}/configuration",
                self.get_function_configuration,
            ),
            Route("lambda", "Invoke", "POST", f"{one}/invocations", self.invoke),
            Route("lambda", "ListFunctions", "GET", f"{_FUNCTIONS}/?", self.list_functions),
        ]

    def close(self) -> None:
        """Forget the asynchronous invocations that have not begun."""
        self._queue.close()

    def invoke(self, request: Request, match: re.Match[str]) -> Response:
        """Invoke a function: wait for its response, or put the event in line, or only look."""
        with _explained(), self._functions.lab() as lab:
            function = self._find(lab, match[1], request.query)
            headers = Arguments(
                {
                    name: request.headers[header]
                    for name, header in (
                        ("InvocationType", "x-amz-invocation-type"),
                        ("LogType", "x-amz-log-type"),
                        ("ClientContext", "x-amz-client-context"),
                        ("DurableExecutionName", "x-amz-durable-execution-name"),
                        ("TenantId", "x-amz-tenant-id"),
                    )
                    if header in request.headers
                },
                _invalid,
            )
            kind = headers.choice(
                "InvocationType", ("RequestResponse", "Event", "DryRun"), "RequestResponse"
            )
            tail = headers.choice("LogType", ("None", "Tail"), "None") == "Tail"
            context = _client_context(headers.text("ClientContext", most=_MAX_CONTEXT_CHARACTERS))
            headers.finish()
            trace = request.headers.get("x-amzn-trace-id")
            if kind == "DryRun":
                return Response(204, b"", _head(request_id()))
            event = Event(function.name, request.body, trace, context)
            if kind == "Event":
                self._put_in_line(event)
                return Response(202, b"", _head(request_id()))
            invocation = self._invoked(lab, event)
        return _answered(invocation, tail=tail)

    def list_functions(self, request: Request, match: re.Match[str]) -> Response:
        """List the functions of the template."""
        del match
        query = Arguments(request.query, _invalid)
        limit = _whole(query.text("MaxItems"), 50)
        after = query.text("Marker") or ""
        query.choice("FunctionVersion", ("ALL",), "ALL")
        query.finish()
        with _explained():
            functions = self._functions.template.functions.values()
        known = sorted((one for one in functions if one.name > after), key=lambda one: one.name)
        answer: dict[str, Any] = {"Functions": [self._configuration(one) for one in known[:limit]]}
        if known[limit:]:
            answer["NextMarker"] = known[limit - 1].name
        return Response(200, to_json(answer), _head(request_id()))

    def get_function(self, request: Request, match: re.Match[str]) -> Response:
        """Describe a function."""
        with _explained(), self._functions.lab() as lab:
            function = self._find(lab, match[1], request.query)
        answer: dict[str, Any] = {
            "Configuration": self._configuration(function),
            "Code": {"RepositoryType": "local", "Location": function.code_uri.as_uri()},
        }
        if function.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return Response(200, to_json(answer), _head(request_id()))

    def get_function_configuration(self, request: Request, match: re.Match[str]) -> Response:
        """Describe how a function is configured."""
        with _explained(), self._functions.lab() as lab:
            function = self._find(lab, match[1], request.query)
        return Response(200, to_json(self._configuration(function)), _head(request_id()))

    def _find(self, lab: Lab, identifier: str, query: Mapping[str, str]) -> Function:
        given = Arguments(query, _invalid)
        qualifier = given.text("Qualifier")
        given.finish()
        match = _NAME.fullmatch(identifier)
        if match is None:
            raise _invalid(f"{identifier[:100]!r} is neither a function's name nor its ARN")
        qualifier = qualifier or match["qualifier"]
        own_account = match["account"] in (None, self._account_id)
        for function in lab.template.functions.values():
            if own_account and match["name"] in (function.name, function.logical_id):
                if qualifier in (None, "$LATEST"):
                    return function
                break
        name = f"{match['name']}:{qualifier}" if qualifier else match["name"]
        known = ", ".join(one.name for one in lab.template.functions.values())
        raise ApiError(
            "ResourceNotFoundException",
            f"Function not found: {self._arn(name)} (there are: {known})",
            status=404,
            members={"Type": "User"},
        )

    def _put_in_line(self, event: Event) -> None:
        """Have an event served later."""
        if len(event.payload) > MAX_EVENT_BYTES:
            what = (
                f"{len(event.payload)} byte payload is too large for the Event invocation type"
                f" (limit {MAX_EVENT_BYTES} bytes)"
            )
            raise RequestTooLargeError(what)
        try:
            json.loads(event.payload or b"{}")
        except (ValueError, RecursionError) as error:
            what = f"Could not parse request body into json: {error}"
            raise InvalidRequestContentError(what) from error
        self._queue.put(event)

    def _serve(self, event: Event) -> None:
        """Serve an event of the queue, by the template as it is then."""
        with self._functions.lab() as lab:
            self._invoked(lab, event)

    def _invoked(self, lab: Lab, event: Event) -> Invocation:
        """Invoke a function, and count it when the event is turned away."""
        try:
            return lab.invoke(
                event.payload,
                event.function,
                trace_header=event.trace_header,
                client_context=event.client_context,
            )
        except TooManyRequestsError:
            self._throttled(event.function)
            raise

    def _arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self._region}:{self._account_id}:function:{name}"

    def _configuration(self, function: Function) -> dict[str, Any]:
        """Describe a function as Lambda does; code is not zipped here and has no size or hash."""
        logging_config = {"LogFormat": function.log_format, "LogGroup": function.log_group}
        if function.application_log_level:
            logging_config["ApplicationLogLevel"] = function.application_log_level
        if function.system_log_level:
            logging_config["SystemLogLevel"] = function.system_log_level
        changed = _newest(function)
        return {
            "FunctionName": function.name,
            "FunctionArn": self._arn(function.name),
            "Runtime": function.runtime,
            "Role": f"arn:aws:iam::{self._account_id}:role/{function.logical_id}Role",
            "Handler": function.handler,
            "CodeSize": 0,
            "Description": "",
            "Timeout": function.timeout_seconds,
            "MemorySize": function.memory_mb,
            "LastModified": changed.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "Version": "$LATEST",
            "Environment": {"Variables": dict(function.environment)},
            "TracingConfig": {"Mode": "Active" if function.tracing else "PassThrough"},
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": [function.architecture],
            "EphemeralStorage": {"Size": 512},
            "LoggingConfig": logging_config,
        }


@contextmanager
def _explained() -> Iterator[None]:
    """Make Lambda's errors of ours."""
    user = {"Type": "User"}
    try:
        yield
    except TooManyRequestsError as error:
        members = user | {"Reason": error.reason}
        raise ApiError(
            "TooManyRequestsException", error.what, status=429, members=members
        ) from error
    except InvalidRequestContentError as error:
        raise ApiError("InvalidRequestContentException", error.what, members=user) from error
    except RequestTooLargeError as error:
        raise ApiError("RequestTooLargeException", error.what, status=413, members=user) from error
    except WorkshopError as error:
        what = f"{error.what} ({error.look})" if error.look else error.what
        raise ApiError("ServiceException", what, status=500, members={"Type": "Service"}) from error


def _answered(invocation: Invocation, *, tail: bool) -> Response:
    head = _head(invocation.request_id)
    head["X-Amz-Executed-Version"] = "$LATEST"
    head["X-Amzn-Trace-Id"] = f"Root={invocation.trace_id}"
    if invocation.function_error:
        head["X-Amz-Function-Error"] = invocation.function_error
    if tail:
        lines = "".join(f"{event.message}\n" for event in invocation.log_events)
        head["X-Amz-Log-Result"] = base64.b64encode(lines.encode()[-TAIL_BYTES:]).decode()
    return Response(200, invocation.payload, head)


def _head(number: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-RequestId": number}


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterValueException", message, members={"Type": "User"})


def _client_context(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        what = "Client context must be a valid Base64-encoded JSON object."
        raise ApiError("InvalidRequestContentException", what, members={"Type": "User"}) from error


def _whole(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 10_000):  # noqa: PLR2004
        raise _invalid("MaxItems must be 1 to 10000")
    return min(int(text), most)


def _newest(function: Function) -> datetime:
    """Return when the function's code was last saved."""
    try:
        moments = [path.stat().st_mtime for path in function.code_uri.glob("*.py")]
    except OSError:
        moments = []
    return datetime.fromtimestamp(max(moments, default=0), UTC)
