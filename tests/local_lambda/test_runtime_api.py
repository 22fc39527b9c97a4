"""Who may ask the Runtime API for an event."""

import asyncio
import http.client
from typing import Any

import pytest

from workshop.local_lambda.runtime_api import RuntimeApi

NEXT = "/2018-06-01/runtime/invocation/next"


class Process:
    """A runtime process that has an event for whoever asks, and takes note of it."""

    def __init__(self) -> None:
        process: Any = self
        self.api = RuntimeApi(process)
        self.asked = 0

    def next_asked(self) -> None:
        self.asked += 1
        self.api.send_event([], b"{}")


def ask(headers: dict[str, str], *, method: str = "GET", path: str = NEXT) -> tuple[int, int]:
    """Return the status of the answer, and how often the process was asked for an event."""

    async def conversation() -> tuple[int, int]:
        process = Process()
        await process.api.open()

        def send() -> int:
            connection = http.client.HTTPConnection(process.api.address)
            connection.request(method, path, headers=headers)
            status = connection.getresponse().status
            connection.close()
            return status

        status = await asyncio.to_thread(send)
        process.api.close()
        return status, process.asked

    return asyncio.run(conversation())


def test_the_runtime_gets_an_event() -> None:
    assert ask({}) == (200, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "localhost"},
        {"Host": ""},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_page_in_a_browser_gets_no_event(headers: dict[str, str]) -> None:
    # https://fetch.spec.whatwg.org/#http-origin and https://www.w3.org/TR/fetch-metadata/
    assert ask(headers) == (403, 0)


def test_a_page_in_a_browser_cannot_end_the_init_phase() -> None:
    # Process has no `init_failed`: to reach it would be an error.
    path = "/2018-06-01/runtime/init/error"
    assert ask({"Origin": "https://attacker.example"}, method="POST", path=path) == (403, 0)
