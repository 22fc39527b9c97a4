"""Step 11 in the tour: what becomes of a bad release, and of a good one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import labelled
from workshop.course.release import shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workshop.course.release import Release, Trouble

_TROUBLES: tuple[tuple[str, Trouble | None], ...] = (
    ("cannot start", "crashes"),
    ("fails every payment", "fails"),
    ("is a hundred times slower", "crawls"),
    ("is good", None),
)


def ship(release: Release, width: int) -> Iterator[Text]:
    """Draw what becomes of releases: which alarm stops them, when, and at which share."""
    steps = shares(release.kind)
    columns = (
        Column("a version that …", least=20),
        Column("alarm", least=10),
        Column("after", "right"),
        Column("customers", "right"),
    )
    rows: list[tuple[str | Text, ...]] = []
    for does, trouble in _TROUBLES:
        told = release.told(trouble)
        if told is None:
            style = "good" if trouble is None else "bad"
            rows.append((does, Text("none", style), f"{len(steps)} min", Text("100 %", style)))
        else:
            name, minute = told
            share = steps[min(minute, len(steps)) - 1]
            rows.append((does, Text(name, "accent"), f"{minute} min", f"{share} %"))
    yield labelled("template  ", f"DeploymentPreference {release.kind}", width, "quiet", "accent")
    yield table(columns, rows, width)
