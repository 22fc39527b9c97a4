"""Nothing of the learner's is ever lost by going back to a start."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.course.conftest import SOLUTION, START, STEP_TOML, TEMPLATE, MakeStep
from workshop.course.catalogue import Step
from workshop.course.safety import changed, diff, reset
from workshop.course.solutions import SolutionLocked, solution_for
from workshop.errors import ToolError

NOON = datetime(2026, 11, 23, 12, 34, 56, tzinfo=UTC)


def test_a_reset_restores_the_start_and_keeps_the_learners_files(make_step: MakeStep) -> None:
    step = make_step(app="mine")
    done = reset(step, now=NOON)
    assert done.restored == ("app.py",)
    assert done.backup == step.state / "backups" / "01_charge" / "2026-11-23T12-34-56"
    assert {path.name: path.read_text() for path in done.backup.iterdir()} == {"app.py": "mine"}
    assert (step.folder / "app.py").read_text() == START
    assert (step.folder / "template.yaml").read_text() == TEMPLATE


def test_an_untouched_step_needs_no_reset(step: Step) -> None:
    assert reset(step).restored == ()
    assert reset(step).backup is None
    assert not step.state.exists()


def test_a_backup_is_never_overwritten(step: Step) -> None:
    backups = []
    for text in ("one", "two", "three"):
        (step.folder / "app.py").write_text(text)
        backups.append(reset(step, now=NOON).backup)
    assert [(backup / "app.py").read_text() for backup in backups] == ["one", "two", "three"]
    assert len({backup.parent for backup in backups}) == 1


def test_a_deleted_file_comes_back(step: Step) -> None:
    (step.folder / "app.py").unlink()
    assert changed(step) == ("app.py",)
    assert reset(step).backup is None
    assert (step.folder / "app.py").read_text() == START


def test_a_file_turned_folder_is_kept_and_restored(step: Step) -> None:
    (step.folder / "app.py").unlink()
    (step.folder / "app.py").mkdir()
    (step.folder / "app.py" / "inner.txt").write_text("mine")
    backup = reset(step).backup
    assert backup is not None
    assert (backup / "app.py" / "inner.txt").read_text() == "mine"
    assert (step.folder / "app.py").read_text() == START


def test_what_the_learner_added_is_left_alone(step: Step) -> None:
    (step.folder / "notes.txt").write_text("mine")
    (step.folder / "app.py").write_text("mine")
    reset(step)
    assert (step.folder / "notes.txt").read_text() == "mine"


def test_what_cannot_be_kept_is_not_reset(make_step: MakeStep) -> None:
    step = make_step(app="mine")
    step.state.write_text("a file where the folder should be")
    with pytest.raises(ToolError, match="could not be reset"):
        reset(step)
    assert (step.folder / "app.py").read_text() == "mine"


def test_a_disk_that_fills_up_leaves_no_half_backup(
    make_step: MakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = make_step(app="mine")

    def full(source: Path, target: Path) -> None:
        target.write_text("mi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(ToolError, match="No space left on device"):
        reset(step)
    assert (step.folder / "app.py").read_text() == "mine"
    assert list((step.state / "backups" / step.name).iterdir()) == []


def test_a_restored_file_keeps_its_mode(make_step: MakeStep) -> None:
    step = make_step(app="mine")
    (step.folder / "app.py").chmod(0o640)
    reset(step)
    assert (step.folder / "app.py").stat().st_mode & 0o777 == 0o640


def test_a_step_without_a_start_says_so(step: Step) -> None:
    for path in step.start.iterdir():
        path.unlink()
    step.start.rmdir()
    with pytest.raises(ToolError, match="the start of 01_charge is not there"):
        reset(step)


def test_a_diff_runs_from_the_start_to_the_learners(step: Step) -> None:
    assert diff(step) == ""
    (step.folder / "app.py").write_text(START.replace("handler", "handle"))
    assert "-def handler(event, context):\n+def handle(event, context):\n" in diff(step)
    assert diff(step).startswith("--- start/app.py\n+++ yours/app.py\n")


def test_a_diff_shows_a_change_to_a_file_that_need_not_be_edited(make_step: MakeStep) -> None:
    toml = STEP_TOML.replace('"app.py", "template.yaml"', '"app.py"')
    step = make_step(toml=toml, template=TEMPLATE.replace("Timeout: 1", "Timeout: 9"))
    assert "+      Timeout: 9\n" in diff(step)
    assert changed(step) == ("template.yaml",)


def test_a_diff_against_the_solution_shows_what_is_left_to_do(step: Step) -> None:
    assert '+    return {"status": "charged"}\n' in diff(step, "solution")
    (step.folder / "app.py").write_text(SOLUTION)
    assert diff(step, "solution") == ""


def test_a_file_without_a_last_newline_is_told_as_git_does(step: Step) -> None:
    (step.folder / "app.py").write_text(START.rstrip("\n"))
    assert "\n\\ No newline at end of file\n" in diff(step)


def test_a_deleted_file_is_all_minus(step: Step) -> None:
    (step.folder / "app.py").unlink()
    assert "-def handler(event, context):\n" in diff(step)


def test_a_solution_is_locked_until_it_is_revealed(step: Step) -> None:
    with pytest.raises(SolutionLocked) as error:
        solution_for(step, revealed=False)
    assert error.value.exit_status == 1
    assert "workshop solution 01 --reveal" in error.value.look
    shown = solution_for(step, revealed=True)
    assert shown.files == {"app.py": SOLUTION}
    assert shown.why == "Because it does."


def test_a_missing_solution_is_the_tools_failure(step: Step) -> None:
    (step.solution / "app.py").unlink()
    with pytest.raises(ToolError, match="has no solution"):
        solution_for(step, revealed=True)
