"""`workshop tour`, steps 08 and 11: what tests would notice, and what a release would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.table import Column, table
from workshop.cli.render.text import labelled
from workshop.course.release import shares

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workshop.cli.render.tour import Telemetry
    from workshop.course.release import Trouble

_NOTICED, _MISSED = Text("noticed", "good"), Text("missed", "bad")
_TROUBLES: tuple[tuple[str, Trouble | None], ...] = (
    ("cannot start", "crashes"),
    ("fails every payment", "fails"),
    ("is a hundred times slower", "crawls"),
    ("is good", None),
)


def faults(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw which faults the weak test notices, and which the finished ones."""
    columns = (
        Column("a release with this fault", least=26),
        Column("one weak test"),
        Column("tests of step 08"),
    )
    rows = [
        (does, _NOTICED if weak else _MISSED, _NOTICED if finished else _MISSED)
        for does, weak, finished in telemetry.noticed
    ]
    yield table(columns, rows, width)
    yield Text()
    weak = sum(one for _, one, _ in telemetry.noticed)
    finished = sum(one for _, _, one in telemetry.noticed)
    said = f"{weak} of {len(rows)} faults noticed by the one, {finished} by the others."
    yield labelled("", said, width)


def ship(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw what becomes of releases: which alarm stops them, when, and at which share."""
    release = telemetry.release
    if release is None:
        return
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
