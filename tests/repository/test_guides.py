"""The presenter's guide and the self-paced page: steps, commands, links and minutes are right."""

import re
import shlex
from pathlib import Path

import pytest

from workshop.cli import arguments
from workshop.course.catalogue import Course

ROOT = Path(__file__).parents[2]
STEPS = Course.load(ROOT).steps
GUIDES = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("presenting", "self-paced")
}

# In code, at a line's beginning or between backquotes; an explanation stands two spaces away.
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:workshop|make) [^`\n]+)`")
PLAN = re.compile(
    r"^## (?P<title>[^\n]*\b(?P<minutes>\d+) minutes)\n(?P<body>.*?)(?=^## |\Z)",
    re.MULTILINE | re.DOTALL,
)
ROW = re.compile(r"^\| (?P<minutes>\d+) \| (?P<what>[^|]+) \| (?P<typed>[^|]*)\|$", re.MULTILINE)
NAMED = re.compile(r"\b\d\d_[a-z_]+")


def typed_in(text):
    fenced = [
        line.partition("  ")[0].rstrip()
        for block in FENCE.findall(text)
        for line in block.splitlines()
        if line.startswith(("workshop", "make "))
    ]
    return fenced + INLINE.findall(FENCE.sub("", text))


APIS = (ROOT / "docs" / "aws-apis.md").read_text(encoding="utf-8")
COMMANDS = sorted(
    {typed for text in GUIDES.values() for typed in typed_in(text)}
    | {typed for typed in typed_in(APIS) if len(typed.split()) > len(("workshop", "query"))}
)
PLANS = {found["title"]: found for found in PLAN.finditer(GUIDES["presenting"])}


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_can_be_typed(typed):
    program, *words = shlex.split(typed)
    if program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words) <= set(targets)
        return
    options = arguments.parse(words)
    named = [step for step in STEPS if f"{step.number:02}" == getattr(options, "step", None)]
    if "--event" in words:
        assert all((one.folder / "events" / f"{options.event}.json").is_file() for one in named)


def test_every_command_is_looked_at():
    assert {"make tour", "workshop doctor", "workshop check --all --solution"} <= set(COMMANDS)
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("guide", GUIDES)
def test_every_step_is_in_it_and_no_other(guide):
    assert set(NAMED.findall(GUIDES[guide])) == {step.name for step in STEPS}


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_leads_somewhere(guide):
    headings = re.findall(r"^#+ (.+)$", GUIDES[guide], re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    links = re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", GUIDES[guide])
    assert links
    for target, anchor in links:
        assert (ROOT / "docs" / target).exists(), target
        assert target or anchor in anchors, anchor


def test_there_is_a_plan_for_every_occasion():
    assert [int(plan["minutes"]) for plan in PLANS.values()] == [30, 45, 90, 240]


@pytest.mark.parametrize("title", PLANS)
def test_the_minutes_of_a_plan_add_up(title):
    rows = list(ROW.finditer(PLANS[title]["body"]))
    assert rows
    assert sum(int(row["minutes"]) for row in rows) == int(PLANS[title]["minutes"])


@pytest.mark.parametrize("title", PLANS)
def test_what_people_do_themselves_has_the_minutes_it_takes(title):
    minutes = {step.name: step.minutes for step in STEPS}
    for row in ROW.finditer(PLANS[title]["body"]):
        if row["what"].startswith("Hands on"):
            (name,) = NAMED.findall(row["what"])
            assert int(row["minutes"]) >= minutes[name], name
            assert row["typed"].strip() == f"`workshop watch {name[:2]}`"


@pytest.mark.parametrize("title", PLANS)
def test_a_plan_takes_the_steps_in_order_and_types_what_it_shows(title):
    shown = []
    for row in ROW.finditer(PLANS[title]["body"]):
        names = NAMED.findall(row["what"])
        shown += names
        numbers = re.findall(r"(?:run|check|watch|traffic|up) (\d\d)", row["typed"])
        assert set(numbers) <= {name[:2] for name in names}
        assert bool(numbers) == bool(names)
    assert shown == sorted(set(shown))


def test_half_a_day_has_every_step_in_it():
    half_a_day = next(body for title, body in PLANS.items() if title.startswith("Half a day"))
    assert {row["what"][9:].strip() for row in ROW.finditer(half_a_day["body"])} >= {
        step.name for step in STEPS
    }


def test_every_step_has_something_to_type_and_to_point_at():
    section = GUIDES["presenting"].split("## What to type")[1].split("\n## ")[0]
    rows = re.findall(
        r"^\| (\d\d)(\w+) \| `workshop \w+ (\d\d)[^|]*` \| [A-Z`]", section, re.MULTILINE
    )
    assert [number + rest for number, rest, _ in rows] == [step.name for step in STEPS]
    assert all(number == typed for number, _, typed in rows)


def test_the_table_of_the_self_paced_page_is_the_catalogue():
    row = re.compile(r"^\| \[(\w+)\]\(\.\./(.+)\) \| .+ \| (\d+) \|$", re.MULTILINE)
    assert row.findall(GUIDES["self-paced"]) == [
        (step.name, f"steps/{step.name}/README.md", str(step.minutes)) for step in STEPS
    ]
