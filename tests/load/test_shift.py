"""An invocation laid at another time: every reading of the clock moves, and nothing else does."""

import json
from datetime import UTC, datetime

import pytest

from workshop.load import shift
from workshop.signals import Invocation, LogEvent, Report

BEGAN = int(datetime(2026, 11, 23, 14, 5, 7, 250_000, tzinfo=UTC).timestamp() * 1000)
BACK = (3 * 3600 + 10) * 1000 + 123
"""3 h 0 min 10.123 s."""

STREAM = "2026/11/23/[$LATEST]8a1f0000000000000000000000000001"
TRACE = f"1-{BEGAN // 1000:08x}-aaaaaaaaaaaaaaaaaaaaaaaa"
LAID_TRACE = f"1-{(BEGAN // 1000 * 1000 - BACK) // 1000:08x}-aaaaaaaaaaaaaaaaaaaaaaaa"


def invocation(*messages, segments=(), payload=b"{}", at=BEGAN):
    return Invocation(
        request_id="82b5ead1-142e-421c-986b-99839e87530f",
        function_name="payments",
        trace_id=TRACE,
        status="success",
        payload=payload,
        function_error=None,
        cold_start=False,
        environment_id="e1",
        log_events=tuple(
            LogEvent("/aws/lambda/payments", STREAM, at + number, message)
            for number, message in enumerate(messages)
        ),
        segments=tuple(segments),
        report=Report(5.0, 6, 256, 40),
    )


def laid(message):
    return shift.lay(invocation("START", message), BEGAN - BACK).log_events[1].message


@pytest.mark.parametrize(
    ("written", "then"),
    [
        # The platform's JSON lines, and its time-out.
        ('{"time":"2026-11-23T14:05:07.251Z"}', '{"time":"2026-11-23T11:04:57.128Z"}'),
        (
            "2026-11-23T14:05:07.300Z id Task timed out",
            "2026-11-23T11:04:57.177Z id Task timed out",
        ),
        # Lambda's text format.
        ("[INFO]\t2026-11-23T14:05:07.251Z\tid\tx", "[INFO]\t2026-11-23T11:04:57.128Z\tid\tx"),
        # Powertools, as it is; with RFC 3339; in another time zone.
        ('"2026-11-23 14:05:07,251+0000"', '"2026-11-23 11:04:57,128+0000"'),
        ('"2026-11-23T14:05:07.251+00:00"', '"2026-11-23T11:04:57.128+00:00"'),
        ('"2026-11-23 16:05:07,251+0200"', '"2026-11-23 13:04:57,128+0200"'),
        ('"2026-11-23T14:05:07.251384+00:00"', '"2026-11-23T11:04:57.128384+00:00"'),
        # A clock without a zone; one cut to the second.
        ("2026-11-23 14:05:07.251384", "2026-11-23 11:04:57.128384"),
        ("2026-11-23T14:05:07Z", "2026-11-23T11:04:56Z"),
        # EMF.
        (f'{{"_aws":{{"Timestamp":{BEGAN}}}}}', f'{{"_aws":{{"Timestamp":{BEGAN - BACK}}}}}'),
        # time.time(), time.time_ns(), whole seconds.
        (f"{BEGAN // 1000}.250100", f"{(BEGAN - BACK) // 1000}.127100"),
        (f"{BEGAN}123456", f"{BEGAN - BACK}123456"),
        # Trace ids: X-Ray's own, its header, W3C's.
        (f"Root={TRACE};Parent=1;Sampled=1", f"Root={LAID_TRACE};Parent=1;Sampled=1"),
        (
            f"00-{TRACE[2:10]}{'a' * 24}-{'b' * 16}-01",
            f"00-{LAID_TRACE[2:10]}{'a' * 24}-{'b' * 16}-01",
        ),
        # Access logs.
        ("[23/Nov/2026:14:05:07 +0000]", "[23/Nov/2026:11:04:56 +0000]"),
        # The log stream's name.
        (f'"stream":"{STREAM}"', f'"stream":"{STREAM}"'),
    ],
)
def test_a_reading_of_the_clock_is_shifted_in_the_form_it_has(written, then):
    assert laid(written) == then


@pytest.mark.parametrize(
    "data",
    [
        '{"amount":1234567890,"card":"4111111111114242"}',
        '{"birthday":"2001-02-03T04:05:06Z"}',
        '{"due":"2026-12-24T00:00:00Z","at":1700000000}',
        '{"day":"2026-02-31T14:05:07Z"}',
        "REPORT RequestId: x\tDuration: 5.10 ms\tBilled Duration: 6 ms",
        "1-5759e988-bd862e3fe1be46a994272793",  # the trace of somebody else's, long ago
        "ch_1795442707250 a1795442707 17954427072500",
        "[32/Foo/2026:14:05:07 +0000]",
    ],
)
def test_any_other_time_or_number_is_data_and_stays(data):
    assert laid(data) == data


def test_log_events_and_segments_move_by_one_difference():
    began = BEGAN / 1000
    segment = {
        "trace_id": TRACE,
        "id": "1",
        "start_time": began,
        "end_time": began + 0.25,
        "subsegments": [{"id": "2", "start_time": began + 0.1, "end_time": began + 0.2}],
        "annotations": {"at": began + 0.15, "cents": 1234567890, "cold": True},
        "metadata": {"trace": TRACE, "read": ["2026-11-23T14:05:07.400Z"]},
    }

    then = shift.lay(invocation("START", "END", segments=[segment]), BEGAN - BACK)

    (moved,) = then.segments
    assert [event.timestamp for event in then.log_events] == [BEGAN - BACK, BEGAN - BACK + 1]
    assert moved["start_time"] == pytest.approx(began - BACK / 1000, abs=1e-5)
    assert moved["end_time"] - moved["start_time"] == pytest.approx(0.25, abs=1e-5)
    inner = moved["subsegments"][0]
    assert inner["start_time"] - moved["start_time"] == pytest.approx(0.1, abs=1e-5)
    assert inner["end_time"] - inner["start_time"] == pytest.approx(0.1, abs=1e-5)
    assert moved["annotations"]["at"] == pytest.approx(began + 0.15 - BACK / 1000, abs=1e-5)
    assert moved["annotations"]["cents"] == 1234567890
    assert moved["annotations"]["cold"] is True
    assert moved["metadata"]["read"] == ["2026-11-23T11:04:57.277Z"]
    assert moved["trace_id"] == moved["metadata"]["trace"] == then.trace_id == LAID_TRACE


def test_the_trace_id_is_the_same_in_the_log_the_report_the_segments_and_the_answer():
    then = shift.lay(
        invocation(
            json.dumps({"xray_trace_id": TRACE}),
            f"REPORT RequestId: x\t\nXRAY TraceId: {TRACE}\tSegmentId: 1\tSampled: true\t",
            segments=[{"id": "1", "trace_id": TRACE, "start_time": BEGAN / 1000}],
            payload=json.dumps({"trace": TRACE}).encode(),
        ),
        BEGAN - BACK,
    )

    assert then.trace_id == LAID_TRACE
    assert json.loads(then.log_events[0].message) == {"xray_trace_id": LAID_TRACE}
    assert f"XRAY TraceId: {LAID_TRACE}\t" in then.log_events[1].message
    assert then.segments[0]["trace_id"] == LAID_TRACE
    assert json.loads(then.payload) == {"trace": LAID_TRACE}


def test_a_log_stream_bears_the_day_it_began_on():
    two_days = 2 * 24 * 3600 * 1000
    streams = {}
    message = f'{{"stream":"{STREAM}"}}'

    first = shift.lay(invocation(message), BEGAN - two_days, streams)
    # Of the same environment, after midnight.
    second = shift.lay(invocation(message), BEGAN - two_days + 12 * 3600 * 1000, streams)

    name = STREAM.replace("2026/11/23", "2026/11/21")
    assert {event.log_stream for one in (first, second) for event in one.log_events} == {name}
    assert json.loads(second.log_events[0].message) == {"stream": name}


def test_the_figures_of_the_report_are_kept():
    before = invocation("START")
    then = shift.lay(before, BEGAN - BACK)

    assert (then.report, then.request_id, then.status) == (
        before.report,
        before.request_id,
        before.status,
    )


def test_laid_where_it_is_nothing_changes():
    before = invocation("START", f'{{"at":{BEGAN}}}', payload=b"\xff")

    assert shift.lay(before, BEGAN) == before


def test_an_invocation_without_signals_is_let_be():
    assert shift.lay(invocation(), BEGAN).log_events == ()
