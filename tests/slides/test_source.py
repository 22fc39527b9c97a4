"""What the deck is made of: its pages, its notes, and code that is the steps' own."""

import json
import re
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.course.judge import Case, judge
from tests.slides.conftest import SLIDES
from workshop.cli import arguments
from workshop.course.catalogue import Course

ROOT = SLIDES.parent
COURSE = Course.load(ROOT)
TALKS = ("30", "45", "all")
HOSTS = {"docs.aws.amazon.com", "aws.amazon.com", "github.com", "www.linkedin.com"}
MOST_CODE = 18
MOST_BULLETS = 8  # the outline's own number of tips; every other slide has fewer
MAKE = ("make tour", "make rehearse")

IMPORT = re.compile(
    r"^<<< @/(\S+?)(?:#(\S+))? (py|yaml)(?: \{([^}]*)\}(?:\{at:1\})?)?$", re.MULTILINE
)
ANY_IMPORT = re.compile(r"^\s*<<<", re.MULTILINE)
REGION = re.compile(r"^\s*# region (\S+)\n(.*?)^\s*# endregion \1$", re.MULTILINE | re.DOTALL)
MINUTES = re.compile(r"\[minutes: ([\d.]+)\]")
LINK = re.compile(r"https?://[^\s)\"'<>`]+")


def regions(path):
    return dict(REGION.findall((SLIDES / path).read_text()))


def minutes(deck):
    return sum(float(MINUTES.search(slide["note"])[1]) for slide in deck["slides"])


def of_each_step():
    return pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.name)


def slides_of(deck, step):
    return [s for s in deck["slides"] if s["file"] == f"pages/walk/{step.number:02}.md"]


def test_every_page_is_loaded_and_none_is_missing(decks):
    deck = decks["all"]
    assert {file: errors for file, errors in deck["files"].items() if errors} == {}
    pages = {path.relative_to(SLIDES).as_posix() for path in (SLIDES / "pages").rglob("*.md")}
    assert pages | {"slides.md"} == set(deck["files"])
    assert pages == {slide["file"] for slide in deck["slides"]}


@pytest.mark.parametrize("talk", TALKS)
def test_a_talk_has_as_many_slides_and_minutes_as_declared(decks, talk):
    declared = json.loads((SLIDES / "data" / "talk.json").read_text())["talks"][talk]
    assert {"slides": len(decks[talk]["slides"]), "minutes": minutes(decks[talk])} == declared
    if talk != "all":
        assert 0.9 * int(talk) <= declared["minutes"] <= int(talk)


def test_a_shorter_talk_leaves_slides_out_and_changes_none(decks):
    for shorter, longer in pairwise(TALKS):
        rest = iter(decks[longer]["slides"])
        assert all(slide in rest for slide in decks[shorter]["slides"])  # in the same order


def test_the_sixteen_slides_of_the_talk_are_in_every_length(decks):
    titles = [
        "Best Practices for Using Python to Power Serverless Applications",
        "Speakers",
        "Why Python for serverless?",
        "Kinds of serverless applications",
        "API application",
        "Streaming data application",
        "ML inference application",
        "The serverless mindset",
        "Key questions",
        "How do you know what your Lambda application is doing?",
        "Observability pro tips",
        "Logging",
        "Tracing pro tips",
        "Trace your code",
        "Live code",
        "Thank you",
    ]
    for talk in TALKS:
        rest = iter(slide["title"] for slide in decks[talk]["slides"])
        assert all(title in rest for title in titles), talk


def test_no_two_slides_have_the_same_title(decks):
    titles = [slide["title"] for slide in decks["all"]["slides"]]
    assert all(titles)
    assert len(titles) == len(set(titles))


def test_every_note_tells_what_to_say_type_see_and_do_if_not(decks):
    for slide in decks["all"]["slides"]:
        parts = re.findall(r"^\*\*(.+?):\*\*", slide["note"], re.MULTILINE)
        assert parts == ["Say", "Type", "Appears", "If not"], slide["title"]
        assert len(MINUTES.findall(slide["note"])) == 1, slide["title"]


def test_what_the_notes_say_to_type_can_be_typed(decks):
    for slide in decks["all"]["slides"]:
        text = slide["note"] + slide["content"]
        for command in re.findall(r"`((?:workshop|make) [^`]+)`", text):
            if command.startswith("make"):
                assert command in MAKE
            else:
                arguments.parse(_split(command))


def test_a_way_out_works_for_who_has_not_passed_the_step(decks):
    """Before, `workshop solution` stays shut, and `workshop diff` has no difference to show."""
    for slide in decks["all"]["slides"]:
        for command in re.findall(r"`(workshop (?:solution|diff) [^`]+)`", slide["note"]):
            assert command.endswith(" --reveal"), slide["title"]
            assert ("--solution" in command) == (" diff " in command), slide["title"]


@pytest.fixture(scope="module")
def judged():
    """What the checks say; each runs a pytest of its own, so in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda case: pool.submit(judge, case).result(timeout=300)


@of_each_step()
def test_what_a_note_says_appears_is_what_the_check_of_the_start_says(decks, step, judged):
    note = slides_of(decks["all"], step)[0]["note"]
    if f"`workshop run {step.number:02}" in note:
        return  # what it shows is no verdict
    headline = judged(Case(step.folder, "start")).parts[0].partition(" · ")[2]
    assert f"**Appears:** `{headline}`" in note


def _split(command):
    import shlex

    return shlex.split(command)[1:]


def test_every_piece_of_code_is_a_region_of_a_step(decks):
    for slide in decks["all"]["slides"]:
        found = IMPORT.findall(slide["content"])
        assert len(found) == len(ANY_IMPORT.findall(slide["content"])), slide["title"]
        for path, region, _, _ in found:
            assert path.startswith(("solutions/", "starts/")), path
            assert region in regions(path), f"{path}#{region}"


def test_no_code_is_written_on_a_slide_by_hand(decks):
    for slide in decks["all"]["slides"]:
        fences = re.findall(r"^```+(.*)$", slide["content"], re.MULTILINE)
        assert {one for one in fences if one} <= {"md magic-move", "md magic-move {at:1}", "sh"}


def test_a_slide_has_at_most_eighteen_lines_of_code(decks):
    for slide in decks["all"]["slides"]:
        blocks = re.split(r"^````", slide["content"], flags=re.MULTILINE)
        total = 0
        for block in blocks:
            sizes = [
                len(regions(path)[region].strip("\n").splitlines())
                for path, region, _, _ in IMPORT.findall(block)
            ]
            total += max(sizes, default=0) if "magic-move" in block else sum(sizes)
        assert total <= MOST_CODE, (slide["title"], total)


def test_highlighted_lines_are_there(decks):
    for slide in decks["all"]["slides"]:
        for path, region, _, ranges in IMPORT.findall(slide["content"]):
            last = len(regions(path)[region].strip("\n").splitlines())
            numbers = [int(one) for one in re.findall(r"\d+", ranges)]
            assert all(1 <= one <= last for one in numbers), (slide["title"], ranges)


LIT = {  # by the title of a slide, a click at a time: one line for each text
    "Logging": [["log_metrics", "inject_lambda_context"], ["collecting payment"]],
    "Trace your code": [
        ["capture_method", "def make_idempotency_key", '"""', "name =", "return"],
        [
            "capture_method",
            "def collect_payment",
            "put_annotation",
            "put_annotation",
            "key",
            "return",
        ],
    ],
    "A log group that forgets": [
        ["LogGroup:", "Type", "Properties", "LogGroupName", "RetentionInDays"],
        ["LoggingConfig", "LogGroup"],
    ],
    "When to wake somebody: a share of failures": [["Expression"]],
    "Or a slow p99, in three minutes of five": [
        ["ExtendedStatistic: p99"],
        ["Threshold", "EvaluationPeriods", "DatapointsToAlarm"],
    ],
}


def test_a_click_lights_up_the_lines_that_its_note_speaks_of(decks):
    lit = {}
    for slide in decks["all"]["slides"]:
        for path, region, _, ranges in IMPORT.findall(slide["content"]):
            lines = regions(path)[region].strip("\n").splitlines()
            for numbers in re.findall(r"[\d-]+", ranges):
                first, last = (int(one) for one in (numbers.split("-") * 2)[:2])
                lit.setdefault(slide["title"], []).append(lines[first - 1 : last])
    assert set(lit) == set(LIT)
    for title, clicks in LIT.items():
        for lines, texts in zip(lit[title], clicks, strict=True):
            assert all(text in line for line, text in zip(lines, texts, strict=True)), title


def test_a_slide_has_few_lines_of_text(decks):
    for slide in decks["all"]["slides"]:
        lines = re.findall(r"^(?:- |\| )", slide["content"], re.MULTILINE)
        assert len(lines) <= MOST_BULLETS, slide["title"]


@of_each_step()
def test_a_step_has_its_question_its_code_and_what_is_seen(decks, step):
    slides = slides_of(decks["all"], step)
    first, *code, last = slides
    assert (first["title"], first["layout"]) == (step.title, "step")
    assert first["frontmatter"]["step"] == f"{step.number:02}"
    assert f"\n## {step.question}\n" in f"\n{first['content']}\n"
    assert "About to change: " in first["content"]
    assert re.search(rf'<(Recorded|LivePanel) step="{step.number:02}"', last["content"])
    shown = {path.split("/")[1] for one in code for path, *_ in IMPORT.findall(one["content"])}
    assert shown == {step.name}


@of_each_step()
def test_a_step_and_its_slides_lead_to_one_another(decks, step):
    assert step.slide == slides_of(decks["all"], step)[0]["title"]
    links = re.findall(r"\]\(([^)]*slides[^)]*)\)", (step.folder / "README.md").read_text())
    assert links == [f"../../slides/pages/walk/{step.number:02}.md"]


@of_each_step()
def test_what_a_step_changes_in_code_that_is_shown_is_shown_before_and_after(decks, step):
    """A region that is on a slide in its finished form only is one that the start has not."""
    shown = [
        (path, region)
        for slide in slides_of(decks["all"], step)
        for path, region, *_ in IMPORT.findall(slide["content"])
    ]
    for path, region in shown:
        if path.startswith("solutions/"):
            start = path.replace("solutions/", "starts/")
            exists = (SLIDES / start).is_file() and region in regions(start)
            moved = "route" in region
            assert not exists or moved or (start, region) in shown, (path, region)


def test_every_recording_is_on_a_slide(decks):
    content = "".join(slide["content"] for slide in decks["all"]["slides"])
    for path in (SLIDES / "recorded").glob("*.json"):
        assert f'step="{path.stem}"' in content


def test_links_lead_to_hosts_that_are_known(decks):
    talk = (SLIDES / "data" / "talk.json").read_text()
    prices = (SLIDES / "data" / "prices.json").read_text()
    components = "".join(path.read_text() for path in (SLIDES / "components").glob("*.vue"))
    pages = "".join(slide["content"] + slide["note"] for slide in decks["all"]["slides"])
    links = LINK.findall(talk + prices + components + pages)
    assert len(links) > 8
    for link in links:
        parts = urlsplit(link.rstrip(".,;:"))
        assert parts.scheme == "https"
        assert parts.hostname in HOSTS, link
    powertools = [link for link in links if "powertools" in link]
    for link in powertools:
        assert link.startswith("https://docs.aws.amazon.com/powertools/python/latest/"), link


def test_prices_name_their_source_and_date():
    prices = json.loads((SLIDES / "data" / "prices.json").read_text())
    assert prices["source"]
    assert re.fullmatch(r"[A-Z][a-z]+ 20\d\d", prices["checked"])
    shown = (SLIDES / "components" / "LambdaCost.vue").read_text()
    assert "prices.source" in shown
    assert "prices.checked" in shown


def test_the_lock_names_no_registry():
    assert '"resolved"' not in (SLIDES / "package-lock.json").read_text()


def test_speakers_are_named_in_one_place_only(decks):
    people = json.loads((SLIDES / "data" / "talk.json").read_text())["speakers"]
    for slide in decks["all"]["slides"]:
        for one in people:
            assert one["name"] not in slide["content"]


def test_pictures_are_there_for_a_dark_and_a_light_room(decks):
    names = {
        name
        for slide in decks["all"]["slides"]
        for name in re.findall(r'<Architecture name="(\w+)"', slide["content"])
    }
    pictures = {path.stem for path in Path(SLIDES / "public" / "diagrams").iterdir()}
    themes = ("dark", "light", "dark-tall", "light-tall")  # the tall ones are for a phone
    assert pictures == {f"{name}-{theme}" for name in names for theme in themes}
