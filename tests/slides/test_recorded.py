"""What the slides show was measured, and is what the lab says today."""

import importlib.util
import json
import re

import pytest

from tests.slides.conftest import SLIDES
from workshop.course.catalogue import Course

STEPS = Course.load(SLIDES.parent).steps


@pytest.fixture(scope="module")
def recorder():
    spec = importlib.util.spec_from_file_location("record", SLIDES / "record.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_recording_is_what_the_lab_says_today(recorder, step):
    """But for what is measured: .venv/bin/python slides/record.py NN records it again."""
    path = SLIDES / "recorded" / f"{step.number:02}.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    today = json.loads(json.dumps(recorder.record(step)))
    assert recorder.settled(kept) == recorder.settled(today)


def test_what_is_settled_is_what_differs_from_run_to_run_and_no_more(recorder):
    part = {"kind": "bars", "rows": [{"label": "p99", "value": 3.1}, {"text": "took 3.2 ms of 5"}]}
    settled = recorder.settled(part)
    assert settled["rows"] == [{"label": "p99", "value": "measured"}, {"text": "took … ms of 5"}]
    assert settled["kind"] == "bars"


def test_recordings_tell_nothing_of_the_machine_they_were_made_on():
    for path in (SLIDES / "recorded").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|work|Users|tmp)/|4242 ?4242", text), path.name


def test_a_payment_leaves_about_as_much_log_as_its_price_is_worked_out_for(recorder):
    """CloudWatch counts 26 bytes for each log event beside its message."""
    step = next(one for one in STEPS if one.name == "07_api")
    warm = recorder.send(step, "charge", "charge")[1]
    size = sum(len(event.message.encode()) + 26 for event in warm.log_events) / 1024
    prices = json.loads((SLIDES / "data" / "prices.json").read_text())
    assert size == pytest.approx(prices["payment"]["log_kb"], rel=0.15)
