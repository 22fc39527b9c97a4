"""What a function wrote to its trace is told apart from what Lambda wrote."""

import json

import pytest

from workshop.course.sent import Sent
from workshop.course.spans import OwnSpan, annotated, metadata, names, own_spans
from workshop.signals import Invocation, Report

TRACE = "1-6b044eac-67794e23d0d9af685fa3f8a2"


def document(number: int, name: str, parent: int | None = None, **more: object) -> dict:
    """A segment document of one second for each; a subsegment when it has a parent."""
    kind = {} if parent is None else {"parent_id": f"{parent:016x}", "type": "subsegment"}
    times = {"start_time": 1000.0 + number, "end_time": 1001.0 + number}
    return {"trace_id": TRACE, "id": f"{number:016x}", "name": name, **times, **kind, **more}


def embedded(whole: dict) -> dict:
    """The same within another document, which says the rest."""
    return {key: value for key, value in whole.items() if key != "trace_id"}


def sent(*documents: dict) -> Sent:
    report = Report(1.0, 1, 256, 30)
    fields = ("r", "payments", TRACE, "success", b"{}", None, False, "e", (), documents, report)
    return Sent({}, Invocation(*fields))


@pytest.fixture
def traced() -> Sent:
    """What Lambda writes, a handler with a method in it, and a call of another service."""
    return sent(
        document(6, "127.0.0.1", 5, namespace="remote", http={"response": {"status": 503}}),
        document(5, "## method", 4, annotations={"who": "ada"}, metadata={"ns": {"key": {"a": 1}}}),
        document(4, "## handler", 3, annotations={"ColdStart": True, "who": "bob"}),
        document(1, "payments", origin="AWS::Lambda"),
        {
            **document(2, "payments", origin="AWS::Lambda::Function"),
            "parent_id": f"{1:016x}",
            "subsegments": [
                embedded(document(3, "Invocation", annotations={"lambda": 1})),
                embedded(document(7, "Overhead")),
            ],
        },
    )


def test_the_functions_own_subsegments_are_found_with_how_deep_they_are(traced: Sent) -> None:
    found = [(one.depth, one.span.name) for one in own_spans(traced)]
    assert found == [(1, "## handler"), (2, "## method"), (3, "127.0.0.1")]


def test_a_call_of_another_service_is_told_apart(traced: Sent) -> None:
    handler, method, call = own_spans(traced)
    assert (handler.is_remote, method.is_remote, call.is_remote) == (False, False, True)


def test_what_is_written_on_them_is_read(traced: Sent) -> None:
    spans = own_spans(traced)
    assert annotated(spans) == {"ColdStart": True, "who": "ada"}
    assert list(metadata(spans)) == [("key", {"a": 1})]
    assert names(spans[:2]) == "## handler (1000 ms), ## method (1000 ms)"
    assert names([]) == "none"


@pytest.mark.parametrize("flag", ["error", "fault", "throttle"])
def test_a_flag_of_any_kind_is_a_failure(flag: str) -> None:
    lambdas = document(1, "payments"), document(2, "Invocation", 1)
    good, bad = own_spans(
        sent(*lambdas, document(3, "good", 2), document(4, "bad", 2, **{flag: True}))
    )
    assert (good.failed, bad.failed) == (False, True)


def test_one_that_has_not_ended_took_no_time() -> None:
    running = json.loads(json.dumps(document(3, "running", 2)))
    del running["end_time"]
    running["in_progress"] = True
    (found,) = own_spans(sent(document(1, "payments"), document(2, "Invocation", 1), running))
    assert isinstance(found, OwnSpan)
    assert found.seconds == 0


def test_without_a_trace_there_are_none() -> None:
    assert own_spans(sent()) == ()
    assert own_spans(sent(document(1, "payments"), document(2, "Invocation", 1))) == ()
