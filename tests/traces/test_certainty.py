"""What is ruled out without being assembled: never a trace that matches, whatever came."""

# ruff: noqa: S608 - only SQL of our own is put into SQL

from itertools import pairwise
from unittest import mock

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.traces.conftest import START, payment, segment
from tests.traces.test_any_documents import SPANS
from workshop.store import Store
from workshop.traces import assemble, certainty
from workshop.traces import search as searching
from workshop.traces.filters import parse_filter
from workshop.traces.search import search

TERMS = [
    *("partial", "partial = false", "annotation.k", "annotation.k = true", "annotation.k != false"),
    *('annotation.k = "a\\"é"', 'annotation.k != "a\\"é"', 'annotation.k CONTAINS "a"'),
    *('annotation.k BEGINSWITH ""', "annotation.k > 1", "annotation.k != 2"),
    *("http.status = 200", "http.status != 200", "http.status", "http.url", "responsetime > 1"),
    *('http.url ENDSWITH "a"', 'http.method != "a"', "responsetime <= 2", "responsetime"),
    *("fault", "inferred", "ok", 'service("a")', "duration > 1"),
]
FILTERS = st.recursive(
    st.sampled_from(TERMS),
    lambda inner: st.one_of(
        st.builds("({}) AND ({})".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=3,
)
VALUES = st.sampled_from(
    [
        "",
        "a",
        'a"é',
        "true",
        True,
        False,
        None,
        0,
        1,
        2,
        -2.5e-7,
        200,
        10**15,
        2**53 + 1,
        10**301,
        [],
    ]
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "annotations": st.dictionaries(st.sampled_from(["k", "l"]), VALUES),
        "metadata": st.just({"k": {"end_time": 1, "id": "b"}, "in_progress": True}),
        "http": st.fixed_dictionaries(
            {"response": st.fixed_dictionaries({"status": VALUES})},
            optional={"request": st.dictionaries(st.sampled_from(["url", "method"]), VALUES)},
        ),
        "fault": st.booleans(),
    },
)
FLAWS = st.sampled_from(
    [
        {},
        {"end_time": None},
        {"end_time": "1"},
        {"in_progress": True},
        {"in_progress": False},
        {"id": "span0"},
        {"id": 0},
        {"parent_id": "span5"},
        {"parent_id": "elsewhere"},
        {"parent_id": ""},
        {"type": "subsegment"},
        {"name": None},
        {"start_time": None},
        {"annotations": dict.fromkeys([*map(str, range(60)), "k"], "a")},
    ]
)


@st.composite
def traces(draw):
    """Make the documents of a trace: usually a tree, with no more than a few flaws."""
    documents, ids = [], []
    for number in range(draw(st.integers(1, 3))):
        spans = []
        for inner in range(draw(st.integers(1, 3))):
            span = {"id": f"span{3 * number + inner}", "name": draw(st.sampled_from("ab"))}
            start = START + draw(st.integers(0, 3))
            span |= {"start_time": start, "end_time": start + draw(st.integers(0, 3))}
            spans.append(span | draw(MEMBERS))
        spans[0] |= {"parent_id": draw(st.sampled_from(ids))} if ids else {}
        ids += [span["id"] for span in spans]
        if draw(st.integers(0, 2)) == 0:
            spans[draw(st.integers(0, len(spans) - 1))] |= draw(FLAWS)
        for outer, inner in pairwise(spans):
            outer["subsegments"] = [inner]
        documents.append(spans[0])
    return draw(st.permutations(documents))


def stored(drawn):
    """Give each trace an id of its own."""
    return [
        document | {"trace_id": f"1-{int(START):08x}-{number:024x}"}
        for number, documents in enumerate(drawn)
        for document in documents
    ]


def ruled_out(store, text):
    """Return the ids of traces that are ruled out, and those that match."""
    chosen = parse_filter(text)
    condition = certainty.ruled_out(chosen.expression)
    with store.database() as connection:
        out = connection.execute(
            "WITH RECURSIVE possible AS (SELECT DISTINCT trace_id FROM segments), "
            f"{certainty.SPANS} SELECT trace_id FROM hung GROUP BY trace_id "
            f"HAVING {condition.sql if condition else 'false'}",
            condition.parameters if condition else [],
        ).fetchall()
    matching = {trace.id for trace in store.traces() if chosen.matches(trace)}
    return {trace_id for (trace_id,) in out}, matching


@settings(deadline=None, max_examples=100)
@given(drawn=st.lists(traces(), min_size=1, max_size=6), text=FILTERS)
def test_no_trace_that_matches_is_ruled_out(drawn, text):
    with Store.open(None) as store:
        store.append([], stored(drawn))
        out, matching = ruled_out(store, text)

    event(f"ruled out: {bool(out)}")
    assert not out & matching


@settings(deadline=None, max_examples=50)
@given(drawn=st.lists(st.lists(SPANS, max_size=4), min_size=1, max_size=4), text=FILTERS)
def test_nor_is_one_of_any_documents(drawn, text):
    with Store.open(None) as store:
        store.append([], stored(drawn))
        out, matching = ruled_out(store, text)

    assert not out & matching


@pytest.mark.parametrize(
    "text",
    [
        *(
            "partial",
            "!annotation.amount",
            "!(annotation.amount = 1299)",
            "annotation.amount > 1299",
        ),
        *('annotation.Service != "payments"', "!(http.status = 200)", "responsetime < 1"),
        *(
            "partial or fault and annotation.none",
            "!annotation.ColdStart and ok",
            "annotation.none",
        ),
    ],
)
def test_a_whole_trace_is_ruled_out_by_what_can_be_told_of_it(text):
    with Store.open(None) as store:
        store.append([], stored([payment(), payment()[:2]]))
        out, _ = ruled_out(store, text)

    assert [trace_id[-1] for trace_id in out] == ["0"]


HANDLER, FUNCTION, SERVICE = payment()
LATER = segment("0", "## later", 0.5, 0.6, type="subsegment", parent_id="b" * 16)
MANY = dict.fromkeys(map(str, range(51)), 1)


@pytest.mark.parametrize(
    "documents",
    {
        "nothing that began it": [HANDLER, FUNCTION],
        "two that began it": [*payment(), segment("0", "other", 0, 1)],
        "begun by a subsegment": [SERVICE | {"type": "subsegment"}, FUNCTION, HANDLER],
        "a parent that is elsewhere": [*payment(), LATER | {"parent_id": "elsewhere"}],
        "a parent in a document that began later": [*payment(), LATER | {"start_time": START}],
        "a circle": [
            *payment(),
            LATER | {"parent_id": "1" * 16},
            segment("1", "## later", 0.5, 0.6, type="subsegment", parent_id="0" * 16),
        ],
        "an id twice": [*payment(), HANDLER | {"annotations": {}}],
        "in progress": [HANDLER, FUNCTION, SERVICE | {"in_progress": True}],
        "an end that is no time": [HANDLER, FUNCTION | {"end_time": "1"}, SERVICE],
        "an embedded part without an end": [
            *payment(),
            LATER | {"subsegments": [{"id": "1", "name": "a", "start_time": START}]},
        ],
        "no name": [*payment(), LATER | {"name": None}],
        "more annotations than are indexed": [HANDLER | {"annotations": MANY}, FUNCTION, SERVICE],
    }.values(),
)
def test_what_is_not_whole_is_left_to_be_assembled(documents):
    with Store.open(None) as store:
        store.append([], stored([documents, [*payment(), LATER]]))
        out, _ = ruled_out(store, "annotation.none")

    assert [trace_id[-1] for trace_id in out] == ["1"]


def test_so_is_what_has_a_whole_number_that_no_double_holds():
    with Store.open(None) as store:
        large = HANDLER | {"annotations": {"amount": 2**53 + 1}}
        store.append([], stored([[large, FUNCTION, SERVICE], payment()]))
        out, _ = ruled_out(store, "annotation.amount = 1")

    assert [trace_id[-1] for trace_id in out] == ["1"]


def test_what_is_ruled_out_is_not_assembled():
    running = [HANDLER, FUNCTION, SERVICE | {"in_progress": True}]
    documents = stored([payment()] * 20 + [running] + [payment()] * 20)
    read = []

    def load(connection, trace_ids):
        read.extend(trace_ids)
        return assemble(one for one in documents if one["trace_id"] in trace_ids)

    with (
        Store.open(None) as store,
        mock.patch.multiple(searching, load=load, _FIRST_BATCH=4),
    ):
        store.append([], documents)
        with store.database() as connection:
            partial = parse_filter("partial")
            first = search(connection, START, START + 9, chosen=partial, limit=1)
            rest = search(connection, START, START + 9, chosen=partial, after=first.next)

    assert [trace.id[-2:] for trace in (*first.traces, *rest.traces)] == ["14"]
    assert (first.processed, rest.processed) == (21, 20)
    assert (
        len(read) == 6
    )  # those that a page begins with are read before it is known that few match
