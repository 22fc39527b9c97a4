"""What a function calls is there while it runs, and at an address of its own."""

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest

from tests.course.conftest import TEMPLATE, MakeStep
from workshop.course import stage
from workshop.course.catalogue import Step
from workshop.sam import TemplateError
from workshop.store import Store

DEFAULT_PORT = 8702
ASKING = f"""
Parameters:
  ProcessorUrl:
    Type: String
    Default: http://127.0.0.1:{DEFAULT_PORT}
{TEMPLATE}      Environment:
        Variables:
          PROCESSOR_URL: !Ref ProcessorUrl
"""
CALLS = """
import json
import os
import urllib.request


def handler(event, context):
    body = json.dumps({"card": {"number": "4242"}, "amount": 1, "currency": "USD"}).encode()
    request = urllib.request.Request(os.environ["PROCESSOR_URL"] + "/charges", body)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)
"""


@pytest.fixture
def asking(make_step: MakeStep) -> Step:
    """A step whose template asks for a processor."""
    return make_step(template=ASKING, app=CALLS)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "processor" in thread.name}


def test_a_template_that_asks_for_a_processor_gets_its_address(asking: Step) -> None:
    with stage.open_stage(asking.folder) as opened:
        assert opened.processor is not None
        invocation = opened.lab.invoke({})
        (charge,) = opened.processor.charges()
        assert json.loads(invocation.payload) == charge.answer


def test_whoever_has_the_port_of_the_template_is_left_alone(asking: Step) -> None:
    with socket.socket() as taken:
        with suppress(OSError):  # it is taken already: as good
            taken.bind(("127.0.0.1", DEFAULT_PORT))
            taken.listen()
        with stage.open_stage(asking.folder) as opened:
            assert opened.processor is not None
            assert opened.processor.port != DEFAULT_PORT
            assert opened.lab.invoke({}).status == "success"


def test_a_template_that_does_not_ask_has_none(step: Step) -> None:
    with stage.open_stage(step.folder) as opened:
        assert opened.processor is None
        assert not threads()


def test_the_processor_ends_with_the_lab(asking: Step) -> None:
    opening = stage.open_stage(asking.folder)
    processor = opening.__enter__().processor
    assert processor is not None
    address = ("127.0.0.1", processor.port)
    assert not opening.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)
    assert not threads()


def test_a_template_that_cannot_be_read_leaves_nothing_running(make_step: MakeStep) -> None:
    broken = make_step(template=ASKING.replace("Handler: app.handler", "Handler: 3"))
    broken.folder.joinpath("template.yaml").write_text(
        dedent(ASKING).replace("Timeout: 1", "Timeout: never")
    )
    with pytest.raises(TemplateError), stage.open_stage(broken.folder):
        pass
    assert not threads()


def test_the_telemetry_goes_to_the_store(asking: Step) -> None:
    with Store.open(None) as store:
        with stage.open_lab(asking.folder, store=store) as lab:
            lab.invoke({})
        with store.database():
            assert store.log_events()


def test_services_are_started_once_and_by_need(asking: Step, tmp_path: Path) -> None:
    plain = tmp_path / "template.yaml"
    plain.write_text(TEMPLATE)
    with stage.Services() as services:
        assert services.parameters(plain) == {}
        assert services.processor is None
        first = services.parameters(asking.folder / "template.yaml")
        assert services.processor is not None
        assert first == {"ProcessorUrl": services.processor.url}
        assert services.parameters(asking.folder / "template.yaml") == first
