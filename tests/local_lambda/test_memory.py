"""What a function's memory is said to be, with children and without."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workshop.local_lambda.macos_memory import MacOSMemory
from workshop.local_lambda.memory import MemoryGauge

MIB = 1 << 20

# Children are there when it says so, and until its input ends.
PARENT = """
import os, sys, time
held = b"x" * 60_000_000
for _ in range(int(sys.argv[1])):
    if not os.fork():
        time.sleep(600)
print("ready", flush=True)
sys.stdin.read()
os.killpg(0, 9)
"""


@pytest.fixture(params=[0, 4])
def parent(request: pytest.FixtureRequest) -> Iterator[int]:
    """A process of about 70 MB, and so many forked from it."""
    command = [sys.executable, "-c", PARENT, str(request.param)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid


def wait_for_the_look(process_id: int) -> None:
    for thread in threading.enumerate():
        if thread.name == f"memory of {process_id}":
            thread.join()


def test_pages_that_forked_children_share_count_once(parent: int) -> None:
    gauge = MemoryGauge(parent)
    gauge.sample()
    wait_for_the_look(parent)
    assert 60 * MIB < gauge.peak() < 120 * MIB
    gauge.close()


@pytest.mark.parametrize("parent", [4], indirect=True)
def test_children_are_looked_at_in_a_thread_and_then_left_in_peace(
    parent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gauge = MemoryGauge(parent)
    monkeypatch.setattr("workshop.local_lambda.memory.time.monotonic", lambda: 1.0)
    looks: list[list[int]] = []
    monkeypatch.setattr(gauge, "_look_at", looks.append)
    gauge.sample()
    wait_for_the_look(parent)
    assert [len(family) for family in looks] == [5]
    monkeypatch.setattr(gauge, "_next_look", 2.0)
    gauge.sample()
    wait_for_the_look(parent)
    assert len(looks) == 1
    gauge.close()


def test_a_process_that_is_gone_has_no_memory_and_no_children() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    gauge = MemoryGauge(process.pid)
    process.wait()
    assert gauge.sample() == 0
    gauge.close()


def test_no_process_is_started_to_measure_memory(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke = serve("def handler(event, context): pass\n")
    invoke()
    monkeypatch.delattr(subprocess, "Popen")
    assert invoke().report.max_memory_used_mb > 0


# https://github.com/apple-oss-distributions/xnu/blob/main/bsd/sys/resource.h
RUSAGE_INFO_V4 = """
uuid uuid user_time system_time pkg_idle_wkups interrupt_wkups pageins wired_size resident_size
phys_footprint proc_start_abstime proc_exit_abstime child_user_time child_system_time
child_pkg_idle_wkups child_interrupt_wkups child_pageins child_elapsed_abstime diskio_bytesread
diskio_byteswritten cpu_time_qos_default cpu_time_qos_maintenance cpu_time_qos_background
cpu_time_qos_utility cpu_time_qos_legacy cpu_time_qos_user_initiated cpu_time_qos_user_interactive
billed_system_time serviced_system_time logical_writes lifetime_max_phys_footprint
"""


class Library:
    """What macOS gives for two processes of one group."""

    def proc_listpgrppids(self, group: int, found: Any, size: int) -> int:
        assert size == 4 * len(found)
        found[0], found[1] = group, group + 1
        return 2

    def proc_pid_rusage(self, process_id: int, flavor: int, words: Any) -> int:
        assert flavor == 4
        fields = RUSAGE_INFO_V4.split()
        words[fields.index("phys_footprint")] = process_id * MIB
        words[fields.index("lifetime_max_phys_footprint")] = process_id * 10 * MIB
        return 0


def test_macos_tells_the_peak_of_a_process_and_the_footprints_of_its_group() -> None:
    memory = MacOSMemory(50, Library())
    assert memory.high_water() == 500 * MIB
    assert memory.children() == [51]
    assert memory.used([50, 51]) == 101 * MIB


def test_where_macos_has_not_the_functions_the_memory_is_unknown() -> None:
    memory = MacOSMemory(50, object())
    assert (memory.high_water(), memory.children(), memory.used([50])) == (0, [], 0)


@pytest.mark.skipif(Path("/usr/lib/libSystem.B.dylib").exists(), reason="it is there on macOS")
def test_where_there_is_no_such_library_the_memory_is_unknown() -> None:
    assert MacOSMemory(50).high_water() == 0
