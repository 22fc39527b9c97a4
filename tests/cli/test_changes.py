"""A save is noticed once, however the editor saves."""

import threading
import time

import pytest
import watchfiles

from workshop.cli.changes import changes, snapshot


@pytest.fixture
def folder(tmp_path):
    step = tmp_path / "steps" / "03_custom_metrics"
    step.mkdir(parents=True)
    (step / "app.py").write_text("one\n")
    return step


def soon(action):
    """Do something while another waits for it."""
    threading.Timer(0.3, action).start()


@pytest.fixture(params=[False, True], ids=["told", "polled"])
def saves(request, folder):
    return changes(folder, snapshot(folder), poll=request.param)


def names(changed):
    return [path.name for path in changed]


def test_a_save_is_noticed(saves, folder):
    soon(lambda: (folder / "app.py").write_text("two\n"))
    assert names(next(saves)) == ["app.py"]


def test_an_atomic_save_is_one_save(saves, folder):
    def save():
        (folder / "app.py").unlink()
        time.sleep(0.2)
        (folder / "app.py.new").write_text("two\n")
        (folder / "app.py.new").rename(folder / "app.py")

    soon(save)
    assert names(next(saves)) == ["app.py"]
    assert (folder / "app.py").exists()
    soon(lambda: (folder / "processor.py").write_text("x\n"))
    assert names(next(saves)) == ["processor.py"]


def test_a_file_that_stays_away_is_noticed_too(saves, folder):
    soon((folder / "app.py").unlink)
    assert names(next(saves)) == ["app.py"]


def test_a_folder_put_in_the_place_of_the_old_one_is_still_watched(saves, folder):
    def replace():
        folder.rename(folder.with_name("old"))
        folder.mkdir()
        (folder / "app.py").write_text("two\n")

    soon(replace)
    assert names(next(saves)) == ["app.py"]


def test_what_was_saved_before_watching_began_is_not_missed(folder):
    before = snapshot(folder)
    (folder / "app.py").write_text("three\n")
    assert names(next(changes(folder, before, poll=False))) == ["app.py"]


def test_what_is_no_part_of_a_step_is_not_a_save(folder):
    before = snapshot(folder)
    for name in ("__pycache__/app.py", ".app.py.swp", "app.py~", "#app.py#", "mnt/models/x.onnx"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    assert snapshot(folder) == before


def test_a_file_of_any_kind_is_a_save(saves, folder):
    soon(lambda: (folder / "prompt.md").write_text("be kind\n"))
    assert names(next(saves)) == ["prompt.md"]


def test_where_the_system_cannot_tell_it_is_polled(folder, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("no more watches")

    monkeypatch.setattr(watchfiles, "watch", broken)
    saves = changes(folder, snapshot(folder), poll=False)
    soon(lambda: (folder / "app.py").write_text("two\n"))
    assert names(next(saves)) == ["app.py"]
