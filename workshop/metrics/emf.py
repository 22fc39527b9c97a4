"""Embedded metric format: a log event read as data points, as CloudWatch reads it.

Pure: a log event in, a reading out. The rules and limits are those of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

CloudWatch tells nobody about a malformed record: it keeps the log event, makes no metric of it
and counts it in `AWS/Logs` `EMFParsingErrors` or `EMFValidationErrors`. Here each fault comes
back as a sentence. What a fault costs is not documented; we drop the least that it can have
spoiled: a bad metric is dropped alone, a bad dimension set alone, a bad directive alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workshop.signals import DataPoint, LogEvent

UNITS = frozenset(
    {
        "Seconds",
        "Microseconds",
        "Milliseconds",
        "Bytes",
        "Kilobytes",
        "Megabytes",
        "Gigabytes",
        "Terabytes",
        "Bits",
        "Kilobits",
        "Megabits",
        "Gigabits",
        "Terabits",
        "Percent",
        "Count",
        "Bytes/Second",
        "Kilobytes/Second",
        "Megabytes/Second",
        "Gigabytes/Second",
        "Terabytes/Second",
        "Bits/Second",
        "Kilobits/Second",
        "Megabits/Second",
        "Gigabits/Second",
        "Terabits/Second",
        "Count/Second",
        "None",
    }
)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""

MAX_EVENT_BYTES = 1024 * 1024
MAX_DIMENSIONS = 30
MAX_DIMENSION_NAME = 250
MAX_DIMENSION_VALUE = 1024
MAX_METRICS = 100
MAX_NAME = 1024
MAX_VALUES = 100
MAX_VALUE = 2.0**360
"""On either side of 0: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html"""

# A time stamp may lie two weeks in the past and two hours ahead:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
MAX_PAST_MS = 14 * 24 * 3600 * 1000
MAX_FUTURE_MS = 2 * 3600 * 1000

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class EmfReading:
    """What one log event says in embedded metric format.

    Attributes:
        points: One data point for each directive, dimension set and metric.
        problems: A sentence for each fault; empty for a good record, and for a log event that
            does not claim to be EMF.
    """

    points: tuple[DataPoint, ...] = ()
    problems: tuple[str, ...] = ()


_NOT_EMF = EmfReading()


def read(event: LogEvent) -> EmfReading:
    """Read a log event as CloudWatch does.

    The whole message must be one JSON object; it claims to be EMF when it has a root member
    `_aws`. Anything else is an ordinary log event: no points, no problems.

    Args:
        event: The log event. Its timestamp is what `_aws.Timestamp` is judged by.

    Returns:
        Data points and problems; never raises, whatever the message.
    """
    message = event.message
    if '"_aws"' not in message:  # also spares the parsing of nearly all log events
        return _NOT_EMF
    not_json: list[str] = []
    try:
        root = json.loads(message, parse_constant=not_json.append)
    except (ValueError, RecursionError):
        return _NOT_EMF
    if not isinstance(root, dict) or "_aws" not in root:
        return _NOT_EMF
    if not_json:
        return EmfReading(
            problems=(f"the record holds {not_json[0]}, which JSON has not; leave it out",)
        )
    size = len(message.encode(errors="replace"))
    if size > MAX_EVENT_BYTES:
        return EmfReading(
            problems=(f"the record has {size} bytes; at most {MAX_EVENT_BYTES} are read",)
        )
    return _Reader(root, event.timestamp).read()


def misplaced(event: LogEvent) -> str | None:
    """Say whether an EMF record lies in a log event where CloudWatch does not look for it.

    That is no fault of the log event (it may be a print for debugging), but it explains a
    metric that did not arrive.

    Returns:
        A sentence, or None when there is no such record, or when it is where it should be.
    """
    start = max(0, event.message.find("{"))
    before = event.message[:start].strip()
    try:
        root = json.JSONDecoder().raw_decode(event.message, start)[0]
    except (ValueError, RecursionError):
        return None
    if not isinstance(root, dict) or ("_aws" in root and not before):
        return None
    if "_aws" in root:
        return (
            f"an EMF record follows the text {_show(before)}; "
            "CloudWatch reads metrics only from an event that is JSON from its first character"
        )
    for name, value in root.items():
        if _claims_emf(value):
            return (
                f"an EMF record lies inside the member {_show(name)} of a log event; "
                "CloudWatch reads metrics only from an event that is the record itself"
            )
    return None


def _claims_emf(value: object) -> bool:
    if isinstance(value, str) and "_aws" in value:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    return isinstance(value, dict) and "_aws" in value


class _Reader:
    """Reads one record; collects its problems on the way."""

    def __init__(self, root: dict[str, Any], event_timestamp: int) -> None:
        self.root = root
        self.event_timestamp = event_timestamp
        self.problems: list[str] = []

    def read(self) -> EmfReading:
        return EmfReading(tuple(self._points()), tuple(self.problems))

    def _problem(self, sentence: str) -> None:
        if sentence not in self.problems:  # two directives may share a bad target
            self.problems.append(sentence)

    def _points(self) -> Iterator[DataPoint]:
        aws = self.root["_aws"]
        if not isinstance(aws, dict):
            self._problem(f"`_aws` must be an object; it is {_show(aws)}")
            return
        timestamp = self._timestamp(aws)
        directives = aws.get("CloudWatchMetrics")
        if not isinstance(directives, list):
            self._problem(
                f"`_aws.CloudWatchMetrics` must be an array of directives; it {_is(directives)}"
            )
            return
        for number, directive in enumerate(directives):
            points = self._directive(directive, f"`_aws.CloudWatchMetrics[{number}]`", timestamp)
            if timestamp is not None:
                yield from points

    def _timestamp(self, aws: dict[str, Any]) -> int | None:
        timestamp = aws.get("Timestamp")
        if not isinstance(timestamp, int) or isinstance(timestamp, bool):
            self._problem(
                f"`_aws.Timestamp` must be an integer, milliseconds since 1970; it {_is(timestamp)}"
            )
            return None
        age = self.event_timestamp - timestamp
        if not -MAX_FUTURE_MS <= age <= MAX_PAST_MS:
            self._problem(
                f"`_aws.Timestamp` is {timestamp} while the event happened at "
                f"{self.event_timestamp}, both in milliseconds since 1970; CloudWatch takes no "
                "data point older than two weeks or more than two hours ahead"
            )
            return None
        return timestamp

    def _directive(self, directive: object, where: str, timestamp: int | None) -> list[DataPoint]:
        if not isinstance(directive, dict):
            self._problem(f"{where} must be an object; it is {_show(directive)}")
            return []
        namespace = self._name(directive.get("Namespace"), f"{where}.Namespace")
        sets = self._dimension_sets(directive.get("Dimensions"), f"{where}.Dimensions")
        metrics = self._metrics(directive.get("Metrics"), f"{where}.Metrics")
        if namespace is None:
            return []
        return [
            DataPoint(namespace, name, dimensions, timestamp or 0, values, unit, resolution)
            for dimensions in sets
            for name, values, unit, resolution in metrics
        ]

    def _name(self, name: object, where: str) -> str | None:
        if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
            self._problem(f"{where} must be a string of 1 to {MAX_NAME} characters; it {_is(name)}")
            return None
        return name

    def _dimension_sets(self, sets: object, where: str) -> list[dict[str, str]]:
        if not isinstance(sets, list) or not sets:
            self._problem(
                f"{where} must be an array of at least one dimension set, and each set an array "
                f'of names, as in [["service"]]; it {_is(sets)}'
            )
            return []
        read = [self._dimensions(names, f"{where}[{number}]") for number, names in enumerate(sets)]
        return [dimensions for dimensions in read if dimensions is not None]

    def _dimensions(self, names: object, where: str) -> dict[str, str] | None:
        if not isinstance(names, list):
            self._problem(
                f'{where} must be an array of names, as in ["service"]; it is {_show(names)}'
            )
            return None
        if len(names) > MAX_DIMENSIONS:
            self._problem(
                f"{where} has {len(names)} dimensions; a metric takes at most {MAX_DIMENSIONS}"
            )
            return None
        dimensions = {}
        for name in names:
            if not isinstance(name, str) or not 1 <= len(name) <= MAX_DIMENSION_NAME:
                self._problem(
                    f"{where} holds {_show(name)}; a dimension name is a string of 1 to "
                    f"{MAX_DIMENSION_NAME} characters"
                )
                return None
            if name not in self.root:
                self._problem(
                    f"the dimension {_show(name)} has no value: the record has no root member "
                    "of that name"
                )
                return None
            value = self.root[name]
            # A dimension's value has at least one character, says API_Dimension of CloudWatch.
            if not isinstance(value, str) or not 1 <= len(value) <= MAX_DIMENSION_VALUE:
                self._problem(
                    f"the dimension {_show(name)} must have a string of 1 to "
                    f"{MAX_DIMENSION_VALUE} characters for a value; it has {_show(value)}"
                )
                return None
            dimensions[name] = value
        return dimensions

    def _metrics(
        self, metrics: object, where: str
    ) -> list[tuple[str, tuple[float, ...], str, int]]:
        if not isinstance(metrics, list):
            self._problem(f"{where} must be an array of metric definitions; it {_is(metrics)}")
            return []
        if len(metrics) > MAX_METRICS:
            self._problem(
                f"{where} has {len(metrics)} metrics; a directive takes at most {MAX_METRICS}"
            )
            return []
        read = [self._metric(metric, f"{where}[{number}]") for number, metric in enumerate(metrics)]
        return [metric for metric in read if metric is not None]

    def _metric(self, metric: object, where: str) -> tuple[str, tuple[float, ...], str, int] | None:
        if not isinstance(metric, dict):
            self._problem(f"{where} must be an object; it is {_show(metric)}")
            return None
        name = self._name(metric.get("Name"), f"{where}.Name")
        unit = metric.get("Unit", "None")
        resolution = metric.get("StorageResolution", 60)
        if name is None:
            return None
        if not isinstance(unit, str) or unit not in UNITS:
            self._problem(
                f"the metric {_show(name)} has the unit {_show(unit)}, which is none of "
                "CloudWatch's (Count, Milliseconds, Bytes, Percent, None, ...)"
            )
            return None
        if isinstance(resolution, bool) or resolution not in (1, 60):
            self._problem(
                f"the metric {_show(name)} has the StorageResolution {_show(resolution)}; "
                "it must be 1 or 60 (seconds)"
            )
            return None
        values = self._values(name)
        return None if values is None else (name, values, unit, int(resolution))

    def _values(self, name: str) -> tuple[float, ...] | None:
        if name not in self.root:
            self._problem(
                f"the metric {_show(name)} has no value: the record has no root member of that name"
            )
            return None
        value = self.root[name]
        values = value if isinstance(value, list) else [value]
        if not 1 <= len(values) <= MAX_VALUES:
            self._problem(
                f"the metric {_show(name)} has {len(values)} values; "
                f"an array holds 1 to {MAX_VALUES} of them"
            )
            return None
        numbers = []
        for item in values:
            if not isinstance(item, int | float) or isinstance(item, bool):
                self._problem(
                    f"the metric {_show(name)} must have a number, or an array of numbers, for a "
                    f"value; it has {_show(item)}"
                )
                return None
            if abs(item) > MAX_VALUE:
                self._problem(
                    f"the metric {_show(name)} has the value {_show(item)}; "
                    "CloudWatch takes numbers from -2^360 to 2^360"
                )
                return None
            numbers.append(float(item))
        return tuple(numbers)


def _is(value: object) -> str:
    return "is missing" if value is None else f"is {_show(value)}"


def _show(value: object) -> str:
    try:
        text = json.dumps(value)
    except RecursionError:  # to be read, it did not nest too deeply
        return "what nests too deeply"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
