"""What an AWS service answers when it will not do what is asked."""

from collections.abc import Mapping


class ApiError(Exception):
    """An error in AWS's terms; each protocol writes it in its own shape.

    Args:
        code: The error's name in the service's API reference, such as
            `ResourceNotFoundException`.
        message: What a person reads.
        status: The HTTP status.
        members: Further members of the error's shape.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = dict(members or {})
