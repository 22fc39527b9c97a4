"""Ctrl-C at any moment, a closed terminal, two commands at once: nothing ugly, nothing left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = "import time\n\ndef handler(event, context):\n    time.sleep(4)\n"


@pytest.fixture
def started(checkout):
    """Start a command; have it seen to that nothing of it is left."""
    processes = []

    def start(*arguments):
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "workshop.cli", *arguments],
                cwd=checkout,
                env={**os.environ, "TMPDIR": str(checkout)},  # solutions are laid out there
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def left_behind(process):
    """Processes of the command's session or below it that are still there."""
    listed = subprocess.run(
        ["ps", "-axo", "pid=,sess=,command="], capture_output=True, check=True, text=True
    ).stdout
    return [line for line in listed.splitlines() if line.split()[1] == str(process.pid)]


def environments(folder):
    """Processes, such as execution environments, that run in a folder or below it."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd = (process / "cwd").readlink()
        except OSError:
            continue
        if cwd.is_relative_to(folder) and process.name != str(os.getpid()):
            found.add(process.name)
    return found


def assert_clean(process, checkout):
    """Wait for the end; nothing ugly said, nothing left running."""
    _, err = process.communicate(timeout=120)
    assert b"Traceback" not in err, err.decode()
    assert b"workshop/" not in err, err.decode()  # nor asyncio on a task that was never ended
    # Before any of our code runs, the signal itself ends it; a shell calls that 130 too.
    assert process.returncode in {130, -signal.SIGINT}
    end = time.monotonic() + 30
    while left_behind(process) or environments(checkout):
        assert time.monotonic() < end, (left_behind(process), environments(checkout))
        time.sleep(0.05)


@pytest.mark.parametrize(
    "typed", [("tour",), ("run", "0", "--count", "9999"), ("watch", "0"), ("check", "--all")]
)
@pytest.mark.parametrize("moment", [0.08, 0.2, 0.5, 1.0])
def test_ctrl_c_ends_a_command_cleanly(started, checkout, typed, moment):
    app = checkout / "steps/00_bare_handler/app.py"
    app.write_text(SLOW)
    process = started(*typed)
    time.sleep(moment * random.uniform(0.8, 1.2))
    process.send_signal(signal.SIGINT)
    assert_clean(process, checkout)


def test_ctrl_c_pressed_again_and_again_leaves_nothing_either(started, checkout):
    (checkout / "steps/00_bare_handler/app.py").write_text(SLOW)
    process = started("run", "0")
    time.sleep(0.6)
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert_clean(process, checkout)


def test_ctrl_c_in_a_place_that_cannot_raise_comes_again(checkout):
    program = """
import gc, signal, sys, time
from workshop.cli import main

class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def command(argv):
    try:
        Dying()
        gc.collect()
        time.sleep(5)
    except KeyboardInterrupt:
        print("raised where it can be caught")
    return 0

main._run = command
sys.exit(main.main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, text=True
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout == "raised where it can be caught\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_leaves_nothing_behind(started, checkout, number):
    (checkout / "steps/00_bare_handler/app.py").write_text(SLOW)
    process = started("watch", "0")
    time.sleep(0.8)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    assert not left_behind(process)


@pytest.mark.parametrize("typed", [("run", "0", "--count", "9999"), ("watch", "0")])
def test_a_killed_command_leaves_no_process_and_the_next_one_works(started, checkout, typed):
    process = started(*typed)
    end = time.monotonic() + 60
    while not environments(checkout) - {str(process.pid)}:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.communicate()
    end = time.monotonic() + 30
    while environments(checkout):
        assert time.monotonic() < end, environments(checkout)
        time.sleep(0.05)
    _, err = started("run", "0").communicate(timeout=120)
    assert err == b""


def test_two_commands_at_once_do_not_mind_each_other(started):
    both = [started("run", "0", "--count", "20"), started("run", "1", "--count", "20")]
    both += [started("check", "0"), started("check", "0")]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0, 1, 1]
    assert all(err == b"" for _, err in outputs)
