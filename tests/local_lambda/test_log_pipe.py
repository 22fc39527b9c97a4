"""From the bytes of a log pipe to log events."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.local_lambda import log_pipe
from workshop.local_lambda.log_pipe import MAX_MESSAGE_BYTES, LogParser


def frame(message: str, *, kind: int = 0x03, stamp_us: int | None = None) -> bytes:
    body = message.encode()
    stamp = time.time_ns() // 1000 if stamp_us is None else stamp_us
    head = b"\xa5\x5a\x00" + bytes([kind])
    return head + len(body).to_bytes(4, "big") + stamp.to_bytes(8, "big") + body


def parse(*chunks: bytes) -> list[str]:
    parser = LogParser()
    lines = [line.message for chunk in chunks for line in parser.feed(chunk)]
    return lines + [line.message for line in parser.flush()]


def test_each_line_is_an_event() -> None:
    assert parse(b"one\ntwo\n\nfour") == ["one", "two", "", "four"]


def test_a_frame_is_one_event_whatever_it_holds() -> None:
    assert parse(b"a\n" + frame("b\nc\n\n") + b"d\n") == ["a", "b\nc\n", "d"]


def test_a_frame_keeps_its_own_time() -> None:
    stamp = time.time_ns() // 1000 - 5_000_000
    (line,) = LogParser().feed(frame("then", stamp_us=stamp))
    assert line.timestamp == stamp // 1000


def test_a_half_line_goes_on_after_a_frame() -> None:
    assert parse(b"half" + frame("record") + b" and half\n") == ["record", "half and half"]


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert parse(b"a\xff\xfeb\n") == ["a\ufffd\ufffdb"]


def test_text_that_looks_like_the_start_of_a_frame_is_text() -> None:
    text = b"\xc3\xa5Z\x00\x03 and sixteen bytes more, at least\n"
    assert parse(text) == ["åZ\x00\x03 and sixteen bytes more, at least"]
    assert parse(b"\xa5\x5a", b"\n") == ["\ufffdZ"]
    assert parse(b"\xa5\x5a\x00\x03") == ["\ufffdZ\x00\x03"]


def test_a_long_line_is_cut_between_characters() -> None:
    text = "x" + "é" * MAX_MESSAGE_BYTES
    messages = parse(text.encode() + b"\n")
    assert "".join(messages) == text
    assert all(len(message.encode()) <= MAX_MESSAGE_BYTES for message in messages)
    assert len(messages) == 3


def test_a_frame_that_comes_in_many_reads_is_looked_at_once_more_when_it_is_all_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[bytes] = []
    is_header = log_pipe._is_header  # noqa: SLF001

    def counting(header: bytes, now_us: int) -> bool:
        judged.append(header)
        return is_header(header, now_us)

    monkeypatch.setattr(log_pipe, "_is_header", counting)
    text = "x" * 100_000
    stream = frame(text)
    chunks = [stream[at : at + 1000] for at in range(0, len(stream), 1000)]
    assert parse(*chunks, b"next\n") == [text, "next"]
    assert len(judged) == 2


def test_a_frame_of_many_megabytes_is_cut_into_events_of_one() -> None:
    text = "x" + "é" * (2 * MAX_MESSAGE_BYTES)
    messages = parse(frame(text))
    assert "".join(messages) == text
    assert all(len(message.encode()) <= MAX_MESSAGE_BYTES for message in messages)
    assert len(messages) == 5


lines = st.text(st.characters(exclude_characters="\n\x00", exclude_categories=["Cs"]), max_size=40)
records = st.one_of(
    st.tuples(st.just("line"), lines),
    st.tuples(
        st.just("frame"),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    ),
)


@given(st.lists(records, max_size=12), st.lists(st.integers(1, 30), max_size=30))
def test_how_the_bytes_are_read_does_not_matter(
    written: list[tuple[str, str]], sizes: list[int]
) -> None:
    stream = b"".join(
        f"{text}\n".encode() if kind == "line" else frame(text) for kind, text in written
    )
    chunks = []
    for size in sizes:
        chunks.append(stream[:size])
        stream = stream[size:]
    wanted = [text.removesuffix("\n") if kind == "frame" else text for kind, text in written]
    assert parse(*chunks, stream) == wanted


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_no_bytes_break_the_parser(chunks: list[bytes]) -> None:
    assert all(isinstance(message, str) for message in parse(*chunks))
