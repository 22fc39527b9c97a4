"""The application log level."""

import json

import pytest

from workshop.local_lambda.log_filter import is_kept

TIME = "2026-11-23T11:42:07.123Z"


@pytest.mark.parametrize(
    ("fields", "minimum", "kept"),
    [
        ({"level": "DEBUG", "timestamp": TIME}, "INFO", False),
        ({"level": "INFO", "timestamp": TIME}, "INFO", True),
        ({"level": "warning", "timestamp": TIME}, "WARN", True),
        ({"level": "CRITICAL", "timestamp": TIME}, "FATAL", True),
        ({"level": "ERROR", "timestamp": TIME}, "FATAL", False),
        ({"level": "TRACE", "timestamp": TIME}, "TRACE", True),
        # Without a level or an RFC 3339 time, a line counts as INFO.
        ({"level": "ERROR", "timestamp": "2026-11-23 11:42:07,123+0000"}, "WARN", False),
        ({"level": "DEBUG"}, "INFO", True),
        ({"timestamp": TIME}, "WARN", False),
        ({"level": 30, "timestamp": 3}, "INFO", True),
    ],
)
def test_a_json_line_is_judged_by_its_level(fields: object, minimum: str, *, kept: bool) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    assert is_kept(json.dumps(fields), minimum) is kept


TOO_DEEP = '{"a":' * 100_000


@pytest.mark.parametrize("line", ["plain", "", "{not json", '["a"]', '"INFO"', TOO_DEEP])
def test_what_is_no_json_object_is_kept(line: str) -> None:
    assert is_kept(line, "FATAL")
