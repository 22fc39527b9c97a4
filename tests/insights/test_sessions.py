"""`sessionize`, with answers worked out by hand. The events of `table` are a second apart."""

import pytest

from workshop.insights import MalformedQuery

VISITS = [
    '{"user":"b","device":"p"}',
    '{"user":"a","device":"p"}',
    '{"user":"b","device":"p"}',
    '{"device":"p"}',
    '{"user":"a","device":"q"}',
    '{"user":"a","device":"p"}',
    '{"user":"b","device":"p"}',
]


def sessions(table, command: str, name: str = "session_id") -> list[str | None]:
    found = table(f"fields user | sort @timestamp | {command}", *VISITS)
    return [row.get(name) for row in found]


def test_a_session_ends_after_a_gap_that_is_longer_than_maxspan(table):
    assert sessions(table, "sessionize user maxspan 3s") == ["1", "2", "1", None, "2", "2", "3"]
    assert sessions(table, "sessionize user maxspan 4s") == ["1", "2", "1", None, "2", "2", "1"]


def test_a_session_goes_on_for_half_an_hour_unless_said_otherwise(table):
    assert sessions(table, "sessionize user") == ["1", "2", "1", None, "2", "2", "1"]


def test_sessions_are_told_apart_by_every_field_and_have_the_name_that_is_given(table):
    command = "sessionize user, device maxspan 1h as visit"
    assert sessions(table, command, "visit") == ["1", "2", "1", None, "3", "2", "1"]


def test_sessions_can_be_counted(ask):
    text = (
        "sessionize user maxspan 3s | filter ispresent(session_id) "
        "| stats count(*) as n by user, session_id as s | sort s"
    )
    result = ask(text, *VISITS)
    assert [dict(row) for row in result.rows] == [
        {"user": "b", "s": "1", "n": "2"},
        {"user": "a", "s": "2", "n": "3"},
        {"user": "b", "s": "3", "n": "1"},
    ]
    assert result.statistics.records_matched == len(VISITS)


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("sessionize", "", "expecting {a field}"),
        ("sessionize a maxspan 30", "30", "expecting {a duration}"),
        ("sessionize a maxspan 1mo", "1mo", "maxspan has a fixed length"),
        ("fields jsonParse(a) as m | sessionize m", "m", "does not take a whole map or list"),
        ("stats count(*) by a | sessionize a", "sessionize a", "Unknown symbols"),
    ],
)
def test_what_is_wrong_is_named_and_placed(ask, text, part, says):
    with pytest.raises(MalformedQuery) as caught:
        ask(text)
    assert says in caught.value.message
    assert text[caught.value.start : caught.value.end] == part
