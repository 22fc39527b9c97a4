"""`workshop check`: a verdict, what it is about, and what to type next."""

import json
import shutil
from pathlib import Path

import pytest

from workshop.cli import check
from workshop.course import workspace
from workshop.course.catalogue import Course
from workshop.course.check import check_step
from workshop.course.progress import Progress
from workshop.errors import ToolError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def verdicts():
    """The verdict on each start, made once: what is asked of it here is how it is told."""
    found = {}
    for step in Course.load(ROOT).steps:
        with workspace.start(step) as folder:
            found[step.name] = check_step(step, folder)
    return found


def solve(checkout, name):
    shutil.copytree(checkout / "solutions" / name, checkout / "steps" / name, dirs_exist_ok=True)


def is_passed(checkout, number):
    step = Course.load(checkout).find(str(number))
    return Progress(checkout / ".workshop").is_passed(step)


def test_a_start_fails_with_the_four_parts_and_what_to_type(workshop, checkout):
    done = workshop("check", "0")
    assert done.status == 1
    for part in (
        "✗ 00_bare_handler · ",
        "\n  saw     ",
        "\n  wanted  ",
        "\n  look    ",
        "workshop hint 00",
        "workshop watch 00",
    ):
        assert part in done.out
    assert not is_passed(checkout, 0)


def test_a_pass_is_kept_and_says_what_it_brings(workshop, checkout):
    solve(checkout, "00_bare_handler")
    done = workshop("check", "0")
    assert done.status == 0
    assert "You can now answer: What does a function leave behind?" in done.said
    assert "workshop solution 00" in done.out
    assert "workshop watch 01" in done.out
    assert is_passed(checkout, 0)
    assert workshop("solution", "0").status == 0


def test_bare_check_is_about_the_current_step(workshop, checkout):
    solve(checkout, "00_bare_handler")
    assert "00_bare_handler" in workshop("check").out
    assert "01_structured_logs" in workshop("check").out


def test_the_last_step_has_no_next_one(workshop, checkout):
    for step in (checkout / "steps").iterdir():
        if step.name > "03_custom_metrics":
            shutil.rmtree(step)
    solve(checkout, "03_custom_metrics")
    done = workshop("check", "3")
    assert done.status == 0
    assert "that was the last step" in done.out


def test_a_solution_that_passes_is_not_the_learners_pass(workshop, checkout):
    done = workshop("check", "1", "--solution")
    assert done.status == 0
    assert not is_passed(checkout, 1)


def test_all_steps_get_a_verdict_each(workshop, checkout):
    solve(checkout, "02_log_context")
    done = workshop("check", "--all")
    assert done.status == 1
    for step in Course.load(checkout).steps:
        assert f"{'✓' if step.number == 2 else '✗'} {step.name}" in done.out
    assert workshop("check", "--all", "--solution").status == 0


def test_progress_that_cannot_be_kept_does_not_hide_the_verdict(workshop, checkout):
    (checkout / ".workshop").write_text("a file in the folder's place")
    solve(checkout, "00_bare_handler")
    done = workshop("check", "0")
    assert done.status == 0
    assert "You can now answer" in done.out
    assert "! your progress cannot be kept" in done.said


def test_a_failure_of_the_tool_says_so_and_nothing_of_the_learners_work(
    workshop, checkout, monkeypatch
):
    (checkout / "steps/00_bare_handler/test_step.py").write_text("import nonsense_of_ours\n")
    done = workshop("check", "0")
    assert done.status == 3
    assert "✗ the check itself failed" in done.said
    assert "saw" not in done.out
    assert "Traceback" not in done.err


def test_json_has_the_documented_shape(workshop, checkout):
    for step in (checkout / "steps").iterdir():
        if step.name > "01_structured_logs":
            shutil.rmtree(step)
    solve(checkout, "00_bare_handler")
    done = workshop("check", "--all", "--json")
    assert done.status == 1
    document = json.loads(done.out)
    assert set(document) == {"version", "passed", "steps"}
    assert (document["version"], document["passed"]) == (1, False)
    passed, failed = document["steps"]
    assert set(passed) == {
        "step",
        "code",
        "passed",
        "seconds",
        "seed",
        "promises",
        "wrong",
        "progress_saved",
    }
    assert (passed["passed"], passed["wrong"], passed["progress_saved"]) == (True, None, True)
    assert {one["outcome"] for one in passed["promises"]} == {"passed"}
    assert set(failed["wrong"]) == {"rule", "what", "saw", "wanted", "look"}
    assert failed["wrong"]["rule"] == "print-only"
    assert [one["outcome"] for one in failed["promises"]].count("failed") == 1
    assert failed["promises"][-1]["outcome"] == "waiting"


def test_json_says_when_progress_was_not_saved(workshop, checkout):
    (checkout / ".workshop").write_text("")
    (document,) = json.loads(workshop("check", "0", "--json").out)["steps"]
    assert document["progress_saved"] is False


@pytest.mark.parametrize("columns", ["60", "80", "100"])
def test_a_verdict_fits_but_for_addresses_which_stay_whole(
    workshop, verdicts, monkeypatch, columns
):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(check, "check_step", lambda step, _: verdicts[step.name])
    done = workshop("check", "--all")
    assert all(f"✗ {name} · " in done.out for name in verdicts)
    wide = [line for line in done.out.splitlines() if len(line) > int(columns)]
    assert all(line.strip().startswith("https://") and " " not in line.strip() for line in wide)


def test_a_check_that_the_store_or_machine_cannot_carry_is_status_3(workshop, monkeypatch):
    def full(*_, **__):
        raise ToolError("no space left on device", "free some space")

    monkeypatch.setattr(check, "check_step", full)
    done = workshop("check", "0")
    assert (done.status, done.out) == (3, "")
    assert "no space left" in done.err
