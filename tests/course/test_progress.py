"""Progress is kept whole, outlives accidents, and never stands between a learner and a verdict."""

import json
import threading
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workshop.course.catalogue import Course, Step
from workshop.course.progress import Progress
from workshop.course.verdict import Verdict
from workshop.course.wrong import Wrong
from workshop.errors import ToolError


def verdict(step: Step, *, passed: bool = True) -> Verdict:
    wrong = None if passed else Wrong("r", "w", saw="", wanted="", look="")
    return Verdict(step, wrong, (), 0.1, (), 1)


def test_nothing_is_done_at_first_and_reading_writes_nothing(course: Course) -> None:
    progress = Progress(course.state)
    assert progress.current(course) == course.steps[0]
    assert not any(progress.is_passed(step) for step in course.steps)
    assert not course.state.exists()


def passed_at(course: Course) -> datetime:
    """Read when the first step was passed."""
    state = json.loads(Progress(course.state).path.read_text())
    return datetime.fromisoformat(state["passed"][course.steps[0].slug])


def test_a_pass_is_kept_with_its_time(course: Course) -> None:
    Progress(course.state).record(verdict(course.steps[0]))
    assert passed_at(course).tzinfo is not None
    assert Progress(course.state).current(course) == course.steps[1]


def test_a_pass_stays_when_a_later_check_fails(course: Course) -> None:
    progress = Progress(course.state)
    progress.record(verdict(course.steps[0]))
    before = passed_at(course)
    progress.record(verdict(course.steps[0], passed=False))
    progress.record(verdict(course.steps[0]))
    assert passed_at(course) == before


def test_the_current_step_is_the_one_last_worked_on(course: Course) -> None:
    progress = Progress(course.state)
    progress.record(verdict(course.steps[2], passed=False))
    assert Progress(course.state).current(course) == course.steps[2]


def test_who_jumped_ahead_goes_on_from_there_and_comes_to_the_rest_at_the_end(
    course: Course,
) -> None:
    progress = Progress(course.state)
    progress.record(verdict(course.steps[1]))
    assert progress.current(course) == course.steps[2]
    progress.record(verdict(course.steps[2]))
    assert progress.current(course) == course.steps[0]


def test_there_is_no_current_step_when_all_are_passed(course: Course) -> None:
    progress = Progress(course.state)
    for step in course.steps:
        progress.record(verdict(step))
    assert progress.current(course) is None


def test_hints_come_in_grades_and_the_last_repeats(course: Course) -> None:
    step = course.steps[1]
    told = [Progress(course.state).next_hint(step) for _ in range(4)]
    assert [hint.number for hint in told] == [1, 2, 3, 3]
    assert [hint.text for hint in told] == [*step.hints, step.hints[2]]
    assert {hint.of for hint in told} == {3}
    assert Progress(course.state).hints_taken(step) == 3


def test_hints_of_one_step_are_not_those_of_another(course: Course) -> None:
    progress = Progress(course.state)
    progress.next_hint(course.steps[0])
    assert progress.next_hint(course.steps[1]).number == 1


def test_progress_outlives_a_renumbering(make_step, tmp_path: Path) -> None:
    make_step("00_first")
    old = make_step("01_charge")
    Progress(tmp_path).record(verdict(old))
    new = make_step("05_charge")
    assert Progress(tmp_path).is_passed(new)


def test_what_belongs_to_steps_that_are_gone_is_kept(course: Course) -> None:
    course.state.mkdir()
    path = course.state / "progress.json"
    path.write_text('{"version": 1, "passed": {"gone": "2026-11-23T12:00:00+00:00"}}')
    Progress(course.state).record(verdict(course.steps[0]))
    assert "gone" in json.loads(path.read_text())["passed"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"version": 2}',
        b'{"version": 1, "passed": []}',
        b'{"version": 1, "passed": {"a": 1}}',
        b'{"version": 1, "hints": {"a": "x"}}',
        b'{"version": 1, "last": 3}',
    ],
)
def test_a_damaged_or_future_file_is_moved_aside_and_said_once(
    course: Course, content: bytes
) -> None:
    course.state.mkdir()
    (course.state / "progress.json").write_bytes(content)
    progress = Progress(course.state)
    (note,) = progress.notes
    (aside,) = course.state.glob("progress.2*.json")
    assert aside.name in note
    assert aside.read_bytes() == content
    progress.record(verdict(course.steps[0]))
    assert len(progress.notes) == 1
    assert Progress(course.state).notes == []
    assert Progress(course.state).is_passed(course.steps[0])


def test_two_files_moved_aside_in_one_second_are_both_kept(course: Course) -> None:
    course.state.mkdir()
    for content in ("one", "two"):
        (course.state / "progress.json").write_text(content)
        assert Progress(course.state).notes
    kept = {path.read_text() for path in course.state.glob("progress.2*.json")}
    assert kept == {"one", "two"}


@given(content=st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_no_content_of_the_file_is_too_much(course: Course, content: bytes) -> None:
    course.state.mkdir(exist_ok=True)
    (course.state / "progress.json").write_bytes(content)
    assert Progress(course.state).current(course) is not None


def test_commands_at_once_lose_nothing(course: Course) -> None:
    def take_hints(step: Step) -> None:
        for _ in range(3):
            Progress(course.state).next_hint(step)

    threads = [threading.Thread(target=take_hints, args=(step,)) for step in course.steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress = Progress(course.state)
    assert [progress.hints_taken(step) for step in course.steps] == [3, 3, 3]


def test_a_place_that_cannot_be_written_is_a_clear_failure_of_the_tool(
    course: Course, tmp_path: Path
) -> None:
    course.state.write_text("a file where the folder should be")
    progress = Progress(course.state)
    assert progress.current(course) == course.steps[0]
    with pytest.raises(ToolError, match="your progress cannot be kept") as error:
        progress.record(verdict(course.steps[0]))
    assert str(course.state) in error.value.look


def test_a_full_disk_leaves_the_file_as_it_was(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    Progress(course.state).record(verdict(course.steps[0]))
    before = (course.state / "progress.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    with pytest.raises(ToolError, match="No space left on device"):
        Progress(course.state).record(verdict(course.steps[1]))
    assert (course.state / "progress.json").read_bytes() == before
    assert {path.name for path in course.state.iterdir()} == {"progress.json", "progress.lock"}
