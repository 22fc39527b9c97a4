"""parseDate against a plain reader of Java's patterns, and against dates worked out by hand."""

# ruff: noqa: DTZ001 - Hypothesis takes its bounds without a time zone

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.insights.conftest import asked
from workshop.insights import MalformedQuery

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@pytest.mark.parametrize(
    ("text", "pattern", "milliseconds"),
    [
        ("2025-10-09", "yyyy-MM-dd", 1_759_968_000_000),
        ("20251009", "yyyyMMdd", 1_759_968_000_000),
        ("2025-10-09T12:00:00.250Z", "yyyy-MM-dd''T''HH:mm:ss.SSSX", 1_760_011_200_250),
        ("2025-10-09T12:00:00+02:00", "yyyy-MM-dd''T''HH:mm:ssXXX", 1_760_004_000_000),
        ("2025-10-09T12:00:00Z", "yyyy-MM-dd''T''HH:mm:ssXXX", 1_760_011_200_000),
        ("2025-10-09T12:00:00-0530", "uuuu-MM-dd''T''HH:mm:ssxx", 1_760_031_000_000),
        ("09/Oct/2025:12:00:00 +0000", "dd/MMM/yyyy:HH:mm:ss Z", 1_760_011_200_000),
        ("Thu, 9 Oct 2025 08:00:00 EDT", "EEE, d MMM yyyy HH:mm:ss z", 1_760_011_200_000),
        ("Thursday, October 9, 2025", "EEEE, MMMM d, yyyy", 1_759_968_000_000),
        ("10/9/25 12:00 AM", "M/d/yy h:mm a", 1_759_968_000_000),
        ("10/9/25 12:00 PM", "M/d/yy h:mm a", 1_760_011_200_000),
        ("2025-10-09 12:00:00.123456789", "yyyy-MM-dd HH:mm:ss.SSSSSSSSS", 1_760_011_200_123),
        ("2025-10-09 1 o''clock", "yyyy-MM-dd H ''o''''clock''", 1_759_971_600_000),
        ("1969-12-31 23:59:59.999", "yyyy-MM-dd HH:mm:ss.SSS", -1),
        ("0001-01-01", "yyyy-MM-dd", -62_135_596_800_000),
        ("9999-12-31", "yyyy-MM-dd", 253_402_214_400_000),
        ("2024-02-29", "yyyy-MM-dd", 1_709_164_800_000),
    ],
)
def test_a_date_is_read_by_a_pattern_of_java(table, text, pattern, milliseconds):
    text, pattern = text.replace("''", "'"), pattern.replace("''", "'")
    (row,) = table(f'fields parseDate("{text}", "{pattern}") as x', "m")
    assert row == {"x": str(milliseconds)}


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2025-02-30", "yyyy-MM-dd"),
        ("2025-02-29", "yyyy-MM-dd"),
        ("2025-13-01", "yyyy-MM-dd"),
        ("2025-00-01", "yyyy-MM-dd"),
        ("0000-01-01", "yyyy-MM-dd"),
        ("300000-01-01", "yyyy-MM-dd"),
        ("-2025-01-01", "yyyy-MM-dd"),
        ("2025-1-9", "yyyy-MM-dd"),
        ("25-01-09", "yyyy-MM-dd"),
        ("2025-10-09 ", "yyyy-MM-dd"),
        (" 2025-10-09", "yyyy-MM-dd"),
        ("2025-10-09T00:00", "yyyy-MM-dd"),
        ("2025-10-09 24:00", "yyyy-MM-dd HH:mm"),
        ("2025-10-09 23:60", "yyyy-MM-dd HH:mm"),
        ("2025-10-09 13:00 PM", "yyyy-MM-dd hh:mm a"),
        ("2025-10-09 01:00 pm", "yyyy-MM-dd hh:mm a"),
        ("9 oct 2025", "d MMM yyyy"),
        ("Fri, 9 Oct 2025", "EEE, d MMM yyyy"),
        ("2025-10-09 XYZ", "yyyy-MM-dd z"),
        ("2025-10-09+25:00", "yyyy-MM-ddXXX"),
        ("٢٠٢٥-10-09", "yyyy-MM-dd"),
        ("", "yyyy-MM-dd"),
        ("2025a10-09", "yyyy.MM-dd"),
    ],
)
def test_a_text_that_does_not_fit_gives_no_date(table, text, pattern):
    assert table(f'fields parseDate("{text}", "{pattern}") as x', "m") == [{}]


@pytest.mark.parametrize("value", ["null", "missing", "jsonParse('[1]')"])
def test_what_is_no_text_gives_no_date(table, value):
    assert table(f"fields parseDate({value}, 'yyyy-MM-dd') as x", "m") == [{}]


@pytest.mark.parametrize("value", ["20251009", "20251008 + 1"])
def test_a_number_is_read_by_its_digits(table, value):
    assert table(f"fields parseDate({value}, 'yyyyMMdd') as x", "m") == [{"x": "1759968000000"}]


@pytest.mark.parametrize(
    ("zone", "text", "moment"),
    [
        ("UTC", "2025-07-01 12:00", "2025-07-01 12:00:00.000"),
        ("Asia/Tokyo", "2025-07-01 12:00", "2025-07-01 03:00:00.000"),
        ("America/New_York", "2025-07-01 12:00", "2025-07-01 16:00:00.000"),
        ("America/New_York", "2025-01-01 12:00", "2025-01-01 17:00:00.000"),
        # Clocks are put on from 2:00 to 3:00, and back from 3:00 to 2:00.
        ("Europe/Paris", "2025-03-30 02:30", "2025-03-30 01:30:00.000"),
        ("Europe/Paris", "2025-10-26 02:30", "2025-10-26 01:30:00.000"),
    ],
)
def test_a_date_without_an_offset_is_one_of_the_time_zone(table, zone, text, moment):
    read = f"parseDate('{text}', 'yyyy-MM-dd HH:mm', '{zone}')"
    assert table(f"fields fromMillis({read}) as x", "m") == [{"x": moment}]


def test_an_offset_in_the_text_goes_before_the_time_zone(table):
    read = "parseDate('2025-07-01 12:00+01:00', 'yyyy-MM-dd HH:mmXXX', 'Asia/Tokyo')"
    assert table(f"fields fromMillis({read}) as x", "m") == [{"x": "2025-07-01 11:00:00.000"}]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("@message", "takes 2 to 3 arguments, not 1"),
        ("@message, 'yyyy-MM-dd', 'UTC', 1", "not 4"),
        ("@message, @message", "in quotes"),
        ("@message, 5", "in quotes"),
        ("@message, 'yyyy-MM-dd', @message", "time zone must be a text in quotes"),
        ("@message, 'yyyy-MM-dd', 'Mars/Phobos'", "no time zone Mars/Phobos"),
        ("@message, 'yyyy-MM-dd', 'localtime'", "no time zone localtime"),
        ("@message, 'yyyy-MM-dd', ''", "no time zone"),
        ("@message, 'YYYY-MM-dd'", "not known: YYYY"),
        ("@message, 'yyyy-MM-DD'", "not known: DD"),
        ("@message, 'yyyy-MM-dd SSSSSSSSSS'", "not known: SSSSSSSSSS"),
        ("@message, 'yyyy-MM-dd[ HH]'", "has a [ that is not known"),
        ('@message, "yyyy-MM-dd\'T"', "has a ' that is not known"),
        ("@message, 'HH:mm'", "needs a year, a month and a day"),
        ("@message, ''", "needs a year, a month and a day"),
        ("@message, 'yyyy-MM-dd hh:mm'", "h goes with a"),
        ("@message, 'yyyy-MM-dd HH a'", "h goes with a"),
        ("@message, 'yyyy-MM-dd HH hh a'", "h goes with a"),
        ("@message, 'yyyy-MM-dd dd'", "has the day twice"),
    ],
)
def test_a_pattern_or_a_zone_that_is_not_known_is_refused(table, arguments, says):
    query = f"fields parseDate({arguments})"
    with pytest.raises(MalformedQuery, match=re.escape(says)) as caught:
        table(query, "m")
    assert query[caught.value.start : caught.value.end] == f"parseDate({arguments})"


def offset_of(moment: datetime, colon: str) -> str:
    minutes = int(moment.utcoffset().total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


# Each run of letters: how Python writes it, and how Python reads it back.
WRITTEN = {
    "yyyy": lambda d: f"{d.year:04}",
    "MM": lambda d: f"{d.month:02}",
    "M": lambda d: f"{d.month}",
    "MMM": lambda d: MONTHS[d.month - 1][:3],
    "MMMM": lambda d: MONTHS[d.month - 1],
    "dd": lambda d: f"{d.day:02}",
    "d": lambda d: f"{d.day}",
    "EEE": lambda d: DAYS[d.weekday()][:3],
    "HH": lambda d: f"{d.hour:02}",
    "H": lambda d: f"{d.hour}",
    "h a": lambda d: f"{(d.hour + 11) % 12 + 1} {'PM' if d.hour >= 12 else 'AM'}",
    "hh'/'a": lambda d: f"{(d.hour + 11) % 12 + 1:02}/{'PM' if d.hour >= 12 else 'AM'}",
    "mm": lambda d: f"{d.minute:02}",
    "ss": lambda d: f"{d.second:02}",
    "s": lambda d: f"{d.second}",
    "SSS": lambda d: f"{d.microsecond // 1000:03}",
    "XXX": lambda d: "Z" if not d.utcoffset() else offset_of(d, ":"),
    "xx": lambda d: offset_of(d, ""),
}
SEPARATORS = st.sampled_from(
    [" ", "-", "/", ":", ".", ", ", "'T'", "'''", "_", "()", "é", "\\", "$"]
)
SPOKEN = {"'T'": "T", "'''": "'"}
TOKENS = st.tuples(
    st.just(["yyyy"]),
    st.sampled_from([["MM"], ["M"], ["MMM"], ["MMMM"]]),
    st.sampled_from([["dd"], ["d"]]),
    st.sampled_from([["HH"], ["H"], ["h a"], ["hh'/'a"]]),
    st.sampled_from([["mm"]]),
    st.sampled_from([["ss"], ["s"]]),
    st.just(["SSS"]),
    st.sampled_from([["XXX"], ["xx"], []]),
    st.sampled_from([["EEE"], []]),
).map(lambda parts: [token for part in parts for token in part])
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
OFFSETS = st.integers(-17 * 60, 17 * 60).map(lambda n: timezone(timedelta(minutes=n)))


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@settings(max_examples=80, deadline=None)
@given(
    st.data(), TOKENS.flatmap(st.permutations), st.lists(MOMENTS, min_size=1, max_size=6), OFFSETS
)
def test_what_python_writes_is_read_back_to_the_millisecond(
    connection, data, tokens, moments, offset
):
    pattern, pieces = "", []
    for token in tokens:
        separator = data.draw(SEPARATORS) if pattern else ""
        pattern += separator.replace("'''", "''") + token
        pieces.append((SPOKEN.get(separator, separator), WRITTEN[token]))
    zoned = any(token in {"XXX", "xx"} for token in tokens)
    moments = [moment.replace(tzinfo=offset if zoned else UTC) for moment in moments]
    texts = ["".join(said + write(moment) for said, write in pieces) for moment in moments]

    found = asked(connection, texts, f"fields parseDate(@message, {quoted(pattern)})")

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert found == [[str((moment - epoch) // timedelta(milliseconds=1))] for moment in moments]


def plainly(text: str) -> int | None:
    """Read `yyyy-MM-dd HH:mm` by hand."""
    if len(text) != 16 or [text[i] for i in (4, 7, 10, 13)] != ["-", "-", " ", ":"]:
        return None
    numbers = [text[0:4], text[5:7], text[8:10], text[11:13], text[14:16]]
    if not all(n.isascii() and n.isdigit() for n in numbers):
        return None
    try:
        moment = datetime(*map(int, numbers), tzinfo=UTC)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000


NEARLY = st.tuples(
    st.integers(0, 10_000),
    st.integers(0, 13),
    st.integers(0, 32),
    st.integers(0, 25),
    st.integers(0, 61),
).map(lambda n: f"{n[0]:04}-{n[1]:02}-{n[2]:02} {n[3]:02}:{n[4]:02}")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(NEARLY, st.text(alphabet="0123456789-: é\n", max_size=17), st.text(max_size=5)),
        min_size=5,
        max_size=30,
    )
)
def test_any_text_is_read_as_a_plain_reader_reads_it(connection, texts):
    found = asked(connection, texts, "fields parseDate(@message, 'yyyy-MM-dd HH:mm') as x")

    assert found == [[] if plainly(text) is None else [str(plainly(text))] for text in texts]


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)), min_size=1, max_size=10),
)
def test_a_time_zone_is_the_one_that_python_knows(connection, name, moments):
    zone = ZoneInfo(name)
    moments = [moment.replace(second=0, microsecond=0, tzinfo=zone, fold=1) for moment in moments]
    # A time that clocks leave out is no time, and there the two differ.
    assume(all(m.astimezone(UTC).astimezone(zone).hour == m.hour for m in moments))
    texts = [f"{moment:%Y-%m-%d %H:%M}" for moment in moments]

    found = asked(connection, texts, f"fields parseDate(@message, 'yyyy-MM-dd HH:mm', '{name}')")

    assert found == [[str(int(moment.timestamp()) * 1000)] for moment in moments]


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd", "M/d/yy h:mm a", "EEE, d MMM yyyy HH:mm:ss z"])
def test_a_text_of_a_megabyte_is_only_a_text_that_does_not_fit(connection, pattern):
    texts = ["2025-10-09" * 100_000, "9" * 1_000_000, "\n" * 1_000_000, "2025-10-09"]
    found = asked(connection, texts, f"fields parseDate(@message, '{pattern}')")
    assert found[:3] == [[], [], []]
