"""What was acknowledged is there, once, whatever became of the process that wrote it."""

import fcntl
import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest

from workshop.signals import LogEvent
from workshop.store import Store, StoreError

EVENT = LogEvent("/aws/lambda/payments", "one", 1_763_900_000_000, "hello")
DESCRIPTORS = Path("/dev/fd")
SEGMENT = {"name": "payments", "id": "0" * 16, "trace_id": "1-6922fb20-" + "a" * 24}


def messages(folder):
    with Store.open(folder) as store:
        return [event.message for event in store.log_events()]


# Appends numbered events for ever, and tells each number once it has been kept. Small journal
# files and readings now and then: so that a kill comes during absorbing as well.
WRITER = """
import os, sys
from pathlib import Path
from workshop.signals import LogEvent
from workshop.store import Store
store = Store.open(Path(sys.argv[1]), file_bytes=20_000)
for number in range(10**9):
    name = f"{sys.argv[2]} {number}"
    store.append([LogEvent("g", "s", 1, name)], [{"id": name, "trace_id": name}])
    os.write(1, b"%d\\n" % number)
    if number % 500 == 499:
        store.count()
"""


def test_every_acknowledged_event_survives_kill_9_exactly_once(tmp_path):
    chance = random.Random(9)
    acknowledged = []
    for life in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, str(life)], stdout=subprocess.PIPE
        )
        told = writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.25))
        writer.kill()
        told += writer.stdout.read()
        writer.wait()
        writer.stdout.close()
        numbers = told[: told.rindex(b"\n")].split()
        acknowledged += [f"{life} {int(number)}" for number in numbers]

    with Store.open(tmp_path) as store:
        found = [event.message for event in store.log_events()]
        traced = [segment["id"] for segment in store.segments()]

    assert len(found) == len(set(found)), "an event was kept twice"
    assert set(acknowledged) <= set(found), "an acknowledged event was lost"
    assert sorted(traced) == sorted(found)
    assert len(found) - len(acknowledged) <= 12, "more than the last of each life was not told"
    assert list((tmp_path / "journal").iterdir()) == []


@pytest.mark.parametrize("torn", [b'{"i":1,"e":[{"g":"g', b'{"i":1', b"\0" * 100_000])
def test_a_torn_last_line_is_cut(tmp_path, torn):
    with Store.open(tmp_path) as store:
        store.append([EVENT])
    (path,) = (tmp_path / "journal").iterdir()
    path.write_bytes(path.read_bytes() + torn)

    assert messages(tmp_path) == ["hello"]


def test_a_journal_file_that_is_only_a_torn_line_is_nothing(tmp_path):
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "1.ndjson").write_bytes(b'{"i":')

    assert messages(tmp_path) == []
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_file_that_could_not_be_removed_after_absorbing_is_not_absorbed_again(tmp_path):
    with Store.open(tmp_path) as store:
        store.append([EVENT], [SEGMENT])
    (path,) = (tmp_path / "journal").iterdir()
    content = path.read_bytes()
    assert messages(tmp_path) == ["hello"]
    path.write_bytes(content)  # as if killed between the commit and the removal

    assert messages(tmp_path) == ["hello"]
    assert not path.exists()


def test_a_damaged_file_is_set_aside_and_the_others_are_kept(tmp_path):
    for _ in range(2):
        with Store.open(tmp_path) as store:
            store.append([EVENT])
    damaged, good = sorted((tmp_path / "journal").iterdir())
    damaged.write_bytes(b"\0" * 50 + b"\n" + damaged.read_bytes())

    with Store.open(tmp_path) as store:
        with pytest.raises(StoreError, match="damaged and has been set aside"):
            store.count()
        assert store.count() == 1
    assert damaged.with_suffix(".damaged").exists()
    assert not good.exists()


def test_more_leftover_files_than_are_opened_at_once_are_absorbed(tmp_path):
    for number in range(150):
        with Store.open(tmp_path) as store:
            store.append([LogEvent("g", "s", number, str(number))])

    assert messages(tmp_path) == [str(number) for number in range(150)]


def test_closing_leaves_the_journal_for_the_next_reader(tmp_path):
    with Store.open(tmp_path) as store:
        store.append([EVENT])

    assert not (tmp_path / "telemetry.duckdb").exists()
    assert messages(tmp_path) == ["hello"]


def test_two_stores_on_one_folder_both_append_and_both_are_found(tmp_path):
    with Store.open(tmp_path) as first, Store.open(tmp_path) as second:
        first.append([EVENT])
        second.append([EVENT, EVENT])

        assert second.count() == 2  # the first one's journal is still in use
        assert first.count() == 3
        assert second.count() == 3


def test_processes_that_write_and_read_at_once_lose_nothing(tmp_path):
    program = """
import sys
from pathlib import Path
from workshop.signals import LogEvent
from workshop.store import Store
with Store.open(Path(sys.argv[1]), file_bytes=5_000) as store:
    for number in range(300):
        store.append([LogEvent("g", "s", number, sys.argv[2])])
        if number % 50 == 0:
            store.count()
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path, name]) for name in ("a", "b")
    ]

    assert [writer.wait() for writer in writers] == [0, 0]
    found = messages(tmp_path)
    assert (found.count("a"), found.count("b"), len(found)) == (300, 300, 600)


def test_a_reader_waits_its_turn_and_says_so_when_it_takes_too_long(tmp_path):
    with Store.open(tmp_path) as first, Store.open(tmp_path, patience_seconds=0.1) as second:
        second.append([EVENT])
        with first.database(), pytest.raises(StoreError, match="another workshop command"):
            second.count()
        assert second.count() == 1


def test_readers_of_one_process_share_the_file_while_no_other_process_waits_for_it(tmp_path):
    with Store.open(tmp_path) as store:
        store.append([EVENT])
        with store.database():
            reader = threading.Thread(target=store.count, daemon=True)
            reader.start()
            reader.join(30)
            assert not reader.is_alive()


def test_readers_that_overlap_let_another_process_have_the_file(tmp_path):
    order = []

    def read(store, name):
        with store.database():
            order.append(name)

    # Locks are between open files: a second store stands for another process.
    with Store.open(tmp_path) as ours, Store.open(tmp_path) as theirs:
        with ours.database():
            other = threading.Thread(target=read, args=(theirs, "other process"))
            other.start()
            wait_until_held(tmp_path / "telemetry.turn")
            newcomer = threading.Thread(target=read, args=(ours, "newcomer"))
            newcomer.start()
            newcomer.join(0.2)  # time to join us, which it must not
            assert ours.count() == 0  # who has the file is not held up
            order.append("first")
        other.join()
        newcomer.join()
    assert order == ["first", "other process", "newcomer"]


def wait_until_held(lock):
    for _ in range(3000):
        time.sleep(0.01)
        if lock.exists():
            with lock.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
    raise AssertionError(f"nobody holds {lock}")


def test_a_child_that_is_being_started_does_not_hold_the_journal(tmp_path):
    with Store.open(tmp_path) as store:
        store.append([EVENT])
        # Between fork and exec a child has a copy of every descriptor.
        copies = [
            os.dup(int(path.name)) for path in DESCRIPTORS.iterdir() if leads_to(path, tmp_path)
        ]
        try:
            assert copies
            assert store.count() == 1
        finally:
            for copy in copies:
                os.close(copy)


def leads_to(descriptor, folder):
    try:
        status = os.fstat(int(descriptor.name))
    except OSError:  # the one that the listing itself used
        return False
    files = (path for path in folder.rglob("*") if path.is_file())
    return any(os.path.samestat(status, path.stat()) for path in files)


def test_a_folder_removed_while_the_store_is_open_does_not_swallow_what_comes_next(tmp_path):
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        store.append([EVENT])
        for path in (folder / "journal").iterdir():
            path.unlink()
        (folder / "journal").rmdir()
        folder.rmdir()
        store.append([EVENT])

        assert store.count() == 1


# With a limit on the size of files, a write takes what fits and then fails, as on a full disk.
FULL_DISK = """
import json, resource, sys
from pathlib import Path
from workshop.signals import LogEvent
from workshop.store import Store, StoreError

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

outcome = {"kept": [], "errors": []}
store = Store.open(Path(sys.argv[1]))
def append(number):
    try:
        store.append([LogEvent("g", "s", number, f"{number} " + "x" * 1000)])
    except StoreError as error:
        outcome["errors"].append([error.what, error.look])
    else:
        outcome["kept"].append(number)

limit(5000)
for number in range(10):
    append(number)
limit(resource.RLIM_INFINITY)
append(10)
limit(5000)  # now the database has no room
try:
    store.count()
except StoreError as error:
    outcome["database"] = error.what
limit(resource.RLIM_INFINITY)
store.count()
append(11)
limit(10)  # nor has the one that is there
try:
    store.count()
except StoreError as error:
    outcome["existing database"] = error.what
limit(resource.RLIM_INFINITY)
append(12)
outcome["found"] = [event.timestamp for event in store.log_events()]
print(json.dumps(outcome))
"""


def test_a_full_disk_is_told_and_what_was_kept_before_and_after_is_whole(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path], check=True, capture_output=True, text=True
    )
    outcome = json.loads(done.stdout)

    assert outcome["kept"] == [0, 1, 2, 3, 10, 11, 12]
    assert outcome["found"] == outcome["kept"]
    assert len(outcome["errors"]) == 6
    assert "could not be kept: file too large" in outcome["errors"][0][0]
    assert "make room" in outcome["errors"][0][1]
    assert "the database of telemetry" in outcome["database"]
    assert "the database of telemetry" in outcome["existing database"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match="cannot be made: not a directory"):
        Store.open(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="permission denied"):
            Store.open(tmp_path / "data")
    finally:
        tmp_path.chmod(0o700)


def test_a_file_that_is_no_database_is_told_and_appending_goes_on(tmp_path):
    (tmp_path / "telemetry.duckdb").write_text("this is not a database" * 1000)
    with Store.open(tmp_path) as store:
        store.append([EVENT])
        with pytest.raises(StoreError, match="cannot be opened"):
            store.count()
        store.append([EVENT])
        (tmp_path / "telemetry.duckdb").unlink()

        assert store.count() == 2


def test_a_database_opened_by_another_program_is_told(tmp_path):
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1); input()"
    path = tmp_path / "telemetry.duckdb"
    duckdb.connect(str(path)).close()
    other = subprocess.Popen(
        [sys.executable, "-u", "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        other.stdout.readline()
        with Store.open(tmp_path) as store:
            store.append([EVENT])
            with pytest.raises(StoreError) as caught:
                store.count()
            assert "close what else has it open" in caught.value.look
            other.communicate(b"\n")
            assert store.count() == 1
    finally:
        other.kill()
        other.communicate()


def test_ctrl_c_during_a_query_is_ctrl_c_and_the_store_goes_on(tmp_path):
    program = """
import os, signal, sys, threading
from pathlib import Path
from workshop.signals import LogEvent
from workshop.store import Store
signal.signal(signal.SIGINT, signal.default_int_handler)
with Store.open(Path(sys.argv[1])) as store:
    store.append([LogEvent("g", "s", 1, "m")])
    try:
        with store.database() as connection:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            while True:
                connection.execute("SELECT sum(sqrt(range)) FROM range(10_000_000)").fetchall()
    except KeyboardInterrupt:
        print(store.count())
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], check=True, capture_output=True, text=True
    )

    assert done.stdout == "1\n"
