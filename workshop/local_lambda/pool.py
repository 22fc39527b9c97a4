"""The execution environments of one function: which serves an event, and when one is retired."""

import asyncio
import time
from collections.abc import Sequence

from workshop.local_lambda.code_version import CodeVersion
from workshop.local_lambda.environment import Account, Environment, Request
from workshop.local_lambda.errors import LambdaClosedError, TooManyRequestsError
from workshop.local_lambda.watchdog import Watchdog
from workshop.sam.model import Function
from workshop.signals import Invocation, Sink


class Pool:
    """All but the constructor runs in the event loop."""

    def __init__(
        self,
        function: Function,
        account: Account,
        sink: Sink,
        *,
        max_environments: int,
        idle_seconds: float,
        command: Sequence[str],
    ) -> None:
        self._function = function
        self._account = account
        self._sink = sink
        self._idle_seconds = idle_seconds
        self._command = command
        reserved = function.reserved_concurrency
        self._limit = max_environments if reserved is None else min(reserved, max_environments)
        self._reserved = reserved == self._limit
        self._code = CodeVersion(function.code_uri)
        self._watchdog = Watchdog()
        # Idle environments, the most recently used last.
        self._idle: list[Environment] = []
        self._busy: set[Environment] = set()
        self._work: set[asyncio.Task[Invocation]] = set()
        self._retiring: set[asyncio.Task[None]] = set()
        self._retirement: asyncio.TimerHandle | None = None
        self._failures: list[BaseException] = []
        self._closing = False

    async def invoke(self, request: Request) -> Invocation:
        """Serve an event in the environment used last, or in a new one.

        Raises:
            TooManyRequestsError: Every environment is busy.
            LambdaClosedError: The pool was closed meanwhile.
            CancelledError: The caller has given up; the environment ends.
        """
        environment = self._take()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine of a loop runs in a task; for the type
        self._work.add(task)
        try:
            return await environment.invoke(request)
        except asyncio.CancelledError as error:
            if not self._closing:
                raise
            what = f"{self._function.name} was closed during the invocation"
            raise LambdaClosedError(what) from error
        finally:
            self._work.discard(task)
            self._give_back(environment)

    def fail(self, error: Exception) -> bool:
        """End every invocation under way with an error of ours; tell whether there was any."""
        ended = [environment.fail(error) for environment in self._busy]
        return any(ended)

    async def close(self) -> None:
        """End every environment.

        Raises:
            Exception: What the sink raised for the last output of one that was retired.
        """
        self._closing = True
        if self._retirement:
            self._retirement.cancel()
        for task in self._work:
            task.cancel()
        if self._work:
            await asyncio.wait(self._work)
        for environment in self._idle:
            self._retire(environment)
        self._idle.clear()
        if self._retiring:
            await asyncio.wait(self._retiring)
            await asyncio.sleep(0)  # for the callbacks that take note of failures
        self._watchdog.close()
        if self._failures:
            raise self._failures[0]

    def _take(self) -> Environment:
        version = self._code.current()
        stale = [one for one in self._idle if one.code_version != version or not one.usable]
        for environment in stale:
            self._idle.remove(environment)
            self._retire(environment)
        if self._idle:
            environment = self._idle.pop()
        elif len(self._busy) < self._limit:
            environment = Environment(
                self._function, self._account, self._sink, self._watchdog, self._command, version
            )
        else:
            raise TooManyRequestsError(
                function_name=self._function.name, limit=self._limit, reserved=self._reserved
            )
        self._busy.add(environment)
        return environment

    def _give_back(self, environment: Environment) -> None:
        self._busy.discard(environment)
        if not environment.usable or environment.code_version != self._code.current():
            self._retire(environment)
            return
        environment.idle_since = time.monotonic()
        self._idle.append(environment)
        if self._retirement is None:
            self._schedule_retirement()

    def _schedule_retirement(self) -> None:
        self._retirement = None
        if self._idle:
            due = self._idle[0].idle_since + self._idle_seconds - time.monotonic()
            loop = asyncio.get_running_loop()
            self._retirement = loop.call_later(max(due, 0), self._retire_idle)

    def _retire_idle(self) -> None:
        now = time.monotonic()
        while self._idle and now - self._idle[0].idle_since >= self._idle_seconds:
            self._retire(self._idle.pop(0))
        self._schedule_retirement()

    def _retire(self, environment: Environment) -> None:
        task = asyncio.create_task(environment.retire())
        self._retiring.add(task)
        task.add_done_callback(self._retired)

    def _retired(self, task: asyncio.Task[None]) -> None:
        self._retiring.discard(task)
        failure = task.exception()
        if failure:
            self._failures.append(failure)
