"""Real handlers driven: live at the clock's pace, and laid over the past."""

import json
from collections import Counter

import pytest

from workshop.lab import Lab
from workshop.load import Timed, Window, backfill, live
from workshop.metrics.platform import read_report
from workshop.signals import DataPoint
from workshop.store import Store
from workshop.traces import assemble

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: payments
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
      Timeout: 2
      MemorySize: 256
      Tracing: Active
"""

HANDLER = """
import json, os, time

def handler(event, context):
    time.sleep(event.get("seconds", 0.002))
    print(json.dumps({
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "number": event["number"],
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "stream": context.log_stream_name,
    }))
    print(json.dumps({
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": "W", "Dimensions": [[]], "Metrics": [{"Name": "Number"}]}
            ],
        },
        "Number": event["number"],
    }))
    if event.get("fails"):
        raise ValueError("no")
    return {"number": event["number"]}
"""

START = 1_763_900_000.0  # a past long enough ago that nothing is shifted by chance


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "app.py").write_text(HANDLER)
    return tmp_path


@pytest.fixture
def lab(folder):
    with Lab.open(folder / "template.yaml") as lab:
        yield lab


def events(count, every=1.0, **given):
    return [Timed(START + number * every, {"number": number, **given}) for number in range(count)]


def line(invocation):
    return next(
        json.loads(event.message) for event in invocation.log_events if '"trace"' in event.message
    )


def test_each_is_laid_at_its_time_in_order_and_whole(lab):
    made = list(backfill(lab, events(40), concurrency=3))

    assert [json.loads(one.payload)["number"] for one in made] == list(range(40))
    for number, one in enumerate(made):
        at = (START + number) * 1000
        times = [event.timestamp for event in one.log_events]
        assert at - 1 <= times[0]
        assert times == sorted(times)
        assert times[-1] < at + 5000
        assert abs(assemble(one.segments)[0].start_time * 1000 - at) < 1500
        said = line(one)
        assert said["stream"] == one.log_events[0].log_stream
        assert said["stream"].startswith("2025/11/23/[$LATEST]")
        assert said["trace"].startswith(f"Root={one.trace_id};")
        assert abs(int(one.trace_id[2:10], 16) - START - number) <= 2
        report = next(filter(None, map(read_report, one.log_events)))
        assert report.trace_id == one.trace_id
        assert report.report.duration_ms == one.report.duration_ms


def test_what_was_laid_is_read_back_from_the_store_as_if_it_had_been_then(lab):
    with Store.open(None) as store:
        for one in backfill(lab, events(30, every=10)):
            store.append(one.log_events, one.segments)
        points = store.data_points(since=int(START * 1000), until=int((START + 300) * 1000))
        assert store.log_events(until=int(START * 1000) - 1) == []
        assert len(store.traces()) == 30

    assert all(isinstance(point, DataPoint) for point in points)
    minutes = Counter(int(point.timestamp / 1000 - START) // 60 for point in points)
    assert minutes == {0: 6, 1: 6, 2: 6, 3: 6, 4: 6}
    assert [point.values for point in points] == [(float(number),) for number in range(30)]


def test_cold_starts_come_first_and_after_each_deployment(lab):
    deploy = START + 19.5

    made = list(backfill(lab, events(60), deploys=[deploy, START + 1000], concurrency=3))

    cold = [number for number, one in enumerate(made) if one.cold_start]
    assert 0 in cold
    assert 20 in cold
    assert len(cold) <= 6
    before = {one.environment_id for one in made[:20]}
    assert before.isdisjoint(one.environment_id for one in made[20:])


def test_gently_environments_start_one_after_another(lab):
    made = list(backfill(lab, events(40), concurrency=4, gently=True))

    # One event, then two together, then three, then four.
    assert [number for number, one in enumerate(made) if one.cold_start] == [0, 2, 5, 9]


def test_events_sent_together_start_the_environments_they_lack(lab):
    lab.invoke({"number": 0})

    made = lab.invoke_together([{"number": number, "seconds": 0} for number in range(3)])

    assert [one.cold_start for one in made] == [False, True, True]
    assert [json.loads(one.payload)["number"] for one in made] == [0, 1, 2]


def test_an_environment_serves_one_invocation_at_a_time(lab):
    # All within a tenth of a second, each of which takes longer.
    made = list(backfill(lab, events(12, every=0.01, seconds=0.05), concurrency=2))

    ends = {}
    for one in made:
        first, last = one.log_events[0].timestamp, one.log_events[-1].timestamp
        assert first > ends.get(one.environment_id, 0)
        ends[one.environment_id] = last


def test_what_a_handler_raises_is_laid_too(lab):
    (one,) = backfill(lab, events(1, fails=True))

    assert one.status == "error"
    assert "ValueError" in "".join(event.message for event in one.log_events)


def test_events_are_taken_as_there_is_room(lab):
    taken = []

    def endless():
        for number in range(10_000):
            taken.append(number)
            yield Timed(START + number, {"number": number})

    made = backfill(lab, endless(), concurrency=2)
    for _ in range(5):
        next(made)
    made.close()

    assert len(taken) < 100


def test_live_waits_for_each_events_time_and_sends_late_ones_at_once(lab):
    now, slept = [START], []

    def sleep(seconds):
        slept.append(round(seconds, 3))
        now[0] += seconds

    timed = [Timed(START + at, {"number": number}) for number, at in enumerate((-5, 0.5, 0.75))]
    made = list(live(lab, timed, clock=lambda: now[0], sleep=sleep))

    assert slept == [0.5, 0.25]
    assert len(made) == 3


def test_live_telemetry_keeps_its_own_times(folder):
    with Store.open(None) as store, Lab.open(folder / "template.yaml", store=store) as lab:
        (one,) = live(lab, events(1))
        assert one.log_events[0].timestamp > (START + 24 * 3600) * 1000
        assert store.count() == len(one.log_events)


def test_a_renewed_lab_starts_new_environments(lab):
    first = lab.invoke({"number": 1})
    again = lab.invoke({"number": 2})
    lab.renew()
    after = lab.invoke({"number": 3})

    assert first.environment_id == again.environment_id != after.environment_id
    assert after.cold_start


def test_a_part_of_a_window():
    window = Window(100, 400)

    assert window.part(1 / 3, 2 / 3) == Window(200, 300)
    assert window.seconds == 300
