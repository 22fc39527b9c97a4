"""A learner's tests may do what they like: each run is told apart, and nothing of them stays."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workshop.course import learner_tests, workspace
from workshop.course.catalogue import Course, Step
from workshop.course.given_files import changed_files, require_readable
from workshop.course.handler_changes import Change, read_changes
from workshop.course.learner_tests import REVERSED, LearnerTests, run_learner_tests
from workshop.course.wrong import Wrong
from workshop.errors import ToolError

ROOT = Path(__file__).parents[2]
STEP = Course.load(ROOT).find("08")
CHANGES = read_changes(STEP)
SOURCE = (STEP.start / "app.py").read_text()

PASSING = "def test_nothing():\n    pass\n"
HANGING = "import time\n\ndef test_before():\n    pass\n\ndef test_waits():\n    time.sleep(60)\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The step as it begins, in a folder with a space in its name."""
    with workspace.start(STEP) as start:
        return Path(shutil.copytree(start, tmp_path / "my step"))


def judged(folder: Path, tests: str, seconds: float = 10) -> LearnerTests:
    (folder / "test_app.py").write_text(tests)
    return run_learner_tests(STEP, folder, seconds=seconds)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.rule)
def test_every_change_fits_the_handler_that_is_given(change: Change) -> None:
    changed = change.applied(SOURCE)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE))
    assert bool(change.users) == (change.kind == "fault")
    assert bool(change.shown) == (change.kind == "fault")


def test_every_fault_has_a_rule_that_the_check_knows() -> None:
    """And the check asks after every one of them."""
    known = {one.rule for one in STEP.wrong}
    assert {change.rule for change in CHANGES} <= known
    check = (STEP.folder / "test_step.py").read_text()
    assert all(f'"{one.rule}"' in check for one in CHANGES if one.kind == "fault")


@pytest.mark.parametrize("old", ["no such text", "import "])
def test_a_change_that_fits_no_place_or_several_is_our_mistake(old: str) -> None:
    change = Change("fault", "some-fault", "", "", "", "", ((old, ""),))
    with pytest.raises(ToolError, match="some-fault"):
        change.applied(SOURCE)


def test_a_forked_process_and_a_fresh_one_come_to_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One change of each kind is enough: the answers' checks try them all, forked."""
    few = tuple({change.kind: change for change in CHANGES}.values())
    monkeypatch.setattr(learner_tests, "read_changes", lambda _: few)
    with workspace.solution(STEP) as solution:
        forked = run_learner_tests(STEP, solution)
        fresh = run_learner_tests(STEP, solution, fork=False, seconds=30)
    for one in (forked, fresh):
        assert one.good.passed
        assert one.runs[REVERSED].passed
        noticed = {change.kind for change in one.changes if one.noticed(change)}
        assert noticed == {"probe", "fault"}
    assert forked.good.tests == fresh.good.tests


def test_the_test_that_hangs_is_named(folder: Path) -> None:
    assert judged(folder, HANGING, seconds=5).good.hung == "test_waits"


def test_a_file_that_hangs_when_it_is_imported_is_told(folder: Path) -> None:
    run = judged(folder, "import time\ntime.sleep(60)\n", seconds=1.5).good
    assert run.hung == ""
    assert not run.passed


def test_what_a_hanging_test_has_started_ends_with_it(folder: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    tests = (
        "import pathlib, subprocess, sys\n\n"
        "def test_starts_something():\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"    pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "    child.wait()\n"
    )
    assert judged(folder, tests, seconds=5).good.hung == "test_starts_something"
    assert gone(int(note.read_text()))


def gone(pid: int) -> bool:
    """Whether a process has ended within some seconds; a killed one takes a moment."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").is_file() and " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_nothing_is_left_running(
    folder: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    note = tmp_path / "pid"
    (folder / "test_app.py").write_text(
        f"import os, pathlib\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n{HANGING}"
    )
    program = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from workshop.course.catalogue import load_step\n"
        "from workshop.course.learner_tests import run_learner_tests\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "run_learner_tests(load_step(Path(sys.argv[1])), Path(sys.argv[2]), seconds=60)\n"
    )
    check = subprocess.Popen(
        [sys.executable, "-c", program, str(STEP.folder), str(folder)], stderr=subprocess.DEVNULL
    )
    with check:
        deadline = time.monotonic() + 120
        while not (note.is_file() and note.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        check.send_signal(ending)
        assert check.wait(timeout=120) != 0
    assert gone(int(note.read_text()))


def test_a_connection_to_elsewhere_is_noted_and_not_made(folder: Path) -> None:
    run = judged(
        folder,
        "import socket\n\n"
        "def test_calls_home():\n"
        "    socket.create_connection(('192.0.2.1', 80), timeout=5)\n",
    ).good
    assert run.connections == ("192.0.2.1:80",)
    assert "nothing beyond this machine" in run.failures[0].message


def test_a_failure_is_told_with_its_line_and_without_our_folder(folder: Path) -> None:
    run = judged(
        folder,
        "import app\n\ndef test_where():\n    assert app.__file__ == ''\n",
    ).good
    assert run.failures[0].name == "test_where"
    assert (run.failures[0].line, run.failures[0].text) == (4, "assert app.__file__ == ''")
    assert "/workshop-" not in run.failures[0].message


def test_the_learners_folder_is_as_it_was(folder: Path) -> None:
    tests = (
        "from pathlib import Path\n\n"
        "def test_tidies_up():\n"
        "    Path(__file__).with_name('app.py').write_text('')\n"
        "    Path('new.txt').write_text('')\n"
    )
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    result = judged(folder, tests)
    assert result.good.rewritten == ("app.py",)
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before | {"test_app.py": tests.encode()}


def test_settings_around_it_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("POWERTOOLS_DEV", "1")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    tests = (STEP.solution / "test_app.py").read_text()
    assert judged(folder, tests).good.passed


def test_a_file_beside_the_tests_may_be_imported(folder: Path) -> None:
    (folder / "fakes.py").write_text("ANSWER = 42\n")
    tests = "import fakes\n\ndef test_it():\n    assert fakes.ANSWER == 42\n"
    assert judged(folder, tests).good.passed


def test_comments_and_layout_of_given_files_are_free(folder: Path) -> None:
    app = folder / "app.py"
    app.write_text(app.read_text().replace("logger = ", "# mine\nlogger = ", 1) + "\n\n")
    assert changed_files(STEP, folder) == ()
    app.write_text(app.read_text().replace('"charged"', '"paid"', 1))
    assert changed_files(STEP, folder) == ("app.py",)


def test_a_given_file_that_is_changed_is_told_with_its_first_line(folder: Path) -> None:
    app = folder / "app.py"
    lines = app.read_text().splitlines()
    line = next(place for place, one in enumerate(lines) if "processor.charge(" in one)
    lines[line] = lines[line].replace("payment.amount", "payment.amount / 100")
    app.write_text("\n".join(lines))
    with pytest.raises(Wrong) as caught:
        require_readable(STEP, folder)
    assert caught.value.rule == "given-file-changed"
    assert f"app.py:{line + 1}: return processor.charge(" in caught.value.saw
    assert "/ 100" in caught.value.saw.splitlines()[0]
    assert "/ 100" not in caught.value.saw.splitlines()[1]


@pytest.mark.parametrize(
    ("rule", "tests"),
    [
        ("file-missing", None),
        ("empty-file", "# later\n"),
        ("syntax-error", "def test_it(:\n"),
    ],
)
def test_a_file_that_cannot_be_run_is_told_before_anything_is(
    folder: Path, rule: str, tests: str | None
) -> None:
    path = folder / "test_app.py"
    if tests is None:
        path.rename(folder / "tests_app.py")
    else:
        path.write_text(tests)
    with pytest.raises(Wrong) as caught:
        require_readable(STEP, folder)
    assert caught.value.rule == rule
    if tests is None:
        assert "tests_app.py" in caught.value.saw


def test_faults_that_cannot_be_read_are_our_mistake(folder: Path) -> None:
    (folder / "faults.toml").write_text("[[fault]]\nrule = 'one'\n")
    step = Step(**{**vars(STEP), "root": folder.parent, "slug": "none"})
    with pytest.raises(ToolError, match=r"faults\.toml"):
        read_changes(step)


@pytest.mark.parametrize("solved", [False, True])
def test_plain_pytest_runs_the_tests_as_the_readme_says(*, solved: bool) -> None:
    laid_out = workspace.solution(STEP) if solved else workspace.start(STEP)
    with laid_out as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    readme = (STEP.folder / "README.md").read_text()
    assert "\npytest steps/08_tests/test_app.py\n" in readme
