"""Errors of ours in the event loop of a LocalLambda."""

import asyncio
import logging
import threading
from typing import Any

import pytest

from workshop.local_lambda.log_pipe import LogParser

PRINTS = "def handler(event, context):\n    print('hello')\n"


def test_an_error_of_ours_while_an_event_is_served_reaches_its_caller_and_nobody_else(
    serve: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    invoke = serve(PRINTS)
    first = invoke()
    with monkeypatch.context() as patched:
        patched.setattr(LogParser, "feed", broken)
        with (
            caplog.at_level(logging.DEBUG, "asyncio"),
            pytest.raises(ZeroDivisionError, match="ours"),
        ):
            invoke()
    after = invoke()
    assert after.status == "success"
    assert after.environment_id != first.environment_id
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_error_of_ours_that_nobody_waits_for_is_told_once_as_that_of_a_thread(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    def sink(log_events: Any, segments: Any) -> None:
        # The invocation is over when the loop comes to it.
        asyncio.get_running_loop().call_soon(broken)

    invoke = serve(PRINTS, sink=sink)
    for _ in range(3):
        assert invoke().status == "success"
    assert [(one.exc_type, str(one.exc_value)) for one in told] == [(ZeroDivisionError, "ours")]


def broken(*_: object) -> None:
    raise ZeroDivisionError("ours")
