"""Trace headers, and the cause of an error, as they come from outside."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.local_lambda.service_segments import cause_of, trace_context

ROOT = "1-65f0a1b2-0123456789abcdef01234567"


def test_a_header_is_followed() -> None:
    context = trace_context(f"Self=x;Root={ROOT};Parent=fedcba9876543210;Sampled=1", tracing=True)
    assert (context.trace_id, context.parent_id) == (ROOT, "fedcba9876543210")
    assert context.sampled
    assert context.header == f"Root={ROOT};Parent={context.invocation_id};Sampled=1"


def test_without_a_header_active_tracing_samples() -> None:
    assert trace_context(None, tracing=True).sampled
    assert not trace_context(None, tracing=False).sampled


def test_the_caller_decides_not_to_sample() -> None:
    assert not trace_context("Sampled=0", tracing=True).sampled


@given(st.text())
def test_any_header_gives_a_trace(header: str) -> None:
    context = trace_context(header, tracing=True)
    assert re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", context.trace_id)
    assert context.parent_id is None or re.fullmatch(r"[0-9a-f]{16}", context.parent_id)


@pytest.mark.parametrize("header", [None, "", "{", "[]", "3", '{"exceptions": 3}'])
def test_a_cause_that_is_none_is_left_out(header: str | None) -> None:
    assert cause_of(header) is None
