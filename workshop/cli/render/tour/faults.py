"""Step 08 in the tour: which faults tests would notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOTICED, _MISSED = Text("noticed", "good"), Text("missed", "bad")


def faults(noticed: Sequence[tuple[str, bool, bool]], width: int) -> Iterator[Text]:
    """Draw which faults the weak test notices, and which the finished ones.

    Args:
        noticed: Each seeded fault in words, and whether the weak test and the finished ones see it.
        width: Columns to draw in.
    """
    columns = (
        Column("a release with this fault", least=26),
        Column("one weak test"),
        Column("tests of step 08"),
    )
    rows = [
        (does, _NOTICED if weak else _MISSED, _NOTICED if finished else _MISSED)
        for does, weak, finished in noticed
    ]
    yield table(columns, rows, width)
    yield Text()
    weak = sum(one for _, one, _ in noticed)
    finished = sum(one for _, _, one in noticed)
    said = f"{weak} of {len(rows)} faults noticed by the one, {finished} by the others."
    yield labelled("", said, width)
