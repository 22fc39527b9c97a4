"""The figures of an invocation, read back from its REPORT."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.platform import ReportLine, read_report
from workshop.signals import LogEvent, Report

ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
TEXT = (
    f"REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 163 ms\t"
    "Memory Size: 256 MB\tMax Memory Used: 67 MB\t"
)
RECORD = {
    "time": "2026-11-23T10:00:00.000Z",
    "type": "platform.report",
    "record": {
        "requestId": ID,
        "status": "success",
        "metrics": {
            "durationMs": 12.34,
            "billedDurationMs": 163,
            "memorySizeMB": 256,
            "maxMemoryUsedMB": 67,
            "initDurationMs": 150.5,
        },
        "tracing": {
            "spanId": "53995c3f42cd8ad8",
            "type": "X-Amzn-Trace-Id",
            "value": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        },
    },
}
TRACE = "1-5bef4de7-ad49b0e87f6ef6c87fc2e700"


def read(message):
    return read_report(LogEvent("/aws/lambda/payments", "one", 1, message))


def test_a_text_report_of_a_warm_invocation_is_read():
    assert read(TEXT) == ReportLine(ID, Report(12.34, 163, 256, 67), "success", None)


def test_a_text_report_of_a_cold_traced_invocation_is_read():
    line = read(
        f"{TEXT}Init Duration: 150.50 ms\t\nXRAY TraceId: {TRACE}\tSegmentId: 1\tSampled: true\t\n"
    )

    assert line == ReportLine(ID, Report(12.34, 163, 256, 67, 150.5), "success", TRACE)


@pytest.mark.parametrize("status", ["timeout", "error"])
def test_the_status_of_a_failed_invocation_is_read(status):
    assert read(f"{TEXT}Status: {status}\tError Type: Runtime.ExitError\t").status == status


def test_a_json_report_is_read():
    line = read(json.dumps(RECORD))

    assert line == ReportLine(ID, Report(12.34, 163, 256, 67, 150.5), "success", TRACE)


def test_a_json_report_of_a_warm_untraced_timeout_is_read():
    metrics = {k: v for k, v in RECORD["record"]["metrics"].items() if k != "initDurationMs"}
    record = {"requestId": ID, "status": "timeout", "metrics": metrics}

    line = read(json.dumps(RECORD | {"record": record}))

    assert line == ReportLine(ID, Report(12.34, 163, 256, 67), "timeout", None)


@pytest.mark.parametrize(
    "message",
    [
        "",
        f"START RequestId: {ID} Version: $LATEST",
        f"END RequestId: {ID}",
        "REPORT the charge to the owner",
        TEXT.replace("12.34", "1.2.3"),
        TEXT.replace("12.34", "9" * 400),
        *(json.dumps(RECORD).replace("12.34", bad) for bad in ("NaN", "Infinity", "1e109", "-1")),
        json.dumps(RECORD).replace("150.5", "NaN"),
        '{"message": "platform.report"}',
        '{"type": "platform.report"}',
        '{"type": "platform.report", "record": []}',
        '"platform.report"',
        "platform.report",
        json.dumps(RECORD | {"type": "platform.start"}) + " platform.report",
    ],
)
def test_anything_else_is_no_report(message):
    assert read(message) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=6,
)
METRICS = st.fixed_dictionaries(dict.fromkeys(RECORD["record"]["metrics"], JSON))
TRACING = st.fixed_dictionaries({"value": JSON})
INNER = st.fixed_dictionaries(
    {},
    optional={
        "requestId": JSON,
        "status": JSON,
        "metrics": JSON | METRICS,
        "tracing": JSON | TRACING,
    },
)


@given(st.fixed_dictionaries({"type": st.just("platform.report"), "record": JSON | INNER}))
def test_any_json_is_a_report_or_is_not(record):
    line = read(json.dumps(record))

    assert line is None or isinstance(line, ReportLine)
