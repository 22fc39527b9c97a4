"""One execution environment: its variables, its log stream, its init phase and its invocations."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from workshop.local_lambda.errors import CodeMissingError, TelemetryNotKeptError
from workshop.local_lambda.log_filter import is_kept
from workshop.local_lambda.log_pipe import Line
from workshop.local_lambda.platform_log import (
    End,
    InitEnd,
    InitStart,
    Moment,
    Outcome,
    Start,
    Tracing,
    billed_duration_ms,
    platform_lines,
)
from workshop.local_lambda.runtime_api import Headers
from workshop.local_lambda.runtime_process import Answer, RuntimeProcess
from workshop.local_lambda.service_segments import (
    Times,
    TraceContext,
    cause_of,
    service_segments,
)
from workshop.local_lambda.telemetry import Telemetry, now_ms
from workshop.local_lambda.watchdog import Watchdog
from workshop.sam.model import Function
from workshop.signals import Invocation, Report, Sink

INIT_SECONDS = 10.0
"""Limit of the init phase; when it is over, the invocation tries again within its own time-out.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
"""

_MIB = 1024 * 1024
_RUNTIME = Path(__file__).with_name("runtime.py")

_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")

RUNTIME_COMMAND = (sys.executable, "-B", "-P", str(_RUNTIME))
"""Our runtime: no bytecode is written beside the code, and its own folder is not importable."""


NOWHERE = "http://127.0.0.1:9"
"""An address on loopback that nobody answers: the discard port."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the function is deployed, as its ARN says, and where its own AWS calls go."""

    region: str
    account_id: str
    endpoint_url: str = NOWHERE

    def function_arn(self, name: str) -> str:
        """Return the ARN of a function."""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{name}"


@dataclass(frozen=True, slots=True)
class Request:
    """One event on its way to a handler.

    Attributes:
        request_id: A UUID.
        payload: JSON.
        trace: The trace it belongs to.
        client_context: JSON without line breaks, or None.
        received: When it came in, in seconds since the epoch.
    """

    request_id: str
    payload: bytes
    trace: TraceContext
    client_context: str | None
    received: float


class Environment:
    """Serves one invocation at a time; its process may be started anew, its log stream stays.

    All methods are called in the event loop.
    """

    def __init__(
        self,
        function: Function,
        account: Account,
        sink: Sink,
        watchdog: Watchdog,
        command: Sequence[str],
        code_version: int,
    ) -> None:
        self.code_version = code_version
        self.idle_since = 0.0
        self.id = os.urandom(16).hex()
        self._function = function
        self._account = account
        self._arn = account.function_arn(function.name)
        self._watchdog = watchdog
        self._command = (*command, function.handler)
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{self.id}"
        self._telemetry = Telemetry(sink, function.log_group, stream)
        self._process: RuntimeProcess | None = None
        self._settled = True

    @property
    def usable(self) -> bool:
        """Whether its process is there to serve another event, done with the last."""
        return self._settled and self._process is not None and not self._process.gone

    async def invoke(self, request: Request) -> Invocation:
        """Serve one event, after an init phase if this is the first.

        Returns:
            The invocation; its telemetry is in the sink.

        Raises:
            EnvironmentStartError: The process could not be started.
            TelemetryNotKeptError: The sink refused the telemetry.
        """
        self._settled = False
        self._telemetry.begin()
        cold = self._process is None
        init, init_times, answer = None, None, None
        if cold:
            begun = time.time()
            init = await self._initialise()
            init_times = (begun, init.done)
        started, duration_ms = time.time(), 0.0
        trace = request.trace
        tracing = (
            Tracing(trace.trace_id, trace.function_id, trace.header) if trace.sampled else None
        )
        init_ms = init.duration_ms if init else None
        if init and init.outcome.status != "success":
            # The invocation does the init phase again, and its own duration tells so.
            init_ms, init_times = None, None
            answer = await self._initialise_again()
            duration_ms = answer.duration_ms
        self._log(Start(request.request_id, tracing))
        if answer is None or answer.outcome.status == "success":
            left_seconds = self._function.timeout_seconds - duration_ms / 1000
            answer = await self._serve(request, left_seconds)
            duration_ms += answer.duration_ms
        times = Times(request.received, init_times, started, answer.responded, answer.done)
        return self._finish(request, answer, times, duration_ms, init_ms, tracing, cold=cold)

    def fail(self, error: Exception) -> bool:
        """End the invocation under way with an error of ours; tell whether there was one to end."""
        return self._process is not None and self._process.fail(error)

    async def retire(self) -> None:
        """End the process, and hand over what it wrote since its last invocation."""
        if self._process:
            await self._process.kill()
        self._telemetry.commit()

    # ------------------------------------------------------------------------------------- phases

    async def _initialise(self) -> Answer:
        self._log(InitStart(self._function, *_runtime_version(self._account.region), self.id))
        process = await self._start()
        seconds = INIT_SECONDS
        answer = await process.initialise(seconds, f"Init timed out after {seconds:.2f} seconds")
        self._log(InitEnd(answer.duration_ms, "init", answer.outcome))
        return answer

    async def _initialise_again(self) -> Answer:
        if self._process:
            await self._process.kill()
        process = await self._start()
        answer = await process.initialise(self._function.timeout_seconds, self._timeout_reason)
        if answer.outcome.status != "success":
            self._log(InitEnd(answer.duration_ms, "invoke", answer.outcome))
        return answer

    async def _start(self) -> RuntimeProcess:
        if not self._function.code_uri.is_dir():
            what = f"the code of {self._function.name} is not there: {self._function.code_uri}"
            raise CodeMissingError(what, "CodeUri in template.yaml")
        process = RuntimeProcess(
            memory_bytes=self._function.memory_mb * _MIB,
            watchdog=self._watchdog,
            on_lines=self._log_lines,
            on_segments=self._telemetry.trace,
        )
        await process.start(self._command, self._function.code_uri, self._variables())
        self._process = process
        return process

    async def _serve(self, request: Request, seconds: float) -> Answer:
        assert self._process is not None  # noqa: S101 - there is one after the init phase; for the type
        headers: Headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", request.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(now_ms() + int(seconds * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self._arn),
            ("Lambda-Runtime-Trace-Id", request.trace.header),
        ]
        if request.client_context is not None:
            headers.append(("Lambda-Runtime-Client-Context", request.client_context))
        return await self._process.serve(
            request.request_id, headers, request.payload, seconds, self._timeout_reason
        )

    @property
    def _timeout_reason(self) -> str:
        return f"Task timed out after {self._function.timeout_seconds:.2f} seconds"

    # ------------------------------------------------------------------------------------ results

    def _finish(
        self,
        request: Request,
        answer: Answer,
        times: Times,
        duration_ms: float,
        init_ms: float | None,
        tracing: Tracing | None,
        *,
        cold: bool,
    ) -> Invocation:
        outcome, payload = answer.outcome, answer.payload
        if payload is None:
            payload = _platform_error(request.request_id, outcome)
        failed = outcome.status != "success"
        peak = self._process.peak_memory_bytes if self._process else 0
        # Ending the process after a time-out is not billed, as AWS's REPORT lines show.
        limit_ms = self._function.timeout_seconds * 1000
        report = Report(
            duration_ms=round(duration_ms, 2),
            billed_duration_ms=billed_duration_ms(min(duration_ms, limit_ms), init_ms),
            memory_size_mb=self._function.memory_mb,
            max_memory_used_mb=min(-(-peak // _MIB), self._function.memory_mb),
            init_duration_ms=None if init_ms is None else round(init_ms, 2),
        )
        self._log(End(request.request_id, outcome, report, len(payload), tracing))
        self._telemetry.trace(
            service_segments(
                request.trace,
                times,
                function_name=self._function.name,
                function_arn=self._arn,
                account_id=self._account.account_id,
                log_group=self._function.log_group,
                request_id=request.request_id,
                failed=failed,
                cause=cause_of(answer.cause),
            )
        )
        invocation = Invocation(
            request_id=request.request_id,
            function_name=self._function.name,
            trace_id=request.trace.trace_id,
            status=outcome.status,
            payload=payload,
            function_error="Unhandled" if failed else None,
            cold_start=cold,
            environment_id=self.id,
            log_events=tuple(self._telemetry.held),
            segments=tuple(
                segment
                for segment in self._telemetry.held_segments
                if segment["trace_id"] == request.trace.trace_id
            ),
            report=report,
            dropped_log_events=self._telemetry.dropped,
        )
        self._settled = True
        try:
            self._telemetry.commit()
        except Exception as refusal:
            raise TelemetryNotKeptError(refusal, invocation) from refusal
        return invocation

    def _log_lines(self, lines: Sequence[Line]) -> None:
        function = self._function
        level = function.application_log_level if function.log_format == "JSON" else None
        for line in lines:
            if level is None or is_kept(line.message, level):
                self._telemetry.log(line.timestamp, line.message)

    def _log(self, moment: Moment) -> None:
        time_ms = now_ms()
        self._telemetry.platform(time_ms, platform_lines(self._function, moment, time_ms))

    def _variables(self) -> dict[str, str]:
        """Return the process's environment: Lambda's own variables and the function's, no others.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        """
        function = self._function
        region = self._account.region
        variables = {
            "_HANDLER": function.handler,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "local",
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self._telemetry.log_stream,
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "LAMBDA_TASK_ROOT": str(function.code_uri),
            "LAMBDA_RUNTIME_DIR": str(_RUNTIME.parent),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
        }
        if function.log_format == "JSON":
            variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
            variables["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level or "INFO"
        # Lambda refuses a template that sets a reserved variable: its own win here.
        own = {
            name: value
            for name, value in function.environment.items()
            if not name.startswith(_ENDPOINT_VARIABLES)
        }
        return {**own, **variables, **self._confinement(), **_time_zone(function)}

    def _confinement(self) -> dict[str, str]:
        """Return what keeps the AWS calls of a handler on loopback, and off a person's own files.

        https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
        """
        return {
            "AWS_ENDPOINT_URL": self._account.endpoint_url,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def _time_zone(function: Function) -> dict[str, str]:
    # TZ is the one of these that a function may set.
    return {"TZ": function.environment["TZ"]} if "TZ" in function.environment else {}


def _platform_error(request_id: str, outcome: Outcome) -> bytes:
    message = outcome.reason or ""
    if outcome.error_type != "Function.ResponseSizeTooLarge":
        message = f"RequestId: {request_id} Error: {message}"
    error = {"errorType": outcome.error_type, "errorMessage": message}
    return json.dumps(error, separators=(",", ":")).encode()


def _runtime_version(region: str) -> tuple[str, str]:
    """Return a version and an ARN in Lambda's form; the patch level stands for its build."""
    major, minor, micro = sys.version_info[:3]
    digest = sha256(sys.version.encode()).hexdigest()
    return f"python:{major}.{minor}.v{micro}", f"arn:aws:lambda:{region}::runtime:{digest}"
