"""Work handed over to an event loop in another thread."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


def begun_in(
    loop: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, _T]]
) -> concurrent.futures.Future[_T]:
    """Have a loop do some work, and give what will come of it.

    As `asyncio.run_coroutine_threadsafe`, but the coroutine is made in the loop's thread: a Ctrl-C
    comes up in the main thread, where it could fall between the making and the handing over, and
    leave a coroutine that Python complains of.

    Args:
        loop: It runs in another thread.
        work: Makes the coroutine.

    Returns:
        What comes of it; cancelling it cancels the work.
    """
    answer: concurrent.futures.Future[_T] = concurrent.futures.Future()

    def begin() -> None:
        task = loop.create_task(work())
        task.add_done_callback(end)
        answer.add_done_callback(
            lambda _: loop.call_soon_threadsafe(task.cancel) if answer.cancelled() else None
        )

    def end(task: "asyncio.Task[_T]") -> None:
        if task.cancelled():
            answer.cancel()
        error = None if task.cancelled() else task.exception()
        if not answer.set_running_or_notify_cancel():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

    loop.call_soon_threadsafe(begin)
    return answer
