"""What README.md says is so: its commands, its links, its table of steps, its figures."""

import re
import shlex
from pathlib import Path

import pytest

from workshop.cli import arguments
from workshop.cli.tour import COUNT, SEED
from workshop.course.catalogue import Course
from workshop.course.payments import customers
from workshop.processor.cards import UNAVAILABLE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 110

# In code, at a line's beginning or between backquotes; an explanation stands two spaces away.
TYPED = re.compile(r"(?:^|`)((?:workshop|make)(?![\w/])[^`\n]*?)(?=`|  |$)", re.MULTILINE)
COMMANDS = sorted({typed.rstrip() for typed in TYPED.findall(README)})


def test_it_is_short():
    assert len(README.splitlines()) < MOST_LINES


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_can_be_typed(typed):
    program, *words = shlex.split(typed)
    if program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words) <= set(targets)
        return
    options = arguments.parse([word.replace("NN", "01") for word in words])
    assert options.command in {None, *arguments.MODULES}


def test_every_command_is_looked_at():
    assert {"make tour", "make test", "workshop", "workshop watch", "workshop check 01"} <= set(
        COMMANDS
    )


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)", README))
def test_every_link_leads_somewhere(target):
    assert target.startswith("https://") or (ROOT / target).exists()


def test_the_table_of_steps_is_the_catalogue():
    row = re.compile(r"^\| \[(\w+)\]\((.+)\) \| (.+) \| (\d+) \|$", re.MULTILINE)
    assert row.findall(README) == [
        (step.name, f"steps/{step.name}/README.md", step.question, str(step.minutes))
        for step in Course.load(ROOT).steps
    ]


def test_the_figures_are_those_of_the_tour():
    shown = dict(re.findall(r"^(\w+) +(?:None|Count) +([\d,]+ +[\d,]+)$", README, re.MULTILINE))
    traffic = customers(SEED, COUNT)
    charged = [one for one in traffic if not one["card"]["number"].endswith(UNAVAILABLE)]
    failed = len(traffic) - len(charged)
    amount = sum(one["amount"] for one in charged)
    assert shown["ChargedAmount"].split() == [str(len(charged)), f"{amount:,}"]
    assert shown["SuccessfulCharge"].split() == [str(len(charged))] * 2
    assert shown["FailedCharge"].split() == [str(failed)] * 2
