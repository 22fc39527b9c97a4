"""The members of a request, read with their types and limits."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from workshop.endpoint.errors import ApiError

Refuse = Callable[[str], ApiError]
"""Makes the service's own error for a member that is wrong."""


class Arguments:
    """What a request says, taken member by member.

    A member that nobody has taken by the end is one that AWS knows or may know and that is not
    offered here: `finish` refuses it, so that nothing is ignored in silence.

    Args:
        given: The members; one that is null counts as left out.
        refuse: Makes the error for a wrong one.
    """

    def __init__(self, given: Mapping[str, Any], refuse: Refuse) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}
        self.refuse = refuse

    def __contains__(self, name: str) -> bool:
        """Whether the member is given and not yet taken."""
        return name in self._given

    def text(self, name: str, *, most: int | None = None, pattern: str = "") -> str | None:
        """Take a string; None when it is left out.

        Args:
            name: The member.
            most: How many characters it may have.
            pattern: A regular expression that the whole of it must match.
        """
        value = self._given.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(f"{name} must be a string")
        if most is not None and len(value) > most:
            raise self.refuse(f"{name} is longer than {most:,} characters")
        if pattern and not re.fullmatch(pattern, value):
            raise self.refuse(f"{name} {value[:100]!r} does not match {pattern}")
        return value

    def required_text(self, name: str, *, most: int | None = None, pattern: str = "") -> str:
        """Take a string that must be there, and not be empty."""
        value = self.text(name, most=most, pattern=pattern)
        if not value:
            raise self.refuse(f"{name} is required")
        return value

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Take a string that is one of several."""
        value = self.text(name)
        if value is None:
            return default
        if value not in choices:
            raise self.refuse(f"{name} {value[:100]!r} is none of {', '.join(choices)}")
        return value

    def integer(
        self, name: str, *, least: int | None = None, most: int | None = None
    ) -> int | None:
        """Take a whole number; None when it is left out."""
        value = self._given.pop(name, None)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(f"{name} must be a whole number")
        if (least is not None and value < least) or (most is not None and value > most):
            limits = f"{'' if least is None else least} to {'' if most is None else most}"
            raise self.refuse(f"{name} {value} is outside {limits}")
        return value

    def milliseconds(self, name: str) -> int | None:
        """Take a time in milliseconds since the epoch; None when it is left out."""
        return self.integer(name, least=0, most=2**53)

    def seconds(self, name: str) -> float | None:
        """Take a time in seconds since the epoch; None when it is left out."""
        value = self.number(name)
        if value is not None and not 0 <= value <= 2**43:
            raise self.refuse(f"{name} {value} is no time since 1970")
        return value

    def number(self, name: str) -> float | None:
        """Take a number; None when it is left out."""
        value = self._given.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.refuse(f"{name} must be a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.refuse(f"{name} is too large")
        return number

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Take a boolean."""
        value = self._given.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.refuse(f"{name} must be true or false")
        return value

    def items(self, name: str, *, most: int | None = None) -> list[Any] | None:
        """Take a list; None when it is left out."""
        value = self._given.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, list):
            raise self.refuse(f"{name} must be a list")
        if most is not None and len(value) > most:
            raise self.refuse(f"{name} has {len(value):,} members, more than {most:,}")
        return value

    def texts(self, name: str, *, most: int | None = None) -> list[str] | None:
        """Take a list of strings; None when it is left out."""
        value = self.items(name, most=most)
        if value is not None and not all(isinstance(item, str) for item in value):
            raise self.refuse(f"{name} must be a list of strings")
        return value

    def structures(self, name: str, *, most: int | None = None) -> "list[Arguments] | None":
        """Take a list of structures; None when it is left out."""
        value = self.items(name, most=most)
        if value is None:
            return None
        if not all(isinstance(item, dict) for item in value):
            raise self.refuse(f"{name} must be a list of structures")
        return [Arguments(item, self.refuse) for item in value]

    def structure(self, name: str) -> "Arguments | None":
        """Take a structure; None when it is left out."""
        value = self._given.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.refuse(f"{name} must be a structure")
        return Arguments(value, self.refuse)

    def finish(self) -> None:
        """Refuse whatever has not been taken."""
        if self._given:
            names = ", ".join(sorted(self._given))
            raise self.refuse(f"the workshop endpoint does not offer: {names}")
