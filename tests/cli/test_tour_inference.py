"""The tour's picture of step 10: cold beside warm, and which model answered."""

import json

from workshop.cli.render.tour.inference import inference
from workshop.cli.render.tour.telemetry import Telemetry
from workshop.signals import DataPoint, LogEvent

WIDTH = 80


def report(at, duration, init=None):
    cold = "" if init is None else f"Init Duration: {init:.2f} ms\t"
    return LogEvent(
        "/g",
        "s",
        at,
        f"REPORT RequestId: {at}\tDuration: {duration:.2f} ms\tBilled Duration: 1 ms\t"
        f"Memory Size: 256 MB\tMax Memory Used: 70 MB\t{cold}",
    )


def scored(at, version, decision):
    record = {"level": "INFO", "model_version": version, "decision": decision}
    return LogEvent("/g", "s", at, json.dumps(record))


def point(name, value, version):
    dimensions = {"service": "risk", "model_version": version}
    return DataPoint("Workshop", name, dimensions, 1, (value,), "Milliseconds")


def drawn(log_events=(), points=(), width=WIDTH):
    return [str(line) for line in inference(Telemetry(log_events, points, ()), width)]


def test_a_cold_payment_waits_for_the_init_phase_too():
    lines = drawn([report(1, 2.0, 198.0), report(2, 4.0, 396.0), report(3, 1.0), report(4, 1.0)])
    figures = [line.split()[:3] for line in lines[1:]]
    assert figures == [["2", "cold", "300.0"], ["2", "warm", "1.0"]]
    assert lines[1].count("█") > 50
    assert lines[2].count("█") == 1


def test_without_both_there_is_nothing_to_compare():
    assert drawn([report(1, 2.0, 198.0)]) == []
    assert drawn([report(1, 2.0)]) == []


def test_durations_are_shown_by_release_and_other_metrics_are_not():
    points = [point("InferenceDuration", value, "1.0.0") for value in (0.25, 0.75)]
    points += [point("ModelLoadDuration", 5, "2.0.0"), point("ScoredPayment", 1, "2.0.0")]
    rows = [line.split() for line in drawn(points=points)[-1].splitlines()]
    assert rows[1:] == [
        ["ModelLoadDuration", "2.0.0", "1", "5.00", "5.00"],
        ["InferenceDuration", "1.0.0", "2", "0.50", "0.74"],
    ]


def test_each_release_has_its_decisions():
    events = [
        scored(1, "1.0.0", "accept"),
        scored(2, "2.0.0", "review"),
        scored(3, "2.0.0", "accept"),
    ]
    events.append(LogEvent("/g", "s", 4, '{"level": "INFO", "message": "no decision"}'))
    said = "\n".join(drawn(events))
    assert 'annotation.model_version = "1.0.0"\n1 payments scored by it: accept 1' in said
    assert 'annotation.model_version = "2.0.0"\n2 payments scored by it: accept 1, review 1' in said


def test_a_narrow_terminal_is_kept_to():
    points = [point("ModelLoadDuration", 12345.6, "1.0.0")]
    lines = drawn([report(1, 2.0, 198.0), report(2, 1.0), scored(1, "1.0.0", "accept")], points, 60)
    assert all(len(line) <= 60 for one in lines for line in one.splitlines())
