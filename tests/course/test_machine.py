"""What is wrong with the machine is not blamed on the learner."""

import errno
import socket
from typing import NoReturn

import pytest

from tests.course.conftest import MakeStep
from workshop import loopback
from workshop.course import plugin
from workshop.course.check import check_step
from workshop.lab import Lab

BROKEN = """
from workshop.course.wrong import Wrong


def test_it():
    raise Wrong("not-charged", "no", saw="none", wanted="one", look="here")
"""


@pytest.fixture
def loopback_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be reached from this process."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_loopback_is_reached_where_nothing_is_wrong() -> None:
    loopback.require()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_firewall_in_front_of_either_protocol_is_noticed(
    monkeypatch: pytest.MonkeyPatch, kind: socket.SocketKind
) -> None:
    connect = socket.socket.connect

    def refuse(own: socket.socket, address: object) -> None:
        if own.type == kind:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        connect(own, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(loopback.LoopbackError, match="Operation not permitted"):
        loopback.require()


def test_datagrams_that_never_arrive_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(socket.socket, "send", lambda *_: 1)
    with pytest.raises(loopback.LoopbackError, match="timed out"):
        loopback.require()


@pytest.mark.usefixtures("loopback_down")
def test_a_lab_starts_nothing_where_no_runtime_could_be_reached(make_step: MakeStep) -> None:
    with (
        Lab.open(make_step().folder / "template.yaml") as lab,
        pytest.raises(loopback.LoopbackError) as raised,
    ):
        lab.invoke({})
    assert raised.value.exit_status == 3
    assert "workshop doctor" in raised.value.look


@pytest.mark.usefixtures("loopback_down")
def test_a_check_gives_no_verdict_where_no_runtime_could_be_reached(make_step: MakeStep) -> None:
    verdict = check_step(make_step())
    assert verdict.wrong is None
    assert isinstance(verdict.tool_failure, loopback.LoopbackError)


@pytest.mark.usefixtures("loopback_down")
def test_a_promise_that_breaks_as_loopback_goes_away_is_not_the_learners(
    make_step: MakeStep,
) -> None:
    verdict = check_step(make_step(test=BROKEN))
    assert verdict.wrong is None
    assert isinstance(verdict.tool_failure, loopback.LoopbackError)


@pytest.mark.parametrize("seconds", [-3600.0, 7200.0])
def test_a_promise_that_breaks_as_the_clock_is_set_is_not_the_learners(
    make_step: MakeStep, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    ahead = iter([0.0])
    monkeypatch.setattr(plugin, "_clock_ahead", lambda: next(ahead, seconds))
    verdict = check_step(make_step(test=BROKEN))
    assert verdict.wrong is None
    assert verdict.tool_failure is not None
    assert f"was set by {seconds:+,.0f} s" in verdict.tool_failure.what


def test_a_promise_that_breaks_on_a_sound_machine_is_the_learners(make_step: MakeStep) -> None:
    verdict = check_step(make_step(test=BROKEN))
    assert verdict.wrong is not None
    assert verdict.tool_failure is None


def test_a_failure_of_the_tool_says_whose_it_is_not(make_step: MakeStep) -> None:
    test = "import workshop.errors as e\ndef test_it(): raise e.ToolError('no more processes')"
    verdict = check_step(make_step(test=test))
    assert verdict.tool_failure is not None
    assert verdict.tool_failure.what == "no more processes"
    assert "not about your code; workshop doctor" in verdict.tool_failure.look


def test_an_exception_for_want_of_something_points_at_the_machine_too(make_step: MakeStep) -> None:
    app = (
        "import os\n\ndef handler(event, context):\n"
        f"    raise OSError({errno.EMFILE}, os.strerror({errno.EMFILE}))\n"
    )
    step = make_step()
    (step.folder / "app.py").write_text(app, encoding="utf-8")
    verdict = check_step(step)
    assert verdict.wrong is not None
    assert "workshop doctor" in verdict.wrong.look
