"""X-Ray by boto3. Answers are held against botocore's shapes."""

import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def xray(aws):
    return aws("xray")


def span():
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1)}


def segment(name, **more):
    now = time.time()
    number = f"1-{int(now):08x}-{os.urandom(12).hex()}"
    return {
        "trace_id": number,
        "id": os.urandom(8).hex(),
        "name": name,
        "start_time": now - 0.2,
        "end_time": now,
    } | more


def put(xray, *documents):
    texts = [one if isinstance(one, str) else json.dumps(one) for one in documents]
    return xray.put_trace_segments(TraceSegmentDocuments=texts)["UnprocessedTraceSegments"]


def ids(xray, expression):
    found = xray.get_trace_summaries(FilterExpression=expression, **span())["TraceSummaries"]
    return [one["Id"] for one in found]


def test_a_trace_of_the_function_is_found_by_a_filter(aws, xray):
    aws("lambda").invoke(FunctionName="echo", Payload='{"fail": "x"}')

    (newest, *_) = ids(xray, 'service("echo") { fault }')

    trace = xray.batch_get_traces(TraceIds=[newest])["Traces"][0]
    names = [json.loads(one["Document"])["name"] for one in trace["Segments"]]
    assert names == ["echo", "echo"]
    graph = xray.get_trace_graph(TraceIds=[newest])["Services"]
    assert {one["Type"] for one in graph} == {"client", "AWS::Lambda", "AWS::Lambda::Function"}


def test_segments_that_are_put_are_found_by_annotation(xray):
    made = segment("shop", annotations={"order": "o-1", "paid": True, "amount": 12})

    assert put(xray, made) == []

    assert ids(xray, 'annotation[order] = "o-1" AND annotation[amount] > 11') == [made["trace_id"]]
    (found,) = xray.get_trace_summaries(FilterExpression='annotation[order] = "o-1"', **span())[
        "TraceSummaries"
    ]
    assert found["Annotations"]["paid"][0]["AnnotationValue"] == {"BooleanValue": True}


def test_malformed_segments_are_told_and_the_others_kept(xray):
    good = segment("good", annotations={"kept": "yes"})
    refused = put(xray, "{", {"id": "1"}, good)

    assert [one.get("Id") for one in refused] == [None, "1"]
    assert "JSON" in refused[0]["Message"]
    assert "trace_id" in refused[1]["Message"]
    assert ids(xray, 'annotation[kept] = "yes"') == [good["trace_id"]]


def test_summaries_come_in_pages(xray, monkeypatch):
    monkeypatch.setattr("workshop.endpoint.xray.TRACES_PER_PAGE", 2)
    made = [segment("paged", annotations={"page": "p"}) for _ in range(5)]
    put(xray, *made)

    pages = xray.get_paginator("get_trace_summaries").paginate(
        FilterExpression='annotation[page] = "p"', **span()
    )

    found = [[one["Id"] for one in page["TraceSummaries"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert {number for page in found for number in page} == {one["trace_id"] for one in made}


def test_the_service_graph_counts_requests(xray):
    put(xray, segment("graphed"), segment("graphed", fault=True))

    services = xray.get_service_graph(**span())["Services"]

    (found,) = [one for one in services if one["Name"] == "graphed" and one.get("Type") != "client"]
    assert found["SummaryStatistics"]["TotalCount"] == 2
    assert found["SummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1


@pytest.mark.parametrize("kind", ["TraceId", "Event", "Service"])
def test_a_range_of_time_is_of_a_kind(xray, kind):
    made = segment("ranged", annotations={"kind": kind})
    put(xray, made)

    found = xray.get_trace_summaries(
        TimeRangeType=kind, FilterExpression=f'annotation[kind] = "{kind}"', **span()
    )["TraceSummaries"]

    assert [one["Id"] for one in found] == [made["trace_id"]]
    assert ("MatchedEventTime" in found[0]) == (kind == "Event")


@pytest.mark.parametrize(
    "more",
    [
        {"FilterExpression": "service("},
        {"Sampling": True},
        {"NextToken": "x"},
        {"FilterExpression": 'group.name = "none"'},
    ],
)
def test_what_is_malformed_or_not_offered_is_an_invalid_request(xray, more):
    with pytest.raises(xray.exceptions.InvalidRequestException):
        xray.get_trace_summaries(**span(), **more)


def test_a_trace_that_is_not_there_is_left_out(xray):
    number = "1-00000000-000000000000000000000000"

    assert xray.batch_get_traces(TraceIds=[number])["Traces"] == []
