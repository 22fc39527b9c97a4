"""Lengths of time as they are typed: 90s, 15m, 3h, 2d."""

import argparse
import re

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_DIGITS = 9


def seconds(text: str) -> int:
    """Read a length of time.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    match = re.fullmatch(rf"([1-9]\d{{0,{_MOST_DIGITS - 1}}})([smhd]?)", text.strip(), re.ASCII)
    if match is None:
        reason = f"{text!r} is no length of time such as 90s, 15m, 3h or 2d"
        raise argparse.ArgumentTypeError(reason)
    return int(match[1]) * _SECONDS[match[2] or "s"]
