"""The trace of an invocation, and the cause of an error, as they come from outside."""

import pytest

from workshop.local_lambda.service_segments import cause_of, trace_context

ROOT = "1-65f0a1b2-0123456789abcdef01234567"


def test_an_invocation_joins_its_callers_trace() -> None:
    context = trace_context(f"Self=x;Root={ROOT};Parent=fedcba9876543210;Sampled=1", tracing=True)
    assert (context.trace_id, context.parent_id) == (ROOT, "fedcba9876543210")
    assert context.sampled
    assert context.header == f"Root={ROOT};Parent={context.invocation_id};Sampled=1"


@pytest.mark.parametrize("header", [None, "", "{", "[]", "3", '{"exceptions": 3}'])
def test_a_cause_that_is_none_is_left_out(header: str | None) -> None:
    assert cause_of(header) is None
