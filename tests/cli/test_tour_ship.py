"""What the tour shows of steps 08 and 11: faults noticed, and releases stopped."""

from pathlib import Path

import pytest

from workshop.cli.render.tour.faults import faults
from workshop.cli.render.tour.release import ship
from workshop.course.release import Release
from workshop.sam import load_template

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "solutions" / "11_ship" / "template.yaml"


def drawn(draw, what, width=80):
    lines = [line for text in draw(what, width) for line in text.plain.splitlines()]
    assert all(len(line) <= width for line in lines)
    return "\n".join(lines)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_each_fault_is_shown_with_who_notices_it(width) -> None:
    said = drawn(faults, [("amount in dollars", False, True), ("b", True, True)], width)
    row = next(line for line in said.splitlines() if line.startswith("amount"))
    assert row.split()[-2:] == ["missed", "noticed"]
    assert "1 of 2 faults noticed by the one, 2 by the others." in " ".join(said.split())


@pytest.mark.parametrize("width", [48, 80])
def test_a_release_is_shown_with_the_alarm_that_stops_it(width) -> None:
    said = drawn(ship, Release.read(load_template(SHIPPED)), width)
    rows = {line.split("  ")[0]: line.split() for line in said.splitlines()}
    assert rows["cannot start"][-4:] == ["2", "min", "10", "%"]
    assert rows["is good"][-4:] == ["10", "min", "100", "%"]


def test_a_release_that_nothing_stops_reaches_everybody(tmp_path) -> None:
    blind = tmp_path / "template.yaml"
    blind.write_text(SHIPPED.read_text().replace("Threshold: 5\n", "Threshold: 15\n"))
    said = drawn(ship, Release.read(load_template(blind)))
    row = next(line for line in said.splitlines() if line.startswith("fails"))
    assert row.split()[-5:] == ["none", "10", "min", "100", "%"]
