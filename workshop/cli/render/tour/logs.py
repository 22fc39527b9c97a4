"""Steps 00 to 02 in the tour: raw lines, lines with keys, and one request from end to end."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from workshop.cli import findings
from workshop.cli.render.table import Column, table
from workshop.cli.render.telemetry import is_platform
from workshop.cli.render.text import asked, cut, printable
from workshop.cli.render.tour.telemetry import Telemetry
from workshop.signals import LogEvent

_RAW_LINES = 12
_MOST_ROWS = 8
_TIME = re.compile(r"\d\d:\d\d:\d\d[.,]\d{3}")


def lines(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw some raw lines with a failed request, and count how many errors say whose they are."""
    events = telemetry.log_events
    errors = [place for place, event in enumerate(events) if _tells_error(event)]
    fitting = _most_mixed([_request_around(events, place) for place in errors])
    # On a busy machine no failed request may fit: then the error alone has to be seen.
    first, last = fitting or ((errors[0], errors[0]) if errors else (0, 0))
    first = max(0, min((first + last + 1 - _RAW_LINES) // 2, len(events) - _RAW_LINES))
    for event in events[first : first + _RAW_LINES]:
        style = "bad" if _tells_error(event) else "quiet" if is_platform(event.message) else ""
        yield Text(cut(printable(event.message.partition("\n")[0]), width), style)
    named = sum("cus_" in events[place].message for place in errors)
    yield Text()
    yield Text(f"{len(events):,} log events, {len(errors)} of them errors.")
    yield Text(f"Whose charges failed? {named} of {len(errors)} say.")


def keys(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw the failed charges, found by the keys of their log events."""
    failed = findings.failures(findings.records(telemetry.log_events))
    yield asked("where", 'level = "ERROR"')
    columns = (
        Column("payment_id", least=16),
        Column("customer_id", least=16),
        Column("amount", "right", least=6),
        Column("exception_name", least=10),
    )
    rows = [
        (_text(one.payment_id), _text(one.customer_id), _text(one.amount), _text(one.error))
        for one in failed[:_MOST_ROWS]
    ]
    yield table(columns, rows, width)
    if len(failed) > _MOST_ROWS:
        yield Text(f"… and {len(failed) - _MOST_ROWS} more", "quiet")


def context(telemetry: Telemetry, retention_days: int | None, width: int) -> Iterator[Text]:
    """Draw one failed request from end to end, count cold starts, and say what is kept.

    Args:
        telemetry: What was left behind.
        retention_days: How long the template has the log group keep it; None for ever.
        width: Columns to draw in.
    """
    records = list(findings.records(telemetry.log_events))
    requests = findings.requests(records)
    failed = [one for one in requests if any(r["level"] == "ERROR" for r in one.records)]
    for chosen in (failed or requests)[:1]:
        yield asked("where", f'correlation_id = "{printable(chosen.correlation_id)}"', width)
        columns = (
            Column("timestamp", least=8),
            Column("level", least=5),
            Column("message", least=18),
            Column("customer_id", least=16),
            Column("cold_start", least=10, keep=False),
            Column("function_request_id", least=36, keep=False),
        )
        rows = [
            (
                _time(one),
                Text(str(one["level"]), "bad" if one["level"] == "ERROR" else ""),
                _text(one.get("message")),
                _text(one.get("customer_id")),
                json.dumps(one.get("cold_start")),
                _text(one.get("function_request_id")),
            )
            for one in chosen.records[:_MOST_ROWS]
        ]
        yield table(columns, rows, width)
        yield Text()
    cold, invocations = findings.cold_starts(records)
    yield asked("where", "cold_start = true")
    yield Text(f"{cold} of {invocations} invocations met a cold start")
    yield Text()
    yield asked("template", f"RetentionInDays = {retention_days or 'none'}")
    kept = f"for {retention_days} days" if retention_days else "for ever, at a price"
    yield Text(f"log events are kept {kept}")


def _tells_error(event: LogEvent) -> bool:
    return event.message.startswith("[ERROR]")


def _text(value: object) -> str:
    return "?" if value is None else printable(str(value))


def _time(record: findings.Record) -> str:
    """Return the time of day of a record's own timestamp."""
    found = _TIME.search(str(record.get("timestamp", "")))
    return found[0].replace(",", ".") if found else ""


def _request_around(events: Sequence[LogEvent], place: int) -> tuple[int, int]:
    """Return where the request of a log event begins and ends, as places in the list.

    A log stream is one execution environment's, and that serves one request at a time.
    """
    stream = events[place].log_stream

    def border(word: str, places: Iterable[int], otherwise: int) -> int:
        ours = (at for at in places if events[at].log_stream == stream)
        return next((at for at in ours if events[at].message.startswith(word)), otherwise)

    first = border("START RequestId", reversed(range(place)), place)
    return first, border("END RequestId", range(place, len(events)), place)


def _most_mixed(requests: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Choose the request with the most lines of others among its own, of those that fit."""
    fitting = [ends for ends in requests if ends[1] - ends[0] < _RAW_LINES]
    return max(fitting, key=lambda ends: ends[1] - ends[0], default=None)
