"""`make` sets itself up: from nothing, over an interrupted run, and clear when it cannot.

A stand-in for Python makes empty virtual environments and installs nothing, at once; the real thing
is what `make test` has just been through.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="make and sh are not there")


@pytest.fixture
def checkout(tmp_path):
    """A folder with a space in its name that holds the script and requirements of no package."""
    folder = tmp_path / "check out"
    (folder / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "requirements" / "install.sh", folder / "requirements")
    (folder / "requirements" / "sam.txt").write_text("# nothing\n")
    return folder


def install(checkout, name="sam", **environment):
    return subprocess.run(
        ["sh", "requirements/install.sh", f".venv-{name}", name],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", "HOME": str(checkout), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def python(tmp_path):
    """A Python that answers as the real one, but for venv and pip."""
    body = f"""
        case "$1 $2" in
            "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
            "-m pip") exit ${{PIP_STATUS:-0}} ;;
            *) exec "{sys.executable}" "$@" ;;
        esac"""
    return script(tmp_path / "real", "python", body)


def script(folder, name, body):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_half_made_environment_is_made_again_and_a_whole_one_kept(checkout, python):
    half_made = checkout / ".venv-sam"
    half_made.mkdir()
    (half_made / "left-over").touch()
    first = install(checkout, PYTHON=str(python))
    assert first.returncode == 0, first.stderr
    assert "making it anew" in first.stdout
    assert not (half_made / "left-over").exists()
    assert not (half_made / "unfinished").exists()
    assert (half_made / "sam.stamp").exists()

    (half_made / "of-the-first").touch()
    second = install(checkout, PYTHON=str(python))
    assert second.returncode == 0, second.stderr
    assert (half_made / "of-the-first").exists()

    (half_made / "unfinished").touch()
    third = install(checkout, PYTHON=str(python))
    assert third.returncode == 0, third.stderr
    assert not (half_made / "of-the-first").exists()


def test_a_checkout_reached_by_a_symbolic_link_keeps_the_environment_it_has(checkout, python):
    link = checkout.with_name("link")
    link.symlink_to(checkout)
    assert install(link, PYTHON=str(python), PWD=str(link)).returncode == 0
    (checkout / ".venv-sam" / "of-the-first").touch()
    # What make compares it with.
    assert (checkout / ".venv-sam" / "made-at").read_text() == str(checkout.resolve())
    assert install(checkout, PYTHON=str(python)).returncode == 0
    assert (checkout / ".venv-sam" / "of-the-first").exists()


def test_a_python_that_is_on_path_but_does_not_run_is_passed_over(checkout, python, tmp_path):
    shims = tmp_path / "shims"
    for name in ("python3", "python3.14", "python3.13", "python3.12"):
        script(shims, name, "echo 'pyenv: command not found' >&2; exit 127")
    script(shims, "python3.11", f'exec "{python}" "$@"')
    done = install(checkout, PATH=f"{shims}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    assert "making .venv-sam with Python 3." in done.stdout


def test_the_emulator_gets_a_python_that_its_functions_can_run_on(checkout, python, tmp_path):
    """Where there is one: else it is made with what there is, and the rehearsal says so."""
    (checkout / "requirements" / "emulator.txt").write_text("# nothing\n")
    (checkout / "requirements" / "run.txt").write_text("# nothing\n")
    made_by = tmp_path / "made by"

    def one(folder, condition):
        told = f'case "$1 $2" in "-m venv") echo "{folder.name}" >"{made_by}";; esac'
        script(folder, "python3", f'{condition}\n{told}\nexec "{python}" "$@"')

    shims = tmp_path / "shims"
    one(shims, 'case "$3" in 12) exit 1;; esac')  # asked whether it is 3.12 or newer
    for name in ("python3.14", "python3.13", "python3.12"):
        script(shims, name, "exit 127")
    path = f"{shims}:/usr/bin:/bin"
    first = install(checkout, "emulator", PATH=path)
    assert first.returncode == 0, first.stderr
    assert made_by.read_text() == "shims\n"

    shutil.rmtree(checkout / ".venv-emulator")
    one(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin", 'case "$3" in 12) exit 0;; esac')
    second = install(checkout, "emulator", PATH=path, PYENV_ROOT=str(tmp_path / "pyenv"))
    assert second.returncode == 0, second.stderr
    assert made_by.read_text() == "bin\n"


def test_without_a_fitting_python_it_says_what_is_needed(checkout, tmp_path):
    shims = tmp_path / "shims"
    # It answers the question for its version, and fails every other.
    old = script(shims, "python3", 'case "$2" in *print*) echo "Python 3.9.6";; *) exit 1;; esac')
    done = install(checkout, PYTHON=str(old))
    assert done.returncode == 3
    assert "Python 3.11 to 3.14 with its venv module is needed" in done.stderr
    assert "is Python 3.9.6" in done.stderr
    assert not (checkout / ".venv-sam").exists()


def test_packages_that_cannot_be_installed_are_told_and_tried_again(checkout, python):
    failed = install(checkout, PYTHON=str(python), PIP_STATUS="1")
    assert failed.returncode == 3
    assert "the packages could not be installed" in failed.stderr
    assert not (checkout / ".venv-sam" / "sam.stamp").exists()
    assert install(checkout, PYTHON=str(python)).returncode == 0
    assert (checkout / ".venv-sam" / "sam.stamp").exists()


def test_no_lock_names_a_registry_and_every_package_has_a_hash():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text, path
        pins = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
        assert pins, path
        assert all(line.endswith("\\") for line in pins), path
