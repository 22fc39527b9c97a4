"""The built deck in a real browser: every slide, at every click."""

import json
import os
import re
import subprocess

import pytest

from tests.slides.conftest import HERE, SLIDES, node

MOST_BYTES = 3_000_000
LEAST_PX_ON_980 = 13.0  # 25 px on a projector of 1920
LEAST_PX_ON_A_PHONE = 12.0


def complaints(states, what):
    return {f"{one['no']}.{one.get('clicks', 'last')}": one[what] for one in states if one[what]}


def test_nothing_is_said_on_the_console_and_no_request_fails_or_leaves(met):
    assert sorted(set(met["troubles"])) == []


def test_the_keyboard_alone_leads_through_every_slide_and_click(met, decks):
    slides = decks["all"]["slides"]
    seen = [(one["no"], one["clicks"]) for one in met["states"]]
    assert {no for no, _ in seen} == set(range(1, len(slides) + 1))
    assert len(seen) == len(set(seen))
    clicks = {no: max(click for other, click in seen if other == no) for no, _ in seen}
    by_title = {slide["title"]: clicks[no] for no, slide in enumerate(slides, 1)}
    outline = {
        "The serverless mindset": 4,
        "Key questions": 4,
        "Observability pro tips": 8,
        "Logging": 3,
    }
    assert outline.items() <= by_title.items()
    for no, slide in enumerate(slides, 1):
        if "magic-move" in slide["content"]:
            assert clicks[no] >= 1, slide["title"]


def test_nothing_overflows_and_no_code_is_cut_at_any_click(met):
    assert complaints(met["states"], "wrong") == {}


@pytest.mark.parametrize("room", ["light", "dark", "phone"])
def test_nothing_overflows_in_any_room(met, room):
    assert complaints(met[room], "wrong") == {}


@pytest.mark.parametrize("room", ["light", "dark", "phone"])
def test_everybody_can_read_it(met, decks, room):
    assert len(met[room]) == len(decks["all"]["slides"])
    assert complaints(met[room], "axe") == {}


def test_the_page_itself_has_a_title_and_a_language(met):
    assert met["page"] == []


def test_text_is_large_enough_for_a_hall_and_for_a_phone(met):
    for room, least in (("light", LEAST_PX_ON_980), ("phone", LEAST_PX_ON_A_PHONE)):
        small = {one["no"]: one["smallest"] for one in met[room] if one["smallest"] < least}
        assert small == {}, room


def test_the_whole_deck_is_small(met):
    assert 0 < met["bytes"] < MOST_BYTES


def test_a_built_deck_names_no_place_of_its_own(built):
    index = (built / "index.html").read_text()
    assert re.findall(r'(?:src|href)="(?!https://)([^"]+)"', index)
    assert not re.search(r'(?:src|href)="(?:/|http)', index)


@pytest.mark.parametrize("talk", ["31", "long"])
def test_a_length_that_there_is_not_is_refused(node_modules, talk):
    assert node_modules
    ran = subprocess.run(
        ["node", "tools/deck.mjs"],
        cwd=SLIDES,
        env=os.environ | {"TALK": talk},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "TALK is one of 30, 45, all" in ran.stderr


def test_every_fault_that_is_looked_for_can_be_found(built, address, chromium):
    folder = built.parents[1] / "broken"
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(
        """<!doctype html><html><div id="slide-content"><div data-slidev-no="1">
        <div class="slidev-layout" style="height:80px;overflow:hidden">
        <p style="color:#eee;background:#fff;font-size:9px">pale</p>
        <div style="height:200px">tall</div>
        <pre class="slidev-code" style="width:40px;overflow:auto">a long line of code</pre>
        <img src="missing.png"></div></div></div>
        <script>console.error('oh'); fetch('http://127.0.0.1:9/').catch(() => {})</script>""",
        encoding="utf-8",
    )
    place = address.removesuffix("any%20folder/deck/") + "broken/"
    met = json.loads(node(HERE / "walk.mjs", chromium, place, "1"))
    said = " ".join(met["troubles"])
    assert all(one in said for one in ("oh", "foreign: http://127.0.0.1:9/", "404"))
    (state,) = met["light"]
    wrong = " ".join(state["wrong"])
    for one in ("downwards", "code is cut", "no picture", "no alternative text"):
        assert one in wrong
    assert state["smallest"] == 9
    assert "color-contrast" in " ".join(state["axe"])
    assert any(one.startswith("document-title") for one in met["page"])
