"""Searching the store: what is found is what matches, page by page, and little more is read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.traces.conftest import START, payment, segment, trace_of
from tests.traces.test_any_documents import SPANS
from tests.traces.test_certainty import stored
from workshop.store import Store
from workshop.traces import assemble
from workshop.traces import search as searching
from workshop.traces.filters import parse_filter
from workshop.traces.search import Cursor, load, scan, search


def renamed(documents, number):
    """Move a trace's documents to a trace of its own, `number` seconds later."""
    trace_id = f"1-{int(START) + number:08x}-{number:024x}"
    return [_later(document, number) | {"trace_id": trace_id} for document in documents]


def _later(document, seconds):
    moved = {
        key: value + seconds if key in ("start_time", "end_time") else value
        for key, value in document.items()
    }
    inner = [_later(inner, seconds) for inner in document.get("subsegments", [])]
    return moved | ({"subsegments": inner} if inner else {})


WEB = segment(
    *("1", "shop.example", 0, 2),
    http={"request": {"url": 'https://shop.example/ü?q="x\\y"'}, "response": {"status": 404}},
    error=True,
    user="o'hara",
    annotations={"cart": "full", "count": -2.5e3, "flag": False, "text": 'a"b'},
)
TRACES = [
    payment(),
    payment({"fault": True}),
    payment({"error": True}),
    payment({"error": True, "throttle": True}),
    [payment({"error": True})[0] | {"error": False}, *payment()[1:]],
    payment()[:1],
    payment()[1:2],
    [WEB],
    [WEB | {"annotations": {"count": 7, "flag": True}, "user": "bob", "end_time": START + 9}],
    [{k: v for k, v in WEB.items() if k != "end_time"} | {"in_progress": True}, WEB],
]
DOCUMENTS = [
    document for number, documents in enumerate(TRACES) for document in renamed(documents, number)
]

TERMS = [
    *("ok", "error", "fault", "throttle", "partial", "inferred", "ok = false", "fault != true"),
    *("error = false", "responsetime > 1", "responsetime <= 1", "responsetime = 2", "duration > 8"),
    *("duration >= 0.9", "duration < 1", "http.status = 404", "http.status != 200", "http.status"),
    *("http.status >= 300", 'http.url CONTAINS "shop"', 'http.url ENDSWITH "y\\""', "http.url"),
    *('http.url = "https://shop.example/ü?q=\\"x\\\\y\\""', 'http.url BEGINSWITH "https://sh"'),
    *('user = "ada"', 'user != "ada"', 'user CONTAINS ""', 'user = ""', "annotation.amount"),
    *("annotation.amount > 1000", "annotation.count < 0", "annotation.count != 7", "annotation.x"),
    *("annotation.flag", "annotation.flag = false", "annotation.flag != false", "json"),
    *(
        'annotation.text = "a\\"b"',
        'annotation.cart CONTAINS "ul"',
        'annotation.cart BEGINSWITH "fu"',
        'annotation.cart != "x"',
    ),
    *('service("customers")', 'service("payments") { fault }', 'service(id(type: "client"))'),
    *("service { error }", "service { responsetime > 0.5 and inferred }", "service { root }"),
    *('service { name = "customers" }', 'service { name CONTAINS "pay" }', 'service("none")'),
    *('service { type = "AWS::DynamoDB::Table" }', 'service(id(account.id: "123456789012"))'),
    *('edge("payments", "api.processor.example") { http.status = 503 }', "edge { throttle }"),
    *("edge { source.annotation.amount = 1299 }", "edge { responsetime < 0.2 }"),
    *("service { responsetime = 2 }", "service { duration >= 9 }", "edge { duration > 0.5 }"),
    *('service { type = "AWS::Lambda" }', 'edge(id(type: "client"), id(type: "remote"))'),
    *('rootcause.fault.exception { message CONTAINS "refused" and name = "ProcessorError" }',),
    *("rootcause.error.entity { last and remote }", "rootcause.responsetime.service { index = 2 }"),
    *("rootcause.responsetime.entity { coverage < 0.75 }", 'resource.arn ENDSWITH ":payments"'),
    *('rootcause.json = #[{"ClientImpacting": true}]', 'instance.id = "i"'),
    *(
        'rootcause.json = #[{"Services": [{"Name": "shop.example"}]}]',
        'rootcause.json = #[{"ClientImpacting": false}]',
        'rootcause.json = #[{"Services": [{"EntityPath": [{"Name": "no"}]}]}]',
    ),
]


@pytest.fixture(scope="module")
def connection():
    with Store.open(None) as store:
        store.append([], DOCUMENTS)
        with store.database() as connection:
            yield connection


def found(connection, text="", start=START, end=START + 100, **how):
    page = search(connection, start, end, chosen=parse_filter(text), **how)
    return [int(trace.id[-24:], 16) for trace in page.traces]


def expected(text):
    chosen = parse_filter(text)
    traces = [trace for trace in assemble(DOCUMENTS) if chosen.matches(trace)]
    return sorted((int(trace.id[-24:], 16) for trace in traces), reverse=True)


@pytest.fixture(scope="module", params=["by words", "taken apart"], autouse=True)
def _way(request):
    """Search in both ways: the second is taken from the second trace on."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "taken apart":
            patch.setattr(searching, "_FIRST_BATCH", 1)
            patch.setattr(searching, "_FEW", 2)
        yield


@pytest.mark.parametrize("text", TERMS)
def test_a_search_finds_what_matches_however_it_is_negated(connection, text):
    assert found(connection, text) == expected(text)
    assert found(connection, f"!({text})") == expected(f"!({text})")
    assert sorted(expected(text) + expected(f"!({text})")) == list(range(len(TRACES)))


COMBINED = st.recursive(
    st.sampled_from(TERMS),
    lambda inner: st.one_of(
        st.builds("({}) AND ({})".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=4,
)


def test_text_that_no_database_takes_finds_nothing(connection):
    for text in ('user = "\ud800"', 'http.url = "\ud800"', 'service("\ud800")', 'user = "\0"'):
        assert found(connection, text) == []


@settings(max_examples=60, deadline=None)
@given(text=COMBINED)
def test_a_search_finds_what_a_combined_filter_matches(connection, text):
    assert found(connection, text) == expected(text)


def test_pages_follow_each_other_and_count_what_was_looked_at(connection):
    chosen = parse_filter("http.status = 200 or http.status = 404")
    whole = search(connection, START, START + 100, chosen=chosen)

    pages, after = [], None
    while not pages or after is not None:
        pages.append(search(connection, START, START + 100, chosen=chosen, after=after, limit=3))
        after = pages[-1].next

    assert [trace.id for page in pages for trace in page.traces] == [t.id for t in whole.traces]
    assert all(len(page.traces) <= 3 for page in pages)
    assert sum(page.processed for page in pages) == whole.processed == len(TRACES)
    last = whole.traces[2]
    assert pages[0].next == Cursor(last.start_time, last.id)


@pytest.mark.parametrize("text", ["partial", "!annotation.count", "fault", "!partial"])
def test_a_page_that_takes_too_long_ends_and_the_next_goes_on(connection, monkeypatch, text):
    monkeypatch.setattr(searching, "_FIRST_BATCH", 2)
    monkeypatch.setattr(searching, "_LARGEST_BATCH", 2)
    chosen = parse_filter(text)

    pages, after = [], None
    while not pages or after is not None:
        pages.append(
            search(
                *(connection, START, START + 100),
                chosen=chosen,
                after=after,
                patience_seconds=-1,
            )
        )
        after = pages[-1].next

    assert len(pages) > 1
    assert [int(t.id[-24:], 16) for page in pages for t in page.traces] == expected(text)
    assert sum(page.processed for page in pages) == len(TRACES)


@pytest.mark.parametrize(
    ("kind", "start", "end", "numbers"),
    [
        ("TraceId", 1, 3, [2, 1]),
        ("TraceId", 0.5, 1.5, [1]),
        ("TraceId", -1e12, 1e12, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("Event", 0.98, 1.0, [0]),
        ("Event", 14, 20, [8]),
        ("Service", 14, 20, [8]),
        ("Event", 50, 60, []),
    ],
)
def test_a_range_is_searched_by_its_kind(connection, kind, start, end, numbers):
    assert found(connection, start=START + start, end=START + end, kind=kind) == numbers


# That name what `SPANS` has.
OF_ANY = [
    *('service("a") { responsetime > 2 }', "service { duration >= 3 }", "edge { duration = 0 }"),
    *("edge { responsetime >= 1 and inferred }", 'service(id(type: "AWS::DynamoDB"))'),
    *('service(id(type: "remote"))', 'service { type = "AWS::Lambda" }', 'service(id(type: "a"))'),
    *('service(id(name: "a", type: "client"))', 'edge("a", id(type: "AWS::Lambda"))'),
    *('rootcause.fault.service { type = "remote" }', 'rootcause.error.service { type = "b" }'),
]


@settings(max_examples=50, deadline=None)
@given(
    drawn=st.lists(st.lists(SPANS, min_size=1, max_size=4), min_size=1, max_size=4),
    text=st.sampled_from([*OF_ANY, *TERMS]),
)
def test_whatever_came_a_search_finds_what_matches(drawn, text):
    chosen, documents = parse_filter(text), stored(drawn)
    with Store.open(None) as store:
        store.append([], documents)
        with store.database() as connection:
            page = search(connection, 0, START + 100, chosen=chosen)

    assert {trace.id for trace in page.traces} == {
        trace.id for trace in assemble(documents) if chosen.matches(trace)
    }


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ('service("shop.example") { error }', [9, 8, 7]),
        ("service { responsetime > 3 }", [8]),
        ("edge { duration > 8 }", [8]),
        ('service(id(type: "AWS::DynamoDB::Table"))', [5, 4, 3, 2, 1, 0]),
    ],
)
def test_only_what_is_possible_is_assembled(connection, monkeypatch, text, numbers):
    read = []

    def load_and_tell(connection, trace_ids):
        read.extend(trace_ids)
        return load(connection, trace_ids)

    monkeypatch.setattr(searching, "load", load_and_tell)

    assert found(connection, text) == numbers
    assert len(read) == len(numbers)


def test_traces_are_loaded_by_id_and_strangers_left_out(connection):
    (wanted,) = {document["trace_id"] for document in renamed(payment(), 3)}

    (trace,) = load(connection, [wanted, "1-00000000-000000000000000000000000"])

    assert trace == trace_of(renamed(TRACES[3], 3))


def test_what_is_no_trace_is_passed_over():
    with Store.open(None) as store:
        store.append([], [{"trace_id": f"1-{int(START):08x}-{1:024x}", "start_time": START}, {}])
        with store.database() as connection:
            assert search(connection, START, START + 9).traces == []


def test_a_scan_gives_every_trace_that_a_search_would(connection):
    failed = parse_filter("fault or error")

    scanned = list(scan(connection, START, START + 100, chosen=failed, kind="Event"))

    assert scanned == search(connection, START, START + 100, chosen=failed, kind="Event").traces
    assert len(list(scan(connection, START, START + 100))) == len(TRACES)
