"""What is appended comes back: as log events, data points, segments and traces."""

import json
import subprocess
import sys
import threading

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workshop.errors import ToolError
from workshop.signals import LogEvent
from workshop.store import Store, StoreError
from workshop.store.database import Database

NOW = 1_763_900_000_000
TRACE = "1-6922fb20-aaaaaaaaaaaaaaaaaaaaaaaa"


@pytest.fixture(params=["in memory", "in a folder"])
def store(request, tmp_path):
    with Store.open(None if request.param == "in memory" else tmp_path / "data") as store:
        yield store


def event(message, *, timestamp=NOW, group="/aws/lambda/payments", stream="one"):
    return LogEvent(group, stream, timestamp, message)


def segment(number, **members):
    return {
        "name": "payments",
        "id": f"{number:016x}",
        "trace_id": TRACE,
        "start_time": NOW / 1000 + number,
        "end_time": NOW / 1000 + number + 1,
        **members,
    }


def test_the_database_takes_no_more_memory_than_it_needs(tmp_path):
    with Store.open(tmp_path) as store, store.database() as connection:
        ((allowed,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    number, unit = allowed.split()
    assert unit in ("MiB", "GiB")
    assert unit == "MiB" or float(number) <= 2


def test_what_was_appended_is_read_back(store):
    store.append([event("one"), event("two")], [segment(1)])

    assert store.log_events() == [event("one"), event("two")]
    assert store.segments() == [segment(1)]
    assert store.count() == 2


def test_an_empty_batch_leaves_nothing(store):
    store.append([], [])

    assert store.count() == 0
    assert store.log_events() == []
    assert store.segments() == []


def test_log_events_come_in_order_of_time_then_of_arrival(store):
    store.append([event("late", timestamp=NOW + 2), event("b", timestamp=NOW + 1)])
    store.append([event("c", timestamp=NOW + 1), event("early")])

    assert [each.message for each in store.log_events()] == ["early", "b", "c", "late"]


def test_log_events_are_picked_by_group_stream_and_time(store):
    store.append(
        [
            event("other group", group="/aws/lambda/refunds"),
            event("other stream", stream="two"),
            event("before", timestamp=NOW - 1),
            event("at since"),
            event("at until", timestamp=NOW + 5),
        ]
    )

    picked = store.log_events("/aws/lambda/payments", "one", since=NOW, until=NOW + 5)

    assert [each.message for each in picked] == ["at since"]


def test_ids_count_up_in_order_of_arrival_and_never_change(store):
    store.append([event("a"), event("b")])
    with store.database() as connection:
        before = connection.execute("SELECT id, message FROM log_events ORDER BY id").fetchall()
    store.append([event("c")])
    with store.database() as connection:
        after = connection.execute("SELECT id, message FROM log_events ORDER BY id").fetchall()

    assert before == [(1, "a"), (2, "b")]
    assert after == [(1, "a"), (2, "b"), (3, "c")]


def test_the_time_of_ingestion_is_kept():
    with Store.open(None, clock=lambda: 12.345) as store:
        store.append([event("a")], [segment(1)])
        with store.database() as connection:
            times = connection.execute(
                "SELECT ingestion_time FROM log_events UNION SELECT ingestion_time FROM segments"
            ).fetchall()

    assert times == [(12345,)]


def test_data_points_are_read_from_log_events(store):
    record = {
        "_aws": {
            "Timestamp": NOW,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Workshop",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "SuccessfulCharge", "Unit": "Count"}],
                }
            ],
        },
        "service": "payments",
        "SuccessfulCharge": [1, 1],
    }
    store.append([event("hello"), event(json.dumps(record)), event('{"_aws": 1}')])

    (point,) = store.data_points()

    assert (point.namespace, point.name, point.values, point.unit) == (
        "Workshop",
        "SuccessfulCharge",
        (1.0, 1.0),
        "Count",
    )
    assert store.data_points(since=NOW + 1) == []


def test_a_complete_segment_replaces_the_one_in_progress(store):
    whole = segment(1)
    begun = {key: value for key, value in whole.items() if key != "end_time"}
    store.append([], [begun | {"in_progress": True}])
    store.append([], [whole])
    store.append([], [begun | {"in_progress": True}])

    assert store.segments() == [whole]


def test_traces_are_assembled_from_what_arrived_in_several_batches(store):
    other = "1-6922fb21-bbbbbbbbbbbbbbbbbbbbbbbb"
    store.append([], [segment(2, type="subsegment", parent_id=f"{1:016x}")])
    store.append([], [segment(7, trace_id=other)])
    store.append([], [segment(1)])

    (trace,) = store.traces(TRACE)

    assert [(depth, int(span.id, 16)) for depth, span in trace.flat()] == [(0, 1), (1, 2)]
    assert [each.id for each in store.traces()] == [TRACE, other]
    assert store.segments(other) == [segment(7, trace_id=other)]


def test_what_json_cannot_hold_is_replaced(store):
    store.append([event("a\ud800b")], [segment(1, metadata={"n": float("nan"), "s": "\udfff"})])

    assert store.log_events() == [event("a\ufffdb")]
    assert store.segments() == [segment(1, metadata={"n": None, "s": "\ufffd"})]


# Any text at all, and the characters that are special to JSON, lines and C strings more often.
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('\n\r\0"\\{')))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("in_memory", [True, False])
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=3), max_size=4),
    st.lists(st.dictionaries(TEXTS, JSON, max_size=4), max_size=4),
)
def test_any_text_and_any_document_come_back_as_they_were(
    tmp_path_factory, in_memory, batches, documents
):
    folder = None if in_memory else tmp_path_factory.mktemp("data")
    events = [
        [LogEvent(group, stream, NOW, message) for group, stream, message in batch]
        for batch in batches
    ]
    with Store.open(folder) as store:
        for batch in events:
            store.append(batch)
        store.append([], documents)

        assert store.log_events() == [each for batch in events for each in batch]
        with store.database() as connection:
            rows = connection.execute("SELECT document FROM segments ORDER BY number").fetchall()
        assert [json.loads(text) for (text,) in rows] == documents


def test_many_threads_append_while_others_read(store):
    def write(name):
        for number in range(200):
            store.append([event(f"{name} {number}")])

    def read():
        while any(writer.is_alive() for writer in writers):
            seen.append(store.count())

    seen = []
    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in (*writers, reader):
        thread.join()

    assert seen == sorted(seen)
    messages = [each.message for each in store.log_events()]
    assert sorted(messages) == sorted(f"{name} {n}" for name in "abcd" for n in range(200))
    for name in "abcd":
        own = [message for message in messages if message.startswith(name)]
        assert own == [f"{name} {number}" for number in range(200)]


def test_what_was_appended_is_seen_while_another_reader_is_taking_it_over(store, monkeypatch):
    taken, go_on = threading.Event(), threading.Event()
    absorb = Database._transfer  # noqa: SLF001

    def absorb_slowly(*arguments):
        if not taken.is_set():
            taken.set()
            assert go_on.wait(30)
        absorb(*arguments)

    monkeypatch.setattr(Database, "_transfer", absorb_slowly)
    store.append([event("mine")])
    seen = []
    readers = [threading.Thread(target=lambda: seen.append(store.count())) for _ in range(2)]
    readers[0].start()
    assert taken.wait(30)
    readers[1].start()
    readers[1].join(0.2)  # time to read, which it must not yet
    go_on.set()
    for reader in readers:
        reader.join()

    assert seen == [1, 1]


def test_full_journal_files_are_absorbed_without_a_reading(tmp_path):
    with Store.open(tmp_path, file_bytes=2000) as store:
        for number in range(100):
            store.append([event(f"{number:0100}")])
        store.close()  # waits for the background

        assert (tmp_path / "telemetry.duckdb").exists()
        assert len(list((tmp_path / "journal").iterdir())) < 10
        assert store.count() == 100


def test_a_batch_larger_than_any_file_is_kept(tmp_path):
    message = "x" * 20_000_000
    with Store.open(tmp_path) as store:
        store.append([event(message)])

        assert store.log_events() == [event(message)]


def test_appending_does_not_load_duckdb(tmp_path):
    program = """
import sys
from pathlib import Path
from workshop.signals import LogEvent
from workshop.store import Store
for folder in (None, Path(sys.argv[1])):
    with Store.open(folder) as store:
        store.append([LogEvent("g", "s", 1, "m")], [])
print("duckdb" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], check=True, capture_output=True, text=True
    )

    assert done.stdout == "False\n"


def test_errors_of_the_store_are_never_the_learners_fault():
    assert issubclass(StoreError, ToolError)


def test_a_database_of_an_earlier_release_is_read_on(tmp_path):
    with Store.open(tmp_path) as store:
        store.append([event("é")], [])
        store.sync()
        path = next(tmp_path.glob("*.duckdb"))
    with duckdb.connect(path) as connection:
        connection.execute("ALTER TABLE log_events DROP COLUMN size")
    with Store.open(tmp_path) as store:
        store.append([event("bc")], [])
        assert [each.message for each in store.log_events()] == ["é", "bc"]
        with store.database() as connection:
            sizes = connection.execute("SELECT size FROM log_events ORDER BY id").fetchall()
    assert sizes == [(2,), (2,)]


def test_what_is_released_is_seen_by_another_store_on_the_folder(tmp_path):
    with Store.open(tmp_path) as writer, Store.open(tmp_path) as reader:
        writer.append([event("one")])
        assert reader.log_events() == []
        writer.release()
        assert [one.message for one in reader.log_events()] == ["one"]
        writer.append([event("two")])
        assert [one.message for one in reader.log_events()] == ["one"]


def test_an_id_is_never_given_again_though_the_last_log_events_were_deleted(store):
    def ids():
        with store.database() as connection:
            return [
                number for (number,) in connection.execute("SELECT id FROM log_events").fetchall()
            ]

    store.append([event("kept", group="/a")])
    store.append([event("one"), event("two")])
    store.delete("/aws/lambda/payments")
    assert ids() == [1]
    store.append([event("three")])
    assert ids() == [1, 4]
    store.delete("/aws/lambda/payments")
    store.delete("/a")
    store.append([event("four")])

    assert ids() == [5]
