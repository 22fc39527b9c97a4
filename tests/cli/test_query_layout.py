"""What a query answers, at any width: ids are whole, texts give way, and nothing is lost."""

import uuid

import pytest

from workshop.cli.render.query import results

IDS = [str(uuid.UUID(int=number * 7919)) for number in range(3)]
STATISTICS = {"recordsMatched": 3, "recordsScanned": 9}


def drawn(rows, width):
    return "\n".join(text.plain for text in results(rows, STATISTICS, width)).splitlines()


def rows_of(**fields):
    return [{"correlation_id": one, **fields} for one in IDS]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_an_id_is_whole_at_any_width(width):
    rows = rows_of(payment_id="pay_0123456789ab", message="a long story of a payment " * 9)
    lines = drawn(rows, width)

    text = "\n".join(lines)
    if width >= 60:
        assert all(one in text for one in IDS)
    assert all(one in text.replace("\n", "").replace(" ", "") for one in IDS)
    assert max(map(len, lines)) <= width


def test_a_text_gives_way_before_anything_else():
    lines = drawn(rows_of(payment_id="pay_0123456789ab", message="word " * 40), 100)

    assert lines[0].split() == ["correlation_id", "payment_id", "message"]
    assert all(line.endswith("…") for line in lines[1:4])
    assert [line.split()[:2] for line in lines[1:4]] == [[one, "pay_0123456789ab"] for one in IDS]


@pytest.mark.parametrize("width", [60, 80])
def test_long_titles_over_figures_give_way_before_a_text_says_too_little(width):
    pattern = '{"level":"INFO","message":"payment charged","payment_id":"<*>"}'
    titles = ("@sampleCount", "@differenceEventCount", "@differenceDescription")
    rows = [{"@pattern": pattern} | dict.fromkeys(titles, "12")]
    lines = drawn(rows, width)

    assert lines[1].startswith(pattern[:23])
    assert max(map(len, lines)) <= width


def test_what_does_not_fit_side_by_side_stands_below_one_another():
    lines = drawn(rows_of(payment_id="pay_0123456789ab", message="a payment was charged"), 60)

    assert lines[:4] == [
        f"correlation_id  {IDS[0]}",
        "payment_id      pay_0123456789ab",
        "message         a payment was charged",
        "",
    ]
    assert lines[-2:] == ["", "3 rows · 3 of 9 log events matched"]


def test_a_stack_trace_in_a_block_keeps_its_lines():
    trace = "Traceback (most recent call last):\n  File app.py, line 3\nValueError: no"
    lines = drawn(rows_of(payment_id="pay_0123456789ab", exception=trace), 60)

    assert lines[2:5] == [
        "exception       Traceback (most recent call last):",
        "                  File app.py, line 3",
        "                ValueError: no",
    ]


def test_a_field_that_a_row_lacks_is_left_out_of_its_block():
    wide = {"payment_id": "pay_0123456789ab", "message": "a payment was charged"}
    lines = drawn([{"correlation_id": IDS[0]}, {"correlation_id": IDS[1], **wide}], 60)

    assert lines[:3] == [f"correlation_id  {IDS[0]}", "", f"correlation_id  {IDS[1]}"]


def test_figures_stay_a_table_where_only_their_titles_are_too_wide():
    rows = [{"bin(5m)": "2026-11-23 18:15:00.000", "pct(@duration, 99)": "1.5", "count(*)": "3"}]
    lines = drawn(rows * 2, 40)

    assert "…" in lines[0]
    assert lines[1].split() == ["2026-11-23", "18:15:00.000", "1.5", "3"]
