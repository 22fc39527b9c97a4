"""list, hint, diff, solution, reset, and the bare command."""

import subprocess
from pathlib import Path

import pytest

from workshop.course.catalogue import Course
from workshop.course.progress import Progress
from workshop.course.verdict import Verdict

STEPS = Course.load(Path(__file__).parents[2]).steps


def passed(checkout, number):
    """Have a step passed."""
    course = Course.load(checkout)
    step = course.find(str(number))
    Progress(checkout / ".workshop").record(Verdict(step, None, (), 0.1, (), 0))


def unwritable(checkout):
    """Put a file in the state folder's place: root, too, cannot write into that."""
    (checkout / ".workshop").write_text("")


def test_the_bare_command_says_where_you_are_and_what_is_next(workshop):
    done = workshop()
    assert done.status == 0
    assert "00_bare_handler" in done.out
    assert "steps/00_bare_handler/README.md" in done.out
    assert "workshop watch 00" in done.out
    assert "workshop tour" in done.out


def test_the_bare_command_moves_on_with_the_learner(workshop, checkout):
    passed(checkout, 0)
    done = workshop()
    assert f"1 of {len(STEPS)}" in done.out
    assert "workshop watch 01" in done.out


def test_when_all_is_done_the_bare_command_says_so(workshop, checkout):
    for step in STEPS:
        passed(checkout, step.number)
    assert "Every step is done" in workshop().out


def test_the_list_shows_what_is_done(workshop, checkout):
    passed(checkout, 1)
    marks = {line[3:5]: line[0] for line in workshop("list").out.splitlines()[1:]}
    assert sorted(marks) == [f"{step.number:02}" for step in STEPS]
    assert marks.pop("01") == "✓"
    assert sorted(marks.values()) == [*" " * (len(STEPS) - 2), "▸"]


def test_hints_grow_stronger_and_the_last_one_stays(workshop):
    told = [workshop("hint", "3").out for _ in range(4)]
    assert [out.splitlines()[0][:11] for out in told] == [
        "hint 1 of 3",
        "hint 2 of 3",
        "hint 3 of 3",
        "hint 3 of 3",
    ]
    assert "--reveal" in told[2]


def test_a_hint_that_cannot_be_counted_is_still_told(workshop, checkout):
    unwritable(checkout)
    done = workshop("hint", "3")
    assert done.status == 0
    assert "hint 1 of 3" in done.out
    assert "! your progress cannot be kept" in done.out


def test_a_diff_can_be_applied(workshop, checkout):
    app = checkout / "steps/01_structured_logs/app.py"
    start = app.read_text()
    app.write_text(start.replace("import processor", "import processor\n\nmine = 'wörd'"))
    done = workshop("diff", "1")
    assert done.status == 0
    assert "+mine = 'wörd'" in done.out.splitlines()
    wanted = app.read_text()
    app.write_text(start)
    subprocess.run(["patch", str(app)], input=done.out.encode(), check=True, capture_output=True)
    assert app.read_text() == wanted


def test_no_difference_is_said(workshop):
    assert "unchanged" in workshop("diff", "1").out


@pytest.mark.parametrize("typed", [("solution", "1"), ("diff", "1", "--solution")])
def test_a_solution_is_locked_until_the_check_has_passed(workshop, checkout, typed):
    locked = workshop(*typed)
    assert locked.status == 1
    assert "--reveal" in locked.err
    assert workshop(*typed, "--reveal").status == 0
    passed(checkout, 1)
    assert workshop(*typed).status == 0


def test_a_solution_is_shown_whole_with_why_it_works(workshop, checkout):
    done = workshop("solution", "2", "--reveal")
    for name in ("app.py", "template.yaml"):
        assert (checkout / "solutions/02_log_context" / name).read_text() in done.out
    assert "why this works" in done.out


def test_a_reset_says_where_the_learners_files_are(workshop, checkout):
    app = checkout / "steps/01_structured_logs/app.py"
    app.write_text("mine")
    done = workshop("reset", "1")
    assert done.status == 0
    (kept,) = (checkout / ".workshop/backups").rglob("app.py")
    assert kept.read_text() == "mine"
    assert str(kept.parent.relative_to(checkout)) in done.said
    assert app.read_text() != "mine"


def test_a_reset_that_cannot_keep_a_backup_restores_nothing(workshop, checkout):
    unwritable(checkout)
    app = checkout / "steps/01_structured_logs/app.py"
    app.write_text("mine")
    done = workshop("reset", "1")
    assert done.status == 3
    assert app.read_text() == "mine"


def test_a_damaged_progress_file_is_moved_aside_and_told(workshop, checkout):
    (checkout / ".workshop").mkdir()
    (checkout / ".workshop/progress.json").write_text("{oops")
    done = workshop("list")
    assert done.status == 0
    assert "it is kept as progress." in done.said
