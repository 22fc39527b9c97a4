"""The service graph and the graph of single traces.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-gettingdata.html#xray-api-servicegraph
"""

import pytest

from tests.traces.conftest import START, part, payment, segment, trace_of
from workshop.traces.graph import histogram, service_graph, trace_graph

GOOD = trace_of(payment())
FAILED = trace_of(payment({"fault": True}))
THROTTLED = trace_of(payment({"error": True, "throttle": True}))


def named(graph):
    """Return services by name and type, and edges by the names and types of both ends."""
    services = {shape["ReferenceId"]: shape for shape in graph["Services"]}
    labels = {number: (s["Name"], s["Type"]) for number, s in services.items()}
    nodes = {labels[number]: shape for number, shape in services.items()}
    edges = {
        (labels[number], labels[edge["ReferenceId"]]): edge
        for number, shape in services.items()
        for edge in shape["Edges"]
    }
    return nodes, edges


CLIENT = ("payments", "client")
SERVICE = ("payments", "AWS::Lambda")
FUNCTION = ("payments", "AWS::Lambda::Function")
TABLE = ("customers", "AWS::DynamoDB::Table")
PROCESSOR = ("api.processor.example", "remote")


def test_the_graph_leads_from_the_client_to_what_the_function_calls():
    nodes, edges = named(trace_graph([GOOD]))

    assert list(nodes) == [CLIENT, SERVICE, FUNCTION, TABLE, PROCESSOR]
    assert list(edges) == [
        (CLIENT, SERVICE),
        (SERVICE, FUNCTION),
        (FUNCTION, TABLE),
        (FUNCTION, PROCESSOR),
    ]
    assert [nodes[node]["State"] for node in nodes] == [
        *("unknown", "active", "active", "unknown", "unknown"),
    ]
    assert [node for node in nodes if nodes[node].get("Root")] == [SERVICE]
    assert nodes[FUNCTION]["AccountId"] == "123456789012"
    assert "SummaryStatistics" not in nodes[CLIENT]


def test_requests_are_counted_by_how_they_ended():
    nodes, edges = named(service_graph([GOOD, GOOD, FAILED, THROTTLED], START, START + 60))

    statistics = {
        "OkCount": 2,
        "ErrorStatistics": {"ThrottleCount": 1, "OtherCount": 0, "TotalCount": 1},
        "FaultStatistics": {"OtherCount": 1, "TotalCount": 1},
        "TotalCount": 4,
        "TotalResponseTime": 2.8,
    }
    assert nodes[PROCESSOR]["SummaryStatistics"] == statistics
    assert edges[FUNCTION, PROCESSOR]["SummaryStatistics"] == statistics
    assert nodes[TABLE]["SummaryStatistics"]["OkCount"] == 4
    assert nodes[SERVICE]["ResponseTimeHistogram"] == [{"Value": 1.0, "Count": 4}]
    assert edges[CLIENT, SERVICE]["ResponseTimeHistogram"] == [{"Value": 1.0, "Count": 4}]
    assert nodes[FUNCTION]["DurationHistogram"] == [{"Value": 0.9, "Count": 4}]
    assert (nodes[SERVICE]["StartTime"], nodes[SERVICE]["EndTime"]) == (START, START + 1)


def test_an_error_that_is_no_throttle_is_another_error():
    nodes, _ = named(trace_graph([trace_of(payment({"error": True}))]))

    assert nodes[SERVICE]["SummaryStatistics"]["ErrorStatistics"] == {
        "ThrottleCount": 0,
        "OtherCount": 1,
        "TotalCount": 1,
    }


def test_an_edge_is_timed_by_the_caller_and_a_service_by_itself():
    call = part("5", "shop", 0.1, 0.9, namespace="remote")
    caller = segment("9", "web", 0, 1, origin="web", subsegments=[call])
    answer = segment("7", "shop", 0.2, 0.5, parent_id="5" * 16, origin="shop")

    nodes, edges = named(trace_graph([trace_of([caller, answer])]))

    edge = edges[("web", "web"), ("shop", "shop")]
    assert edge["ResponseTimeHistogram"] == [{"Value": 0.8, "Count": 1}]
    assert nodes["shop", "shop"]["ResponseTimeHistogram"] == [{"Value": 0.3, "Count": 1}]


def test_work_after_the_response_counts_for_duration_alone():
    root = segment("9", "web", 0, 1, origin="web", subsegments=[part("5", "later", 0.5, 4)])

    nodes, _ = named(trace_graph([trace_of([root])]))

    assert nodes["web", "web"]["DurationHistogram"] == [{"Value": 4.0, "Count": 1}]
    assert nodes["web", "web"]["ResponseTimeHistogram"] == [{"Value": 1.0, "Count": 1}]


def test_a_request_in_progress_is_drawn_and_not_counted():
    begun = segment("9", "web", 0, 1, origin="web", in_progress=True)
    del begun["end_time"]

    nodes, _ = named(trace_graph([trace_of([begun])]))

    assert nodes["web", "web"]["SummaryStatistics"]["TotalCount"] == 0


@pytest.mark.parametrize(
    ("call", "name", "kind"),
    [
        ({"name": "S3", "namespace": "aws"}, "S3", "AWS::S3"),
        ({"name": "sqs", "namespace": "aws"}, "sqs", "AWS::SQS"),
        ({"name": "dynamodb", "namespace": "aws"}, "dynamodb", "AWS::DynamoDB"),
        (
            {"name": "lambda", "namespace": "aws", "aws": {"function_name": "mail"}},
            "mail",
            "AWS::Lambda",
        ),
        ({"name": "db@host", "namespace": "remote", "sql": {}}, "db@host", "Database::SQL"),
        ({"name": "host", "namespace": "remote"}, "host", "remote"),
    ],
)
def test_a_service_that_sends_nothing_is_inferred_from_the_call(call, name, kind):
    inner = part("5", "x", 0.1, 0.2) | call
    root = segment("9", "web", 0, 1, origin="web", subsegments=[inner])

    nodes, _ = named(trace_graph([trace_of([root])]))

    assert (name, kind) in nodes


def test_boto3_takes_both_graphs(accepted):
    traces = [GOOD, FAILED, THROTTLED, trace_of(payment()[:1])]

    graph = accepted("GetServiceGraph", service_graph(traces, START, START + 60))
    alone = accepted("GetTraceGraph", trace_graph(traces))

    assert graph["StartTime"].timestamp() == START
    assert [service["Name"] for service in graph["Services"]] == [
        service["Name"] for service in alone["Services"]
    ]


def test_many_different_times_are_counted_in_coarser_bars():
    few = histogram(n / 1000 for n in range(100))
    many = histogram(n / 1000 for n in range(100, 1000))

    assert few == [{"Value": n / 1000, "Count": 1} for n in range(100)]
    assert len(many) <= 100
    assert sum(bar["Count"] for bar in many) == 900
    assert [bar["Value"] for bar in many] == sorted(bar["Value"] for bar in many)
