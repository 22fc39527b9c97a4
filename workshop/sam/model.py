"""What a template describes, once every parameter, condition and reference is resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workshop.sam.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a function's `Events`: what invokes it.

    Attributes:
        name: The logical name inside `Events`.
        type: The SAM event type, such as `Api`, `Kinesis` or `Schedule`.
        properties: Its `Properties`, resolved.
    """

    name: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A CloudWatch Logs log group that the template declares.

    Attributes:
        logical_id: The key in `Resources`.
        name: The name of the log group.
        retention_days: How long log events are kept; None keeps them for ever.
    """

    logical_id: str
    name: str
    retention_days: int | None


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function as the service would configure it, SAM's and Lambda's defaults filled in.

    Attributes:
        logical_id: The key in `Resources`.
        name: `FunctionName`; a stable made-up one when the template leaves it to CloudFormation.
        handler: `module.function`.
        runtime: Such as `python3.13`.
        code_uri: Absolute folder of the code.
        timeout_seconds: 1 to 900.
        memory_mb: 128 to 10240.
        environment: The variables that the template sets.
        tracing: Whether Lambda samples requests itself (`Tracing: Active`).
        log_group: Where its log events go.
        log_format: Of the platform's log lines.
        application_log_level: Lowest level kept of the function's logs; None without JSON format.
        system_log_level: Lowest level kept of the platform's; None without JSON format.
        reserved_concurrency: At most this many environments; None when nothing is reserved.
        architecture: `x86_64` or `arm64`.
        events: What invokes it, in the order of the template.
    """

    logical_id: str
    name: str
    handler: str
    runtime: str
    code_uri: Path
    timeout_seconds: int
    memory_mb: int
    environment: Mapping[str, str]
    tracing: bool
    log_group: str
    log_format: Literal["Text", "JSON"] = "Text"
    application_log_level: str | None = None
    system_log_level: str | None = None
    reserved_concurrency: int | None = None
    architecture: str = "x86_64"
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A template, resolved.

    Attributes:
        path: The file it came from.
        functions: Logical id to function, in the order of the file.
        log_groups: Name to log group, only those that the template declares.
        resources: Logical id to the resource as a plain dict, resolved, `Globals` merged in;
            without the resources whose condition is false.
    """

    path: Path
    functions: Mapping[str, Function]
    log_groups: Mapping[str, LogGroup]
    resources: Mapping[str, Mapping[str, Any]]

    def function(self, name: str | None = None) -> Function:
        """Return the function of this name or logical id; without one, the only function.

        Raises:
            TemplateError: There is no such function, or none or several to choose from.
        """
        if name is None:
            if len(self.functions) == 1:
                return next(iter(self.functions.values()))
            what = "the template holds no function"
            if self.functions:
                what = f"the template holds {len(self.functions)} functions: say which one"
        else:
            for function in self.functions.values():
                if name in (function.logical_id, function.name):
                    return function
            what = f"the template holds no function {name!r}"
        known = ", ".join(self.functions) or "none"
        raise TemplateError(what, f"{self.path.name}:1:1  functions there: {known}")
