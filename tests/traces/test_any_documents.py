"""Whatever documents came, what is made of them is what AWS's model describes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.conftest import START, TRACE
from workshop.traces import assemble
from workshop.traces.filters import parse_filter
from workshop.traces.graph import service_graph
from workshop.traces.picking import slowest
from workshop.traces.summaries import full_trace, summary

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text("ab\ud800", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["request", "response", "status", "exceptions", "type", "table_name"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
SPANS = st.recursive(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from("abcdef"),
            "name": st.sampled_from(["a", "DynamoDB", "lambda"]),
            "start_time": st.floats(START, START + 9),
        },
        optional={
            "trace_id": st.just(TRACE),
            "type": st.just("subsegment"),
            "parent_id": st.sampled_from("abcdef"),
            "end_time": st.floats(START, START + 9) | JSON,
            "in_progress": JSON,
            "namespace": st.sampled_from(["aws", "remote"]) | JSON,
            **dict.fromkeys(["fault", "error", "throttle"], st.booleans() | JSON),
            **dict.fromkeys(["http", "aws", "cause", "user", "origin", "resource_arn"], JSON),
            "annotations": st.dictionaries(st.sampled_from(["k", "l"]), JSON) | JSON,
        },
    ),
    lambda inner: st.builds(
        lambda outer, inside: outer | {"subsegments": inside}, inner, st.lists(inner, max_size=3)
    ),
    max_leaves=5,
)
FILTERS = [
    parse_filter(text)
    for text in (
        'service { ok and !root and name = "a" or annotation.k > 1 }',
        'edge("a", id(type: "AWS::Lambda")) { source.annotation.k or http.status = 1 }',
        "responsetime > 1 and user or inferred and rootcause.fault.entity { last }",
        'rootcause.responsetime.entity { coverage > 0.5 } or json = #[{"Services": [{}]}]',
        'rootcause.error.exception { message CONTAINS "a" } or annotation.l = "a"',
    )
]


@settings(deadline=None)
@given(documents=st.lists(SPANS, max_size=5))
def test_any_documents_make_answers_that_boto3_takes(documents, accepted):
    traces = assemble(documents)

    accepted("GetTraceSummaries", {"TraceSummaries": [summary(trace) for trace in traces]})
    accepted("BatchGetTraces", {"Traces": [full_trace(trace) for trace in traces]})
    accepted("GetServiceGraph", service_graph(traces, START, START + 9))
    assert len(slowest(traces, 9)) == len(traces)
    assert all(chosen.matches(trace) in (True, False) for trace in traces for chosen in FILTERS)
