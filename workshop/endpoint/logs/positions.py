"""Places in the order of log events: by timestamp, then by arrival; and tokens for them."""

import re
from typing import NamedTuple

from workshop.endpoint.logs.errors import invalid

_TOKEN = re.compile(r"(\d{20})(\d{36})")


class Position(NamedTuple):
    """The place of a log event, or one before or after any.

    Attributes:
        timestamp: Milliseconds since the epoch.
        number: The log event's `id` in the store.
    """

    timestamp: int
    number: int

    def __str__(self) -> str:
        """Return it in 56 digits, as long as AWS's event ids are."""
        return f"{self.timestamp:020d}{self.number:036d}"


def position(token: str) -> Position:
    """Read a position.

    Raises:
        ApiError: InvalidParameterException, when it is none.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or int(match[1]) > 2**62 or int(match[2]) > 2**62:
        raise invalid("The specified nextToken is invalid.")
    return Position(int(match[1]), int(match[2]))
