"""The files that can be handed out: a page for each slide, or for each click."""

import zipfile

import pytest

from tests.slides.conftest import node

TITLE, MINDSET, LOGGING = 1, 8, 12
CLICKS = 4 + 3  # of the mindset and of the code that logs
SLIDES = 3

COUNT = """
const { PDFDocument } = require('pdf-lib')
PDFDocument.load(require('fs').readFileSync(process.argv[1]))
  .then((one) => console.log(one.getPageCount()))
"""


@pytest.fixture(scope="module")
def exports(chromium, tmp_path_factory):
    """The deck as PDF, which Slidev makes of all slides only, and three of them in other forms."""
    out = tmp_path_factory.mktemp("exports")
    wanted = f"{TITLE},{MINDSET},{LOGGING}"
    node("tools/export.mjs", OUT=str(out), RANGE=wanted, CHROMIUM=chromium)
    return out


def pages(path):
    return int(node("-e", COUNT, path))


def test_a_pdf_has_a_page_for_each_slide(exports, decks):
    assert pages(exports / "slides.pdf") == len(decks["all"]["slides"])


def test_a_pdf_with_clicks_has_a_page_for_each_click(exports, met):
    assert pages(exports / "slides-clicks.pdf") == len(met["states"])


def test_a_presentation_has_each_click_and_its_notes(exports):
    with zipfile.ZipFile(exports / "slides.pptx") as archive:
        names = archive.namelist()
        slides = [n for n in names if n.startswith("ppt/slides/slide") and n.endswith(".xml")]
        assert len(slides) == SLIDES + CLICKS
        notes = [n for n in names if n.startswith("ppt/notesSlides/notesSlide")]
        assert any(b"presenter mode" in archive.read(name) for name in notes)


def test_there_is_a_picture_of_each_slide(exports):
    pictures = sorted((exports / "png").iterdir())
    assert len(pictures) == SLIDES
    assert all(one.read_bytes().startswith(b"\x89PNG") for one in pictures)


def test_the_handout_is_of_the_same_slides(exports):
    assert pages(exports / "handout.pdf") == 1


def test_without_a_browser_one_is_told_what_to_install(chromium, tmp_path):
    assert chromium
    with pytest.raises(AssertionError, match="apt install chromium"):
        node("tools/export.mjs", "pdf", OUT=str(tmp_path), PATH=_only_node(tmp_path), CHROMIUM="")


def _only_node(folder):
    import os
    import shutil
    from pathlib import Path

    found = Path(shutil.which("node")).resolve()
    (folder / "node").symlink_to(found)
    return os.fspath(folder)
