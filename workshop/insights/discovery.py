"""The fields that Logs Insights discovers in a log event, as SQL over `log_events`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html

Only the fields that a query names are looked for. JSON objects flatten with dots, arrays with
numeric parts. A name with dots may be one key or a path of keys: each way to read it is tried,
all in one pass over the text.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence

from workshop.insights.values import MISSING, Kind, Value

EVENT_COLUMNS = ("id", "ingestion_time", "log_group", "log_stream", "timestamp", "message")

TIMESTAMP = Value("timestamp", Kind.TIME)
"""When an event was logged: never before 1970."""

_MAXIMUM_FIELDS = 200  # discovered in one event
_MAXIMUM_SPLITS = 4  # dots that may belong to a key; in a longer name, the first ones

_PLATFORM = ("START", "END", "REPORT")
_IS_PLATFORM = " OR ".join(f"starts_with(message, '{word} RequestId: ')" for word in _PLATFORM)
_IS_REPORT = "starts_with(message, 'REPORT RequestId: ')"

# The object that a message holds: all of it, else the first embedded one. When other text with
# braces follows, the shortest balanced one, up to 6 levels deep.
_SHALLOW = r'[^{}"]|"(?:[^"\\]|\\.)*"'
_BALANCED = r"\{(?:" + _SHALLOW + r")*\}"
for _ in range(5):
    _BALANCED = r"\{(?:" + _SHALLOW + "|" + _BALANCED + r")*\}"
_GREEDY = r"(?s)\{.*\}"
_NARROW = "(?s)" + _BALANCED

# Where a line names its request: platform lines, and what runtimes put before a line in text
# format, `[LEVEL]\tTIME\tREQUEST\t` (Python) or `TIME\tREQUEST\t` (Node.js).
_REQUEST_ID = (
    r"^(?:(?:START|END|REPORT) RequestId: |(?:\[\w+\]\t)?\d{4}-\d\d-\d\dT[\d:.]+Z\t)"
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
# CloudWatch counts a MB as 1,000,000 here.
_MEASURES = {
    "@duration": (r"\tDuration: ([0-9.]+) ms", 1),
    "@billedDuration": (r"\tBilled Duration: ([0-9.]+) ms", 1),
    "@initDuration": (r"\tInit Duration: ([0-9.]+) ms", 1),
    "@memorySize": (r"\tMemory Size: ([0-9.]+) MB", 1_000_000),
    "@maxMemoryUsed": (r"\tMax Memory Used: ([0-9.]+) MB", 1_000_000),
}
_IDENTIFIERS = {
    "@xrayTraceId": r"XRAY TraceId: (\S+)",
    "@xraySegmentId": r"SegmentId: (\S+)",
}


def built_in(  # noqa: PLR0911 - one answer for each kind of field
    name: str, parameter: Callable[[object], str], account: str, region: str
) -> Value:
    """Give a field whose name starts with `@`, over the columns of `log_events`.

    Args:
        name: With the `@`.
        parameter: Makes an SQL parameter of a value.
        account: The account id, for `@log`.
        region: For `@aws.region`.

    Returns:
        The field; a name that CloudWatch does not know is a missing value, not an error.
    """
    plain = {
        "@message": Value("message", Kind.TEXT),
        "@timestamp": TIMESTAMP,
        "@ingestionTime": Value("ingestion_time", Kind.TIME),
        "@logStream": Value("log_stream", Kind.TEXT),
    }
    if name in plain:
        return plain[name]
    if name == "@log":
        return Value(f"({parameter(account + ':')} || log_group)", Kind.TEXT)
    if name in {"@aws.account", "@aws.region"}:
        known = parameter(account if name == "@aws.account" else region)
        return Value(f"{known}::VARCHAR", Kind.TEXT)  # a bare parameter is nothing to sort by
    if name == "@type":
        branches = " ".join(
            f"WHEN starts_with(message, '{word} RequestId: ') THEN '{word}'" for word in _PLATFORM
        )
        return Value(f"(CASE {branches} END)", Kind.TEXT)
    if name == "@requestId":
        found = f"regexp_extract(message, {parameter(_REQUEST_ID)}, 1)"
        return Value(f"nullif({found}, '')", Kind.TEXT)
    if name in _MEASURES:
        pattern, factor = _MEASURES[name]
        found = f"TRY_CAST(regexp_extract(message, {parameter(pattern)}, 1) AS DOUBLE)"
        scaled = found if factor == 1 else f"({found} * {factor})"
        return Value(f"(CASE WHEN {_IS_REPORT} THEN {scaled} END)", Kind.MEASURE)
    if name in _IDENTIFIERS:
        found = f"regexp_extract(message, {parameter(_IDENTIFIERS[name])}, 1)"
        return Value(f"(CASE WHEN {_IS_REPORT} THEN nullif({found}, '') END)", Kind.TEXT)
    return MISSING


def json_fields(pointers: Sequence[str], parameter: Callable[[object], str]) -> str:
    """Give SQL that reads JSON of `message`: a list of texts, one for each of several pointers.

    One pointer alone gives its text. A message without JSON, or with broken JSON, yields NULL.
    TRY is cheap as long as nothing fails, so what is plainly no JSON is not tried.
    """
    greedy = f"regexp_extract(message, {parameter(_GREEDY)})"
    narrow = f"regexp_extract(message, {parameter(_NARROW)})"
    document = (
        "CASE WHEN starts_with(message, '{') AND "
        "(ends_with(message, '}') OR ends_with(message, '}\n')) THEN message "
        f"WHEN {_IS_PLATFORM} THEN NULL "
        "WHEN contains(message, '{') THEN "
        f"CASE WHEN json_valid({greedy}) THEN {greedy} "
        f"WHEN json_valid({narrow}) THEN {narrow} END END"
    )
    wanted = parameter(pointers[0] if len(pointers) == 1 else list(pointers))
    return f"TRY(json_extract_string({document}, {wanted}))"


def pointers(path: str) -> Iterator[str]:
    """Give the JSON pointers that a path of keys may mean, the deepest first.

    A numeric part of a pointer is an index into an array or a key, whichever is there.
    https://www.rfc-editor.org/rfc/rfc6901
    """
    parts = [part.replace("~", "~0").replace("/", "~1") for part in path.split(".")]
    dots = min(len(parts) - 1, _MAXIMUM_SPLITS)
    for joined in range(2**dots):
        pointer = "/" + parts[0]
        for index, part in enumerate(parts[1:]):
            pointer += ("." if index < dots and joined >> index & 1 else "/") + part
        yield pointer


def discovered(message: str) -> dict[str, str]:
    """Flatten the JSON of one message, for a person who looks at all fields of an event.

    Returns:
        Field names to text, at most 200 of them; empty when there is no JSON.
    """
    start = message.find("{")
    if start < 0 or re.match(r"(START|END|REPORT) RequestId: ", message):
        return {}
    try:
        fragment, _ = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(message[start:])
    except (ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}
    waiting: list[tuple[str, object]] = [("", fragment)]
    while waiting and len(found) < _MAXIMUM_FIELDS:
        name, value = waiting.pop()
        if isinstance(value, dict):
            pairs = [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
            waiting.extend(reversed(pairs))
        elif isinstance(value, list):
            pairs = [(f"{name}.{index}", item) for index, item in enumerate(value)]
            waiting.extend(reversed(pairs))
        elif isinstance(value, bool):
            found[_discovered_name(name)] = "true" if value else "false"
        elif value is not None:
            found[_discovered_name(name)] = str(value)
    return found


def _discovered_name(name: str) -> str:
    return f"@{name}" if name.startswith("@") else name
