"""What is missing is named, for which part, with what mends it."""

import re
import resource
import shlex
import shutil
import socket
import sys
from collections import namedtuple
from importlib import metadata

import pytest

from workshop.cli import examination


def test_where_the_main_parts_work_the_status_is_0(workshop):
    done = workshop("doctor")
    assert done.status == 0
    assert "steps, tour and checks can work here" in done.out


def test_an_optional_part_that_is_missing_is_told_and_no_failure(workshop, monkeypatch):
    def absent(*arguments):
        raise FileNotFoundError(arguments[0])

    monkeypatch.setattr(examination, "_output", absent)
    done = workshop("doctor")
    assert done.status == 0
    assert re.search("not needed for them: .*slides", done.said)
    assert "https://nodejs.org" in done.out


def no_room(monkeypatch):
    usage = namedtuple("usage", "free")  # noqa: PYI024 (a stand-in)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1024))


def no_loopback(monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(socket.socket, "bind", refuse)


def loopback_down(monkeypatch):
    def refuse(*_):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def few_files(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 4096))


def another_version(monkeypatch):
    installed = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "0.0.1" if name == "duckdb" else installed(name)
    )


def not_installed(monkeypatch):
    installed = metadata.version

    def version(name):
        if name == "rich":
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(metadata, "version", version)


def no_environment(monkeypatch):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)


@pytest.mark.parametrize(
    ("fault", "found", "mend"),
    [
        (no_room, "disk", "free some space"),
        (no_loopback, "Operation not permitted", "allow this program"),
        (loopback_down, "Network is unreachable", "is `lo` up?"),
        (few_files, "no more than 64 at once", "ulimit -n 256"),
        (another_version, "duckdb 0.0.1, not ==", "make tour"),
        (not_installed, "no rich", "make tour"),
        (no_environment, "none is in use", "make tour"),
    ],
)
def test_what_the_main_parts_lack_is_named_with_what_mends_it(
    workshop, monkeypatch, fault, found, mend
):
    fault(monkeypatch)
    done = workshop("doctor")
    assert done.status == 3
    assert found in done.said
    assert mend in done.said


def test_what_make_has_done_once_it_is_asked_to_do_again(workshop, checkout, monkeypatch):
    (checkout / ".venv").mkdir()
    (checkout / ".venv/run.stamp").touch()
    not_installed(monkeypatch)
    assert "→ make clean tour" in workshop("doctor").said


def test_a_part_in_an_environment_of_its_own_is_found_there(workshop, checkout):
    assert "→ sh requirements/install.sh .venv-sam sam" in workshop("doctor").said
    (checkout / ".venv-sam").mkdir()
    (checkout / ".venv-sam/sam.stamp").touch()
    assert "as pinned, in .venv-sam" in workshop("doctor").said


def test_without_a_makefile_uv_mends_it(workshop, checkout, monkeypatch):
    (checkout / "Makefile").unlink()
    not_installed(monkeypatch)
    assert "→ uv sync --inexact" in workshop("doctor").said


@pytest.mark.parametrize("command", ["doctor", None])
def test_a_terminal_without_the_command_is_told_how_to_get_it(workshop, monkeypatch, command):
    typed = [command] if command else []
    monkeypatch.setattr(shutil, "which", lambda name: None)
    activate = shlex.quote(f"{sys.prefix}/bin/activate")
    assert f". {activate} first" in workshop(*typed).said
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert "activate" not in workshop(*typed).said


def test_a_state_folder_that_cannot_be_written_is_named(workshop, checkout):
    (checkout / ".workshop").write_text("")
    done = workshop("doctor")
    assert done.status == 3
    assert ".workshop" in done.out


def test_a_broken_course_does_not_stop_the_doctor(workshop, checkout):
    (checkout / "steps/00_bare_handler/step.toml").write_text("[")
    done = workshop("doctor")
    assert done.status == 3
    assert "cannot read 00_bare_handler/step.toml" in done.said


def test_an_environment_whose_lab_is_gone_is_found_and_can_be_ended(workshop, monkeypatch):
    listed = """
      1     0 /sbin/init
    101   100 /venv/bin/python -B -P /x/workshop/local_lambda/runtime.py app.handler
    102     1 /venv/bin/python -B -P /x/workshop/local_lambda/runtime.py app.handler
    """
    monkeypatch.setattr(examination, "_output", lambda *_: listed)
    done = workshop("doctor")
    assert done.status == 3
    assert "kill -9 102" in done.out
