"""Incidents as they are typed: `failing`, `crawling:campaign=spring@40m+15m`, `planted`."""

import argparse
import re
from collections.abc import Callable, Mapping

from workshop.cli import durations
from workshop.errors import UsageError
from workshop.load.arrivals import Window
from workshop.load.incident import KINDS, Incident, Kind, Scope, planted

PLANTED = "planted"
"""The word for an incident that is to be found, and is not told."""

FORM = "failing or crawling [:WHICH] [@START] [+LENGTH], or planted"
EXAMPLE = "such as failing:currency=EUR@2h+20m"

_TYPED = re.compile(
    r"(?P<kind>[a-z]+)(?::(?P<which>[^@+]*))?(?:@(?P<start>[^+]*))?(?:\+(?P<length>.*))?"
)
_NOTHING = re.compile(r"0+[smhd]?")
_BEGIN, _END = 2 / 3, 5 / 6


def read(text: str, window: Window, seed: int) -> Incident:
    """Read what was typed after `--incident`.

    Args:
        text: A kind; `:` and which payments, such as `currency=EUR,customers=20%`; `@` and how long
            after the beginning of the traffic it starts; `+` and how long it lasts.
        window: The traffic. An incident without START begins when two thirds of it are over; one
            without LENGTH takes a sixth of it.
        seed: Decides a planted one.

    Raises:
        UsageError: It is none, or it lies outside the traffic.
    """
    if text == PLANTED:
        return planted(seed, window)
    match = _TYPED.fullmatch(text.strip())
    if match is None or match["kind"] not in KINDS:
        raise UsageError(f"there is no incident “{text}”", f"{FORM}; {EXAMPLE}")
    scope, share = _which(match["which"])
    begin, end = _BEGIN * window.seconds, _END * window.seconds
    if match["start"] is not None:
        at_once = _NOTHING.fullmatch(match["start"])  # `+0m` would be no incident
        start = 0 if at_once else _seconds(match["start"])
        begin, end = start, start + end - begin
    if match["length"] is not None:
        end = begin + _seconds(match["length"])
    if begin >= window.seconds:
        raise UsageError(
            f"the incident “{text}” would begin after the traffic",
            "START is counted from the beginning of the traffic",
        )
    found = Window(window.start + begin, min(window.start + end, window.end))
    return Incident(found, _kind(match["kind"]), scope, share)


def _kind(said: str) -> Kind:
    return next(kind for kind in KINDS if kind == said)


def _which(said: str | None) -> tuple[Scope, float]:
    """Read which payments: `key=value`, with commas between."""
    known: Mapping[str, Callable[[str], object]] = {
        "campaign": str,
        "currency": str.upper,
        "customers": _share,
        "least": int,
        "most": int,
        "share": _share,
    }
    given: dict[str, object] = {}
    for pair in filter(None, (part.strip() for part in (said or "").split(","))):
        key, equals, value = (part.strip() for part in pair.partition("="))
        try:
            given[key] = known[key](value)
        except (KeyError, ValueError):
            equals = ""
        if not equals or not value:
            raise UsageError(
                f"an incident cannot be about “{pair}”",
                "campaign=NAME, currency=EUR, customers=20%, least=CENTS, most=CENTS, share=30%",
            )
    share = given.pop("share", 1.0)
    assert isinstance(share, float)  # noqa: S101 - for the type
    return Scope(**given), share  # type: ignore[arg-type]


def _share(said: str) -> float:
    percent = float(said.removesuffix("%"))
    if not 0 < percent <= 100:  # noqa: PLR2004 (percent)
        raise ValueError(said)
    return percent / 100


def _seconds(said: str) -> int:
    try:
        return durations.seconds(said)
    except argparse.ArgumentTypeError as error:
        raise UsageError(str(error), EXAMPLE) from error
