"""An invocation laid at another time: what it left behind, as if it had happened then. Pure.

Everything real stays: texts, durations, failures. Only the clock is set, by one difference for all
signals of an invocation, so that its log events, its metrics and its trace still belong together:
timestamps of log events; times in the text of log events and in segments, in the forms that
Lambda's platform, its runtime, Powertools and EMF write; the epoch in trace ids wherever they turn
up; the date in the log stream's name.

A time in a text is shifted where it is a reading of the clock during the invocation. Any other time
is data that came with the event, and stays.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from workshop.signals import Invocation, LogEvent, SegmentDocument

_SLACK_MS = 2_000
"""How far outside an invocation a reading of the clock may lie: some are cut to the second."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIMES = re.compile(
    r"(?=\d)(?:"  # Each begins with one: most places of a text are passed over four times as fast.
    r"(?P<trace>(?<![0-9a-f])1-[0-9a-f]{8}-[0-9a-f]{24}(?![0-9a-f]))"
    r"|(?P<w3c>(?<![0-9a-f])00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?![0-9a-f]))"
    r"|(?P<date>(?<!\d)\d{4}-\d\d-\d\d)(?P<gap>[T ])(?P<clock>\d\d:\d\d:\d\d)"
    r"(?:(?P<mark>[.,])(?P<digits>\d{1,9}))?(?P<zone>Z|[+-]\d\d:?\d\d)?"
    r"|(?P<common>(?<!\d)\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})"
    # Seconds, milli-, micro- or nanoseconds since the epoch, of the years 2001 to 2286.
    r"|(?P<epoch>(?<![\w.\-])[1-9]\d{9}(?:\d{3}){0,3}(?![\w\-]))(?P<part>\.\d+(?![\w.]))?"
    r")"
)
_SECONDS_DIGITS = 10


def begins(invocation: Invocation) -> int:
    """Return when an invocation began, by its earliest signal, in milliseconds since the epoch."""
    return min(_moments(invocation, "start_time"), default=0)


def ends(invocation: Invocation) -> int:
    """Return when an invocation ended, by its latest signal, in milliseconds since the epoch."""
    return max(_moments(invocation, "end_time"), default=0)


def _moments(invocation: Invocation, key: str) -> Iterator[int]:
    yield from (event.timestamp for event in invocation.log_events)
    for segment in invocation.segments:  # a handler may have sent anything
        if isinstance(time := segment.get(key), int | float):
            yield int(time * 1000)


def lay(
    invocation: Invocation, begin_ms: int, log_streams: dict[str, str] | None = None
) -> Invocation:
    """Lay an invocation at another time.

    Args:
        invocation: As it happened.
        begin_ms: When it is to have begun, in milliseconds since the epoch.
        log_streams: What log streams are called that have been begun: they keep the date they
            began on, as in Lambda. Those that begin here are added.

    Returns:
        The invocation with every signal shifted by the same difference.
    """
    begun = begins(invocation)
    shift = _Shift(begin_ms - begun, begun, ends(invocation))
    streams = {} if log_streams is None else log_streams
    own = list(dict.fromkeys(event.log_stream for event in invocation.log_events))
    for stream in own:
        streams.setdefault(stream, dated(stream, begin_ms))

    def text(said: str) -> str:
        for stream in own:
            said = said.replace(stream, streams[stream])
        return shift.text(said)

    return replace(
        invocation,
        trace_id=shift.text(invocation.trace_id),
        payload=_payload(invocation.payload, text),
        log_events=tuple(
            LogEvent(
                event.log_group,
                streams[event.log_stream],
                event.timestamp + shift.ms,
                text(event.message),
            )
            for event in invocation.log_events
        ),
        segments=tuple(_segment(segment, shift, text) for segment in invocation.segments),
    )


class Timeline:
    """Invocations laid over one past: an execution environment serves one at a time."""

    def __init__(self) -> None:
        self._free_at: dict[str, int] = {}
        self._log_streams: dict[str, str] = {}

    def lay(self, invocation: Invocation, at: float) -> Invocation:
        """Lay an invocation at a time, or after the one before it in its environment.

        Args:
            invocation: As it happened.
            at: In seconds since the epoch.
        """
        environment = invocation.environment_id
        begin = max(round(at * 1000), self._free_at.get(environment, 0))
        laid = lay(invocation, begin, self._log_streams)
        self._free_at[environment] = ends(laid) + 1
        return laid


def dated(log_stream: str, at_ms: int) -> str:
    """Return a log stream's name with the day of a time: `2026/11/23/[$LATEST]8a1f…`, in UTC."""
    day = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
    return re.sub(r"^\d{4}/\d\d/\d\d(?=/)", f"{day:%Y/%m/%d}", log_stream)


class _Shift:
    """One difference, and the time in which the clock was read.

    Attributes:
        ms: The difference, in milliseconds.
    """

    def __init__(self, ms: int, begun: int, ended: int) -> None:
        self.ms = ms
        self._first, self._last = begun - _SLACK_MS, ended + _SLACK_MS

    def text(self, said: str) -> str:
        return _TIMES.sub(self._replaced, said) if self.ms else said

    def number(self, value: float) -> float:
        """Shift a number that is a time, in any unit since the epoch; others stay."""
        for unit in (1_000, 1, 1 / 1_000, 1 / 1_000_000):  # in milliseconds
            if self._within(value * unit):
                if isinstance(value, int):
                    return value + round(self.ms / unit)
                return value + self.ms / unit
        return value

    def _within(self, ms: float) -> bool:
        return self._first <= ms <= self._last

    def _replaced(self, match: re.Match[str]) -> str:
        if match["trace"]:
            return f"1-{self._epoch(match[0][2:10])}{match[0][10:]}"
        if match["w3c"]:
            return f"00-{self._epoch(match[0][3:11])}{match[0][11:]}"
        if match["date"]:
            return self._moment(match)
        if match["common"]:
            return self._common(match[0])
        return self._number(match)

    def _epoch(self, digits: str) -> str:
        """Shift the eight hexadecimal digits of a trace id that are seconds since the epoch."""
        seconds = int(digits, 16)
        if not self._within(seconds * 1000):
            return digits
        return f"{(seconds * 1000 + self.ms) // 1000:08x}"

    def _moment(self, match: re.Match[str]) -> str:
        digits = match["digits"] or ""
        try:
            moment = datetime.fromisoformat(f"{match['date']}T{match['clock']}").replace(
                tzinfo=_zone(match["zone"])
            )
        except ValueError:  # the 31st of February
            return match[0]
        nanoseconds = int(digits.ljust(9, "0") or 0)
        if not self._within(moment.timestamp() * 1000 + nanoseconds / 1e6):
            return match[0]
        nanoseconds += self.ms * 10**6
        moment += timedelta(seconds=nanoseconds // 10**9)
        part = f"{nanoseconds % 10**9:09}"[: len(digits)]
        clock = f"{moment:%Y-%m-%d}{match['gap']}{moment:%H:%M:%S}"
        return f"{clock}{match['mark'] or ''}{part}{match['zone'] or ''}"

    def _common(self, said: str) -> str:
        """Shift `23/Nov/2026:14:05:07 +0000`, the time in access logs."""
        day, month, rest = said.split("/", 2)
        if month not in _MONTHS:
            return said
        number = f"{_MONTHS.index(month) + 1:02}"
        try:
            moment = datetime.strptime(f"{day}/{number}/{rest}", "%d/%m/%Y:%H:%M:%S %z")
        except ValueError:
            return said
        if not self._within(moment.timestamp() * 1000):
            return said
        moment += timedelta(milliseconds=self.ms)
        return f"{moment:%d}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S %z}"

    def _number(self, match: re.Match[str]) -> str:
        digits, part = match["epoch"], match["part"] or ""
        unit = 10 ** (len(digits) - _SECONDS_DIGITS)  # how many of it are a second
        value = int(digits)
        if not self._within(value * 1000 / unit):
            return match[0]
        if not part or unit > 1:
            return f"{value + self.ms * unit // 1000}{part}"
        scale = 10 ** (len(part) - 1)
        shifted = value * scale + int(part[1:]) + self.ms * scale // 1000
        return f"{shifted // scale}.{shifted % scale:0{len(part) - 1}}"


def _segment(document: SegmentDocument, shift: _Shift, text: Callable[[str], str]) -> Any:  # noqa: ANN401 (JSON)
    """Shift a document: its own times whatever they are, else what reads the clock."""

    def walk(value: Any, key: str = "") -> Any:  # noqa: ANN401 (JSON)
        if isinstance(value, dict):
            return {name: walk(child, name) for name, child in value.items()}
        if isinstance(value, list):
            return [walk(child) for child in value]
        if isinstance(value, str):
            return text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if key in {"start_time", "end_time"}:
                return value + shift.ms / 1000
            return shift.number(value)
        return value

    return walk(document)


def _payload(payload: bytes, text: Callable[[str], str]) -> bytes:
    try:
        return text(payload.decode()).encode()
    except UnicodeError:
        return payload


def _zone(said: str | None) -> timezone:
    if said in (None, "Z"):
        return UTC
    assert said is not None  # noqa: S101 - for the type
    sign = -1 if said[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(said[1:3]), minutes=int(said[-2:])))
