"""The tour's pictures of steps 05 and 06, drawn from traces that are made up."""

import pytest

from workshop.cli.render.tour.telemetry import Telemetry
from workshop.cli.render.tour.traces import dependencies, waterfall
from workshop.traces import assemble

START = 1_795_444_800
WIDTH = 80


def drawn(draw, found):
    return [str(line) for line in draw(Telemetry((), (), found), WIDTH)]


def trace(number, start, *subsegments, annotations=None, cold=False):
    """The documents of a trace: the function, and in it some calls or functions of its own."""
    trace_id = f"1-{START:08x}-{number:024x}"
    root, handler = f"{number:015x}a", f"{number:015x}b"
    end = start + sum(one.get("took", 0.1) for one in subsegments)
    base = {"trace_id": trace_id, "start_time": start, "end_time": end}
    documents = [
        {**base, "id": root, "name": "payments", "origin": "AWS::Lambda::Function"},
        {
            **base,
            "type": "subsegment",
            "id": handler,
            "parent_id": root,
            "name": "Initialization" if cold else "## handler",
            "annotations": annotations or {},
        },
    ]
    at = start
    for place, one in enumerate(subsegments):
        given = {key: value for key, value in one.items() if key != "took"}
        documents.append(
            {
                "trace_id": trace_id,
                "type": "subsegment",
                "id": f"{number:014x}{place:02x}",
                "parent_id": handler,
                "start_time": at,
                "end_time": at + one.get("took", 0.1),
                **given,
            }
        )
        at += one.get("took", 0.1)
    return documents


def call(status=None, took=0.1, error=None):
    """A call of the processor, as a patched library tells it."""
    told = {"name": "processor", "namespace": "remote", "took": took}
    if status:
        told["http"] = {"response": {"status": status}}
    if status and status >= 500:
        told["fault"] = True
    if error:
        told |= {"fault": True, "cause": {"exceptions": [{"type": error}]}}
    return told


def traces(*documents):
    return assemble([one for some in documents for one in some])


def test_a_payment_is_found_by_what_was_annotated():
    lines = drawn(
        waterfall,
        traces(
            trace(1, START, {"name": "## collect", "took": 9}, cold=True, annotations={"a": "no"}),
            trace(
                2,
                START,
                {"name": "## collect", "took": 0.6},
                annotations={"customer": "ada", "payment": "pay_2"},
            ),
            trace(3, START, {"name": "## collect", "took": 0.1}, annotations={"customer": "ada"}),
        ),
    )
    assert lines[0] == 'trace  annotation.payment = "pay_2"'
    assert "## collect took 600 of 600 ms." in " ".join(" ".join(lines).split())


def test_calls_are_counted_by_how_they_ended():
    lines = drawn(
        dependencies,
        traces(
            trace(1, START, call(200, 0.01)),
            trace(2, START, call(503), call(200)),
            trace(3, START, call(error="ReadTimeout", took=0.5), call(200, 0.02)),
        ),
    )
    rows = [line.split() for line in "\n".join(lines).splitlines()]
    assert ["HTTP", "200", "3", "20.0", "98.4"] in rows
    assert ["HTTP", "503", "1", "100.0", "100.0"] in rows
    assert ["ReadTimeout", "1", "500.0", "500.0"] in rows


def test_the_trace_that_is_drawn_is_one_that_was_tried_again_and_went_well():
    lines = drawn(
        dependencies,
        traces(
            trace(1, START, call(200, 9)),
            trace(2, START, call(503, 0.3), call(503, 0.3), call(503, 0.3)),
            trace(3, START, call(error="ReadTimeout", took=0.5), call(200, 0.02)),
        ),
    )
    told = " ".join(" ".join(lines).split())
    assert f"one that was tried again: 1-{START:08x}-{3:024x}" in told
    assert "2 calls for one payment, 1 of them without success. 520 of 520 ms passed" in told


@pytest.mark.parametrize("draw", [waterfall, dependencies])
def test_a_step_that_left_nothing_has_nothing_to_show(draw):
    assert drawn(draw, []) == []
