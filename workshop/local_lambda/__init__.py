"""Runs a function of a template as AWS Lambda would, on this machine."""

from workshop.local_lambda.errors import (
    CodeMissingError,
    EnvironmentStartError,
    InvalidRequestContentError,
    LambdaClosedError,
    RequestTooLargeError,
    TelemetryNotKeptError,
    TooManyRequestsError,
)
from workshop.local_lambda.service import LocalLambda

__all__ = [
    "CodeMissingError",
    "EnvironmentStartError",
    "InvalidRequestContentError",
    "LambdaClosedError",
    "LocalLambda",
    "RequestTooLargeError",
    "TelemetryNotKeptError",
    "TooManyRequestsError",
]
