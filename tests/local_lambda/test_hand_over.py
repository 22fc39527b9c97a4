"""Work handed over to an event loop in another thread."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest

from workshop.local_lambda.hand_over import begun_in


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever, name="the loop")
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()
    running.close()


def test_the_coroutine_is_made_where_no_ctrl_c_comes_up(loop):
    made_in = []

    async def work() -> str:
        return "done"

    def make():
        made_in.append(threading.current_thread().name)
        return work()

    assert begun_in(loop, make).result(30) == "done"
    assert made_in == ["the loop"]


def test_what_the_work_raises_is_raised(loop):
    async def work() -> None:
        raise ValueError("out of order")

    with pytest.raises(ValueError, match="out of order"):
        begun_in(loop, work).result(30)


def test_whoever_gives_up_cancels_the_work(loop):
    begun, cancelled = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    answer = begun_in(loop, work)
    assert begun.wait(30)
    assert answer.cancel()
    assert cancelled.wait(30)


def test_work_that_was_cancelled_leaves_nobody_waiting(loop):
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(concurrent.futures.CancelledError):
        begun_in(loop, work).result(30)
