"""Refusals of the Lambda Invoke API: the event never reaches a handler.

Names, messages and reasons are the API's own:
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
"""

from workshop.errors import LearnerError, ToolError, UsageError, WorkshopError
from workshop.signals import Invocation


class TooManyRequestsError(LearnerError):
    """Every environment that the function may have is busy (HTTP 429, TooManyRequestsException).

    Attributes:
        reason: `ReservedFunctionConcurrentInvocationLimitExceeded`, or without `ReservedFunction`.
    """

    def __init__(self, *, function_name: str, limit: int, reserved: bool) -> None:
        super().__init__(
            f"Rate Exceeded: all {limit} execution environments of {function_name} are busy",
            "ReservedConcurrentExecutions in template.yaml" if reserved else "send fewer at once",
        )
        self.reason = (
            "ReservedFunctionConcurrentInvocationLimitExceeded"
            if reserved
            else "ConcurrentInvocationLimitExceeded"
        )


class InvalidRequestContentError(UsageError):
    """The event is not JSON (HTTP 400, InvalidRequestContentException)."""


class RequestTooLargeError(UsageError):
    """The event is larger than 6 MB (HTTP 413, RequestTooLargeException)."""


class LambdaClosedError(ToolError):
    """An invocation was asked of a LocalLambda that is closed, or it was closed meanwhile."""


class TelemetryNotKeptError(ToolError):
    """The event was served, but the sink refused what the function left behind: its own words.

    Attributes:
        invocation: What came of the event all the same.
    """

    def __init__(self, refusal: Exception, invocation: Invocation) -> None:
        if isinstance(refusal, WorkshopError):
            super().__init__(refusal.what, refusal.look)
        else:
            super().__init__(f"the telemetry could not be kept: {refusal}")
        self.invocation = invocation


class CodeMissingError(LearnerError):
    """The folder of the function's code is not there."""


class EnvironmentStartError(ToolError):
    """The operating system would not start the process or open the sockets of an environment."""
