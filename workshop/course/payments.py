"""Payments to send: the tour's customers, the checks' traffic, and private data that can be found.

Events are those of the course's function: amounts are in cents, and the card number's last four
digits decide how the stand-in processor behaves, as real processors' test cards do.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from workshop.load import incident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workshop.course.traffic import Sent

Payment: TypeAlias = dict[str, Any]
"""One event: payment_id, customer_id, amount, currency, card, correlation_id, perhaps campaign."""

UNAVAILABLE = incident.UNAVAILABLE
"""Last four digits of cards for which the processor is unavailable."""

SLOW = incident.SLOW
"""Last four digits of cards for which the processor crawls."""

FLAKY = "0259"
"""Last four digits of cards for which the processor is unavailable on the first try."""

DECLINED = "0002"
"""Last four digits of cards that are declined."""

_CURRENCIES = ("USD", "EUR", "GBP")
_CAMPAIGNS = ("spring", "summer", "autumn", "winter")
_HOLDERS = (
    "Ada Lovelace",
    "Alan Turing",
    "Annie Easley",
    "Edsger Dijkstra",
    "Grace Hopper",
    "Katherine Johnson",
    "Radia Perlman",
    "Tony Hoare",
)
_SYLLABLES = ("bra", "dun", "fel", "gor", "hym", "kel", "lor", "mip", "nuv", "quo", "ryl", "zef")

_SEPARATORS = re.compile(r"(?<=\d)[ ._\-/]{1,2}(?=\d)")
_ESCAPED = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_LONG_NUMBER = re.compile(r"\d(?:[ ._\-/]{0,2}\d){8,}")
_TELLING_DIGITS = 9
"""So many digits of a card number in a row are more than may be shown: PCI DSS 3.4 lets the first
six (or eight) and the last four be seen."""


def planted_card(random: Random, last4: str | None = None) -> dict[str, str]:
    """A card whose number, cvc and holder occur nowhere by chance, so that a leak can be found.

    Args:
        random: Where the values come from.
        last4: The last four digits, for a card that fails or crawls; else digits of one that works.
    """
    ordinary = [f"{number:04}" for number in (random.randrange(1000, 9999) for _ in range(3))]
    last4 = last4 or next(four for four in ordinary if four not in {UNAVAILABLE, SLOW})
    return {
        "number": f"4{random.randrange(10**10, 10**11)}{last4}",
        # Four digits, as some cards have: three would turn up in any duration or identifier.
        "cvc": "".join(random.choice("3456789") for _ in range(4)),
        "holder": " ".join(_invented_name(random) for _ in range(2)),
    }


def payment(random: Random, **overrides: object) -> Payment:
    """A random payment that succeeds, its private data planted (`planted_card`).

    Args:
        random: Where the values come from.
        overrides: Fields to set; one that is None is left out of the event, and `card` may hold
            only the card's fields to change.
    """
    event: Payment = {
        "payment_id": _identifier(random, "pay"),
        "customer_id": _identifier(random, "cus"),
        "amount": random.randrange(100, 3_000),
        "currency": random.choice(_CURRENCIES),
        "card": planted_card(random),
        "campaign": random.choice(_CAMPAIGNS),
        "correlation_id": _identifier(random, "req"),
    }
    card = overrides.pop("card", {})
    if isinstance(card, dict):
        event["card"].update(card)
    else:
        event["card"] = card
    event.update(overrides)
    return {name: value for name, value in event.items() if value is not None}


def customers(seed: int, count: int) -> list[Payment]:
    """The tour's traffic: the same `count` payments for the same seed.

    A few customers pay often and most once or twice; amounts are log-normal, so that an average
    hides the large ones; about 4 in 100 meet an unavailable processor and 3 in 100 a crawling one.
    """
    random = Random(seed)  # Not a secret: reproducible traffic.
    people = [
        (
            _identifier(random, "cus"),
            random.choice(_HOLDERS),
            f"4{random.randrange(10**10, 10**11)}",
        )
        for _ in range(max(8, count // 6))
    ]
    heaviness = [1 / (rank + 1) for rank in range(len(people))]
    payments = []
    for customer_id, holder, digits in random.choices(people, heaviness, k=count):
        fate = random.random()
        last4 = UNAVAILABLE if fate < 0.04 else SLOW if fate < 0.07 else "4242"  # noqa: PLR2004 (the shares above)
        event: Payment = {
            "payment_id": _identifier(random, "pay"),
            "customer_id": customer_id,
            "amount": max(100, round(random.lognormvariate(7.3, 0.9))),
            "currency": "USD",
            "card": {
                "number": digits + last4,
                "cvc": f"{random.randrange(1000):03}",
                "holder": holder,
            },
            "correlation_id": _identifier(random, "req"),
        }
        if random.random() < 0.4:  # noqa: PLR2004 (a campaign reaches some)
            event["campaign"] = random.choice(_CAMPAIGNS)
        payments.append(event)
    return payments


@dataclass(frozen=True)
class Leak:
    """Private data found in a signal.

    Attributes:
        signal: `log event`, `data point` or `segment`.
        where: A key's path (`card.number`), or the log line with the private data blotted out.
        which: `card number`, `cvc` or `holder`.
    """

    signal: str
    where: str
    which: str

    def __str__(self) -> str:
        return f"the {self.which} is in a {self.signal}: {self.where}"


def find_private(sent: Sent) -> list[Leak]:
    """Find the private data of an event in the signals it left behind; each place once.

    Finds them also when partly formatted: a card number with spaces or dashes or most of its
    digits, a holder escaped, in capitals or only one of the names. First six and last four digits
    of a number may be shown.
    """
    leaks: list[Leak] = []
    for line in sent.own_logs:
        said = line.text if line.json is None else line.json
        leaks.extend(find_private_in(said, sent.event, "log event"))
    for point in sent.points:
        said = {"namespace": point.namespace, "name": point.name, "dimensions": point.dimensions}
        leaks.extend(find_private_in(said, sent.event, "data point"))
    for segment in sent.segments:
        leaks.extend(find_private_in(segment, sent.event, "segment"))
    return list(dict.fromkeys(leaks))


def find_private_in(value: object, event: object, signal: str = "response") -> list[Leak]:
    """Find an event's private data in one JSON value or text, as `find_private` does.

    Args:
        value: What to search.
        event: The event whose card's values are private.
        signal: What the value is, for the `Leak`.
    """
    card = event.get("card") if isinstance(event, dict) else None
    if not isinstance(card, dict):
        return []
    patterns = _patterns(card)
    leaks = (leak for path, text in _leaves(value) for leak in _leaks(signal, path, text, patterns))
    return list(dict.fromkeys(leaks))


_Patterns: TypeAlias = dict[str, re.Pattern[str]]


def _patterns(card: dict[str, Any]) -> _Patterns:
    """What to look for, after `_plain` has undone separators and escapes."""
    patterns: _Patterns = {}
    number = re.sub(r"\D", "", str(card.get("number", "")))
    if len(number) >= _TELLING_DIGITS:
        windows = (
            number[start : start + _TELLING_DIGITS]
            for start in range(len(number) - _TELLING_DIGITS + 1)
        )
        patterns["card number"] = re.compile("|".join(windows))
    cvc = str(card.get("cvc", ""))
    if len(cvc) > len("123"):
        patterns["cvc"] = re.compile(rf"(?<![\w.\-]){re.escape(cvc)}(?![\w\-]|\.\d)")
    names = [name for name in str(card.get("holder", "")).split() if len(name) > len("Ada")]
    if names:
        patterns["holder"] = re.compile(
            "|".join(re.escape(_plain(name)) for name in names), re.IGNORECASE
        )
    return patterns


def _leaks(signal: str, path: str, value: str, patterns: _Patterns) -> Iterator[Leak]:
    for which, pattern in patterns.items():
        # Separators are closed up for the number alone: elsewhere they keep tokens apart.
        text = _SEPARATORS.sub("", _plain(value)) if which == "card number" else _plain(value)
        if not pattern.search(text):
            continue
        where = path
        if not path:
            # Of a stack trace, the line that gives it away.
            lines = zip(text.splitlines(), _plain(value).splitlines(), strict=True)
            shown = next((plain for line, plain in lines if pattern.search(line)), _plain(value))
            blotted = _LONG_NUMBER.sub("…", shown)
            for other in patterns.values():
                blotted = other.sub("…", blotted)
            where = f'"{_shortened(blotted)}"'
        yield Leak(signal, where, which)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every scalar in a JSON value as text, and every key, with its path."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            name = f"{path}.{key}" if path else str(key)
            yield name, str(key)
            yield from _leaves(child, name)
    elif isinstance(value, list | tuple):
        for place, child in enumerate(value):
            yield from _leaves(child, f"{path}[{place}]")
    elif isinstance(value, str) and value[:1] in {"{", "["} and (inner := _parsed(value)):
        yield from _leaves(inner, path)
    elif value is not None:
        yield path, str(value)


def _parsed(text: str) -> dict[str, Any] | list[Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def _plain(text: str) -> str:
    """Undo JSON and Python escapes of characters, and compose accents."""
    unescaped = _ESCAPED.sub(lambda match: chr(int(match[1] or match[2], 16)), text)
    return unicodedata.normalize("NFC", unescaped)


def _shortened(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _identifier(random: Random, prefix: str) -> str:
    return f"{prefix}_{random.getrandbits(48):012x}"


def _invented_name(random: Random) -> str:
    syllables = "".join(random.sample(_SYLLABLES, 3))
    return f"{syllables}é".capitalize()  # The accent shows whether escapes are seen through.
