"""`diff` and `logcompare`: patterns now and before, with answers worked out by hand."""

from datetime import UTC, datetime

import pytest

from tests.insights.conftest import GROUP
from workshop.insights import MalformedQuery, Scope, compile_query, parse, rows


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def compare(connection):
    """Ask what 12:00 to 13:00 on 31 March 2026 was like, of messages that each have a time."""

    def compare(text, *events):
        connection.execute("DELETE FROM log_events")
        for number, (time, message) in enumerate(events):
            connection.execute(
                "INSERT INTO log_events VALUES (?, 0, ?, 's', ?, ?)",
                [number, GROUP, at(time), message],
            )
        scope = Scope(
            (GROUP,), at("2026-03-31T12:00"), at("2026-03-31T13:00") - 1, at("2026-03-31T13:00")
        )
        return rows(compile_query(parse(text), scope), connection)

    return compare


NOW, BEFORE = "2026-03-31T12:30", "2026-03-31T11:30"


def test_diff_tells_of_each_pattern_how_it_changed_the_largest_change_first(compare):
    found = compare(
        "pattern @message | diff",
        *[(NOW, f"ERROR order {n}") for n in range(4)],
        *[(BEFORE, f"ERROR order {n}") for n in range(7)],
        (NOW, "started"),
        (BEFORE, "stopped"),
        (NOW, "WARN slow"),
        (NOW, "WARN slow"),
        (BEFORE, "WARN slow"),
        (NOW, "the same"),
        (BEFORE, "the same"),
    )
    columns = (
        "@pattern",
        "@sampleCount",
        "@differenceEventCount",
        "@differenceDescription",
        "@severityLabel",
    )
    assert [tuple(dict(row).get(name) for name in columns) for row in found.rows] == [
        ("ERROR order <*>", "4", "-3", "fewer", "ERROR"),
        ("WARN slow", "2", "1", "more", "WARN"),
        ("started", "1", "1", "new", None),
        ("stopped", "0", "-1", "gone", None),
        ("the same", "1", "0", "same", None),
    ]
    assert found.statistics.records_scanned == found.statistics.records_matched == 18


@pytest.mark.parametrize(
    ("how", "first", "last"),
    [
        ("diff", "2026-03-31T11:00", "2026-03-31T11:59:59.999"),
        ("diff previousDay", "2026-03-30T12:00", "2026-03-30T12:59:59.999"),
        ("diff PREVIOUSWEEK", "2026-03-24T12:00", "2026-03-24T12:59:59.999"),
        ("diff previousMonth", "2026-02-28T12:00", "2026-02-28T12:59:59.999"),
        ("logcompare timeshift 7d", "2026-03-24T12:00", "2026-03-24T12:59:59.999"),
        ("logcompare timeshift 90m", "2026-03-31T10:30", "2026-03-31T11:29:59.999"),
        ("logcompare timeshift 1q", "2025-12-31T12:00", "2025-12-31T12:59:59.999"),
    ],
)
def test_the_earlier_time_is_as_long_and_begins_where_the_words_say(compare, how, first, last):
    outside = [
        datetime.fromtimestamp(moment / 1000, UTC).replace(tzinfo=None).isoformat()
        for moment in (at(first) - 1, at(last) + 1)
    ]
    found = compare(
        f"pattern @message | {how} | filter `@pattern` like 'window'",
        (first, "in window, first"),
        (last, "in window, last"),
        *[(moment, "outside window") for moment in outside],
    )
    patterns = {dict(row)["@pattern"] for row in found.rows} - {"outside window"}
    assert patterns == {"in window, first", "in window, last"}
    counts = {dict(row)["@differenceEventCount"] for row in found.rows}
    # What comes right after the hour before is the hour that is asked for.
    assert counts == ({"-1", "1"} if how == "diff" else {"-1"})


def test_diff_without_pattern_compares_messages_as_the_console_has_it(compare):
    found = compare(
        "fields @timestamp, @message | filter @message like 'E' | sort @timestamp desc "
        "| limit 10000 | diff",
        (NOW, "E 1"),
        (NOW, "x"),
        (BEFORE, "E 2"),
        (BEFORE, "E 3"),
    )
    assert [dict(row)["@differenceEventCount"] for row in found.rows] == ["-1"]
    assert found.statistics.records_matched == 3


def test_an_event_of_both_times_counts_in_both_and_matches_once(compare):
    found = compare("filter @message = 'x' | logcompare timeshift 30m", (NOW, "x"), (BEFORE, "y"))
    assert [dict(row)["@differenceDescription"] for row in found.rows] == ["new"]
    found = compare("filter @message = 'x' | logcompare timeshift 10m", (NOW, "x"))
    assert [dict(row)["@differenceDescription"] for row in found.rows] == ["same"]
    assert found.statistics.records_matched == 1


def test_what_diff_gives_can_be_filtered_and_counted(compare):
    found = compare(
        "diff | filter @differenceDescription = 'new' | stats count(*) as n",
        (NOW, "one"),
        (NOW, "two"),
        (BEFORE, "two"),
    )
    assert found.rows == [[("n", "1")]]


def test_the_time_of_a_source_is_what_diff_compares(compare):
    text = f"SOURCE '{GROUP}' start=-2h end=-1h | diff"
    found = compare(text, (NOW, "now"), (BEFORE, "then"), ("2026-03-31T10:30", "before"))
    assert {dict(row)["@differenceDescription"] for row in found.rows} == {"new", "gone"}
    assert {dict(row)["@pattern"] for row in found.rows} == {"then", "before"}


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("stats count(*) | diff", "diff", "diff compares log events"),
        ("pattern @message | sort `@pattern` | diff", "diff", "comes right after pattern"),
        ("diff | diff", "diff", "compares log events"),
        ("diff nextDay", "nextDay", "previousDay, previousWeek or previousMonth"),
        ("logcompare 7d", "7d", "expecting {timeshift}"),
        ("logcompare timeshift 9999y", "logcompare timeshift 9999y", "no calendar"),
        ("stats count(*) | logcompare timeshift 1d", "logcompare timeshift 1d", "log events"),
        ("sort a | pattern @message | diff", "pattern @message", "before sort"),
    ],
)
def test_what_is_wrong_is_named_and_placed(compare, text, part, says):
    with pytest.raises(MalformedQuery) as caught:
        compare(text)
    assert says in caught.value.message
    assert text[caught.value.start : caught.value.end] == part
