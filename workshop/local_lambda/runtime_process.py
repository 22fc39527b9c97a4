"""One child process that runs a function, and the sockets and the pipe that it is connected by."""

import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workshop.local_lambda.errors import EnvironmentStartError
from workshop.local_lambda.log_pipe import Line, LogParser
from workshop.local_lambda.memory import MemoryGauge
from workshop.local_lambda.platform_log import Outcome
from workshop.local_lambda.runtime_api import MAX_RESPONSE_BYTES, Headers, RuntimeApi
from workshop.local_lambda.watchdog import Watchdog
from workshop.local_lambda.xray_daemon import XRayDaemon
from workshop.signals import SegmentDocument

_PIPE_BYTES = 1 << 20
_READ_BYTES = 1 << 18
_TICK_SECONDS = 0.02
_KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one event, or of the init phase.

    Attributes:
        outcome: What the platform makes of it.
        payload: The response; the error object when the handler raised or init failed; None when
            the platform has to say it.
        cause: The X-Ray cause of what was raised, as JSON.
        responded: When the runtime answered, in seconds since the epoch.
        done: When it was ready for the next event, or gone.
        duration_ms: From handing the event over to `done`.
    """

    outcome: Outcome
    payload: bytes | None
    cause: str | None
    responded: float
    done: float
    duration_ms: float


@dataclass(slots=True)
class _Reply:
    outcome: Outcome
    payload: bytes | None = None
    cause: str | None = None
    time: float = field(default_factory=time.time)


class RuntimeProcess:
    """A runtime from its start to its end; at most one event at a time.

    All methods are called in the event loop.
    """

    def __init__(
        self,
        *,
        memory_bytes: int,
        watchdog: Watchdog,
        on_lines: Callable[[Sequence[Line]], None],
        on_segments: Callable[[Sequence[SegmentDocument]], None],
    ) -> None:
        self.gone = False
        self._memory_bytes = memory_bytes
        self._watchdog = watchdog
        self._on_lines = on_lines
        self._on_segments = on_segments
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(self)
        self._daemon = XRayDaemon()
        self._parser = LogParser()
        self._pipe = -1
        self._gauge: MemoryGauge | None = None
        self._ended = self._loop.create_future()
        self._phase_over: asyncio.Future[None] | None = None
        self._killed: Outcome | None = None
        self._exit: Outcome | None = None
        self._begun = 0.0
        self._deadline = 0.0
        self._timeout_reason = ""
        self._request_id: str | None = None
        self._reply: _Reply | None = None
        self._ticking: asyncio.TimerHandle | None = None

    @property
    def peak_memory_bytes(self) -> int:
        """Most memory that the process and its children have used so far."""
        return self._gauge.peak() if self._gauge else 0

    # ---------------------------------------------------------------------------------- its life

    async def start(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        """Start the child; the addresses that it needs are added to its environment.

        Raises:
            EnvironmentStartError: The operating system refused.
        """
        try:
            await self._api.open()
            self._spawn(command, folder, environment)
        except asyncio.CancelledError:
            self._close()
            raise
        except OSError as error:
            self._close()
            what = f"an execution environment could not be started: {error}"
            raise EnvironmentStartError(what) from error

    def _spawn(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._pipe, stdout = os.pipe()
        frames = os.dup(stdout)
        try:
            os.set_blocking(self._pipe, False)
            if hasattr(fcntl, "F_SETPIPE_SZ"):
                # Beyond the system's limit it stays as it is, which is only slower.
                with contextlib.suppress(OSError):
                    fcntl.fcntl(stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            # Not after: while this process waits for a core, the child may be through its init.
            self._begun = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={
                    **environment,
                    "AWS_LAMBDA_RUNTIME_API": self._api.address,
                    "AWS_XRAY_DAEMON_ADDRESS": self._daemon.address,
                    "_LAMBDA_TELEMETRY_LOG_FD": str(frames),
                },
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stdout,
                pass_fds=(frames,),
                # A group of its own: it can be frozen and killed whole, and Ctrl-C passes it by.
                # The same session: the kernel hangs up on stopped groups whose parent is gone.
                process_group=0,
            )
        finally:
            os.close(stdout)
            os.close(frames)
        self._process = process
        self._watchdog.begun(process.pid, self._api.address)
        self._gauge = MemoryGauge(process.pid)
        self._loop.add_reader(self._pipe, self._read_pipe)
        self._loop.add_reader(self._daemon.fileno(), self._read_segments)
        threading.Thread(target=self._wait, name=f"wait for {process.pid}", daemon=True).start()

    def _wait(self) -> None:
        """Wait for the child in a thread of its own: end its whole group, then let go of its id."""
        pid = self._process.pid
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            _kill_group(pid)
        status = self._process.wait()
        if not hasattr(os, "waitid"):
            _kill_group(pid)
        _kill_strays(self._api.address)
        self._watchdog.ended(pid, self._api.address)
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._exited, status)

    def _exited(self, status: int) -> None:
        self._exit = Outcome("error", "Runtime.ExitError", _exit_reason(status))
        self._drain()
        self._on_lines(self._parser.flush())
        self.gone = True
        self._close()
        if not self._ended.done():
            self._ended.set_result(None)
        self._end_phase()

    def _close(self) -> None:
        if self._pipe >= 0:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
        if self._daemon.fileno() >= 0:
            self._loop.remove_reader(self._daemon.fileno())
            self._daemon.close()
        if self._gauge:
            self._gauge.close()
        self._api.close()

    async def kill(self) -> None:
        """Kill the child and all that it started; return when they are gone."""
        self._kill(
            Outcome("error", "Runtime.ExitError", "Runtime exited with error: signal: killed")
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._ended), _KILL_SECONDS)

    def _kill(self, outcome: Outcome) -> None:
        if not self.gone:
            self._killed = self._killed or outcome
            _kill_group(self._process.pid)

    def freeze(self) -> None:
        """Stop the child and all that it started, threads too, until the next event."""
        self._signal(signal.SIGSTOP)

    def _signal(self, number: int) -> None:
        if not self.gone:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    # -------------------------------------------------------------------------------- its phases

    async def initialise(self, limit_seconds: float, timeout_reason: str) -> Answer:
        """Wait until the runtime asks for its first event, or fails to."""
        self._request_id = None
        return await self._phase(limit_seconds, timeout_reason, self._begun)

    async def serve(
        self,
        request_id: str,
        headers: Headers,
        body: bytes,
        limit_seconds: float,
        timeout_reason: str,
    ) -> Answer:
        """Hand an event over and wait until the runtime asks for the next."""
        self._request_id = request_id
        started = time.perf_counter()
        with contextlib.suppress(ConnectionError):
            # A runtime that is gone is told by its exit.
            self._api.send_event(headers, body)
        # After the event: the runtime wakes once, and finds it.
        self._signal(signal.SIGCONT)
        return await self._phase(limit_seconds, timeout_reason, started)

    async def _phase(self, limit_seconds: float, timeout_reason: str, started: float) -> Answer:
        self._reply = None
        self._deadline = started + limit_seconds
        self._timeout_reason = timeout_reason
        self._phase_over = self._loop.create_future()
        self._ticking = self._loop.call_later(min(_TICK_SECONDS, limit_seconds), self._tick)
        try:
            if not self.gone:
                await self._phase_over
        finally:
            self._ticking.cancel()
            self._phase_over = None
        reply = self._reply
        if self._killed or reply is None:
            reply = _Reply(self._killed or self._exit or Outcome())
        duration_ms = (time.perf_counter() - started) * 1000
        return Answer(
            reply.outcome, reply.payload, reply.cause, reply.time, time.time(), duration_ms
        )

    def fail(self, error: Exception) -> bool:
        """End the phase under way with an error of ours; tell whether there was one to end."""
        if self._phase_over is None or self._phase_over.done():
            return False
        self._phase_over.set_exception(error)
        return True

    def _end_phase(self) -> None:
        if self._phase_over and not self._phase_over.done():
            self._phase_over.set_result(None)

    def _tick(self) -> None:
        now = time.perf_counter()
        if now >= self._deadline:
            self._kill(Outcome("timeout", "Sandbox.Timedout", self._timeout_reason))
            return
        if self._gauge and self._gauge.sample() > self._memory_bytes:
            self._out_of_memory()
            return
        rest = min(_TICK_SECONDS, self._deadline - now)
        self._ticking = self._loop.call_later(rest, self._tick)

    def _out_of_memory(self) -> None:
        reason = "Runtime exited with error: signal: killed"
        self._kill(Outcome("error", "Runtime.OutOfMemory", reason))

    # ---------------------------------------------------------------------- what the runtime says

    def next_asked(self) -> None:
        """The runtime is ready for an event: the phase is over."""
        if not self._request_id:
            self._check_memory()
        if self._killed or (self._request_id and not self._reply):
            return
        self._drain()
        self._on_lines(self._parser.flush())
        self.freeze()
        self._end_phase()

    def answered(self, request_id: str, body: bytes | None) -> bool:
        """The handler returned."""
        if request_id != self._request_id or self._reply:
            return False
        outcome = Outcome()
        if body is None:
            reason = (
                "Response payload size exceeded maximum allowed payload size"
                f" ({MAX_RESPONSE_BYTES} bytes)."
            )
            outcome = Outcome("error", "Function.ResponseSizeTooLarge", reason)
        self._reply = _Reply(outcome, body)
        self._check_memory()
        return True

    def raised(self, request_id: str, body: bytes, cause: str | None) -> bool:
        """The handler raised."""
        if request_id != self._request_id or self._reply:
            return False
        self._reply = _Reply(Outcome("error"), body, cause)
        self._check_memory()
        return True

    def init_failed(self, body: bytes, error_type: str) -> None:
        """The runtime could not load the handler; it exits now."""
        self._reply = _Reply(Outcome("error", error_type), body)

    def _check_memory(self) -> None:
        if self._gauge and self._gauge.peak() > self._memory_bytes:
            self._out_of_memory()

    # ---------------------------------------------------------------------------------- telemetry

    def _read_pipe(self) -> None:
        try:
            data = os.read(self._pipe, _READ_BYTES)
        except BlockingIOError:
            return
        if data:
            self._on_lines(self._parser.feed(data))
        else:
            self._loop.remove_reader(self._pipe)

    def _drain(self) -> None:
        """Take in all that was written before now: what comes after must not keep us for ever."""
        left = _PIPE_BYTES
        while left > 0 and self._pipe >= 0:
            try:
                data = os.read(self._pipe, _READ_BYTES)
            except BlockingIOError:
                break
            if not data:
                self._loop.remove_reader(self._pipe)
                break
            left -= len(data)
            self._on_lines(self._parser.feed(data))
        self._read_segments()

    def _read_segments(self) -> None:
        documents = self._daemon.drain()
        if documents:
            self._on_segments(documents)


def _exit_reason(status: int) -> str:
    """Return how the service words the end of a runtime.

    https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
    """
    if status == 0:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    # macOS adds the number after a colon.
    word = (signal.strsignal(-status) or f"signal {-status}").partition(":")[0]
    return f"Runtime exited with error: signal: {word.lower()}"


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _kill_strays(address: str) -> None:
    """Kill what has left the group and still has the environment's address (Linux alone)."""
    mark = f"AWS_LAMBDA_RUNTIME_API={address}\0".encode()
    for variables in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in variables.read_bytes():
                os.kill(int(variables.parent.name), signal.SIGKILL)
