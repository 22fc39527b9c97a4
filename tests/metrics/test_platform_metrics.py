"""The AWS/Lambda metrics, read back from what the platform logged.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.lab import Lab
from workshop.metrics import emf
from workshop.metrics.platform_metrics import (
    PlatformLog,
    iterator_age,
    iterator_age_event,
    throttle,
)
from workshop.signals import LogEvent

NOON = 1_700_049_600_000
MINUTE = 60_000
GROUP = "/aws/lambda/payments"


def platform_points(events):
    """The data points of log events that are read at once."""
    log = PlatformLog()
    log.add(events)
    return log.points()


def event(second, message, stream="one", group=GROUP):
    return LogEvent(group, stream, NOON + round(second * 1000), message)


def text(id_, start, duration, *between, status="", stream="one", group=GROUP):
    """Return the log events of one invocation in text form; times in seconds."""
    end = start + duration
    report = (
        f"REPORT RequestId: {id_}\tDuration: {duration * 1000:.2f} ms\tBilled Duration: 1 ms\t"
        f"Memory Size: 256 MB\tMax Memory Used: 67 MB\t{status}"
    )
    return [
        event(start, f"START RequestId: {id_} Version: $LATEST", stream, group),
        *(event(start, line, stream, group) for line in between),
        event(end, f"END RequestId: {id_}", stream, group),
        event(end, report, stream, group),
    ]


def record(id_, start, duration, status):
    """Return the log events of one invocation in JSON form."""
    figures = {
        "durationMs": duration * 1000,
        "billedDurationMs": 1,
        "memorySizeMB": 256,
        "maxMemoryUsedMB": 67,
    }
    begun = {"requestId": id_, "version": "$LATEST"}
    ended = {"requestId": id_, "status": status, "metrics": figures}
    return [
        event(start, json.dumps({"time": "", "type": "platform.start", "record": begun})),
        event(start + duration, json.dumps({"time": "", "type": "platform.report",
                                            "record": ended})),
    ]  # fmt: skip


def metric(points, name, **dimensions):
    """Return minute to values of one metric."""
    return {
        (point.timestamp - NOON) // MINUTE: list(point.values)
        for point in points
        if point.name == name and point.dimensions == dimensions
    }


def errors(*events):
    return metric(platform_points(events), "Errors", FunctionName="payments").get(0)


def test_each_metric_has_its_unit_and_dimensions():
    points = platform_points(text("a", 1, 0.5))
    assert {(point.namespace, point.name, point.unit) for point in points} == {
        ("AWS/Lambda", "Invocations", "Count"),
        ("AWS/Lambda", "Errors", "Count"),
        ("AWS/Lambda", "Duration", "Milliseconds"),
        ("AWS/Lambda", "Throttles", "Count"),
        ("AWS/Lambda", "ConcurrentExecutions", "Count"),
    }
    for name in ("Invocations", "Errors", "Duration", "Throttles", "ConcurrentExecutions"):
        assert [point.dimensions for point in points if point.name == name] == [
            {"FunctionName": "payments"},
            {"FunctionName": "payments", "Resource": "payments"},
            {},
        ]


def test_an_invocation_counts_in_the_minute_in_which_it_began():
    points = platform_points([*text("a", 59, 2), *text("b", 61, 0.5)])
    assert metric(points, "Invocations", FunctionName="payments") == {0: [1], 1: [1]}
    assert metric(points, "Duration", FunctionName="payments") == {0: [2000], 1: [500]}


def test_an_invocation_whose_start_is_not_there_began_a_duration_before_its_report():
    points = platform_points(text("a", 59, 2)[1:])
    assert metric(points, "Invocations", FunctionName="payments") == {0: [1]}


def test_an_invocation_began_at_its_start_even_when_its_report_comes_late():
    start, _, report = text("a", 59, 0.5)
    late = LogEvent(report.log_group, report.log_stream, NOON + 2 * MINUTE, report.message)
    points = platform_points([start, late])
    assert metric(points, "Invocations", FunctionName="payments") == {0: [1]}


def test_an_invocation_without_a_report_is_not_counted():
    assert platform_points(text("a", 1, 1)[:-1]) == []


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (text("a", 1, 1), [0]),
        (text("a", 1, 1, "[ERROR] ProcessorError: no\rTraceback (most recent call last):"), [1]),
        (text("a", 1, 1, "[ERROR] KeyError\nTraceback (most recent call last):"), [1]),
        # Logged by the handler, by way of Lambda's own formatter: no failure.
        (text("a", 1, 1, "[ERROR]\t2023-11-15T12:00:01.000Z\ta\tProcessorError: no"), [0]),
        (text("a", 1, 1, '{"level":"ERROR","message":"[ERROR] X: y"}'), [0]),
        (text("a", 1, 1, "2023-11-15T12:00:02.000Z a Task timed out after 1.00 seconds",
              status="Status: timeout"), [1]),
        (text("a", 1, 1, "RequestId: a Error: Runtime exited\nRuntime.ExitError",
              status="Status: error\tError Type: Runtime.ExitError"), [1]),
        (record("a", 1, 1, "success"), [0]),
        (record("a", 1, 1, "error"), [1]),
        (record("a", 1, 1, "failure"), [1]),
        (record("a", 1, 1, "timeout"), [1]),
        ([*text("a", 1, 1, "[ERROR] KeyError\nTraceback"), *text("b", 3, 1)], [1, 0]),
        ([*text("a", 1, 1, "[ERROR] KeyError\nTraceback"), *text("b", 3, 1)[1:]], [1, 0]),
    ],
)  # fmt: skip
def test_an_error_is_told_from_what_was_logged(events, expected):
    assert errors(*events) == expected


def test_concurrency_is_how_many_were_running_when_one_began():
    events = [
        *text("a", 0, 10, stream="one"),
        *text("b", 2, 2, stream="two"),
        *text("c", 3, 4, stream="three"),
        *text("d", 5, 1, stream="two"),
        *text("e", 10, 1, stream="one"),  # begins when the first has just ended
    ]
    points = platform_points(events)
    assert metric(points, "ConcurrentExecutions", FunctionName="payments") == {0: [1, 2, 3, 3, 1]}


def test_an_invocation_of_no_time_at_all_runs_beside_the_others():
    short = [*text("b", 1, 0, stream="two"), *text("c", 1, 0, stream="two")]
    points = platform_points([*text("a", 0, 9), *short])
    assert metric(points, "ConcurrentExecutions", FunctionName="payments") == {0: [1, 2, 2]}


def test_log_events_may_be_read_as_they_come_in():
    events = [*text("a", 0, 9), *text("b", 1, 1, "[ERROR] KeyError\nTraceback", stream="two")]
    log = PlatformLog()
    changed, held = PlatformLog(), []
    for number, event_ in enumerate(events):
        log.add([event_])
        assert log.points() == platform_points(events[: number + 1])
        changed.add([event_])
        gone, come = changed.changes()
        held = [one for one in held if one not in gone] + come
        assert held == log.points()
        assert changed.changes() == ([], [])
    assert metric(log.points(), "Errors") == {0: [0, 1]}


@given(
    st.lists(
        st.tuples(
            st.integers(0, 600), st.sampled_from([0, 1, 59, 60, 61, 200, 4000]), st.booleans()
        ),
        max_size=12,
    )
)
def test_read_one_by_one_in_any_order_they_say_what_they_say_together(invocations):
    together = PlatformLog()
    one_by_one = PlatformLog()
    for number, (start, duration, other) in enumerate(invocations):
        group = "/aws/lambda/refunds" if other else GROUP
        events = text(f"r{number}", start, duration, stream=f"s{number}", group=group)
        together.add(events)
        one_by_one.add(events)
        one_by_one.points()

    def said(log):
        return sorted(
            (point.timestamp, point.name, sorted(point.dimensions.items()), sorted(point.values))
            for point in log.points()
        )

    assert said(together) == said(one_by_one)
    running = [
        value
        for point in together.points()
        if point.name == "ConcurrentExecutions" and not point.dimensions
        for value in point.values
    ]
    # By the definition, and for each: those that had begun before it and had not ended.
    spans = sorted((start, start + duration) for start, duration, _ in invocations)
    assert sorted(running) == sorted(
        1 + sum(end > start for _, end in spans[:number]) for number, (start, _) in enumerate(spans)
    )


def test_functions_are_apart_and_together():
    refunds = text("b", 1, 3, group="/aws/lambda/refunds")
    points = platform_points([*text("a", 0, 2), *refunds])
    assert metric(points, "Duration", FunctionName="refunds") == {0: [3000]}
    assert metric(points, "Duration") == {0: [2000, 3000]}
    assert metric(points, "ConcurrentExecutions", FunctionName="refunds") == {0: [1]}
    assert metric(points, "ConcurrentExecutions") == {0: [1, 2]}


@pytest.mark.parametrize("group", ["shop", "/aws/lambda/", "/workshop/aws/lambda/payments"])
def test_a_log_group_of_no_function_is_left_out(group):
    assert platform_points(text("a", 1, 1, group=group)) == []


@pytest.mark.parametrize(
    "message", ['{"type":"platform.start"}', '"platform.start"', '["platform.start"]', "START", ""]
)
def test_lines_that_only_look_like_the_platforms_are_passed_over(message):
    assert platform_points([event(1, message)]) == []


def test_a_throttled_event_is_told_by_who_turned_it_away():
    points = throttle("payments", NOON)
    assert metric(points, "Throttles", FunctionName="payments") == {0: [1]}
    assert metric(points, "Throttles") == {0: [1]}


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_what_the_lab_logs_gives_the_metrics_of_what_happened(tmp_path, log_format):
    (tmp_path / "app.py").write_text(
        "def handler(event, context):\n"
        "    if event:\n"
        "        raise ValueError('no')\n"
    )  # fmt: skip
    (tmp_path / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  Payments:\n"
        "    Type: AWS::Serverless::Function\n"
        "    Properties:\n"
        "      FunctionName: payments\n"
        "      Handler: app.handler\n"
        "      Runtime: python3.13\n"
        "      CodeUri: .\n"
        f"      LoggingConfig: {{LogFormat: {log_format}}}\n"
    )
    with Lab.open(tmp_path / "template.yaml") as lab:
        sent = [lab.invoke(event) for event in ({}, {"fail": True}, {})]
    points = platform_points(event for one in sent for event in one.log_events)

    def values(name):
        return [value for _, found in sorted(metric(points, name, FunctionName="payments").items())
                for value in found]  # fmt: skip

    assert values("Invocations") == [1, 1, 1]
    assert values("Errors") == [0, 1, 0]
    assert values("ConcurrentExecutions") == [1, 1, 1]
    assert values("Duration") == pytest.approx([one.report.duration_ms for one in sent], abs=0.01)


def test_iterator_age_is_there_for_the_function_and_for_all():
    points = iterator_age("settlements", NOON, 1500.0)
    assert [(p.namespace, p.name, p.unit, p.values, p.dimensions) for p in points] == [
        ("AWS/Lambda", "IteratorAge", "Milliseconds", (1500.0,), dimensions)
        for dimensions in (
            {"FunctionName": "settlements"},
            {"FunctionName": "settlements", "Resource": "settlements"},
            {},
        )
    ]


def test_what_is_kept_of_iterator_age_is_read_back_as_it_was():
    kept = iterator_age_event("settlements", NOON, 1500.0)
    assert list(emf.read(kept).points) == iterator_age("settlements", NOON, 1500.0)
