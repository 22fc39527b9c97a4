"""LocalLambda: the service as its callers see it."""

import asyncio
import concurrent.futures
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from workshop.account import ACCOUNT_ID, REGION
from workshop.local_lambda.environment import NOWHERE, RUNTIME_COMMAND, Account, Request
from workshop.local_lambda.errors import (
    InvalidRequestContentError,
    LambdaClosedError,
    RequestTooLargeError,
)
from workshop.local_lambda.hand_over import begun_in
from workshop.local_lambda.pool import Pool
from workshop.local_lambda.service_segments import trace_context
from workshop.sam.model import Function
from workshop.signals import Invocation, Sink

_T = TypeVar("_T")

MAX_REQUEST_BYTES = 6 * 1024 * 1024
"""Largest event of a synchronous invocation.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution
"""


class LocalLambda:
    """One function, served on this machine by execution environments as Lambda runs them.

    Thread-safe. The environments live in an event loop in a thread of its own; close it, or use it
    as a context manager, to end them. They end with this process in any case.

    One thing is simpler than in the service: after a time-out or a crash the next invocation gets a
    new environment with a new log stream, where Lambda would restart the runtime in the old one.

    Args:
        function: What to run, as the template says.
        sink: Called with telemetry, in the loop's thread, before an invocation is acknowledged:
            once at its end, and before that for each few megabytes of a large output.
        max_environments: How many invocations may run at once; the function's reserved concurrency
            lowers it.
        idle_seconds: An environment that has served nothing for so long is retired.
        command: The runtime to start instead of ours, without the handler's name, such as
            `(sys.executable, "-m", "awslambdaric")`.
        region: AWS region to be in.
        account_id: AWS account to be in.
        endpoint_url: Where the function's own AWS calls go; None for where nobody answers. They
            never leave loopback.
    """

    def __init__(
        self,
        function: Function,
        sink: Sink,
        *,
        max_environments: int = 10,
        idle_seconds: float = 300.0,
        command: Sequence[str] | None = None,
        region: str = REGION,
        account_id: str = ACCOUNT_ID,
        endpoint_url: str | None = None,
    ) -> None:
        self.function = function
        self._closed = False
        self._closing: concurrent.futures.Future[None] | None = None
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._tell)
        self._told: set[str] = set()
        self._pool = Pool(
            function,
            Account(region, account_id, endpoint_url or NOWHERE),
            sink,
            max_environments=max_environments,
            idle_seconds=idle_seconds,
            command=command or RUNTIME_COMMAND,
        )
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"lambda {function.name}", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def invoke(
        self, payload: bytes, *, trace_header: str | None = None, client_context: str | None = None
    ) -> Invocation:
        """Invoke the function with one event and wait for what comes of it.

        Args:
            payload: The event, as JSON; empty for `{}`.
            trace_header: An X-Amzn-Trace-Id header, to take part in a trace.
            client_context: The client context, as JSON.

        Returns:
            The invocation; whatever the handler did, it is told there and not raised.

        Raises:
            TooManyRequestsError: Every environment is busy.
            InvalidRequestContentError: The event or the client context is not JSON.
            RequestTooLargeError: The event is larger than 6 MB.
            EnvironmentStartError: The operating system would not start a process.
            TelemetryNotKeptError: The sink refused the telemetry; the invocation is with it.
            LambdaClosedError: This is closed.
        """
        return self.invoke_async(
            payload, trace_header=trace_header, client_context=client_context
        ).result()

    def invoke_async(
        self, payload: bytes, *, trace_header: str | None = None, client_context: str | None = None
    ) -> concurrent.futures.Future[Invocation]:
        """Invoke without waiting; the arguments and the future's errors are those of `invoke`.

        Raises:
            InvalidRequestContentError: At once, as RequestTooLargeError and LambdaClosedError.
        """
        request = self._request(payload, trace_header, client_context)
        return self._run(lambda: self._pool.invoke(request))

    def invoke_together(self, payloads: Sequence[bytes]) -> list[Invocation]:
        """Invoke with several events that come at the same moment, and wait for all.

        None of them is served by an environment that another one has left: as many environments
        start as were not idle before.

        Raises:
            InvalidRequestContentError: As the other errors of `invoke`; the first of them.
        """
        requests = [self._request(payload, None, None) for payload in payloads]

        async def serve() -> list[Invocation]:
            # Each becomes a task, and all have taken their environment before one can end.
            return await asyncio.gather(*(self._pool.invoke(request) for request in requests))

        return self._run(serve).result()

    def _request(
        self, payload: bytes, trace_header: str | None, client_context: str | None
    ) -> Request:
        return Request(
            request_id=str(uuid.uuid4()),
            payload=_checked(payload),
            trace=trace_context(trace_header, tracing=self.function.tracing),
            client_context=_checked_context(client_context),
            received=time.time(),
        )

    def _run(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> concurrent.futures.Future[_T]:
        with self._lock:
            if self._closed:
                what = f"{self.function.name} is closed"
                raise LambdaClosedError(what)
            return begun_in(self._loop, work)

    def _tell(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell of an error of ours in a callback of the loop, which would only log it.

        It fails what is under way. Where nothing is, it is as if a thread had died of it; once,
        since a callback may fail again and again.
        """
        error = context.get("exception") or RuntimeError(context["message"])
        if not self._pool.fail(error) and repr(error) not in self._told:
            died = (type(error), error, error.__traceback__, self._thread)
            threading.excepthook(threading.ExceptHookArgs(died))
        self._told.add(repr(error))

    def close(self) -> None:
        """End all environments, whatever they are doing, and hand their last output to the sink."""
        if self._loop.is_closed():
            return
        try:
            closing = self._end()
        except KeyboardInterrupt:
            self._end()  # it came in the middle: what is being ended has to end all the same
            raise
        closing.result()

    def _end(self) -> concurrent.futures.Future[None]:
        """End the pool, then the loop; called again, go on where it was interrupted."""
        with self._lock:
            self._closed = True
            if self._closing is None:
                self._closing = begun_in(self._loop, self._pool.close)
        concurrent.futures.wait([self._closing])
        with self._lock:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
        return self._closing


def _checked(payload: bytes) -> bytes:
    if len(payload) > MAX_REQUEST_BYTES:
        what = (
            f"{len(payload)} byte payload is too large for the RequestResponse invocation type"
            f" (limit {MAX_REQUEST_BYTES} bytes)"
        )
        raise RequestTooLargeError(what)
    if not payload:
        return b"{}"
    try:
        _DECODER.decode(payload.decode())
    except (ValueError, RecursionError) as error:
        what = f"Could not parse request body into json: {error}"
        raise InvalidRequestContentError(what) from error
    return payload


def _refuse_constant(name: str) -> NoReturn:
    what = f"{name} is not JSON"
    raise ValueError(what)


# json.loads would make one for each event.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _checked_context(text: str | None) -> str | None:
    if text is None:
        return None
    with contextlib.suppress(ValueError, RecursionError):
        value = _DECODER.decode(text)
        if isinstance(value, dict):
            return json.dumps(value)
    what = "Client context must be a valid JSON object"
    raise InvalidRequestContentError(what)
