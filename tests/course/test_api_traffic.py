"""Requests of a check: what comes of them, and whose fault is told."""

from pathlib import Path
from random import Random

import pytest

from workshop.api_gateway import UnsupportedApiError
from workshop.course import payments, workspace
from workshop.course.api_traffic import Caller
from workshop.course.catalogue import Course
from workshop.course.function_errors import Code
from workshop.course.stage import open_stage
from workshop.course.wrong import Wrong

STEP = Course.load(Path(__file__).parents[2]).find("07_api")


@pytest.fixture
def caller():
    """Make a caller of the solution with another app.py, and close it in the end."""
    from contextlib import ExitStack

    with ExitStack() as closing:

        def make(app=None, template=None):
            folder = closing.enter_context(workspace.solution(STEP))
            if app is not None:
                (folder / "app.py").write_text(app)
            if template is not None:
                path = folder / "template.yaml"
                path.write_text(template(path.read_text()))
            stage = closing.enter_context(open_stage(folder))
            code = Code(folder, STEP, stage.lab.template.function())
            return Caller(stage, code, [])

        yield make


def test_a_request_comes_with_its_answer_its_signals_and_its_charges(caller):
    payment = payments.payment(Random(1))
    called = caller()("/payments", payment)
    assert (called.status, called.json["status"]) == (200, "charged")
    assert [one.number for one in called.charges] == [payment["card"]["number"]]
    assert called.sent.event == payment
    assert called.access_log[0].key("request_id") == called.request_id
    assert called.fault is None


def test_what_a_handler_raises_is_for_the_step_to_judge(caller):
    called = caller("def handler(event, context):\n    return event['nope']\n")("/payments", {})
    assert called.status == 502
    assert called.fault.saw == "KeyError: 'nope'"
    assert "app.py:2" in called.fault.look


@pytest.mark.parametrize(
    ("app", "rule"),
    [
        ("def handler(event, context)\n", "syntax-error"),
        ("import nowhere\n", "import-error"),
        ("def other(event, context):\n    pass\n", "handler-missing"),
        ("raise ValueError\n", "init-error"),
        ("import os\ndef handler(event, context):\n    os._exit(1)\n", "crashed"),
    ],
)
def test_what_is_wrong_in_any_step_is_told_at_once(caller, app, rule):
    with pytest.raises(Wrong) as told:
        caller(app)("/payments", {})
    assert told.value.rule == rule


def test_a_template_without_an_api_is_for_the_step_to_judge(caller):
    def without(text):
        return text.replace("Type: Api", "Type: Schedule").replace("Path:", "Schedule:")

    with pytest.raises(UnsupportedApiError):
        _ = caller(template=without).api
