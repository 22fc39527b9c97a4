"""What an event source mapping did, on the screen: the attempts, and where each record ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import labelled, printable

if TYPE_CHECKING:
    from workshop.streams import Attempt, Delivery, Record, Settings

_ALIKE = 3
"""So many tries of one batch are drawn; those between them and the last are counted."""

_MOST_ROWS = 24
_HOUR = 3600


def attempts(settings: Settings, delivery: Delivery, width: int) -> Iterator[Text]:
    """Draw the attempts of a delivery, and where each record ended.

    Args:
        settings: The mapping's.
        delivery: What it came to.
        width: Columns to draw in.
    """
    noted = f"{settings.name}: {settings.stream} to {settings.function}"
    title = "event source mapping"
    noted = f"{noted}, batches of {settings.batch_size}"
    yield labelled(f"{title}  ", printable(noted), width, "title", "quiet")
    places = _places(delivery)
    begun = min((one.at for one in delivery.attempts), default=0.0)
    columns = (
        Column("  at", "right", least=6),
        Column("records", least=5),
        Column("try", "right", least=3),
        Column("answer", least=12),
        Column("then", least=10),
    )
    rows: list[Sequence[str | Text]] = []
    for one, skipped in _drawn(delivery.attempts):
        if skipped:
            rows.append(("", "⋮", "", Text(f"{skipped} more like it", "quiet"), ""))
        failed = one.failed_from is not None
        answer = Text(_answer(one, places), "bad" if failed else "good")
        then = Text(_then(one, places), "bad" if one.then == "discarded" else "")
        when = f"+{one.at - begun:.1f} s"
        rows.append((f"  {when}", ranges(one.records, places), str(one.tries), answer, then))
    yield table(columns, rows[:_MOST_ROWS], width)
    if len(rows) > _MOST_ROWS:
        yield Text(f"  … and {len(rows) - _MOST_ROWS} rows more", "quiet")
    yield Text()
    yield from _ends(settings, delivery, places, width)


def ranges(records: Sequence[Record], places: Mapping[str, int]) -> str:
    """Return which records of the stream these are, counted from 1: `3`, `3-6`, `1, 4, 6`."""
    numbers = [places[one.sequence_number] for one in records]
    first, last = numbers[0], numbers[-1]
    if len(numbers) == 1:
        return str(first)
    if last - first == len(numbers) - 1:
        return f"{first}-{last}"
    return ", ".join(map(str, numbers))


def _ends(
    settings: Settings, delivery: Delivery, places: Mapping[str, int], width: int
) -> Iterator[Text]:
    """Draw how many records ended how, and what the destination was told."""
    given_up = {r.sequence_number for one in delivery.discarded for r in one.records}
    waiting = {one.sequence_number for one in delivery.unfinished}
    done = len(places) - len(given_up) - len(waiting)
    sends = sum(len(one.records) for one in delivery.attempts)
    parts = [f"{len(places)} in the stream, {sends} sent in all", f"{done} done"]
    parts += [f"{len(given_up)} given up"] if given_up else []
    parts += [f"{len(waiting)} still waiting"] if waiting else []
    yield labelled("  records         ", " · ".join(parts), width, "quiet")
    oldest = max((one.iterator_age_ms for one in delivery.attempts), default=0.0)
    yield labelled("  IteratorAge     ", f"Maximum {oldest:,.0f} ms", width, "quiet")
    if waiting:
        until = f"the record expires, {settings.retention_seconds // _HOUR} h after it came"
        told = f"it goes on like this until {until}; all behind it waits"
        yield labelled("  ✗ blocked       ", told, width, "bad")
    for one in delivery.discarded:
        which = f"record {ranges(one.records, places)}: {one.condition} after {one.invocations}"
        lost = "" if one.message else ", and nobody is told"
        where = settings.destination if one.message else None
        label = "  on failure      "
        name = f", in {printable(where)}" if where else lost
        yield labelled(label, f"{which} tries{name}", width, "quiet", "" if where else "bad")


def _places(delivery: Delivery) -> dict[str, int]:
    """Return sequence number to place in the stream, counted from 1."""
    records = {one.sequence_number for sent in delivery.attempts for one in sent.records}
    records |= {one.sequence_number for one in delivery.unfinished}
    records |= {one.sequence_number for lost in delivery.discarded for one in lost.records}
    return {number: place for place, number in enumerate(sorted(records, key=int), 1)}


def _drawn(sent: Sequence[Attempt]) -> Iterator[tuple[Attempt, int]]:
    """Give the attempts to be drawn, each with how many before it are left out."""
    skipped = 0
    for place, one in enumerate(sent):
        following = sent[place + 1] if place + 1 < len(sent) else None
        same = following is not None and following.records == one.records
        if one.tries > _ALIKE and same:
            skipped += 1
            continue
        yield one, skipped
        skipped = 0


def _answer(one: Attempt, places: Mapping[str, int]) -> str:
    if one.failed_from is None:
        return "✓ success"
    if one.invocation.function_error is not None:
        return f"✗ {printable(one.reason)}"
    if not one.reason.endswith("reported"):
        return f"✗ {printable(one.reason)}"
    return f"✗ {one.reason}, first {places[one.records[one.failed_from].sequence_number]}"


def _then(one: Attempt, places: Mapping[str, int]) -> str:
    if one.then == "from-checkpoint" and one.failed_from is not None:
        return f"on from {places[one.records[one.failed_from].sequence_number]}"
    return {
        "done": "done",
        "again": "again, all of it" if len(one.records) > 1 else "again",
        "split": "split in two",
        "discarded": "given up",
    }[one.then]
