"""What is wrong with a query, and where."""

from workshop.errors import UsageError


class MalformedQuery(UsageError):  # noqa: N818 - AWS's own name, MalformedQueryException
    """A query that is not in the language, or asks for what is not offered offline.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_QueryCompileError.html

    Attributes:
        message: What is wrong; where the grammar stopped, also what was expected.
        start: Offset of the first character that is wrong, counted in characters from 0.
        end: Offset after the last one.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message, f"characters {start} to {end} of the query")
        self.message = message
        self.start = start
        self.end = end


class ArgumentError(Exception):
    """An argument is not of the kind that a function takes; who compiles the call knows where."""
