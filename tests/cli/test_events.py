"""The event to send: found, read, or told what there is instead."""

import io
import json
import sys

import pytest

from workshop.cli import events
from workshop.errors import UsageError


@pytest.fixture
def folder(tmp_path):
    step = tmp_path / "00_bare_handler"
    (step / "events").mkdir(parents=True)
    (step / "events/charge.json").write_text('{"amount": 1}')
    (step / "events/broken.json").write_text('{"amount": 1,\n oops}')
    return step


def test_an_event_is_found_by_name_with_or_without_its_suffix(folder):
    assert events.read("charge", folder) == events.read("charge.json", folder) == {"amount": 1}


def test_an_event_may_be_a_file_anywhere(folder, tmp_path):
    (tmp_path / "mine.json").write_text("[1]")
    assert events.read(str(tmp_path / "mine.json"), folder) == [1]


def test_an_event_may_come_from_standard_input(folder, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps("é").encode())))
    assert events.read("-", folder) == "é"


def test_an_event_that_is_not_there_lists_those_that_are(folder):
    with pytest.raises(UsageError) as caught:
        events.read("charg", folder)
    assert "did you mean charge?" in caught.value.look
    assert "broken, charge" in caught.value.look


def test_an_event_that_is_not_json_is_told_its_place(folder):
    with pytest.raises(UsageError, match="line 2, column 2"):
        events.read("broken", folder)


@pytest.mark.parametrize(
    "content", [b"", b"  \n", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"NaN,"]
)
def test_no_content_of_a_file_is_anything_but_an_event_or_wrong_usage(folder, tmp_path, content):
    (tmp_path / "mine").write_bytes(content)
    with pytest.raises(UsageError):
        events.read(str(tmp_path / "mine"), folder)


@pytest.mark.parametrize("name", ["", ".", "/", "a\0b", "charge/x", "x" * 5000])
def test_no_name_is_anything_but_wrong_usage(folder, name):
    with pytest.raises(UsageError):
        events.read(name, folder)
