"""Step 09: what it starts from, what its stream holds, and what of it is private."""

import json
import re
from pathlib import Path
from random import Random

import pytest

from workshop.course import crowd, settlements, stream_traffic, workspace
from workshop.course.catalogue import Course
from workshop.course.check import check_step
from workshop.course.payments import payment
from workshop.course.sent import Sent
from workshop.lab import Lab
from workshop.load import Timed
from workshop.processor.cards import UNAVAILABLE
from workshop.streams import Shard, deliver, read_mappings, records_of

ROOT = Path(__file__).parents[2]
COURSE = Course.load(ROOT)
STEP = COURSE.find("09_stream")
TRACES = COURSE.find("05_traces")


def test_it_starts_with_the_logger_the_metrics_and_the_tracer_of_step_05():
    """It starts anew, but not from nothing: whoever has done step 05 knows all that is there."""

    def set_up(path):
        text = path.read_text()
        made = re.findall(r"^\w+ = (?:Logger|Metrics|Tracer)\(.*\)$", text, re.MULTILINE)
        return [line.replace("settlements", "payments") for line in made]

    assert set_up(STEP.start / "app.py") == set_up(TRACES.solution / "app.py")


def test_it_starts_with_the_decorators_of_step_05_in_their_order():
    def decorators(path):
        return re.findall(r"^@(\w+\.\w+)", path.read_text(), re.MULTILINE)

    assert decorators(STEP.start / "app.py") == decorators(TRACES.solution / "app.py")


def test_its_requirements_are_those_of_step_05():
    assert (STEP.folder / "requirements.txt").read_bytes() == (
        TRACES.folder / "requirements.txt"
    ).read_bytes()


def test_the_solution_can_be_deployed_as_it_is():
    names = {path.name for path in STEP.solution.iterdir() if path.is_file()}
    assert names == {"app.py", "template.yaml", "ledger.py", "requirements.txt"}


@pytest.mark.parametrize("name", ["charge", "poison", "only_poison"])
def test_its_events_are_batches_of_the_templates_stream(name):
    event = json.loads((STEP.folder / "events" / f"{name}.json").read_text())
    with Lab.open(STEP.start / "template.yaml") as lab:
        (settings,) = read_mappings(lab.template)
    assert {one["eventSourceARN"] for one in event["Records"]} == {settings.stream_arn}
    assert len(records_of(event)) == len(event["Records"])


@pytest.mark.parametrize("fault", [settlements.CUT_OFF, settlements.NO_AMOUNT])
@pytest.mark.parametrize("seed", range(20))
def test_the_first_bad_record_of_a_batch_is_bad_in_the_way_asked_for(seed, fault):
    """So that a verdict does not hang on which comes first by chance."""
    items = settlements.mixed(Random(seed), 8, 3, first_is_good=True, first_bad=fault)
    faults = [one.fault for one in items]
    assert next(filter(None, faults)) == fault
    assert (faults[0], len(faults), len(set(faults))) == ("", 8, 4)


@pytest.mark.parametrize("fault", settlements.POISON)
def test_no_ledger_would_book_what_is_poison(fault):
    item = settlements.poison(Random(1), fault)
    with workspace.start(STEP) as folder, Lab.open(folder / "template.yaml") as lab:
        event = {"Records": [Shard().put(item.data).event("arn")]}
        assert lab.invoke(event).function_error == "Unhandled"


def test_good_ones_are_booked():
    items = [settlements.good(Random(seed)) for seed in range(5)]
    with workspace.start(STEP) as folder, Lab.open(folder / "template.yaml") as lab:
        shard = Shard()
        event = {"Records": [shard.put(one.data).event("arn") for one in items]}
        assert lab.invoke(event).function_error is None


@pytest.mark.parametrize("seed", range(20))
def test_bad_ones_are_as_many_as_asked_for_and_not_the_first_if_so_asked(seed):
    items = settlements.mixed(Random(seed), 7, 3, first_is_good=True)
    assert len(items) == 7
    assert sum(bool(one.fault) for one in items) == 3
    assert not items[0].fault


def test_payments_of_a_crowd_come_as_batches_always_the_same():
    random = Random(3)
    paid = [payment(random) for _ in range(24)]
    failed = payment(random, card={"number": f"424242424242{UNAVAILABLE}"})
    timed = [Timed(100.0 + at, one) for at, one in enumerate([*paid, failed])]
    events = list(crowd.events(STEP, timed))
    assert events == list(crowd.events(STEP, timed))
    assert [len(one.event["Records"]) for one in events] == [10, 10, 5]
    assert [one.at for one in events] == [109.0, 119.0, 124.0]
    records = [record for one in events for record in records_of(one.event)]
    told = [json.loads(one.data) for one in records[:-1]]
    assert [one["payment_id"] for one in told] == [one["payment_id"] for one in paid]
    assert {one["status"] for one in told} == {"charged"}
    assert all(set(one["card"]) == {"last4", "holder"} for one in told)


def test_the_solution_books_each_good_record_once_and_gives_up_each_bad_one():
    items = settlements.mixed(Random(5), 30, 6)
    shard = Shard()
    records = [shard.put(one.data, "k") for one in items]
    with workspace.solution(STEP) as folder, Lab.open(folder / "template.yaml") as lab:
        delivery, mapping = deliver(lab, read_mappings(lab.template)[0], records)
    points = [
        point
        for one in delivery.attempts
        for point in Sent({}, one.invocation).points
        if point.name == "SettledPayment"
    ]
    assert sum(sum(point.values) for point in points) == 24
    given_up = [one.data for lost in delivery.discarded for one in lost.records]
    assert given_up == [one.data for one in items if one.fault]
    assert len(mapping.messages) == 6


def test_a_slip_in_settle_is_told_with_its_line(tmp_path):
    with workspace.solution(STEP) as folder:
        app = folder / "app.py"
        text = app.read_text()
        app.write_text(text.replace("        count(payment)", "        counts(payment)"))
        verdict = check_step(STEP, folder)
    assert verdict.tool_failure is None
    assert verdict.wrong.rule == "handler-raised"
    # Python 3.13 adds a guess.
    assert verdict.wrong.saw.startswith("NameError: name 'counts' is not defined")
    line = 1 + text.splitlines().index("        count(payment)")
    assert verdict.wrong.look == f"app.py:{line}"


def test_private_data_is_found_in_base64_too():
    item = settlements.good(Random(1))
    printing = "import json\ndef handler(event, context):\n    print(json.dumps(event))\n"
    with workspace.start(STEP) as folder:
        (folder / "app.py").write_text(printing)
        with Lab.open(folder / "template.yaml") as lab:
            sent = Sent({}, lab.invoke({"Records": [Shard().put(item.data).event("arn")]}))
    assert stream_traffic.find_private([item], [sent])
    assert not stream_traffic.find_private([settlements.good(Random(2))], [sent])
