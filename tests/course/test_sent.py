"""Log events are told apart: the platform's, the function's own, and those that carry metrics."""

import json
from uuid import UUID

import pytest

from workshop.course.sent import LogLine
from workshop.signals import LogEvent

ID = UUID(int=1)


def line(message: str) -> LogLine:
    return LogLine(LogEvent("/aws/lambda/payments", "s", 1, message))


@pytest.mark.parametrize(
    "message",
    [
        "INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: arn:aws:lambda:x",
        "INIT_REPORT Init Duration: 10.00 ms\tPhase: init\tStatus: timeout",
        f"START RequestId: {ID} Version: $LATEST",
        f"END RequestId: {ID}",
        f"REPORT RequestId: {ID}\tDuration: 1.00 ms\tBilled Duration: 1 ms",
        f"2026-11-23T12:34:56.789Z {ID} Task timed out after 1.00 seconds",
        f"RequestId: {ID} Error: Runtime exited with error: exit status 3\nRuntime.ExitError",
        '{"time": "2026-11-23T12:34:56.789Z", "type": "platform.report", "record": {}}',
    ],
)
def test_a_line_of_the_platform_is_known(message: str) -> None:
    assert line(message).is_platform


@pytest.mark.parametrize(
    "message",
    [
        "START charging",
        "REPORT: all is well",
        "ENDED",
        "started",
        "[ERROR] KeyError: 'x'\nTraceback (most recent call last):",
        '{"type": "platform.report"}',
        '{"type": "charge", "record": {}}',
        "",
    ],
)
def test_a_line_of_the_function_is_not_taken_for_the_platforms(message: str) -> None:
    assert not line(message).is_platform


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ('{"level": "info"}', "INFO"),
        ("[WARNING]\t2026-11-23T12:34:56.789Z\tid\ttext", "WARNING"),
        ("[ERROR] KeyError: 'x'", "ERROR"),
        ("plain", None),
        ('{"level": 20}', None),
        ("{}", None),
    ],
)
def test_the_level_is_read_from_json_and_from_lambdas_prefix(
    message: str, level: str | None
) -> None:
    assert line(message).level == level


@pytest.mark.parametrize("message", ["plain", "[1]", "{", '"text"', "", "{'a': 1}"])
def test_what_is_no_json_object_has_no_keys(message: str) -> None:
    assert line(message).json is None
    assert line(message).key("a") is None


def test_a_key_is_read_at_the_top_level() -> None:
    assert line('{"a": {"b": 1}}').key("a") == {"b": 1}
    assert line('{"a": {"b": 1}}').key("b") is None


def test_emf_is_known_by_its_metadata() -> None:
    assert line(json.dumps({"_aws": {"CloudWatchMetrics": []}, "Charges": 1})).is_emf
    assert not line(json.dumps({"Charges": 1})).is_emf
    assert not line("plain _aws").is_emf
