"""Step 09 in the tour: what became of the bad records, and that the good ones counted once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli import findings
from workshop.cli.render.attempts import attempts
from workshop.cli.render.table import Column, table
from workshop.cli.render.text import asked, labelled, printable
from workshop.streams import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workshop.cli.render.tour.telemetry import Telemetry
    from workshop.signals import DataPoint
    from workshop.streams import Settings

_MOST_ROWS = 5
_LAST_DIGITS = 6


def stream(
    telemetry: Telemetry, settings: Settings, delivery: Delivery, width: int
) -> Iterator[Text]:
    """Draw one batch with a bad record in it, where the bad ones ended, and what was settled."""
    shown = _first_bad_batch(delivery)
    if shown is not None:
        yield from attempts(settings, shown, width)
        yield Text()
    yield asked("where", 'level = "ERROR"')
    yield from _rejected(telemetry, delivery, width)
    yield Text()
    records = {one.sequence_number for sent in delivery.attempts for one in sent.records}
    sends = sum(len(one.records) for one in delivery.attempts)
    given_up = sum(len(one.records) for one in delivery.discarded)
    told = sum(len(one.records) for one in delivery.discarded if one.message)
    settled = sum(sum(p.values) for p in telemetry.points if p.name == "SettledPayment")
    yield labelled(
        "",
        f"{len(records)} records came, {sends} were sent in {len(delivery.attempts)} batches."
        f" {given_up} given up, {told} of them told to {settings.destination or 'nobody'}."
        f" SettledPayment {settled:.0f}.",
        width,
    )
    yield Text()
    columns = (
        Column("metric", least=13),
        Column("currency", least=8),
        Column("SampleCount", "right", keep=False),
        Column("Sum", "right"),
    )
    yield table(columns, _amounts(telemetry.points), width)


def _first_bad_batch(delivery: Delivery) -> Delivery | None:
    """Return what was done with the first batch of which something was given up."""
    if not delivery.discarded:
        return None
    lost = delivery.discarded[0].records[0].sequence_number
    begun = next(
        (one for one in delivery.attempts if lost in {r.sequence_number for r in one.records}), None
    )
    if begun is None:
        return None
    batch = {one.sequence_number for one in begun.records}
    return Delivery(
        tuple(one for one in delivery.attempts if one.records[0].sequence_number in batch),
        tuple(one for one in delivery.discarded if one.records[0].sequence_number in batch),
        (),
        (),
    )


def _rejected(telemetry: Telemetry, delivery: Delivery, width: int) -> Iterator[Text]:
    """Draw the bad records as the log names them, and why each was given up."""
    times: Counter[str] = Counter()
    errors: dict[str, str] = {}
    for record in findings.records(telemetry.log_events):
        number = str(record.get("sequence_number", ""))
        if record.get("level") == "ERROR" and number:
            times[number] += 1
            errors[number] = str(record.get("exception_name", "?"))
    conditions = {
        record.sequence_number: one.condition
        for one in delivery.discarded
        for record in one.records
    }
    columns = (
        Column("sequence_number", least=9),
        Column("exception_name", least=12),
        Column("logged", "right", least=6),
        Column("given up", least=12, keep=False),
    )
    numbers = sorted(times, key=int)
    rows = [
        (
            f"…{printable(number)[-_LAST_DIGITS:]}",
            printable(errors[number]),
            f"{times[number]} times",
            conditions.get(number, "no"),
        )
        for number in numbers[:_MOST_ROWS]
    ]
    yield table(columns, rows, width)
    if len(numbers) > _MOST_ROWS:
        yield Text(f"… and {len(numbers) - _MOST_ROWS} more", "quiet")


def _amounts(points: Sequence[DataPoint]) -> list[tuple[str, str, str, str]]:
    """Return a row for each currency in which something was settled."""
    values: dict[str, list[float]] = {}
    for point in points:
        if point.name == "SettledAmount":
            currency = printable(point.dimensions.get("currency", "?"))
            values.setdefault(currency, []).extend(point.values)
    return [
        ("SettledAmount", currency, f"{len(found):,}", f"{sum(found):,.0f}")
        for currency, found in sorted(values.items())
    ]
