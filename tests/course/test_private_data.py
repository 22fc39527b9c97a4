"""Private data is found wherever it went, and however it is written; what may be shown is not."""

import json
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.course.payments import payment
from workshop.course.private_data import find_private, find_private_in
from workshop.course.sent import Sent
from workshop.signals import Invocation, LogEvent, Report

EVENT = payment(Random(1))
CARD = EVENT["card"]
EMF = {
    "_aws": {
        "Timestamp": 1_700_000_000_000,
        "CloudWatchMetrics": [
            {"Namespace": "Workshop", "Dimensions": [["who"]], "Metrics": [{"Name": "Charges"}]}
        ],
    },
    "Charges": 1,
}


def sent(*messages: str, segments: tuple[dict, ...] = (), event: dict = EVENT) -> Sent:
    """What the event left behind, if the function had logged these messages."""
    events = tuple(
        LogEvent("/aws/lambda/payments", "s", 1_700_000_000_000, message) for message in messages
    )
    return Sent(
        event,
        Invocation(
            request_id=str(UUID(int=1)),
            function_name="payments",
            trace_id="1-00000000-000000000000000000000000",
            status="success",
            payload=b"null",
            function_error=None,
            cold_start=True,
            environment_id="e",
            log_events=events,
            segments=segments,
            report=Report(1.0, 1, 128, 50),
        ),
    )


NUMBER = CARD["number"]
GIVEN, FAMILY = CARD["holder"].split()


@pytest.mark.parametrize(
    ("message", "which"),
    [
        (f"charging {NUMBER}", "card number"),
        (f"charging {NUMBER[:4]} {NUMBER[4:8]} {NUMBER[8:12]} {NUMBER[12:]}", "card number"),
        (f"charging {'-'.join(NUMBER[at : at + 4] for at in range(0, 16, 4))}", "card number"),
        (f"charging ****{NUMBER[4:]}", "card number"),
        (f"charging {NUMBER[:12]}****", "card number"),
        (json.dumps({"card": int(NUMBER)}), "card number"),
        (json.dumps({"event": json.dumps({"card": {"number": NUMBER}})}), "card number"),
        (json.dumps({"message": str(CARD)}), "card number"),
        (f"cvc={CARD['cvc']}", "cvc"),
        (json.dumps({"a": [{"cvc": CARD["cvc"]}]}), "cvc"),
        (json.dumps({"a": int(CARD["cvc"])}), "cvc"),
        (f"for {CARD['holder']}", "holder"),
        (f"for {CARD['holder'].upper()}", "holder"),
        (f"for {FAMILY}, {GIVEN[0]}.", "holder"),
        (json.dumps({"who": CARD["holder"]}), "holder"),
        (f"for {json.dumps(CARD['holder'])}", "holder"),
        (f"for {CARD['holder']!a}", "holder"),
        (json.dumps({"message": json.dumps({"who": FAMILY})}), "holder"),
        (json.dumps({CARD["holder"]: 1}), "holder"),
    ],
)
def test_private_data_in_a_log_event_is_found(message: str, which: str) -> None:
    assert which in {leak.which for leak in find_private(sent(message))}


@pytest.mark.parametrize(
    "message",
    [
        f"card {NUMBER[:6]}******{NUMBER[-4:]}",
        f"ends in {NUMBER[-4:]}",
        json.dumps({"payment_id": EVENT["payment_id"], "customer_id": EVENT["customer_id"]}),
        json.dumps({"amount": EVENT["amount"], "latency": float(CARD["cvc"]) / 1000}),
        f"{'0' * 8}-{CARD['cvc']}-4{'0' * 3}-8000-{'0' * 12}",
        f"took 0.{CARD['cvc']} s",
        "2026-11-23T12:34:56.789Z a perfectly ordinary line",
    ],
)
def test_what_may_be_shown_is_no_leak(message: str) -> None:
    assert find_private(sent(message)) == []


def test_a_leak_says_which_signal_and_where() -> None:
    record = EMF | {"who": CARD["holder"]}
    leaks = find_private(
        sent(
            json.dumps({"level": "INFO", "event": {"card": {"number": NUMBER}}}),
            json.dumps(record),
            segments=({"name": "payments", "metadata": {"app": {"response": CARD["cvc"]}}},),
        )
    )
    assert [(leak.signal, leak.where, leak.which) for leak in leaks] == [
        ("log event", "event.card.number", "card number"),
        ("log event", "who", "holder"),
        ("data point", "dimensions.who", "holder"),
        ("segment", "metadata.app.response", "cvc"),
    ]
    assert str(leaks[0]) == "the card number is in a log event: event.card.number"


def test_a_leak_in_a_text_does_not_repeat_the_private_data() -> None:
    (number, holder) = find_private(sent(f"charging {NUMBER} of {CARD['holder']}"))
    assert number.where == holder.where == '"charging … of … …"'


def test_a_leak_in_a_stack_trace_shows_the_line_that_gives_it_away() -> None:
    message = f"[ERROR] 2026-11-23 failed\nTraceback\n  File app.py\nNo: {CARD['number']} refused"
    (leak,) = find_private(sent(message))
    assert leak.where == '"No: … refused"'


def test_a_place_is_told_once_however_often_it_leaks() -> None:
    line = json.dumps({"card": NUMBER})
    assert len(find_private(sent(line, line))) == 1


def test_the_platforms_own_lines_are_not_searched() -> None:
    assert find_private(sent(f"REPORT RequestId: 1 Max Memory Used: {CARD['cvc']} MB")) == []


def test_an_event_without_a_card_has_nothing_private() -> None:
    assert find_private(sent(NUMBER, event={"amount": 1})) == []
    assert find_private_in(NUMBER, [1]) == []


def test_private_data_in_a_response_is_found() -> None:
    (leak,) = find_private_in({"card": {"number": NUMBER}}, EVENT)
    assert (leak.signal, leak.where) == ("response", "card.number")


@given(seed=st.integers(0, 2**32), at=st.integers(0, 15), text=st.text(max_size=20))
def test_a_card_number_is_found_behind_any_separators(seed: int, at: int, text: str) -> None:
    event = payment(Random(seed))
    number = event["card"]["number"]
    spaced = " ".join(part for part in (number[:at], number[at:]) if part)
    assert "card number" in {leak.which for leak in find_private_in(f"x {spaced} {text}", event)}


@given(seed=st.integers(0, 2**32))
def test_an_ordinary_log_of_a_payment_is_never_taken_for_a_leak(seed: int) -> None:
    random = Random(seed)
    event = payment(random)
    line = {
        "level": "INFO",
        "timestamp": "2026-11-23 12:34:56,789+0000",
        "function_request_id": str(UUID(int=random.getrandbits(128))),
        "xray_trace_id": f"1-{random.getrandbits(32):08x}-{random.getrandbits(96):024x}",
        "duration_ms": random.random() * 1000,
        **{key: value for key, value in event.items() if key != "card"},
    }
    segment = {"id": f"{random.getrandbits(64):016x}", "start_time": random.random() * 1e9}
    assert find_private(sent(json.dumps(line), event=event, segments=(segment,))) == []


@pytest.mark.parametrize("depth", [900, 100_000])
def test_what_is_nested_deeper_than_python_calls_is_searched_or_taken_as_text(depth: int) -> None:
    nested = "[" * depth + json.dumps(NUMBER) + "]" * depth
    for message in (nested, json.dumps({"inner": nested})):
        assert {leak.which for leak in find_private(sent(message))} == {"card number"}
    value: object = NUMBER
    for _ in range(depth):
        value = [value]
    (leak,) = find_private_in(value, EVENT)
    assert leak.which == "card number"
