"""Whatever is drawn fits, loses nothing that matters, and can be read."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.text import Text

from workshop.cli.render import bars, palette
from workshop.cli.render.endpoint import running
from workshop.cli.render.table import Column, table
from workshop.cli.render.text import asked, cut, fold, labelled, printable, prose
from workshop.cli.render.traces import listed
from workshop.cli.render.waterfall import waterfall
from workshop.endpoint.background import Running
from workshop.traces import assemble

BACKGROUNDS = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "VS Code dark": (30, 30, 30),
    "Solarized light": (253, 246, 227),
    "Solarized dark": (0, 43, 54),
}


def luminance(colour):
    """As https://www.w3.org/TR/WCAG22/#dfn-relative-luminance has it."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("name", palette.THEME.styles)
def test_every_colour_is_legible_on_dark_and_on_light(name, background):
    colour = palette.THEME.styles[name].color
    if colour is not None:  # the terminal's own foreground is the terminal's affair
        assert contrast(tuple(colour.get_truecolor()), BACKGROUNDS[background]) >= 3


def test_the_palette_is_of_fixed_colours():
    named = [s.color for s in palette.THEME.styles.values() if isinstance(s, Style) and s.color]
    assert all(isinstance(colour, Color) and (colour.number or 0) >= 16 for colour in named)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def test_a_path_too_long_for_a_line_is_cut_at_a_slash_and_begins_where_it_can():
    text = '  File "/venv/lib/python3.11/site-packages/aws_lambda_powertools/base.py", line 1'
    assert list(fold(text, 50)) == [
        '  File "/venv/lib/python3.11/site-packages/',
        'aws_lambda_powertools/base.py", line 1',
    ]


@given(texts, st.integers(5, 80))
def test_folding_loses_no_character_and_fits(text, width):
    line = printable(text)
    pieces = list(fold(line, width))
    assert "".join(pieces) == line
    assert all(cell_len(piece.rstrip()) <= width for piece in pieces)


@given(texts)
def test_nothing_printed_can_act_on_the_terminal(text):
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", printable(text))


@given(texts, st.integers(1, 80))
def test_a_cut_text_fits(text, width):
    assert cell_len(cut(printable(text), width)) <= max(width, 1)


@given(
    st.lists(st.tuples(texts, texts, texts), max_size=6),
    st.integers(30, 100),
)
def test_no_row_of_a_table_takes_two_lines(rows, width):
    columns = (Column("name"), Column("number", "right"), Column("note", keep=False))
    drawn = table(columns, [tuple(map(printable, row)) for row in rows], width).plain.split("\n")
    assert len(drawn) == len(rows) + 1
    assert all(cell_len(line) <= width for line in drawn)


def test_a_table_too_wide_loses_a_column_before_it_cuts_cells():
    columns = (Column("step", least=10), Column("slide", least=10, keep=False))
    drawn = table(columns, [("a" * 30, "b" * 30)], 15).plain
    assert "slide" not in drawn
    assert drawn.endswith("a…")


def test_prose_keeps_code_as_it_is():
    text = (
        "words that are wrapped " * 5 + "\n\n    x = 1  # a long line of code that is not wrapped"
    )
    drawn = [line.plain for line in prose(text, 40)]
    assert all(len(line) <= 40 for line in drawn[0].split("\n"))
    assert drawn[-1] == text.splitlines()[-1]


def test_labelled_prose_lines_up_under_itself():
    drawn = labelled("  saw     ", "word " * 20, 40).plain.split("\n")
    assert drawn[0].startswith("  saw     word")
    assert all(line.startswith(" " * 10 + "word") for line in drawn[1:])


@given(st.floats(0, 1e6), st.floats(0.001, 1e6), st.integers(4, 60))
def test_a_bar_is_never_wider_than_its_room_and_never_nothing_for_something(value, most, width):
    drawn = bars.bar(value, most, width).plain
    assert len(drawn) <= width
    assert bool(drawn) == (value > 0)


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0.001, 10), st.integers(1, 60))
def test_a_span_fills_its_room_exactly(start, length, whole, width):
    drawn = bars.span(start, start + length, whole, width)
    assert len(drawn.plain) == width
    assert bars.FULL in drawn.plain


def document(identity, name, start, end, **more):
    return {
        "id": identity * 16,
        "name": name,
        "start_time": start,
        "end_time": end,
        "trace_id": "1-00000001-000000000000000000000001",
        **more,
    }


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_a_waterfall_row_is_one_line_with_its_milliseconds(width):
    (trace,) = assemble(
        [
            document("a", "payments", 1.0, 1.7, origin="AWS::Lambda"),
            document(
                "b", "payments", 1.05, 1.69, origin="AWS::Lambda::Function", parent_id="a" * 16
            ),
            document(
                "c", "## a call with a very long name" * 3, 1.1, 1.2, parent_id="b" * 16, fault=True
            ),
        ]
    )
    drawn = [line.plain for line in waterfall(trace, width) if isinstance(line, Text)]
    assert len(drawn) == 3
    assert all(len(line) == width for line in drawn)
    assert [re.search(r"([\d.]+) ms$", line)[1] for line in drawn] == ["700.0", "640.0", "100.0"]
    starts = [line.index(bars.FULL) for line in drawn]
    assert starts == sorted(starts)
    assert math.isclose(drawn[2].count(bars.FULL) / drawn[0].count(bars.FULL), 1 / 7, abs_tol=0.1)


def summary(**annotations):
    """What GetTraceSummaries gives, as far as it is drawn."""
    said = {"ColdStart": False, "Service": "payments", **annotations}
    return {
        "Id": "1-00000001-000000000000000000000001",
        "StartTime": 1_795_444_800.0,
        "Duration": 0.6,
        "HasFault": True,
        "EntryPoint": {"Name": "payments"},
        "Annotations": {
            key: [{"AnnotationValue": {"StringValue": value}}] for key, value in said.items()
        },
    }


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_list_of_traces_shows_whose_each_trace_is(width):
    drawn = [line.plain for line in listed([summary(customer_id="cus_128b0c5c7fd0")], width)]
    _, row, annotations = drawn
    assert row.split()[0] == summary()["Id"]
    assert "600 ms  fault" in row
    assert annotations.split()[0] == "customer_id=cus_128b0c5c7fd0"
    assert all(len(line) <= width for line in drawn)


def test_where_an_id_leaves_no_room_beside_it_the_duration_and_outcome_stand_below():
    drawn = [line.plain for line in listed([summary(customer_id="cus_128b0c5c7fd0")], 40)]
    assert drawn[:3] == ["trace", summary()["Id"], "  600 ms  fault"]
    assert drawn[3].startswith("  customer_id=cus_128b0c5c7fd0")
    assert all(len(line) <= 40 for line in drawn)


@pytest.mark.parametrize("width", [40, 60, 100])
def test_the_command_that_points_a_terminal_at_the_endpoint_stays_in_one_line(width):
    what = Running(1, 4590, "token", "07_api, your code", 0.0)
    drawn = "\n".join(line.plain for line in running(what, "config", width, already=False))
    assert 'eval "$(workshop env)"' in drawn
    assert all(len(line) <= width for line in drawn.splitlines())


def test_a_trace_without_annotations_of_the_functions_own_takes_one_line():
    assert len(list(listed([summary()], 80))) == 2


@pytest.mark.parametrize("width", [40, 60])
def test_a_question_is_folded_and_not_cut(width):
    question = "100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(charged, 0))"
    drawn = asked("math", question, width).plain
    assert " ".join(drawn.split()) == f"math {question}"
    assert all(len(line) <= width for line in drawn.splitlines())
