"""The lab: a template in, invocations and their telemetry out.

One object wires the floors below. Tests and `workshop check` use it in process; nothing here
prints, and nothing here knows of steps or of HTTP.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Lock, Semaphore
from typing import Protocol, Self

from workshop import loopback
from workshop.local_lambda import LocalLambda
from workshop.sam import Template, load_template
from workshop.signals import Invocation, LogEvent, SegmentDocument


class Keeper(Protocol):
    """Keeps telemetry, as `workshop.store.Store` does."""

    def append(
        self, log_events: Sequence[LogEvent], segments: Sequence[SegmentDocument] = (), /
    ) -> None:
        """Keep a batch; on return it is kept."""


def _discard(log_events: Sequence[LogEvent], segments: Sequence[SegmentDocument]) -> None:
    """Keep nothing: the telemetry of a lab without a store is on its invocations alone."""


class Lab:
    """The functions of one template, run in the local Lambda.

    Each function's execution environments start on its first event, as in Lambda, and end with
    the lab. Use it as a context manager, so that no process is left behind.
    """

    def __init__(
        self, template: Template, *, store: Keeper | None = None, endpoint_url: str | None = None
    ) -> None:
        """Make a lab; nothing is started yet.

        Args:
            template: A loaded `template.yaml`.
            store: Where telemetry is kept. Without one it is on the invocations alone. The lab
                does not close it.
            endpoint_url: Where the functions' own AWS calls go; None for where nobody answers.
        """
        self.template = template
        self._endpoint_url = endpoint_url
        self._sink = _discard if store is None else store.append
        self._lambdas: dict[str, LocalLambda] = {}
        self._lock = Lock()
        self._closed = False

    @classmethod
    def open(
        cls,
        template: Path,
        *,
        store: Keeper | None = None,
        parameters: Mapping[str, str] | None = None,
        endpoint_url: str | None = None,
    ) -> Self:
        """Load a template and make a lab of it.

        Raises:
            TemplateError: The template cannot be read, with the place in the file.
        """
        return cls(load_template(template, parameters), store=store, endpoint_url=endpoint_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def invoke(
        self,
        event: object,
        function: str | None = None,
        *,
        trace_header: str | None = None,
        client_context: str | None = None,
    ) -> Invocation:
        """Send one event and wait for what comes of it.

        Args:
            event: What `json.dumps` takes, or the payload itself as bytes.
            function: The function's name or logical id; None when the template has one function.
            trace_header: An X-Amzn-Trace-Id header, to take part in a trace.
            client_context: The client context, as JSON.

        Raises:
            TooManyRequestsError: Every execution environment is busy and no more are allowed.
            InvalidRequestContentError: The payload is not JSON.
            RequestTooLargeError: The payload is over the limit of a synchronous invocation.
            TelemetryNotKeptError: The store refused the telemetry; the invocation is with it.
            LoopbackError: No function could reach its runtime on this machine.
        """
        return self._lambda(function).invoke(
            _payload(event), trace_header=trace_header, client_context=client_context
        )

    def invoke_async(
        self, event: object, function: str | None = None, *, trace_header: str | None = None
    ) -> Future[Invocation]:
        """Send one event without waiting; the arguments and the errors are those of `invoke`."""
        return self._lambda(function).invoke_async(_payload(event), trace_header=trace_header)

    def invoke_many(
        self, events: Iterable[object], function: str | None = None, *, concurrency: int = 10
    ) -> Iterator[Invocation]:
        """Send events, so many at a time; yield what comes of them in the order sent.

        Args:
            events: Taken one by one, as there is room.
            function: As in `invoke`.
            concurrency: How many invocations run at once, at most; as many execution
                environments come to be.
        """
        target = self._lambda(function)
        free = Semaphore(concurrency)
        under_way: deque[Future[Invocation]] = deque()
        for event in events:
            free.acquire()
            future = target.invoke_async(_payload(event))
            future.add_done_callback(lambda _: free.release())
            under_way.append(future)
            while under_way and under_way[0].done():
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def invoke_together(
        self, events: Sequence[object], function: str | None = None
    ) -> list[Invocation]:
        """Send events at the same moment, and wait for what comes of all, in the order sent.

        None is served by an execution environment that another one has left: where as many are
        not idle, further ones start. The arguments and the errors are those of `invoke`.
        """
        return self._lambda(function).invoke_together([_payload(event) for event in events])

    def renew(self) -> None:
        """End every execution environment, as a deployment does; the next event starts a new one.

        Not while events are under way: those would be cut short.
        """
        with self._lock:
            ended = dict(self._lambdas)
        for local_lambda in ended.values():
            local_lambda.close()
        with self._lock:
            for name in ended:
                self._lambdas.pop(name, None)

    def close(self) -> None:
        """End every execution environment and whatever it started; safe to call twice."""
        with self._lock:
            self._closed = True
            lambdas = list(self._lambdas.values())
            self._lambdas.clear()
        for local_lambda in lambdas:
            local_lambda.close()

    def _lambda(self, name: str | None) -> LocalLambda:
        function = self.template.function(name)
        with self._lock:
            if self._closed:
                message = "the lab is closed"
                raise RuntimeError(message)
            if not self._lambdas:
                # A runtime that cannot be reached ends as a handler that calls sys.exit does.
                loopback.require()
            if function.logical_id not in self._lambdas:
                self._lambdas[function.logical_id] = LocalLambda(
                    function, self._sink, endpoint_url=self._endpoint_url
                )
            return self._lambdas[function.logical_id]


def _payload(event: object) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()
