"""What CloudWatch's metric operations refuse."""

from workshop.errors import UsageError


class MetricQueryError(UsageError):
    """CloudWatch would answer this request with an error: HTTP 400.

    Args:
        message: The error message; begins as CloudWatch's own does where that is known.
        code: The error code of the API, such as `ValidationError` or `InvalidParameterValue`.
            https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html
    """

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(message)
        self.code = code
