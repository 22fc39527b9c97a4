"""The Python runtime of a local execution environment: it runs in the child process, as a script.

It does what AWS's runtime client (`awslambdaric`) does and leaves the same behind; the
conformance suite runs both side by side. Two things it does differently, for speed:

- It speaks HTTP over a bare socket: `http.client` alone costs a tenth of a cold start.
- It sends a small answer and the request for the next event in one packet: one round trip less.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

It imports nothing of the workshop and little else: a handler finds imported what it imports.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import socket
import sys
import time

TYPE_CHECKING = False  # what type checkers read; `typing` itself takes longer to import than `json`
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, NoReturn

_API = "/2018-06-01/runtime"
_PIPELINED_BYTES = 1 << 16
_MAX_HEADER_BYTES = 1 << 20

# Runtimes from 3.12 on leave Unicode as it is in what they serialise.
_ASCII_ONLY = os.environ.get("AWS_EXECUTION_ENV") in {
    f"AWS_Lambda_python3.{minor}" for minor in range(6, 12)
}

_INIT_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. "
    "However, in rare cases, a Lambda runtime update can cause unexpected function behavior. "
    "For functions using managed runtimes, runtime updates can be triggered by a function change, "
    "or can be applied automatically. To determine if the runtime has been updated, check the "
    "runtime version in the INIT_START log entry. If this error correlates with a change in the "
    "runtime version, you may be able to mitigate this error by temporarily rolling back to the "
    "previous runtime version. For more information, see "
    "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html\r"
)


class RuntimeFault(Exception):  # noqa: N818 - the runtime's own word for it
    """An error that the runtime names itself, such as `Runtime.ImportModuleError`."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.trace = trace or []


# ---------------------------------------------------------------------------------------- the API


class RuntimeApi:
    """A client of the Runtime API over one connection that is kept open."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host = f"Host: {address}\r\n"
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""
        self._next_asked = False
        self._next = f"GET {_API}/invocation/next HTTP/1.1\r\n{self._host}\r\n".encode()

    def next(self) -> tuple[dict[str, str], bytes]:
        """Wait for the next event; return its headers, names in lower case, and its body."""
        if not self._next_asked:
            self._socket.sendall(self._next)
        self._next_asked = False
        _, headers, body = self._read()
        return headers, body

    def answer(self, path: str, body: bytes, headers: str = "", *, last: bool = False) -> None:
        """Post to `path`; ask for the next event in the same breath unless this is the `last`."""
        request = (
            f"POST {_API}/{path} HTTP/1.1\r\n{self._host}"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        ).encode() + body
        if not last and len(body) <= _PIPELINED_BYTES:
            request += self._next
            self._next_asked = True
        self._socket.sendall(request)
        status, _, answer = self._read()
        if status != "202":
            what = f"Failed to post handler success response. Http response code: {status}."
            sys.stderr.write(
                f"[ERROR] [{time.time_ns() // 10**6}] LAMBDA_RUNTIME {what} {answer.decode()}\n"
            )
            msg = "Failed to post invocation response"
            raise RuntimeError(msg)

    def _read(self) -> tuple[str, dict[str, str], bytes]:
        data = self._unread
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        status_line, *lines = data[:end].decode("utf-8").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        parts = [data[end + 4 :]]
        missing = int(headers["content-length"]) - len(parts[0])
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        body = b"".join(parts)
        cut = len(body) + missing if missing < 0 else len(body)
        self._unread = body[cut:]
        return status_line.split(" ", 2)[1], headers, body[:cut]

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 18)
        if not data:
            # The lab is gone: there is nobody to tell.
            os._exit(0)
        return data


# ------------------------------------------------------------------------------------------- logs


class WriteThrough:
    """stdout and stderr as in Lambda: what is written is there at once, a half line too."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - any text stream
        self._stream = stream

    def write(self, text: str) -> int:
        """Write and flush."""
        count: int = self._stream.write(text)
        self._stream.flush()
        return count

    def writelines(self, lines: Any) -> None:  # noqa: ANN401 - any iterable, as the stream takes it
        """Write all lines and flush."""
        self._stream.writelines(lines)
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the stream's own
        return getattr(self._stream, name)


class FramedLog:
    """Writes log records as frames, so that a record of many lines is one log event."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor

    def log(self, message: str, level: int = logging.NOTSET, *, as_json: bool = False) -> None:
        """Write one frame; `level` is a level of `logging`."""
        # 0xa55a00 and a byte of level and form: bit 0 is text, bit 1 is always set.
        kind = 0 if level <= logging.NOTSET else min(level, logging.CRITICAL) // 10 + 1
        head = bytes((0xA5, 0x5A, 0x00, kind << 2 | (2 if as_json else 3)))
        body = message.encode()
        stamp = time.time_ns() // 1000
        data = head + len(body).to_bytes(4, "big") + stamp.to_bytes(8, "big") + body
        while data:
            data = data[os.write(self._descriptor, data) :]


class LambdaLogHandler(logging.Handler):
    """The root logger's handler."""

    def __init__(self, log_sink: FramedLog, *, as_json: bool, levelled: bool) -> None:
        super().__init__()
        self.log_sink = log_sink
        self._as_json = as_json
        self._levelled = levelled

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a frame."""
        message = self.format(record)
        level = record.levelno if self._levelled else logging.NOTSET
        self.log_sink.log(message, level, as_json=self._as_json)


class RequestIdFilter(logging.Filter):
    """Gives each record the id of the request it belongs to."""

    request_id = ""
    tenant_id: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Set `aws_request_id` and `tenant_id`; keep the record."""
        record.aws_request_id = self.request_id
        record.tenant_id = self.tenant_id
        return True


class JsonFormatter(logging.Formatter):
    """Log records as JSON, where LoggingConfig asks for it.

    https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html#python-logging-advanced
    """

    _own = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "tenant_id", "message"}

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object: the documented keys, then what the caller added as `extra`."""
        record.levelno = _known_level(record.levelno)
        record.levelname = logging.getLevelName(record.levelno)
        structured = isinstance(record.msg, dict) and not record.args
        fields: dict[str, Any] = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "message": record.msg if structured else record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            import traceback

            kind, value, trace = record.exc_info
            fields["stackTrace"] = traceback.format_tb(trace)
            fields["errorType"] = kind.__name__ if kind else None
            fields["errorMessage"] = str(value)
        fields["requestId"] = getattr(record, "aws_request_id", None)
        if record.exc_info:
            fields["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        tenant_id = getattr(record, "tenant_id", None)
        if tenant_id is not None:
            fields["tenantId"] = tenant_id
        for key, value in vars(record).items():
            if key not in self._own and key not in fields:
                fields[key] = value
        kept = {key: value for key, value in fields.items() if value is not None}
        return json.dumps(kept, ensure_ascii=False, default=str) + "\n"


def _known_level(level: int) -> int:
    return min(50, max(0, level)) // 10 * 10


def set_up_logging(log_sink: FramedLog, request_ids: RequestIdFilter) -> None:
    """Give the root logger Lambda's handler, format and level."""
    as_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
    logging.Formatter.converter = time.gmtime
    handler = LambdaLogHandler(log_sink, as_json=as_json, levelled=as_json or bool(level))
    if as_json:
        handler.setFormatter(JsonFormatter())
    else:
        form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(request_ids)
    root = logging.getLogger()
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)
    root.addHandler(handler)


# ---------------------------------------------------------------------------------------- context


class _Fields:
    """An object with the given attributes, None where the source has none."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, source: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, source.get(name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{_listing(self, self.__slots__)}])"


def _listing(of: object, names: tuple[str, ...]) -> str:
    return ",".join(f"{name}={getattr(of, name)}" for name in names)


class CognitoIdentity(_Fields):
    """Who called through a mobile SDK; always empty here."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")
    cognito_identity_id: str | None
    cognito_identity_pool_id: str | None


class Client(_Fields):
    """The calling mobile application."""

    __slots__ = (  # noqa: RUF023 - the order in which they are shown
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Fields):
    """What the caller sent as client context."""

    __slots__ = ("custom", "env", "client")  # noqa: RUF023 - the order in which they are shown
    client: Any

    def __init__(self, source: dict[str, Any]) -> None:
        super().__init__(source)
        if self.client is not None:
            self.client = Client(self.client)


class LambdaContext:
    """The context object: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    def __init__(self, headers: dict[str, str], log_sink: FramedLog) -> None:
        environment = os.environ.get
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = environment("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environment("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environment("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environment("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        client = _json_header(headers.get("lambda-runtime-client-context"), "Client Context")
        w3c = client.pop("w3c", None) if isinstance(client, dict) else None
        self._w3c = {
            key: w3c[key]
            for key in ("traceparent", "tracestate", "baggage")
            if isinstance(w3c, dict) and isinstance(w3c.get(key), str)
        }
        self.client_context = None if client is None else ClientContext(client)
        cognito = _json_header(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity")
        self.identity = CognitoIdentity({})
        if cognito is not None:
            self.identity.cognito_identity_id = cognito.get("cognitoIdentityId")
            self.identity.cognito_identity_pool_id = cognito.get("cognitoIdentityPoolId")
        self._deadline_ms = int(headers["lambda-runtime-deadline-ms"])
        self._log_sink = log_sink

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the time-out."""
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def w3c(self) -> dict[str, str]:
        """Return the W3C trace context that the caller sent."""
        return dict(self._w3c)

    def log(self, message: object) -> None:
        """Write a message to the function's log."""
        self._log_sink.log(str(message))

    def __repr__(self) -> str:
        names = (
            "aws_request_id",
            "log_group_name",
            "log_stream_name",
            "function_name",
            "memory_limit_in_mb",
            "function_version",
            "invoked_function_arn",
            "client_context",
            "identity",
            "tenant_id",
        )
        return f"LambdaContext([{_listing(self, names)}])"


def _json_header(text: str | None, name: str) -> Any:  # noqa: ANN401 - any JSON value
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        kind = "Runtime.LambdaContextUnmarshalError"
        raise RuntimeFault(kind, f"Unable to parse {name} JSON: {error}") from error


# ------------------------------------------------------------------------------------------- JSON


class _Encoder(json.JSONEncoder):
    """JSON as AWS's client has it: decimals are numbers, bytes text, named tuples objects."""

    def __init__(self) -> None:
        super().__init__(ensure_ascii=_ASCII_ONLY)
        self._decimal_mark = ""

    def default(self, value: Any) -> Any:  # noqa: ANN401 - whatever a handler returns
        decimal = sys.modules.get("decimal")
        if decimal and isinstance(value, decimal.Decimal):
            if value.is_nan():
                return float("nan")
            # The standard encoder writes no number of ours: mark it, and take the quotes off later.
            self._decimal_mark = self._decimal_mark or os.urandom(16).hex()
            return f"{self._decimal_mark}{value}"
        if isinstance(value, bytes):
            return value.decode()
        if callable(getattr(value, "_asdict", None)):
            return value._asdict()
        # Not by `super()`: a handler that patches the standard encoder has not patched Lambda's.
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

    def encode(self, value: Any) -> str:  # noqa: ANN401 - whatever a handler returns
        text = super().encode(value)
        if _holds_named_tuple(value):
            text = super().encode(_without_named_tuples(value))
        if self._decimal_mark:
            text = re.sub(f'"{self._decimal_mark}([^"]*)"', r"\1", text)
            self._decimal_mark = ""
        return text


def _holds_named_tuple(value: object) -> bool:
    # Not by recursion: what is nested as deeply as can be written would be too deep for that.
    held = [value]
    while held:
        value = held.pop()
        if isinstance(value, dict):
            held.extend(value.values())
        elif isinstance(value, list | tuple):
            if hasattr(value, "_asdict"):
                return True
            held.extend(value)
    return False


def _without_named_tuples(value: Any) -> Any:  # noqa: ANN401 - any value
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _without_named_tuples(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_named_tuples(item) for item in value]
    return value


# ----------------------------------------------------------------------------------------- errors


def _error(kind: str, message: str, trace: list[str], request_id: str = "") -> dict[str, Any]:
    return {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": trace,
    }


def _raised(
    error: BaseException, trace: TracebackType | None, request_id: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the error object and the X-Ray cause of what the function's code raised."""
    import traceback

    # Without columns: Lambda's stack traces have no markers below the source lines.
    frames = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line)
        for frame in traceback.extract_tb(trace)
    ]
    theirs = (index for index, frame in enumerate(frames) if frame[0] != __file__)
    frames = frames[next(theirs, 0) :]
    kind = type(error).__name__
    stack = [{"label": name, "path": file, "line": line} for file, line, name, _ in frames]
    return (
        _error(kind, str(error), traceback.format_list(frames), request_id),
        _cause(kind, str(error), stack),
    )


def _cause(kind: str, message: str, stack: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "working_directory": os.getcwd(),  # noqa: PTH109 - pathlib would be imported for this alone
        "exceptions": [{"message": message, "type": kind, "stack": stack}],
        "paths": sorted({frame["path"] for frame in stack}),
    }


def log_error(error: dict[str, Any], log_sink: FramedLog, encoder: _Encoder) -> None:
    """Log an error object as the runtime does, in the form that LoggingConfig asks for."""
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        message = encoder.encode({"timestamp": stamp, "level": "ERROR", **error})
        log_sink.log(message, logging.ERROR, as_json=True)
        return
    kind, message = error["errorType"], error["errorMessage"]
    lines = [f"[ERROR] {kind}" + (f": {message}" if message else "")]
    lines.append("Traceback (most recent call last):")
    for entry in error["stackTrace"]:
        for line in entry.splitlines() or [""]:
            text = line.lstrip(" ")
            # No-break spaces: CloudWatch cuts ordinary ones.
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    log_sink.log("\n".join(lines), logging.ERROR)


# ------------------------------------------------------------------------------------------- main


def load_handler(name: str) -> Any:  # noqa: ANN401 - whatever the module holds under that name
    """Import the handler's module and return the handler, `module.function`.

    Raises:
        RuntimeFault: With the error types that AWS's client has for each cause.
    """
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        detail = "not enough values to unpack (expected 2, got 1)"
        raise RuntimeFault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {detail}")
    if module_name.split(".")[0] in sys.builtin_module_names:
        detail = f"Cannot use built-in module {module_name} as a handler module"
        raise RuntimeFault("Runtime.BuiltInModuleConflict", detail)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        detail = f"Unable to import module '{module_name}': {error}"
        raise RuntimeFault("Runtime.ImportModuleError", detail) from error
    except SyntaxError as error:
        detail = f"Syntax error in module '{module_name}': {error}"
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise RuntimeFault("Runtime.UserCodeSyntaxError", detail, trace) from error
    try:
        return getattr(module, function_name)
    except AttributeError as error:
        detail = f"Handler '{function_name}' missing on module '{module_name}'"
        raise RuntimeFault("Runtime.HandlerNotFound", detail) from error


def main(handler_name: str) -> NoReturn:
    """Initialise the function, then serve events until the process is ended."""
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    sys.stdout = WriteThrough(sys.stdout)
    sys.stderr = WriteThrough(sys.stderr)
    log_sink = FramedLog(int(os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD")))
    request_ids = RequestIdFilter()
    set_up_logging(log_sink, request_ids)
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    encoder = _Encoder()
    error = None
    try:
        handler = load_handler(handler_name)
    except RuntimeFault as fault:
        error = _error(fault.error_type, str(fault), fault.trace)
    except Exception as raised:  # noqa: BLE001 - the function's code may raise anything
        error, _ = _raised(raised, raised.__traceback__)
    if error is not None:
        logging.warning(_INIT_WARNING)  # noqa: LOG015 - the runtime logs there
        log_error(error, log_sink, encoder)
        kind = f"Lambda-Runtime-Function-Error-Type: {error['errorType']}\r\n"
        api.answer("init/error", encoder.encode(error).encode(), kind, last=True)
        sys.exit(1)
    while True:
        headers, body = api.next()
        # What the handler was given and made is gone by then: its last words, such as "coroutine
        # was never awaited", belong to this event, and the answer asks for the next.
        api.answer(*serve(handler, headers, body, log_sink, request_ids, encoder))


def serve(
    handler: Any,  # noqa: ANN401 - anything; calling it tells
    headers: dict[str, str],
    body: bytes,
    log_sink: FramedLog,
    request_ids: RequestIdFilter,
    encoder: _Encoder,
) -> tuple[str, bytes, str]:
    """Call the handler with one event.

    Returns:
        Where to post its response, or its error; that; and the headers to post it with.
    """
    request_id = request_ids.request_id = headers["lambda-runtime-aws-request-id"]
    request_ids.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
    os.environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
    try:
        context = LambdaContext(headers, log_sink)
        event = json.loads(body)
        result = handler(event, context)
        kind = "Content-Type: application/json\r\n"
        if isinstance(result, bytes):
            response: str | bytes = result
            kind = "Content-Type: application/unknown\r\n"
        else:
            response = _marshal(encoder, result)
    except RuntimeFault as fault:
        error = _error(fault.error_type, str(fault), fault.trace, request_id)
        cause = _cause("LambdaValidationError", str(fault), [])
    except Exception as raised:  # noqa: BLE001 - the function's code may raise anything
        error, cause = _raised(raised, raised.__traceback__, request_id)
    else:
        response = response if isinstance(response, bytes) else response.encode()
        return f"invocation/{request_id}/response", response, kind
    log_error(error, log_sink, encoder)
    cause_text = json.dumps(cause)
    header = ""
    if len(cause_text) < _MAX_HEADER_BYTES:
        header = f"Lambda-Runtime-Function-XRay-Error-Cause: {cause_text}\r\n"
    header += "Content-Type: application/json\r\n"
    return f"invocation/{request_id}/error", encoder.encode(error).encode(), header


def _marshal(encoder: _Encoder, result: object) -> str:
    try:
        return encoder.encode(result)
    except Exception as error:
        detail = f"Unable to marshal response: {error}"
        raise RuntimeFault("Runtime.MarshalError", detail) from error


if __name__ == "__main__":
    main(sys.argv[1])
