"""The header that joins services to one trace, as it comes from outside and goes on."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.trace_header import TraceHeader, joined, new_segment_id

ROOT = "1-65f0a1b2-0123456789abcdef01234567"
PARENT = "fedcba9876543210"


def test_a_header_is_followed():
    trace = joined(f"Self=x;Root={ROOT};Parent={PARENT};Sampled=1", tracing=True)

    assert trace == TraceHeader(ROOT, PARENT, sampled=True)


def test_a_header_goes_on_under_the_next_parent():
    trace = joined(f"Root={ROOT};Sampled=0", tracing=True)

    assert str(trace) == f"Root={ROOT};Sampled=0"
    assert str(replace(trace, parent_id=PARENT)) == f"Root={ROOT};Parent={PARENT};Sampled=0"


@pytest.mark.parametrize("tracing", [True, False])
def test_without_a_header_active_tracing_decides_to_sample(tracing):
    assert joined(None, tracing=tracing).sampled is tracing


def test_the_caller_decides_not_to_sample():
    assert not joined("Sampled=0", tracing=True).sampled


@given(st.text())
def test_any_header_gives_a_trace(header):
    trace = joined(header, tracing=True)

    assert re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", trace.trace_id)
    assert trace.parent_id is None or re.fullmatch(r"[0-9a-f]{16}", trace.parent_id)
    assert joined(str(trace), tracing=True) == trace


def test_a_segment_id_is_new_each_time():
    assert new_segment_id() != new_segment_id()
