"""Trace summaries and whole traces, in the shapes that AWS's own model describes.

https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html
"""

import datetime as dt
import json

import pytest

from tests.traces.conftest import ARN, START, TRACE, part, payment, segment, trace_of
from workshop.traces import problems
from workshop.traces.summaries import full_trace, in_range, matched_event_time, summary

GOOD = trace_of(payment())
FAILED = trace_of(payment({"fault": True}))
SERVICE = {"Name": "payments", "Names": ["payments"], "Type": "AWS::Lambda"}
FUNCTION = {
    "Name": "payments",
    "Names": ["payments"],
    "AccountId": "123456789012",
    "Type": "AWS::Lambda::Function",
}
TABLE = {"Name": "customers", "Names": ["customers"], "Type": "AWS::DynamoDB::Table"}
PROCESSOR = {
    "Name": "api.processor.example",
    "Names": ["api.processor.example"],
    "Type": "remote",
}
CLIENT = {"Name": "payments", "Names": ["payments"], "Type": "client"}


def test_a_payment_is_summarised_with_the_documented_fields():
    shown = summary(GOOD)
    del shown["ResponseTimeRootCauses"]

    assert shown == {
        "Id": TRACE,
        "StartTime": START,
        "Duration": 1.0,
        "ResponseTime": 1.0,
        "HasFault": False,
        "HasError": False,
        "HasThrottle": False,
        "IsPartial": False,
        "Http": {"HttpStatus": 200},
        "Annotations": {
            "Service": [{"AnnotationValue": {"StringValue": "payments"}, "ServiceIds": [FUNCTION]}],
            "amount": [{"AnnotationValue": {"NumberValue": 1299.0}, "ServiceIds": [FUNCTION]}],
            "ColdStart": [{"AnnotationValue": {"BooleanValue": True}, "ServiceIds": [FUNCTION]}],
        },
        "Users": [{"UserName": "ada", "ServiceIds": [SERVICE]}],
        "ServiceIds": [CLIENT, SERVICE, FUNCTION, TABLE, PROCESSOR],
        "ResourceARNs": [{"ARN": ARN}],
        "InstanceIds": [],
        "AvailabilityZones": [],
        "EntryPoint": SERVICE,
        "FaultRootCauses": [],
        "ErrorRootCauses": [],
        "Revision": 1,
    }


@pytest.mark.parametrize(
    "trace",
    [
        GOOD,
        FAILED,
        trace_of(payment({"error": True, "throttle": True})),
        trace_of(payment()[:1]),
        trace_of([segment("1", "x", 0, 1) | {"end_time": None, "in_progress": True}]),
    ],
)
def test_boto3_takes_every_summary_and_whole_trace(trace, accepted):
    shown = summary(trace, matched_event_time=START + 0.5)
    answer = {"TraceSummaries": [shown], "ApproximateTime": START, "TracesProcessedCount": 1}

    (read,) = accepted("GetTraceSummaries", answer)["TraceSummaries"]

    assert {k: v for k, v in read.items() if not k.endswith("Time")} == {
        k: v for k, v in shown.items() if not k.endswith("Time")
    }
    assert read["StartTime"].astimezone(dt.UTC).timestamp() == trace.start_time
    whole = full_trace(trace)
    assert accepted("BatchGetTraces", {"Traces": [whole], "UnprocessedTraceIds": []}) == {
        "Traces": [whole],
        "UnprocessedTraceIds": [],
    }


def test_outcome_is_the_roots_but_a_throttle_counts_anywhere():
    documents = payment({"error": True, "throttle": True})
    documents[2] = payment()[2]  # Lambda answered well

    shown = summary(trace_of(documents))

    assert (shown["HasError"], shown["HasThrottle"]) == (False, True)
    assert summary(FAILED)["HasFault"]
    assert not summary(trace_of(payment({"error": True})))["HasThrottle"]


def test_duration_is_the_whole_traces_and_response_time_the_roots():
    late = segment("7", "worker", 0.5, 3.25, parent_id="9" * 16)

    shown = summary(trace_of([*payment(), late]))

    assert (shown["ResponseTime"], shown["Duration"]) == (1.0, 3.25)


def test_a_trace_without_its_root_is_partial_and_has_no_response_time():
    shown = summary(trace_of(payment()[:1]))

    assert shown["IsPartial"]
    assert "ResponseTime" not in shown
    assert shown["EntryPoint"] == {}


def test_a_fault_is_followed_to_the_call_that_failed():
    (cause,) = summary(FAILED)["FaultRootCauses"]

    assert cause["ClientImpacting"]
    assert [service["Name"] for service in cause["Services"]] == [
        *("payments", "payments", "api.processor.example"),
    ]
    assert [service["Inferred"] for service in cause["Services"]] == [False, False, True]
    path = cause["Services"][1]["EntityPath"]
    assert [(entity["Name"], entity["Remote"]) for entity in path] == [
        ("payments", False),
        ("Invocation", False),
        ("## handler", False),
        ("api.processor.example", True),
    ]
    assert path[2]["Exceptions"] == [{"Name": "ProcessorError", "Message": "card 0119 refused"}]


def test_a_swallowed_error_is_a_cause_that_did_not_reach_the_client():
    documents = payment({"error": True})
    plain = [{k: v for k, v in document.items() if k != "error"} for document in payment()]
    documents[0] = documents[0] | {"error": False}

    (cause,) = summary(trace_of([documents[0], *plain[1:]]))["ErrorRootCauses"]

    assert not cause["ClientImpacting"]
    assert [service["Name"] for service in cause["Services"]] == [
        *("payments", "api.processor.example"),
    ]


def test_two_failed_calls_are_two_causes():
    flags = {"fault": True}
    calls = [part(n, f"host{n}", 0.2, 0.3, namespace="remote", **flags) for n in ("1", "2")]
    root = segment("9", "shop", 0, 1, subsegments=[*calls, part("3", "work", 0.3, 0.4)], **flags)

    causes = summary(trace_of([root]))["FaultRootCauses"]

    assert [cause["Services"][-1]["Name"] for cause in causes] == ["host1", "host2"]


def test_a_response_time_is_followed_down_the_longest_children():
    (cause,) = summary(GOOD)["ResponseTimeRootCauses"]

    covered = [
        (entity["Name"], entity["Coverage"])
        for service in cause["Services"]
        for entity in service["EntityPath"]
    ]
    assert covered == [
        ("payments", 1.0),
        ("payments", 0.9),
        ("Invocation", 0.8),
        ("## handler", 0.8),
        ("api.processor.example", 0.7),
        ("api.processor.example", 0.7),
    ]


def test_a_value_that_several_services_annotate_is_there_once():
    callee = segment(
        *("7", "shop", 0.3, 0.4),
        parent_id="b" * 16,
        annotations={"amount": 1299, "huge": 10**400, "none": None},
    )

    shown = summary(trace_of([*payment(), callee]))["Annotations"]

    (value,) = shown["amount"]
    assert [service["Name"] for service in value["ServiceIds"]] == ["payments", "shop"]
    assert not {"huge", "none"} & set(shown)


def test_an_annotation_of_a_call_is_the_callers():
    call = part("5", "host", 0.1, 0.2, namespace="remote", annotations={"try": 2})

    shown = summary(trace_of([segment("9", "shop", 0, 1, subsegments=[call])]))["Annotations"]

    (value,) = shown["try"]
    assert [service["Name"] for service in value["ServiceIds"]] == ["shop"]


def test_at_most_fifty_annotations_are_indexed():
    root = segment("9", "shop", 0, 1, annotations={f"key{n}": n for n in range(60)})

    assert len(summary(trace_of([root]))["Annotations"]) == 50


@pytest.mark.parametrize(
    ("kind", "start", "end", "expected"),
    [
        ("TraceId", 0, 1, True),
        ("TraceId", -1, 0, False),
        ("TraceId", 0.1, 9, False),
        ("Event", 0.9, 2, True),
        ("Event", 1.1, 2, False),
        ("Event", -9, 0, False),
        ("Event", 1.5, 1.6, True),  # between the two segments: the trace goes on
        ("Service", 1.5, 1.6, False),
        ("Service", 2.5, 2.6, True),
    ],
)
def test_a_range_is_of_the_trace_id_or_of_events_or_of_services(kind, start, end, expected):
    segments = [segment("9", "shop", 0, 1)]
    if start in (1.5, 2.5):
        segments.append(segment("7", "worker", 2, 3, parent_id="9" * 16))

    assert in_range(trace_of(segments), START + start, START + end, kind) is expected
    assert matched_event_time(trace_of(segments), START + 0.5) == START + 0.5


def test_a_whole_trace_has_lone_subsegments_in_place_and_inferred_segments_beside():
    shown = full_trace(GOOD)

    documents = {shape["Id"]: json.loads(shape["Document"]) for shape in shown["Segments"]}
    assert all(document["id"] == span_id for span_id, document in documents.items())
    (invocation,) = documents["a" * 16]["subsegments"]
    (handler,) = invocation["subsegments"]
    assert handler["name"] == "## handler"
    assert not {"trace_id", "type", "parent_id"} & set(handler)
    assert [call["name"] for call in handler["subsegments"]] == [
        *("dynamodb", "api.processor.example"),
    ]
    inferred = [document for document in documents.values() if document.get("inferred")]
    assert [(d["name"], d["parent_id"], d["origin"]) for d in inferred] == [
        ("dynamodb", "d" * 16, "AWS::DynamoDB::Table"),
        ("api.processor.example", "f" * 16, "remote"),
    ]
    assert [problems(document) for document in documents.values()] == [()] * 4
    assert (shown["Id"], shown["Duration"], shown["LimitExceeded"]) == (TRACE, 1.0, False)


def test_a_call_that_a_segment_answers_infers_nothing():
    call = part("5", "shop", 0.1, 0.9, namespace="remote")
    caller = segment("9", "web", 0, 1, subsegments=[call])
    answer = segment("7", "shop", 0.2, 0.8, parent_id="5" * 16)

    shown = summary(trace_of([caller, answer]))["ServiceIds"]

    assert [service["Name"] for service in shown] == ["web", "web", "shop"]


def test_a_subsegment_whose_segment_has_not_arrived_is_shown_all_the_same():
    handler = payment()[0]

    shown = full_trace(trace_of([handler]))

    assert "c" * 16 in [shape["Id"] for shape in shown["Segments"]]


def test_what_is_nested_too_deep_is_cut_and_said():
    inner = part("5", "work", 0, 1)
    for _ in range(150):
        inner = part("5", "work", 0, 1, subsegments=[inner])
    for number, document in enumerate(_chain(inner)):
        document["id"] = f"{number:016x}"

    shown = full_trace(trace_of([segment("9", "shop", 0, 1, subsegments=[inner])]))

    assert shown["LimitExceeded"]
    assert shown["Segments"][0]["Document"].count('"work"') == 100


def _chain(document):
    while document:
        yield document
        document = (document.get("subsegments") or [None])[0]
