"""The errors of CloudWatch Logs.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html
"""

from workshop.endpoint.errors import ApiError


def invalid(message: str) -> ApiError:
    """Make the error for a wrong parameter."""
    return ApiError("InvalidParameterException", message)


def not_found(what: str) -> ApiError:
    """Make the error for a log group, stream or query that is not there."""
    return ApiError("ResourceNotFoundException", what)


def group_not_found() -> ApiError:
    """Make the error for a log group that is not there."""
    return not_found("The specified log group does not exist.")


def stream_not_found() -> ApiError:
    """Make the error for a log stream that is not there."""
    return not_found("The specified log stream does not exist.")
