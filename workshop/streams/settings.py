"""An event source mapping's settings, read from a function's `Events` of type Kinesis.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-kinesis.html
https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from workshop.sam import Event, Function, Template, TemplateError
from workshop.sam.errors import UnsupportedError

REPORT_ITEMS = "ReportBatchItemFailures"
DAY_SECONDS = 86_400
FOR_EVER = -1

_ARN = re.compile(r"arn:[\w-]+:(?P<service>[\w-]+):[^:]*:\d*:(?P<name>.+)")
_POSITIONS = ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
_DESTINATIONS = ("sqs", "sns")
_REFUSED = {
    "FilterCriteria": "nothing is filtered here: take it out, or filter in the function",
    "KmsKeyArn": "nothing is encrypted here: take it out",
    "LoggingConfig": "the mapping has no log of its own here: take it out",
    "TumblingWindowInSeconds": "no state is kept between batches here: take it out",
}
_KNOWN = (
    *("BatchSize", "BisectBatchOnFunctionError", "DestinationConfig", "Enabled"),
    *("FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds"),
    *("MaximumRetryAttempts", "MetricsConfig", "ParallelizationFactor", "StartingPosition"),
    *("StartingPositionTimestamp", "Stream"),
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Settings:
    """An event source mapping as the service would configure it, its defaults filled in.

    Attributes:
        name: The event's logical name in the template.
        stream_arn: The stream that it reads.
        function: Name of the function that it invokes.
        starting_position: `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`.
        starting_timestamp: With `AT_TIMESTAMP`, seconds since the epoch.
        batch_size: Records in a batch, at most.
        batching_window_seconds: How long it gathers records for a batch.
        retry_attempts: Tries after the first; -1 for no end.
        record_age_seconds: Older records are discarded; -1 for never.
        bisect: Whether a failed batch is split in two.
        reports_items: Whether the function's answer may name the records that failed.
        parallelization: Batches of one shard under way at once.
        on_failure_arn: Queue or topic that is told of discarded records; None for none.
        enabled: Whether it reads at all.
        retention_seconds: How long the stream keeps a record.
    """

    name: str
    stream_arn: str
    function: str
    starting_position: str
    starting_timestamp: float = 0.0
    batch_size: int = 100
    batching_window_seconds: int = 0
    retry_attempts: int = FOR_EVER
    record_age_seconds: int = FOR_EVER
    bisect: bool = False
    reports_items: bool = False
    parallelization: int = 1
    on_failure_arn: str | None = None
    enabled: bool = True
    retention_seconds: int = DAY_SECONDS

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.stream_arn.rpartition("/")[2]

    @property
    def destination(self) -> str | None:
        """Name of the queue or topic; None for none."""
        return None if self.on_failure_arn is None else self.on_failure_arn.rpartition(":")[2]


def read_mappings(template: Template) -> tuple[Settings, ...]:
    """Read every event source mapping from Kinesis that a template describes, in its order.

    Raises:
        TemplateError: A property is unknown, missing, or out of its limits.
        UnsupportedError: AWS would know what to do with a property, this laptop does not.
    """
    return tuple(
        _Reader(template, function, event).settings()
        for function in template.functions.values()
        for event in function.events
        if event.type == "Kinesis"
    )


def reading_mapping(template: Template) -> Settings | None:
    """Return the first event source mapping of a template; None where it is none that reads.

    Raises:
        TemplateError: As `read_mappings`.
        UnsupportedError: As `read_mappings`.
    """
    first = next(iter(read_mappings(template)), None)
    return first if first is not None and first.enabled else None


class _Reader:
    """Reads the properties of one event, and finds the line of one that is wrong."""

    def __init__(self, template: Template, function: Function, event: Event) -> None:
        self._template = template
        self._function = function
        self._event = event
        self._values: Mapping[str, Any] = event.properties

    def settings(self) -> Settings:
        for name in self._values:
            if name in _REFUSED:
                raise UnsupportedError(
                    f"{name} cannot be had here", self._look(name, _REFUSED[name])
                )
            if name not in _KNOWN:
                close = difflib.get_close_matches(name, _KNOWN, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(_KNOWN)}"
                raise self._error(name, f"the Kinesis event {self._event.name} has no {name}", hint)
        arn = self._text("Stream")
        found = _ARN.fullmatch(arn)
        if found is None or found["service"] != "kinesis":
            raise self._error(
                "Stream",
                f"Stream of {self._event.name} is no stream: {arn!r}",
                "an ARN, such as !GetAtt PaymentStream.Arn",
            )
        position = self._choice("StartingPosition", _POSITIONS)
        read = Settings(
            name=self._event.name,
            stream_arn=arn,
            function=self._function.name,
            starting_position=position,
            batch_size=self._number("BatchSize", 1, 10_000, 100),
            batching_window_seconds=self._number("MaximumBatchingWindowInSeconds", 0, 300, 0),
            retry_attempts=self._number("MaximumRetryAttempts", FOR_EVER, 10_000, FOR_EVER),
            record_age_seconds=self._record_age(),
            bisect=self._flag("BisectBatchOnFunctionError", default=False),
            reports_items=self._reports_items(),
            parallelization=self._number("ParallelizationFactor", 1, 10, 1),
            on_failure_arn=self._on_failure(),
            enabled=self._flag("Enabled", default=True),
            retention_seconds=_retention(self._template, arn),
        )
        if position == "AT_TIMESTAMP":
            return replace(read, starting_timestamp=self._timestamp())
        return read

    def _timestamp(self) -> float:
        value = self._values.get("StartingPositionTimestamp")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(
                "StartingPosition",
                "AT_TIMESTAMP needs a StartingPositionTimestamp",
                "in seconds since 1970",
            )
        return float(value)

    def _record_age(self) -> int:
        seconds = self._number("MaximumRecordAgeInSeconds", FOR_EVER, 604_800, FOR_EVER)
        if FOR_EVER < seconds < 60:  # noqa: PLR2004 (Lambda's own limit)
            raise self._error(
                "MaximumRecordAgeInSeconds",
                f"MaximumRecordAgeInSeconds of {self._event.name} may not be {seconds}",
                "allowed: 60 to 604800, or -1 for no limit",
            )
        return seconds

    def _reports_items(self) -> bool:
        value = self._values.get("FunctionResponseTypes", [])
        if value not in ([], [REPORT_ITEMS]):
            raise self._error(
                "FunctionResponseTypes",
                f"FunctionResponseTypes of {self._event.name} may not be {value!r}",
                f"a list of one: [{REPORT_ITEMS}]",
            )
        return bool(value)

    def _on_failure(self) -> str | None:
        config = self._values.get("DestinationConfig")
        if config is None:
            return None
        on_failure = config.get("OnFailure") if isinstance(config, dict) else None
        if not isinstance(on_failure, dict) or set(config) != {"OnFailure"}:
            raise self._error(
                "DestinationConfig",
                f"DestinationConfig of {self._event.name} has no OnFailure",
                "OnFailure: {Destination: !GetAtt YourQueue.Arn}",
            )
        unknown = set(on_failure) - {"Destination", "Type"}
        arn = on_failure.get("Destination")
        found = _ARN.fullmatch(arn) if isinstance(arn, str) else None
        if unknown or found is None:
            raise self._error(
                "OnFailure",
                f"OnFailure of {self._event.name} has no Destination that is an ARN"
                if not unknown
                else f"OnFailure has no {min(unknown)}",
                "Destination: !GetAtt YourQueue.Arn",
            )
        if found["service"] not in _DESTINATIONS:
            raise UnsupportedError(
                f"an on-failure destination in {found['service']} cannot be had here",
                self._look("Destination", "an SQS queue or an SNS topic"),
            )
        return found[0]

    def _text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not value:
            raise self._error(
                name, f"the Kinesis event {self._event.name} has no {name}", "it needs one"
            )
        return value

    def _choice(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self._text(name)
        if value not in allowed:
            raise self._error(
                name,
                f"{name} of {self._event.name} may not be {value!r}",
                f"allowed: {', '.join(allowed)}",
            )
        return value

    def _number(self, name: str, low: int, high: int, default: int) -> int:
        def check(number: int) -> bool:
            return low <= number <= high

        return self._value(name, default, _whole, check, f"a whole number from {low} to {high}")

    def _flag(self, name: str, *, default: bool) -> bool:
        return self._value(name, default, _truth, lambda _: True, "true or false")

    def _value(
        self,
        name: str,
        default: _T,
        convert: Callable[[object], _T | None],
        check: Callable[[_T], bool],
        wanted: str,
    ) -> _T:
        if name not in self._values:
            return default
        value = convert(self._values[name])
        if value is None or not check(value):
            raise self._error(
                name,
                f"{name} of {self._event.name} may not be {self._values[name]!r}",
                f"allowed: {wanted}",
            )
        return value

    def _error(self, name: str, what: str, hint: str) -> TemplateError:
        return TemplateError(what, self._look(name, hint))

    def _look(self, name: str, hint: str) -> str:
        line, column = _place(self._template.path, self._event.name, name)
        return f"{self._template.path.name}:{line}:{column}  {hint}"


def _whole(value: object) -> int | None:
    """Return a whole number, also one that a parameter made a text."""
    text = str(value)
    return int(text) if not isinstance(value, bool) and re.fullmatch(r"-?\d{1,9}", text) else None


def _truth(value: object) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


def _retention(template: Template, arn: str) -> int:
    """Return how long a stream of the template keeps records; a day unless it says otherwise."""
    for logical_id, resource in template.resources.items():
        if resource.get("Type") != "AWS::Kinesis::Stream":
            continue
        properties = resource.get("Properties") or {}
        # CloudFormation makes a name up where there is none; workshop.sam.physical says which.
        name = properties.get("Name") or f"workshop-{logical_id}"
        hours = _whole(properties.get("RetentionPeriodHours", 24))
        if arn.endswith(f"/{name}") and hours:
            return hours * 3600
    return DAY_SECONDS


def _place(path: Path, event: str, name: str) -> tuple[int, int]:
    """Return line and column of a key below an event's name, of the event's, or of the file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return 1, 1
    at = next(
        (n for n, line in enumerate(lines) if re.match(rf"\s+{re.escape(event)}:", line)), None
    )
    if at is None:
        return 1, 1
    for number, line in enumerate(lines[at:], at):
        found = re.match(rf"(\s*(?:- )?){re.escape(name)}:", line)
        if found:
            return number + 1, len(found[1]) + 1
    return at + 1, len(lines[at]) - len(lines[at].lstrip()) + 1
