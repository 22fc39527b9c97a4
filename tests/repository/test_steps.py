"""The steps are told in one shape, and lead to one another, their slides and their notebook."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from workshop.course.catalogue import Course

ROOT = Path(__file__).parents[2]
STEPS = Course.load(ROOT).steps
AFTER = {step.name: after for step, after in pairwise((*STEPS, None))}

HEADINGS = (
    "Why",
    "What you will see",
    "What to change",
    "Try it",
    "Check it",
    "Look closer",
    "Questions to think about",
    "Links",
)
KEYS = "title question idea minutes slide notebook after edit start_rule hints".split()  # noqa: SIM905 (a list)

each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)


def readme(step):
    return (step.folder / "README.md").read_text(encoding="utf-8")


def slides(step):
    return ROOT / "slides" / "pages" / "walk" / f"{step.number:02}.md"


@each_step
def test_every_readme_has_the_same_parts_in_the_same_order(step):
    assert tuple(re.findall(r"^## (.+)$", readme(step), re.MULTILINE)) == HEADINGS
    assert readme(step).startswith(f"# {step.number:02} · {step.title}\n")


@each_step
def test_every_readme_ends_with_what_comes_next(step):
    following = AFTER[step.name]
    name = f"{following.number:02} · {following.title}" if following else None
    path = f"../{following.name}/README.md" if following else "../../docs/aws.md"
    text, to = re.findall(r"- Next: \[(.+)\]\((.+)\)\n\Z", readme(step))[0]
    assert (name or text, path) == (text, to)


@each_step
def test_every_readme_leads_to_its_slides_and_its_notebook(step):
    assert f"](../../{slides(step).relative_to(ROOT).as_posix()})" in readme(step)
    notebooks = re.findall(r"\]\(\.\./\.\./notebooks/(\w+)\.ipynb\)", readme(step))
    assert notebooks[-1:] == ([step.notebook] if step.notebook else [])


@each_step
def test_the_slide_and_the_notebook_of_a_step_are_there(step):
    assert f"\n# {step.slide}\n" in slides(step).read_text(encoding="utf-8")
    assert not step.notebook or (ROOT / "notebooks" / f"{step.notebook}.ipynb").is_file()


@each_step
def test_every_step_toml_begins_with_the_same_keys_in_the_same_order(step):
    text = (step.folder / "step.toml").read_text(encoding="utf-8")
    keys = re.findall(r"^([a-z_]+) = ", text[: text.index("\nhints = ") + 9], re.MULTILINE)
    assert keys == [key for key in KEYS if key in keys]
    assert {*KEYS} - {"after"} <= {*keys}


def test_every_notebook_belongs_to_a_step():
    there = {path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    assert there == {step.notebook for step in STEPS} - {""}
