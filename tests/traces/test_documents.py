"""Segment documents judged by the published format.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.traces import problems

SEGMENT = {
    "name": "payments",
    "id": "53995c3f42cd8ad8",
    "trace_id": "1-6922fb20-aaaaaaaaaaaaaaaaaaaaaaaa",
    "start_time": 1_763_900_000.1,
    "end_time": 1_763_900_000.2,
}
SUBSEGMENT = SEGMENT | {"type": "subsegment", "parent_id": "70de5b6f19ff9a0a"}
EMBEDDED = {k: v for k, v in SEGMENT.items() if k != "trace_id"}


def without(name, document=SEGMENT):
    return {key: value for key, value in document.items() if key != name}


@pytest.mark.parametrize(
    "document",
    [
        SEGMENT,
        SUBSEGMENT,
        without("end_time") | {"in_progress": True},
        SEGMENT | {"subsegments": [EMBEDDED | {"subsegments": [EMBEDDED]}]},
        SEGMENT | {"name": "n" * 200},
        SEGMENT | {"name": "Zahlung für example.com:80/%&#=+\\-@ _1"},
        SEGMENT | {"annotations": {"text_1": "a", "number": 1.5, "flag": False, "a.b": ""}},
        SEGMENT | {"annotations": {f"key{n}": n for n in range(50)}},
        SEGMENT | {"metadata": {"payments": {"any": ["thing", None]}}},
        SEGMENT | {"error": True, "throttle": True, "fault": False},
        SUBSEGMENT | {"namespace": "remote"},
        SEGMENT | {"start_time": 1, "end_time": 2, "unknown": {}},
        SEGMENT | {"metadata": {"payments": "x" * (64 * 1024 - 200)}},
    ],
)
def test_a_sound_document_has_no_problems(document):
    assert problems(document) == ()


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (None, "must be a JSON object; this is null"),
        ([SEGMENT], "must be a JSON object"),
        (without("name"), "`name` must be a string of 1 to 200 characters; it is missing"),
        (SEGMENT | {"name": ""}, "`name` must be"),
        (SEGMENT | {"name": "n" * 201}, "`name` must be"),
        (SEGMENT | {"name": "pay!"}, '`name` is "pay!"; it may hold letters'),
        (without("id"), "`id` must be 16 hexadecimal digits; it is missing"),
        (SEGMENT | {"id": "53995c3f42cd8ad"}, "`id` must be"),
        (SEGMENT | {"id": "53995c3f42cd8adg"}, "`id` must be"),
        (without("trace_id"), "`trace_id` must be `1-<8 hexadecimal digits>-<24"),
        (SEGMENT | {"trace_id": "1-2-3"}, 'it is "1-2-3"'),
        (without("start_time"), "`start_time` must be a number"),
        (SEGMENT | {"start_time": "now"}, "`start_time` must be a number"),
        (without("end_time"), "`end_time` must be a number, seconds since 1970, unless"),
        (SEGMENT | {"end_time": None}, "`end_time` must be a number"),
        (SEGMENT | {"in_progress": True}, "although there is an `end_time`"),
        (without("parent_id", SUBSEGMENT), "`parent_id` is missing: a subsegment sent alone"),
        (SEGMENT | {"parent_id": 7}, "`parent_id` must be 16"),
        (SEGMENT | {"type": "segment"}, '`type` must be "subsegment"'),
        (SEGMENT | {"fault": "yes"}, "`fault` must be true or false"),
        (SEGMENT | {"namespace": "local"}, '`namespace` must be "aws" or "remote"'),
        (SEGMENT | {"annotations": []}, "`annotations` must be an object"),
        (SEGMENT | {"annotations": {"a": {}}}, '`annotations` has {} for "a"'),
        (SEGMENT | {"annotations": {"a": None}}, '`annotations` has null for "a"'),
        (SEGMENT | {"annotations": {"user-id": 1}}, 'has the key "user-id"'),
        (SEGMENT | {"annotations": {f"k{n}": n for n in range(51)}}, "has 51 keys"),
        (SEGMENT | {"metadata": 7}, "`metadata` must be an object"),
        (SEGMENT | {"metadata": {"AWS.x": 1}}, "keys that begin with AWS. are reserved"),
        (SEGMENT | {"subsegments": {}}, "`subsegments` must be an array"),
        (SEGMENT | {"subsegments": [7]}, "`subsegments[0]` must be an object; it is 7"),
        (
            SEGMENT | {"subsegments": [EMBEDDED, without("name", EMBEDDED)]},
            "`subsegments[1].name` must be",
        ),
        (SEGMENT | {"metadata": {"a": "x" * 64 * 1024}}, "X-Ray takes at most 65536"),
        (SEGMENT | {"metadata": {"a": object()}}, "cannot be written as JSON"),
    ],
)
def test_a_fault_is_told_alone_and_by_its_place(document, problem):
    (told,) = problems(document)

    assert problem in told


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
MEMBERS = [*SUBSEGMENT, "annotations", "metadata", "subsegments", "error", "namespace"]


@pytest.mark.parametrize("member", ["id", "error", "annotations", "subsegments"])
def test_however_deep_a_document_nests_it_is_judged_without_an_error(member):
    for depth in range(2, sys.getrecursionlimit()):
        try:
            deep = json.loads("[" * depth + "]" * depth)
        except RecursionError:
            break
        assert problems(SEGMENT | {member: deep})


@given(JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_any_json_is_judged_without_an_error(document):
    assert all(isinstance(problem, str) for problem in problems(document))
