"""Nobody sees a traceback of ours: every error becomes a sentence and an exit status."""

import json
import resource
import subprocess
import sys
import threading

import pytest

from workshop.cli import failures, project, status
from workshop.cli.interrupts import Interrupts
from workshop.cli.render.stream import OutputClosedError
from workshop.errors import LearnerError, ToolError, UsageError


def breaking(error):
    def command(*_):
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status_wanted"),
    [(LearnerError("w", "l"), 1), (UsageError("w", "l"), 2), (ToolError("w", "l"), 3)],
)
def test_an_error_of_ours_is_told_in_two_lines(workshop, monkeypatch, error, status_wanted):
    monkeypatch.setattr(status, "command", breaking(error))
    done = workshop()
    assert (done.status, done.out, done.err) == (status_wanted, "", "✗ w\n  l\n")


def test_any_other_error_is_the_tools_fault_and_kept_in_a_file(workshop, checkout, monkeypatch):
    monkeypatch.setattr(status, "command", breaking(KeyError("a secret detail")))
    done = workshop()
    assert done.status == 3
    assert "Traceback" not in done.err
    assert "not your code" in done.said
    (report,) = (checkout / ".workshop").glob("crash-*.txt")
    assert report.name in done.said.replace(" ", "")
    assert "Traceback" in report.read_text()


def test_a_tool_error_with_an_unforeseen_cause_has_its_details_in_a_file(
    workshop, checkout, monkeypatch
):
    error = ToolError("the check itself failed", "not your code")
    error.__cause__ = KeyError("deep down")
    monkeypatch.setattr(status, "command", breaking(error))
    done = workshop()
    (report,) = (checkout / ".workshop").glob("crash-*.txt")
    assert done.status == 3
    assert "details in " in done.said
    assert "deep down" in report.read_text()


def test_ctrl_c_that_python_wraps_in_an_error_of_its_own_is_ctrl_c(workshop, checkout, monkeypatch):
    error = RuntimeError("Error calling __set_name__ on 'x' instance 'y' in 'Z'")
    error.__cause__ = KeyboardInterrupt()
    monkeypatch.setattr(status, "command", breaking(error))
    done = workshop()
    assert done.status == 130
    assert done.err == "\nstopped\n"
    assert not list((checkout / ".workshop").glob("crash-*.txt"))


def test_a_crash_that_cannot_be_kept_is_still_told(workshop, checkout, monkeypatch, tmp_path):
    (checkout / ".workshop").write_text("a file in the folder's place")
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    monkeypatch.setattr(failures.tempfile, "gettempdir", lambda: str(nowhere))
    monkeypatch.setattr(status, "command", breaking(KeyError("x")))
    done = workshop()
    assert done.status == 3
    assert done.err.startswith("✗ ")


def no_room():
    """Let no file grow by a byte in the process that is about to start, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("", 0, "workshop run 00"),
        ("run 0", 0, "✓ success"),
        ("run 0", 0, "! the telemetry could not be kept: file too large"),
        ("check 0", 1, "the handler returned nothing"),
        ("hint 0", 0, "your progress cannot be kept"),
        ("reset 0", 3, "could not be reset"),
    ],
)
def test_on_a_full_disk_nothing_is_lost_and_the_next_command_works(checkout, typed, status, said):
    app = checkout / "steps/00_bare_handler/app.py"
    app.write_text("mine = True\n" + app.read_text())
    mine = app.read_text()

    def type_it(before=None):
        return subprocess.run(
            [sys.executable, "-B", "-m", "workshop.cli", *typed.split()],
            capture_output=True,
            check=False,
            cwd=checkout,
            preexec_fn=before,
            text=True,
            timeout=300,
        )

    done = type_it(no_room)
    shown = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == status, shown
    assert said in shown
    assert "Traceback" not in shown
    assert app.read_text() == mine
    assert type_it().returncode in {0, 1}


def test_what_the_machine_has_no_more_of_is_not_blamed_on_the_learner(workshop, monkeypatch):
    said = "an execution environment could not be started: [Errno 24] Too many open files"
    error = ToolError(said)
    error.__cause__ = OSError(24, "Too many open files")
    monkeypatch.setattr(status, "command", breaking(error))
    done = workshop()
    assert done.status == 3
    assert said in done.said
    assert "this is not about your code; workshop doctor" in done.said


@pytest.mark.parametrize("typed", ["run 0", "check 0", "hint 0", "reset 0", "doctor", "list", ""])
def test_a_file_where_the_state_folder_should_be_is_told_and_left_alone(workshop, checkout, typed):
    (checkout / ".workshop").write_text("somebody's")
    app = checkout / "steps/00_bare_handler/app.py"
    app.write_text(mine := "mine = True\n" + app.read_text())
    done = workshop(*typed.split())
    assert "the workshop tool itself failed" not in done.said
    assert app.read_text() == mine
    assert (checkout / ".workshop").read_text() == "somebody's"


def test_ctrl_c_is_a_clean_line(workshop, monkeypatch):
    monkeypatch.setattr(status, "command", breaking(KeyboardInterrupt()))
    done = workshop()
    assert (done.status, done.out, done.err.strip()) == (130, "", "stopped")


def test_a_reader_who_went_away_is_not_told_of_it(workshop, monkeypatch):
    monkeypatch.setattr(status, "command", breaking(OutputClosedError()))
    done = workshop()
    assert (done.status, done.out, done.err) == (141, "", "")


def test_a_broken_pipe_below_is_not_taken_for_a_reader_who_went_away(workshop, monkeypatch):
    monkeypatch.setattr(status, "command", breaking(BrokenPipeError(32, "Broken pipe")))
    assert workshop().status == 3


def test_a_package_that_is_not_there_is_named_with_what_mends_it(workshop, monkeypatch):
    missing = ModuleNotFoundError("No module named 'rich'", name="rich")
    monkeypatch.setattr(status, "command", breaking(missing))
    done = workshop()
    assert done.status == 3
    assert "'rich' is not installed" in done.said
    assert "make tour" in done.said


def test_with_json_an_error_is_a_document(workshop):
    done = workshop("check", "99", "--json")
    assert done.status == 2
    assert done.err == ""
    document = json.loads(done.out)
    assert document["version"] == 1
    assert document["error"]["exit_status"] == 2


def test_a_thread_that_dies_does_so_out_of_sight(workshop, checkout, monkeypatch, capsys):
    def command(*_):
        thread = threading.Thread(target=breaking(KeyError("in a thread")))
        thread.start()
        thread.join()
        return 0

    monkeypatch.setattr(status, "command", command)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    failures.watch_background([], Interrupts())
    done = workshop()
    assert (done.status, done.err) == (0, "")
    assert list((checkout / ".workshop").glob("crash-*.txt"))


def test_outside_a_checkout_the_installed_one_is_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (project.find().root / "steps").is_dir()


def test_without_any_checkout_the_error_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "_CHECKOUT", tmp_path)
    with pytest.raises(UsageError, match="no workshop found"):
        project.find(tmp_path)


def test_a_folder_inside_the_checkout_finds_it(checkout, monkeypatch):
    monkeypatch.chdir(checkout / "steps" / "01_structured_logs")
    assert project.find().root == checkout
