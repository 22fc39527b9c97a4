"""Private data in signals: whether a card's number, code or holder shows, however it is written."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workshop.course.sent import Sent

_SEPARATORS = re.compile(r"(?<=\d)[ ._\-/]{1,2}(?=\d)")
_ESCAPED = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_LONG_NUMBER = re.compile(r"\d(?:[ ._\-/]{0,2}\d){8,}")
_TELLING_DIGITS = 9
"""So many digits of a card number in a row are more than may be shown: PCI DSS 3.4 lets the first
six (or eight) and the last four be seen."""


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


def _leaves(value: object) -> Iterator[tuple[str, str]]:
    """Every scalar in a JSON value as text, and every key, with its path.

    Without recursion: what a function logs may be nested deeper than Python calls.
    """
    waiting = [("", value)]
    while waiting:
        path, value = waiting.pop()
        found: list[tuple[str, object]] = []
        if isinstance(value, Mapping):
            for key, child in value.items():
                name = f"{path}.{key}" if path else str(key)
                found += [(name, str(key)), (name, child)]
        elif isinstance(value, list | tuple):
            found += [(f"{path}[{place}]", child) for place, child in enumerate(value)]
        elif isinstance(value, str) and value[:1] in {"{", "["} and (inner := _parsed(value)):
            found.append((path, inner))
        elif value is not None:
            yield path, str(value)
        waiting += reversed(found)


def _parsed(text: str) -> dict[str, Any] | list[Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _plain(text: str) -> str:
    """Undo JSON and Python escapes of characters, and compose accents."""
    unescaped = _ESCAPED.sub(lambda match: chr(int(match[1] or match[2], 16)), text)
    return unicodedata.normalize("NFC", unescaped)


def _shortened(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
