"""`workshop watch`: a verdict on each save, whatever is saved, until Ctrl-C."""

import shutil

import pytest


@pytest.fixture(params=["told", "polled"])
def watching(request, terminal):
    options = ("--poll",) if request.param == "polled" else ()
    screen = terminal("watch", "1", *options)
    screen.read_until("waiting for a save")
    return screen


def saved(screen, app, text, wanted):
    """Save, and read the verdict on it."""
    screen.raw = ""
    app.write_text(text)
    screen.read_until(wanted)
    return screen.read_until("waiting for a save")


def test_each_save_gets_a_verdict_and_what_was_left_behind(watching, checkout):
    app = checkout / "steps/01_structured_logs/app.py"
    solution = (checkout / "solutions/01_structured_logs/app.py").read_text()
    assert "no log event is structured" in watching.text

    assert "app.py:" in saved(
        watching, app, "def handler(event, context:\n", "Python cannot read app.py"
    )

    passed = saved(watching, app, solution, "You can now answer")
    assert "what your function left behind" in passed
    assert "INFO payment charged  " in passed

    app.unlink()
    watching.read_until("app.py is not there")
    watching.interrupt()
    assert watching.finish() == 130
    assert "Traceback" not in watching.text
    assert "stopped" in watching.text


def test_an_endless_loop_does_not_end_the_watching(terminal, checkout):
    app = checkout / "steps/00_bare_handler/app.py"
    template = app.with_name("template.yaml")
    template.write_text(template.read_text().replace("Timeout: 5", "Timeout: 1"))
    screen = terminal("watch", "0")
    screen.read_until("waiting for a save")
    saved(screen, app, "def handler(event, context):\n    while True: pass\n", "timed out")
    solution = (checkout / "solutions/00_bare_handler/app.py").read_text()
    saved(screen, app, solution, "You can now answer")


def test_a_folder_that_is_replaced_does_not_end_the_watching(terminal, checkout):
    folder = checkout / "steps/00_bare_handler"
    screen = terminal("watch", "0")
    screen.read_until("waiting for a save")
    screen.raw = ""
    shutil.copytree(folder, checkout / "copy")
    shutil.copytree(checkout / "solutions/00_bare_handler", checkout / "copy", dirs_exist_ok=True)
    folder.rename(checkout / "old")
    (checkout / "copy").rename(folder)
    screen.read_until("You can now answer")


def test_progress_that_cannot_be_kept_does_not_hide_the_verdict(terminal, checkout):
    (checkout / ".workshop").write_text("a file in the folder's place")
    screen = terminal("watch", "0")
    text = screen.read_until("waiting for a save")
    assert "the handler returned nothing" in text
    assert "! your progress cannot be kept" in text
