"""Notebook 04: its prices have sources and dates, and its picture does the sum that it says."""

import json
import re
from pathlib import Path

import pytest
import vl_convert

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "04_cold_starts_and_cost.ipynb"
CHART = "application/vnd.vegalite.v5+json"


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def prices(cells):
    (source,) = ["".join(one["source"]) for one in cells if "PRICES = " in "".join(one["source"])]
    names: dict = {}
    exec(f"import pandas as pd\n{source.partition('price = ')[0]}", names)  # noqa: S102 - our own
    return names["PRICES"]


@pytest.fixture(scope="module")
def lines(cells):
    """The chart of where the lines cross."""
    charts = [
        output["data"][CHART]
        for cell in cells
        for output in cell.get("outputs", [])
        if CHART in output.get("data", {})
    ]
    (found,) = [chart for chart in charts if chart.get("title") == "Where the lines cross"]
    return found


def crossing(chart, **knobs):
    """Where the picture puts the rule when its sliders stand so; None for no rule."""
    chart = json.loads(json.dumps(chart))
    known = {one["name"]: one for one in chart["params"]}
    for name, value in knobs.items():
        known[name]["value"] = value
    svg = vl_convert.vegalite_to_svg(chart, vl_version="5.8")
    told = re.search(r"([\d.]+)([kMG]?) a month, ([\d.]+) a second", svg)
    if told is None:
        return None
    return float(told[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[told[2]]


def expected(prices, *, ms, mb, door, task, rps, peak):
    """The same sum, done by hand: the first of many volumes at which Lambda costs more."""
    price = prices["dollars"]
    one = price["request"] + door / 1e6 + ms / 1000 * mb / 1024 * price["gb_second_x86"]
    for step in range(2001):
        requests = 10 ** (4 + step / 400)
        tasks = max(2, -(-requests / 2_628_000 * peak // rps))
        if requests * one >= tasks * task * 730 + price["balancer_hour"] * 730:
            return requests
    return None


def test_every_price_names_its_source_and_its_date(prices):
    assert (prices["dollars"] > 0).all()
    assert prices["source"].str.match(r"aws\.amazon\.com/[\w/-]+$").all()
    assert prices["as of"].str.match(r"202[5-9]-(0[1-9]|1[0-2])$").all()
    assert prices["for"].is_unique


@pytest.mark.parametrize(
    "knobs",
    [
        {"ms": 30, "mb": 256, "door": 3.5, "task": 0.0123, "rps": 40, "peak": 5},
        {"ms": 539, "mb": 256, "door": 1.0, "task": 0.0123, "rps": 40, "peak": 5},
        {"ms": 1000, "mb": 3008, "door": 0, "task": 0.05, "rps": 1, "peak": 20},
        {"ms": 5, "mb": 128, "door": 0, "task": 0.0123, "rps": 500, "peak": 1},
    ],
)
def test_the_rule_stands_where_the_sums_say(lines, prices, knobs):
    found, wanted = crossing(lines, **knobs), expected(prices, **knobs)
    assert found == (None if wanted is None else pytest.approx(wanted, rel=0.06))


def test_every_number_that_is_assumed_can_be_moved(lines):
    names = {one["name"] for one in lines["params"] if "bind" in one}
    assert names == {"ms", "mb", "door", "task", "vm", "rps", "peak"}
    for one in lines["params"]:
        if "bind" in one:
            assert one["bind"]["min"] <= one["value"] <= one["bind"]["max"]
            assert one["bind"]["name"].endswith(": ")
