"""A few traces out of many."""

from tests.traces.conftest import segment
from workshop.traces import assemble
from workshop.traces.picking import newest, slowest

# Starts and ends, in seconds; `b` and `c` are equally slow, `d` is still in progress.
TIMES = {"a": (0, 1), "b": (1, 4), "c": (2, 5), "d": (3, None), "e": (4, 4.5)}


def traces():
    documents = []
    for name, (start, end) in TIMES.items():
        document = segment(name, name, start, end or 0) | {"trace_id": name}
        if end is None:
            del document["end_time"]
        documents.append(document)
    return assemble(documents)


def ids(picked):
    return "".join(trace.id for trace in picked)


def test_the_newest_began_last():
    assert ids(newest(traces(), 3)) == "edc"
    assert ids(newest(traces())) == "e"
    assert ids(newest([], 3)) == ""


def test_the_slowest_lasted_longest_and_of_equals_the_newest_comes_first():
    assert ids(slowest(iter(traces()), 3)) == "cba"
    assert ids(slowest(traces(), 99)) == "cbaed"
