"""Solutions, starts and answers run without anything the learner has edited."""

from pathlib import Path

import pytest

from tests.course.conftest import SOLUTION, START, TEMPLATE, MakeStep
from workshop.course import workspace
from workshop.course.catalogue import Step
from workshop.errors import ToolError


def test_a_solution_is_laid_over_the_start_and_not_over_the_learners_files(
    make_step: MakeStep,
) -> None:
    step = make_step(app="mine", template="broken: [")
    with workspace.solution(step) as folder:
        assert (folder / "app.py").read_text() == SOLUTION
        assert (folder / "template.yaml").read_text() == TEMPLATE
        assert (folder / "processor.py").is_file()
    assert (step.folder / "app.py").read_text() == "mine"


def test_a_start_is_the_pristine_one(make_step: MakeStep) -> None:
    step = make_step(app="mine")
    with workspace.start(step) as folder:
        assert (folder / "app.py").read_text() == START


def test_one_file_answers_in_place_of_app_py(step: Step, tmp_path: Path) -> None:
    file = tmp_path / "wrong-rule.py"
    file.write_text("answer")
    with workspace.answer(step, file) as folder:
        assert (folder / "app.py").read_text() == "answer"
        assert not (folder / "wrong-rule.py").exists()


def test_a_folder_answers_with_its_files(step: Step, tmp_path: Path) -> None:
    files = tmp_path / "answer"
    files.mkdir()
    (files / "template.yaml").write_text("Other: 1")
    with workspace.answer(step, files) as folder:
        assert (folder / "template.yaml").read_text() == "Other: 1"
        assert (folder / "app.py").read_text() == START


def test_nothing_is_left_behind_even_after_an_error(step: Step) -> None:
    with pytest.raises(ZeroDivisionError), workspace.solution(step) as folder:
        raise ZeroDivisionError
    assert not folder.parent.exists()


def test_a_missing_start_is_the_tools_failure(step: Step) -> None:
    (step.start / "app.py").unlink()
    (step.start / "template.yaml").unlink()
    step.start.rmdir()
    with pytest.raises(ToolError, match="cannot lay out 01_charge"), workspace.start(step):
        pass
