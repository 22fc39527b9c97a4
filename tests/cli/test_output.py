"""Output for any reader: narrow, plain, of few characters, gone, or full."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.cli.render.stream import PLAIN_GLYPHS

ROOT = Path(__file__).parents[2]
PLAIN = [(), ("list",), ("hint", "3"), ("solution", "2", "--reveal"), ("diff", "1"), ("chek",)]


@pytest.mark.parametrize("columns", ["60", "80", "100"])
@pytest.mark.parametrize("typed", [(), ("list",), ("hint", "1"), ("doctor",)])
def test_no_line_is_wider_than_the_terminal(workshop, monkeypatch, typed, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = workshop(*typed)
    prose = [line for line in done.out.splitlines() if not line.startswith(("      ", "    →"))]
    assert max(map(len, prose)) <= int(columns)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize("typed", PLAIN)
def test_an_encoding_without_our_glyphs_gets_plain_ones(process, typed, encoding):
    done = process(*typed, PYTHONIOENCODING=f"{encoding}:strict")
    assert "Unicode" not in done.err
    assert "\\u" not in done.out + done.err
    assert done.status == (2 if typed == ("chek",) else 0)


@pytest.mark.parametrize(
    ("typed", "status"),
    [(("run", "3"), 0), (("check", "1"), 1), (("tour", "--count", "3"), 0), (("doctor",), 0)],
)
def test_an_encoding_of_ascii_alone_is_enough_for_what_the_lab_shows(process, typed, status):
    done = process(*typed, LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (done.status, done.err) == (status, "")
    assert "\\u" not in done.out


def test_every_glyph_that_we_draw_has_a_plain_one_of_the_same_width():
    drawn = {
        glyph
        for path in (ROOT / "workshop/cli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for glyph in node.value
        if not glyph.isascii()
    }
    plain = {glyph: glyph.translate(PLAIN_GLYPHS) for glyph in sorted(drawn)}
    assert {glyph for glyph, other in plain.items() if not other.isascii()} == set()
    assert all(len(other) == 1 for other in plain.values())


@pytest.mark.parametrize("typed", PLAIN)
def test_a_pipe_gets_no_escapes(process, typed):
    done = process(*typed)
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colour_gets_none(terminal, environment):
    screen = terminal("list", **environment)
    assert screen.finish() == 0
    assert "03_custom_metrics" in screen.text
    assert "\x1b[" not in screen.raw


def test_a_terminal_gets_colour(terminal):
    screen = terminal("list")
    assert screen.finish() == 0
    assert "\x1b[" in screen.raw


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_terminal_of_few_columns_gets_whole_rows(terminal, columns):
    screen = terminal("list", columns=columns)
    assert screen.finish() == 0
    rows = [line for line in screen.text.splitlines() if re.search(r"\d\d_\w+", line)]
    assert len(rows) >= 4
    assert all(len(line) <= columns for line in rows)


@pytest.mark.parametrize(
    "typed", [("list",), ("solution", "3", "--reveal"), ("--help",), ("chek",)]
)
def test_a_reader_who_goes_away_is_no_reason_to_complain(checkout, typed):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "workshop.cli", *typed],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=300,
    )
    os.close(write)
    assert done.stderr == b"" if typed != ("chek",) else done.stderr.startswith("✗".encode())
    assert done.returncode in {0, 141} if typed != ("chek",) else done.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("typed", [(), ("list",), ("--help",), ("run", "--help"), ("--version",)])
def test_a_full_disk_behind_the_output_is_told(checkout, typed):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "workshop.cli", *typed],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=300,
        )
    assert done.returncode == 3
    assert "the output cannot be written" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_output_and_errors_that_are_both_closed_still_give_a_status(checkout):
    script = f"{shlex.quote(sys.executable)} -m workshop.cli chek >&- 2>&-"
    done = subprocess.run(["/bin/sh", "-c", script], check=False, timeout=300)
    assert done.returncode == 2


def test_a_bare_command_does_not_load_what_it_does_not_need(checkout):
    code = (
        "import sys; from workshop.cli.main import main; main([]); "
        "print([m for m in ('duckdb', 'pytest', 'watchfiles', 'h11', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=300
    )
    assert done.stdout.decode().splitlines()[-1] == "[]"
