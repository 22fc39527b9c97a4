"""The panels that ask the running lab: live on a click, else the recording, and they say which."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.slides.conftest import HERE, node
from workshop.course import payments, stage, workspace
from workshop.course.catalogue import Course
from workshop.endpoint import app
from workshop.endpoint.app import Endpoint

ROOT = HERE.parents[1]
PANELS = ("01", "04", "05")
LIVE = {
    "01": "payment charged",
    "04": "the last 15 minutes",
    "05": "The slowest of the newest 8 traces: 1-",
}


@pytest.fixture(scope="module")
def places(decks):
    return [
        f"{step}:{no}"
        for no, slide in enumerate(decks["all"]["slides"], 1)
        for step in PANELS
        if f'<LivePanel step="{step}"' in slide["content"]
    ]


@pytest.fixture
def lab(address, monkeypatch):
    """Serve a lab that has seen some payments, and takes the built deck for the deck."""
    monkeypatch.setattr(app, "DECK_PORT", urlsplit(address).port)
    step = Course.load(ROOT).find("05")
    with (
        workspace.solution(step) as folder,
        Endpoint(folder / "template.yaml", None) as endpoint,
    ):
        yield endpoint, folder


def ask(chromium, address, port, places):
    return json.loads(node(HERE / "panel.mjs", chromium, f"{address}?lab={port}", *places))


def test_on_a_click_a_panel_shows_what_the_lab_says(chromium, address, places, lab):
    endpoint, folder = lab
    with stage.open_lab(folder, store=endpoint.store) as opened:
        for event in payments.customers(3, 8):
            opened.invoke(event)
    met = ask(chromium, address, endpoint.port, places)
    assert set(met) == set(PANELS)
    for number, panel in met.items():
        assert panel["early"] == []  # nothing is asked before the click
        assert {one.split()[1] for one in panel["asked"]} <= {"/", "/TraceSummaries", "/Traces"}
        assert "RECORDED" in panel["before"]
        assert "LIVE" in panel["after"]
        assert "RECORDED" not in panel["after"]
        assert "LIVE · asked at " in panel["after"]
        assert "LIVE · asked at " in panel["audience"]  # the other window, where nobody pressed
        assert LIVE[number] in panel["after"]
        assert panel["overflow"] <= 0
    assert met["04"]["after"].count(" ms") == 4
    assert "app.collect_payment" in met["05"]["after"]


def test_the_last_failure_is_shown_however_many_payments_came_after_it(
    chromium, address, places, lab
):
    endpoint, folder = lab
    example = (folder / "events" / "unavailable.json").read_text(encoding="utf-8")
    failing = json.loads(example) | {"customer_id": "cus_early"}
    paying = [one for one in payments.customers(3, 40) if one["card"]["number"].endswith("4242")]
    with stage.open_lab(folder, store=endpoint.store) as opened:
        for event in (failing, *paying[:8]):
            opened.invoke(event)
    (panel,) = ask(chromium, address, endpoint.port, places[:1]).values()
    assert panel["after"].count("payment charged") == 5
    assert panel["after"].count("charge failed") == 1
    assert "cus_early" in panel["after"]


def test_of_the_traces_the_slowest_is_shown(chromium, address, places, lab):
    endpoint, folder = lab
    slow = json.loads((folder / "events" / "slow.json").read_text(encoding="utf-8"))
    quick = json.loads((folder / "events" / "charge.json").read_text(encoding="utf-8"))
    with stage.open_lab(folder, store=endpoint.store) as opened:
        seen = [opened.invoke(event).segments[0] for event in (quick, slow, quick)]
    (panel,) = ask(chromium, address, endpoint.port, places[2:]).values()
    assert seen[1]["trace_id"] in panel["after"]


def test_a_lab_that_has_nothing_to_tell_leaves_the_recording_and_says_so(
    chromium, address, places, lab
):
    endpoint, _ = lab
    for panel in ask(chromium, address, endpoint.port, places[:1]).values():
        assert "RECORDED · the lab has nothing of the last 15 minutes" in panel["after"]


def test_without_a_lab_the_recording_stays_and_says_so(chromium, address, places):
    with socket.socket() as free:  # nobody listens on it
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        for panel in ask(chromium, address, port, places[:1]).values():
            assert f"RECORDED · no lab answers at port {port}: workshop up" in panel["after"]


def test_a_deck_that_is_served_elsewhere_is_refused_by_the_lab(chromium, address, places):
    step = Course.load(ROOT).find("05")
    with (
        workspace.solution(step) as folder,
        Endpoint(folder / "template.yaml", None) as endpoint,
    ):
        for panel in ask(chromium, address, endpoint.port, places[:1]).values():
            assert "RECORDED · no lab answers" in panel["after"]
            assert f"and the deck at port {app.DECK_PORT}: make slides" in panel["after"]
