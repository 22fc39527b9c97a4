"""Small courses to throw away, so that the tests do not hang on the real steps' content."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from workshop.course.catalogue import Course, Step

STEP_TOML = """
title = "A step"
idea = "an idea"
question = "What is it?"
minutes = 5
edit = ["app.py", "template.yaml"]
hints = ["look again", "look there", "do this"]
why = "Because it does."
start_rule = "not-charged"

[[wrong]]
rule = "not-charged"
says = "The handler does not say that it charged."

[tour]
reveals = "Something."
view = "lines"
"""

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  PaymentsFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: payments
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
      Timeout: 1
      MemorySize: 256
"""

PROCESSOR = """
class ProcessorError(Exception):
    pass


def charge(card, amount, currency):
    if card["number"].endswith("0119"):
        raise ProcessorError("processor unavailable")
    return {"charge_id": "ch_1"}
"""

START = """
import processor


def handler(event, context):
    processor.charge(event["card"], event["amount"], event["currency"])
"""

SOLUTION = f"""{START}    return {{"status": "charged"}}
"""

TEST_STEP = '''
from workshop.course.wrong import Wrong


def test_the_caller_is_answered(traffic):
    """The caller is told that the card was charged."""
    if traffic.first.response != {"status": "charged"}:
        raise Wrong(
            "not-charged",
            "the caller is not told",
            saw=f"the response {traffic.first.response}",
            wanted="a status",
            look="the end of the handler",
        )


def test_a_failure_fails(traffic):
    """A failure reaches the caller."""
    assert not traffic.failed.succeeded
'''

MakeStep = Callable[..., Step]


@pytest.fixture
def make_step(tmp_path: Path) -> MakeStep:
    """Make a step on disk: `make_step(name, app=..., test=..., toml=..., template=...)`."""
    starts = tmp_path / "starts"

    def make(
        name: str = "01_charge",
        *,
        app: str = START,
        test: str = TEST_STEP,
        toml: str = STEP_TOML,
        template: str = TEMPLATE,
    ) -> Step:
        folder = tmp_path / "steps" / name
        for place, files in (
            (
                folder,
                {
                    "app.py": app,
                    "template.yaml": template,
                    "processor.py": PROCESSOR,
                    "step.toml": toml,
                    "test_step.py": test,
                },
            ),
            (starts / name, {"app.py": START, "template.yaml": TEMPLATE}),
            (tmp_path / "solutions" / name, {"app.py": SOLUTION}),
        ):
            place.mkdir(parents=True, exist_ok=True)
            for file, text in files.items():
                (place / file).write_text(dedent(text), encoding="utf-8")
        return Course.load(tmp_path, starts=starts).find(name)

    return make


@pytest.fixture
def step(make_step: MakeStep) -> Step:
    """A step whose learner has not begun."""
    return make_step()


@pytest.fixture
def course(make_step: MakeStep, tmp_path: Path) -> Course:
    """Three steps, untouched."""
    for name in ("00_bare_handler", "01_structured_logs", "02_log_context"):
        make_step(name)
    return Course.load(tmp_path, starts=tmp_path / "starts")
