"""The steps, their checks and their answers agree with one another."""

import importlib
import json
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random

import pytest

from workshop.cli import arguments
from workshop.cli.render import course as drawing
from workshop.course import function_errors, payments, workspace
from workshop.course.catalogue import Course
from workshop.course.progress import Hint
from workshop.course.sent import LogLine
from workshop.lab import Lab
from workshop.processor import cards
from workshop.sam import load_template

ROOT = Path(__file__).parents[2]
ANSWERS = ROOT / "tests" / "answers"
COURSE = Course.load(ROOT)
STEPS = COURSE.steps

# The processes of the pool import the module by its name, from the same path.
sys.path.insert(0, str(Path(__file__).parent))
try:
    judging = importlib.import_module("judge")
finally:
    sys.path.pop(0)
Case = judging.Case

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(workshop [^`]+)`")


def by_step(steps=STEPS):
    return pytest.mark.parametrize("step", steps, ids=lambda step: step.name)


def cases(kind):
    found = [
        Case(step.folder, kind, answer)
        for step in STEPS
        for answer in sorted((ANSWERS / step.name / kind).iterdir())
        if not answer.name.startswith((".", "__"))
    ]
    return pytest.mark.parametrize("case", found, ids=str)


def of_each_step(kind):
    return pytest.mark.parametrize("case", [Case(s.folder, kind) for s in STEPS], ids=str)


@pytest.fixture(scope="session")
def said(request):
    """What the checks say of the selected cases, worked out side by side.

    Each check runs a pytest of its own in process, so it takes processes and not threads. A worker
    of pytest-xdist has its own share of the cases: it works out what it is asked for.
    """
    selected = [
        item.callspec.params["case"]
        for item in request.session.items
        if item.path == Path(__file__) and "case" in getattr(item, "callspec", _NONE).params
    ]
    context = multiprocessing.get_context("spawn")
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        if "PYTEST_XDIST_WORKER" in os.environ:
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                yield lambda case: pool.submit(judging.judge, case).result(timeout=300)
            return
        with ProcessPoolExecutor(min(4, os.cpu_count() or 1), mp_context=context) as pool:
            futures = {case: pool.submit(judging.judge, case) for case in selected}
            yield lambda case: futures[case].result(timeout=300)
            for future in futures.values():
                future.cancel()
    finally:
        sys.path.remove(str(Path(__file__).parent))


class _NONE:
    params = ()


@of_each_step("start")
def test_a_start_fails_for_the_stated_reason(case, said):
    step = COURSE.find(case.step.name)
    assert_told(said(case), step.start_rule)


@of_each_step("solution")
def test_a_solution_passes(case, said):
    assert said(case) == judging.Said(rule=None, parts=(), tool_failure=None)


@cases("wrong")
def test_a_wrong_answer_is_rejected_by_its_own_rule(case, said):
    assert_told(said(case), case.answer.stem.partition("__")[0])


@cases("right")
def test_a_right_answer_passes_however_it_is_written(case, said):
    assert said(case) == judging.Said(rule=None, parts=(), tool_failure=None)


def assert_told(said, rule):
    assert said.tool_failure is None
    assert said.rule == rule, said.parts
    assert all(part.strip() for part in said.parts)
    assert "Traceback" not in said.parts[1]


@by_step()
def test_every_rule_has_a_wrong_answer_and_every_wrong_answer_a_rule(step):
    answered = {path.stem.partition("__")[0] for path in (ANSWERS / step.name / "wrong").iterdir()}
    listed = {wrong.rule for wrong in step.wrong}
    assert listed == answered - set(function_errors.RULES)
    assert not listed & set(function_errors.RULES)
    assert step.start_rule in listed


CHAINED = [(before, step) for step in STEPS if (before := COURSE.before(step)) is not None]


@pytest.mark.parametrize(("before", "step"), CHAINED, ids=lambda step: step.name)
def test_a_start_is_the_solution_before_it_with_todo_comments(before, step):
    """So is every other file of code: what a step gives anew is said in its step.toml.

    Where a region begins and ends is the slides' business, and may differ in what is edited.
    """
    given = {one.file for one in step.given}
    for name in sorted(code_files(step) - given):
        begun, finished = begin(step, name).read_bytes(), finish(before, name).read_bytes()
        if name in step.edit:
            begun = without_regions(without_todos(begun.decode(), step)).encode()
            finished = without_regions(finished.decode()).encode()
        assert begun == finished, name


@by_step()
def test_every_file_to_be_edited_says_where(step):
    for name in step.edit:
        assert f"# TODO({step.number:02}): " in begin(step, name).read_text(), name


@pytest.mark.parametrize(("before", "step"), CHAINED, ids=lambda step: step.name)
def test_a_file_given_anew_differs_from_the_one_before_it(before, step):
    for one in step.given:
        former = finish(before, one.file)
        assert not former.is_file() or former.read_bytes() != begin(step, one.file).read_bytes()


@by_step()
def test_every_file_given_anew_is_there(step):
    for one in step.given:
        assert begin(step, one.file).is_file(), one.file


def code_files(step):
    """Return the names of the files that a step's function is made of, tests and events apart."""
    own = {"README.md", "step.toml", "test_step.py"}
    top = {path.name for path in step.folder.iterdir() if path.is_file()}
    return {name for name in top - own if not name.startswith(".")} | {"app.py", "template.yaml"}


def begin(step, name):
    """Return the place of a file as a step begins with it."""
    pristine = step.start / name
    return pristine if pristine.is_file() else step.folder / name


def finish(step, name):
    """Return the place of a file as a step leaves it."""
    finished = step.solution / name
    return finished if finished.is_file() else begin(step, name)


def without_todos(text, step):
    """Strip the lines that are only a TODO comment of this step."""
    todo = re.compile(rf"^ *# TODO\({step.number:02}\): .*\n", re.MULTILINE)
    stripped = todo.sub("", text)
    assert "TODO" not in stripped
    return stripped


def without_regions(text):
    """Strip the marks of regions; an empty line that one stood on either side of goes, too."""
    stripped = re.sub(r"^ *# (end)?region \S+\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{2,}", "\n\n", stripped)


@by_step()
def test_a_solution_has_the_edited_files_and_no_todo(step):
    """Further files are there for the root template, which deploys the folder: the given ones."""
    names = {
        path.relative_to(step.solution).as_posix()
        for path in step.solution.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(step.edit) <= names
    for name in step.edit:
        assert "TODO" not in (step.solution / name).read_text()
    for name in names - set(step.edit):
        assert (step.solution / name).read_bytes() == (step.folder / name).read_bytes(), name


@by_step()
def test_the_pristine_start_is_the_one_in_the_step(step):
    """Each file that the learner edits has one, so that it can be restored."""
    names = {path.name for path in step.start.iterdir() if path.is_file()}
    assert names >= {*step.edit, "app.py", "template.yaml"}
    for name in sorted(names):
        path = step.folder / name
        if edited(path):
            pytest.skip(f"{name} has been edited")
        assert path.read_bytes() == (step.start / name).read_bytes()


def edited(path):
    """Whether a file differs from what git has; a learner's own work is not ours to judge."""
    told = subprocess.run(
        ["git", "status", "--porcelain", "--", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.returncode == 0 and told.stdout[:2].strip() == "M"


ENDINGS = {
    "unavailable": cards.UNAVAILABLE,
    "slow": cards.SLOW,
    "flaky": cards.FLAKY,
    "declined": cards.DECLINED,
}


@by_step()
def test_each_event_is_what_its_name_says(step):
    events = {
        path.stem: json.loads(path.read_text()) for path in (step.folder / "events").iterdir()
    }
    assert events
    takes_payments = step.after != "" and "card" in events.get("charge", {})
    if step.number <= 6:  # what comes later has events of its own
        assert takes_payments
        assert set(events) >= {"charge", "minimal", "slow", "unavailable"}
    if not takes_payments:
        return
    for name, event in events.items():
        ending = ENDINGS.get(name)
        plain = not event["card"]["number"].endswith(tuple(ENDINGS.values()))
        assert plain if ending is None else event["card"]["number"].endswith(ending), name
    assert set(events["charge"]) == set(payments.payment(Random(1)))
    assert set(events["charge"]) - set(events["minimal"]) == {"campaign"}


@by_step()
def test_regions_are_balanced_and_those_of_the_start_are_in_the_solution(step):
    """A slide shows a region of both; what is new in the solution may be a region of its own."""
    for name in sorted({"app.py", "template.yaml", *step.edit}):
        start = regions((step.start / name).read_text())
        assert start
        if name in step.edit:
            assert set(start) <= set(regions((step.solution / name).read_text()))


def regions(text):
    names, opened = [], None
    for mark, name in re.findall(r"^\s*# (region|endregion) (\S+)$", text, re.MULTILINE):
        if mark == "region":
            assert opened is None, f"{name} opens inside {opened}"
            opened = name
            names.append(name)
        else:
            assert opened == name, f"{name} closes, {opened} is open"
            opened = None
    assert opened is None
    assert len(names) == len(set(names))
    return names


@by_step([step for step in STEPS if step.after != ""])
def test_templates_describe_the_same_function(step):
    folders = [step.start] + ([step.solution] if "template.yaml" in step.edit else [])
    for folder in folders:
        function = load_template(folder / "template.yaml").function()
        assert (function.logical_id, function.name) == ("PaymentsFunction", "payments")
        assert (function.handler, function.log_group) == ("app.handler", "/aws/lambda/payments")
        assert (function.timeout_seconds, function.memory_mb, function.tracing) == (5, 256, True)


@by_step()
def test_a_step_takes_five_to_fifteen_minutes(step):
    assert 5 <= step.minutes <= 15


@by_step()
def test_hints_grow(step):
    lengths = [len(hint) for hint in step.hints]
    assert lengths == sorted(lengths)


@by_step()
def test_the_readme_has_every_part(step):
    headings = re.findall(r"^## (.+)$", readme(step), re.MULTILINE)
    assert headings == [
        "Why",
        "What you will see",
        "What to change",
        "Try it",
        "Check it",
        "Look closer",
        "Questions to think about",
        "Links",
    ]


@by_step()
def test_commands_in_the_readme_can_be_typed(step):
    commands = shell_commands(readme(step))
    assert f"workshop check {step.number:02}" in commands
    for command in commands:
        tool, *typed = shlex.split(command, comments=True)
        assert tool == "workshop", command
        options = arguments.parse(typed)
        assert getattr(options, "step", None) in {None, f"{step.number:02}"}, command
        if "--event" in typed:
            assert (step.folder / "events" / f"{options.event}.json").is_file(), command


@by_step()
def test_what_the_readme_shows_is_what_the_tool_prints(step, tmp_path):
    for name in step.edit:
        if edited(step.folder / name):
            pytest.skip(f"{name} has been edited")
    for part in ("pyproject.toml", "steps", "solutions"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    before, after = readme(step).split("## What to change")
    assert_prints(before, tmp_path)
    shutil.copytree(step.solution, tmp_path / "steps" / step.name, dirs_exist_ok=True)
    assert_prints(after, tmp_path)


def assert_prints(text, root):
    """Compare every console excerpt with a real run, figures and ids masked; `…` skips lines."""
    for language, block in FENCE.findall(text):
        if language != "console":
            continue
        command, _, excerpt = block.partition("\n")
        real = masked(printed(command.removeprefix("$ "), root))
        for chunk in excerpt.split("…\n"):
            assert masked(chunk) in real, chunk


def printed(command, root):
    tool, *typed = shlex.split(command)
    assert tool == "workshop"
    ran = subprocess.run(
        [sys.executable, "-m", "workshop.cli", *typed],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode in {0, 1}, ran.stderr
    return ran.stdout


def masked(text):
    """Figures and ids to #; whitespace away, because figures decide where lines are broken.

    The bars of a waterfall go, too: how long they are is a figure.
    """
    ids = (r"\bch_[0-9a-f]{16}\b", r"\b[0-9a-f-]*\d[0-9a-f-]{7,}\b")
    for changing in (*ids, r"\d[\d.,:]*"):
        text = re.sub(changing, "#", text)
    return re.sub(r"[\s█·]", "", text)


@by_step()
def test_code_in_the_readme_is_that_of_an_answer(step):
    """So that a README cannot drift from code that is known to pass."""
    folders = [step.solution, ANSWERS / step.name / "right"]
    files = [
        path for folder in folders for path in folder.rglob("*") if path.suffix in {".py", ".yaml"}
    ]
    known = {" ".join(line.split()) for path in files for line in path.read_text().splitlines()}
    for language, block in FENCE.findall(readme(step)):
        if language in {"python", "yaml"}:
            lines = {" ".join(line.split()) for line in block.splitlines()}
            assert lines - {""} <= known


@by_step()
def test_yaml_in_the_readme_stands_as_far_in_as_in_the_template(step):
    """So that it can be copied as it is: one column amiss, and it is another template."""
    folders = [step.solution, ANSWERS / step.name / "right"]
    known = {
        line.rstrip()
        for folder in folders
        for path in folder.rglob("*.yaml")
        for line in path.read_text().splitlines()
    }
    for language, block in FENCE.findall(readme(step)):
        if language == "yaml":
            assert set(block.splitlines()) - {""} <= known


@by_step()
def test_yaml_in_a_hint_comes_out_as_far_in_as_in_the_template(step):
    """A hint is printed with a margin, and YAML is copied from the screen with it."""
    known = {line.rstrip() for line in finish(step, "template.yaml").read_text().splitlines()}
    stripped = {line.strip() for line in known}
    for number, text in enumerate(step.hints, 1):
        for line in drawing.hint(step, Hint(number, len(step.hints), text), 100):
            for shown in line.plain.splitlines():
                assert shown.rstrip() in known or shown.strip() not in stripped


@by_step()
def test_no_code_block_of_the_readme_is_indented(step):
    """So that a raw copy, out of the editor, brings no margin along."""
    assert re.findall(r"^[ \t]+```.*", readme(step), re.MULTILINE) == []


def test_the_buffer_of_step_02_lets_debug_go_only_when_a_payment_fails():
    step = COURSE.find("02")
    buffered = ANSWERS / step.name / "right" / "buffered_debug"
    levels = {}
    with workspace.answer(step, buffered) as folder, Lab.open(folder / "template.yaml") as lab:
        for name in ("charge", "unavailable"):
            event = json.loads((step.folder / "events" / f"{name}.json").read_text())
            lines = [LogLine(one) for one in lab.invoke(event).log_events]
            levels[name] = [line.level for line in lines if line.json is not None]
    assert levels == {"charge": ["INFO", "INFO"], "unavailable": ["INFO", "DEBUG", "ERROR"]}


def readme(step):
    return (step.folder / "README.md").read_text()


def shell_commands(text):
    fenced = [
        line.removeprefix("$ ")
        for language, block in FENCE.findall(text)
        if language in {"sh", "console"}
        for line in block.splitlines()
        if line.strip() and (language == "sh" or line.startswith("$ "))
    ]
    return [*fenced, *INLINE.findall(FENCE.sub("", text))]


@by_step()
def test_links_in_the_readme_lead_to_aws_or_to_files_that_are_there(step):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", readme(step))
    assert any(link.startswith("https://docs.aws.amazon.com/") for link in links)
    for link in links:
        if link.startswith("https://"):
            assert link.startswith("https://docs.aws.amazon.com/"), link
        else:
            assert (step.folder / link).exists(), link
