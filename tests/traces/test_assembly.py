"""Segment documents to traces, whatever came and in whatever order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.traces import assemble, newest

TRACE = "1-6922fb20-aaaaaaaaaaaaaaaaaaaaaaaa"
OTHER = "1-6922fb21-bbbbbbbbbbbbbbbbbbbbbbbb"


def segment(span_id, start, end=None, **members):
    document = {"id": span_id, "name": span_id, "trace_id": TRACE, "start_time": start, **members}
    return document | ({"in_progress": True} if end is None else {"end_time": end})


def subsegment(span_id, parent_id, start, end=None, **members):
    return segment(span_id, start, end, type="subsegment", parent_id=parent_id, **members)


def embedded(document):
    return {k: v for k, v in document.items() if k not in ("trace_id", "type", "parent_id")}


def shape(trace):
    """Draw a trace: one line for each span, indented by its depth."""
    return ["  " * depth + span.id for depth, span in trace.flat()]


LAMBDA = [
    segment("service", 0.0, 9.0, origin="AWS::Lambda"),
    segment("function", 1.0, 8.0, origin="AWS::Lambda::Function", parent_id="service"),
    subsegment("init", "function", 1.0, 3.0),
    subsegment("invocation", "function", 3.0, 7.0),
    subsegment("handler", "invocation", 3.5, 6.5),
    subsegment("charge", "handler", 4.0, 6.0, namespace="remote"),
    subsegment("overhead", "function", 7.0, 8.0),
]
WATERFALL = [
    "service",
    "  function",
    "    init",
    "    invocation",
    "      handler",
    "        charge",
    "    overhead",
]


@pytest.mark.parametrize("seed", range(5))
def test_documents_in_any_order_make_one_tree(seed):
    documents = random.Random(seed).sample(LAMBDA, len(LAMBDA))

    (trace,) = assemble(documents)

    assert shape(trace) == WATERFALL
    assert (trace.id, trace.start_time, trace.end_time, trace.duration) == (TRACE, 0.0, 9.0, 9.0)
    assert not trace.is_partial


def test_embedded_subsegments_hang_where_they_lie():
    handler = embedded(LAMBDA[4]) | {"subsegments": [embedded(LAMBDA[5])]}
    function = LAMBDA[1] | {
        "subsegments": [
            embedded(LAMBDA[6]),
            embedded(LAMBDA[3]) | {"subsegments": [handler]},
            embedded(LAMBDA[2]),
        ]
    }

    (trace,) = assemble([function, LAMBDA[0]])

    assert shape(trace) == WATERFALL
    assert not trace.is_partial


def test_a_subsegment_sent_alone_may_hang_under_an_embedded_one():
    outer = segment("a", 0.0, 9.0, subsegments=[embedded(segment("b", 1.0, 8.0))])

    (trace,) = assemble([subsegment("c", "b", 2.0, 3.0), outer])

    assert shape(trace) == ["a", "  b", "    c"]


def test_a_span_tells_what_its_document_says():
    document = segment(
        "a",
        1.0,
        3.5,
        origin="AWS::Lambda",
        namespace="remote",
        error=True,
        throttle=True,
        annotations={"ColdStart": True},
        metadata={"payments": {"n": 1}},
    )

    ((span,),) = (trace.spans for trace in assemble([document]))

    assert (span.name, span.start_time, span.end_time, span.duration) == ("a", 1.0, 3.5, 2.5)
    assert (span.origin, span.namespace) == ("AWS::Lambda", "remote")
    assert (span.error, span.fault, span.throttle) == (True, False, True)
    assert span.annotations == {"ColdStart": True}
    assert span.metadata == {"payments": {"n": 1}}
    assert span.document is document
    assert not span.in_progress
    assert not span.is_subsegment


def test_a_subsegment_knows_that_it_is_one_whichever_way_it_came():
    outer = segment("a", 0.0, 9.0, subsegments=[embedded(segment("b", 1.0, 8.0))])

    (trace,) = assemble([outer, subsegment("c", "a", 2.0, 3.0)])

    assert [span.is_subsegment for _, span in trace.flat()] == [False, True, True]


def test_the_complete_segment_takes_the_place_of_the_one_in_progress():
    for documents in (
        [segment("a", 0.0), segment("a", 0.0, 2.0)],
        [segment("a", 0.0, 2.0), segment("a", 0.0)],
    ):
        (trace,) = assemble(documents)

        assert trace.duration == 2.0
        assert not trace.is_partial


def test_a_trace_in_progress_is_partial_and_lasts_as_long_as_is_known():
    (trace,) = assemble([segment("a", 1.0), subsegment("b", "a", 2.0, 4.0)])

    assert trace.is_partial
    assert trace.duration == 3.0
    assert trace.spans[0].in_progress
    assert trace.spans[0].duration is None


def test_a_document_sent_twice_is_one_span():
    (trace,) = assemble([*LAMBDA, *LAMBDA])

    assert shape(trace) == WATERFALL


def test_a_span_whose_parent_is_missing_is_a_root_of_a_partial_trace():
    (trace,) = assemble([segment("a", 1.0, 2.0), subsegment("c", "b", 0.0, 1.0)])

    assert shape(trace) == ["c", "a"]
    assert trace.is_partial


def test_siblings_that_start_together_stay_in_order_of_arrival():
    (trace,) = assemble(
        [segment("a", 0.0, 1.0), *(subsegment(name, "a", 0.5, 1.0) for name in "zyx")]
    )

    assert shape(trace) == ["a", "  z", "  y", "  x"]


def test_traces_are_told_apart_and_come_in_order_of_start():
    later = segment("a", 5.0, 6.0)
    earlier = segment("a", 1.0, 2.0, trace_id=OTHER)

    assert [trace.id for trace in assemble([later, earlier])] == [OTHER, TRACE]


@pytest.mark.parametrize(
    "documents",
    [
        [segment("a", 1.0, 2.0, parent_id="a")],
        [segment("a", 1.0, 2.0, parent_id="b"), segment("b", 0.0, 2.0, parent_id="a")],
        [segment("a", 0.0, 2.0, subsegments=[embedded(segment("a", 0.0, 2.0))])],
    ],
)
def test_spans_that_go_in_a_circle_are_cut_at_the_earliest(documents):
    (trace,) = assemble(documents)

    spans = [span for _, span in trace.flat()]
    assert sorted({span.id for span in spans}) == sorted({each["id"] for each in documents})
    assert len(spans) == len(documents)
    assert spans[0].start_time == trace.start_time
    assert trace.is_partial


def test_a_very_deep_trace_is_assembled():
    chain = [segment("0", 0.0, 1.0)]
    chain += [subsegment(str(n), str(n - 1), float(n), float(n)) for n in range(1, 20_000)]

    (trace,) = assemble(reversed(chain))

    assert trace.flat()[-1][0] == 19_999


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"trace_id": TRACE},
        segment("a", 0.0, 1.0) | {"trace_id": 7},
        segment("a", 0.0, 1.0) | {"id": None},
        segment("a", 0.0, 1.0) | {"name": None},
        segment("a", 0.0, 1.0) | {"start_time": "now"},
        segment("a", 0.0, 1.0) | {"start_time": float("nan")},
        segment("a", 0.0, 1.0) | {"start_time": 10**400},
        segment("a", 0.0, 1.0) | {"start_time": True},
    ],
)
def test_a_document_that_is_no_span_is_left_out(document):
    assert assemble([document]) == []


def test_the_newest_documents_are_one_for_each_span():
    begun, done = segment("a", 0.0), segment("a", 0.0, 1.0)
    again = done | {"fault": True}
    elsewhere = segment("a", 0.0, trace_id=OTHER)

    assert newest([begun, elsewhere, done, again, begun, {}, {}]) == [again, elsewhere, {}, {}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
IDS = st.sampled_from("abcde")
SPANS = st.recursive(
    st.fixed_dictionaries(
        {"id": IDS, "name": IDS, "start_time": st.floats(0, 9)},
        optional={
            "trace_id": st.sampled_from([TRACE, OTHER]),
            "parent_id": IDS,
            "end_time": st.floats(0, 9) | JSON,
            "in_progress": JSON,
            "type": st.just("subsegment"),
            "annotations": JSON,
        },
    ),
    lambda inner: st.builds(
        lambda outer, inside: outer | {"subsegments": inside},
        inner,
        st.lists(inner | JSON, max_size=3) | JSON,
    ),
    max_leaves=6,
)


@given(st.lists(SPANS | st.dictionaries(st.text(max_size=5), JSON, max_size=3), max_size=10))
def test_any_documents_are_assembled_with_each_span_once(documents):
    for trace in assemble(documents):
        spans = [span for _, span in trace.flat()]
        assert len({span.id for span in spans}) == len(spans)
        assert trace.duration >= 0 or any(
            span.end_time is not None and span.end_time < span.start_time for span in spans
        )
        for span in spans:
            starts = [child.start_time for child in span.children]
            assert starts == sorted(starts)
            assert isinstance(dict(span.annotations), dict)
    sent = {d["id"] for d in documents if d.get("trace_id") == TRACE and "id" in d}
    found = {span.id for t in assemble(documents) if t.id == TRACE for _, span in t.flat()}
    assert sent <= found
