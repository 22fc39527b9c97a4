"""What a function writes becomes log events: plain lines, and the frames of AWS's runtime clients.

A runtime client that finds `_LAMBDA_TELEMETRY_LOG_FD` in its environment writes each log record
there as a frame, so that a record of many lines stays one log event; `print` goes to stdout and
becomes one log event a line. Both descriptors are the same pipe here, which keeps them in order.

A frame is big-endian: a type of 4 bytes (`a5 5a 00` and a byte for format and level), the length of
the message in 4 bytes, a timestamp in microseconds in 8 bytes, the message.
https://github.com/aws/aws-lambda-python-runtime-interface-client (FramedTelemetryLogSink)
"""

import time
from typing import NamedTuple

MAX_MESSAGE_BYTES = 1_048_576 - 26
"""CloudWatch's largest log event, less the 26 bytes that it counts for each.

https://aws.amazon.com/about-aws/whats-new/2025/04/amazon-cloudwatch-logs-increases-log-event-size-1-mb/
"""

_MAGIC = b"\xa5\x5a\x00"
_HEADER_BYTES = 16
_TYPES = frozenset((level << 2) | form for level in range(7) for form in (2, 3))
_MAX_FRAME_BYTES = 1 << 26
_CLOCK_SLACK_US = 86_400 * 1_000_000


class Line(NamedTuple):
    """The text of one log event and when it was written, in milliseconds since the epoch."""

    timestamp: int
    message: str


class LogParser:
    """Splits the bytes of one execution environment's log pipe into log events, in order.

    A frame says when it was written; a plain line is taken to be written when it was read.
    """

    def __init__(self) -> None:
        self._unread = bytearray()
        self._wanted = 0  # so many bytes have to be there before there is anything to read
        self._line = bytearray()

    def feed(self, data: bytes) -> list[Line]:
        """Take what was read from the pipe; return the log events that are complete."""
        if self._unread:
            self._unread += data
            if len(self._unread) < self._wanted:
                return []
            data = bytes(self._unread)
            self._unread.clear()
        now_us = time.time_ns() // 1000
        lines: list[Line] = []
        at = 0
        while True:
            magic = data.find(_MAGIC, at)
            if magic < 0:
                break
            header = data[magic : magic + _HEADER_BYTES]
            if len(header) == _HEADER_BYTES and not _is_header(header, now_us):
                # Text that happens to hold the magic bytes.
                self._plain(data[at : magic + 1], now_us, lines)
                at = magic + 1
                continue
            self._plain(data[at:magic], now_us, lines)
            at = magic
            end = magic + _HEADER_BYTES
            if len(header) == _HEADER_BYTES:
                end += int.from_bytes(header[4:8], "big")
            if len(data) < end:
                self._unread += data[at:]
                self._wanted = end - at
                return lines
            written_us = int.from_bytes(header[8:16], "big")
            message = data[magic + _HEADER_BYTES : end]
            self._add(message.removesuffix(b"\n"), written_us, lines)
            at = end
        # The magic bytes may be cut in two by the read.
        keep = 2 if data.endswith(_MAGIC[:2]) else 1 if data.endswith(_MAGIC[:1]) else 0
        end = max(at, len(data) - keep)
        self._plain(data[at:end], now_us, lines)
        self._unread += data[end:]
        self._wanted = 0
        return lines

    def flush(self) -> list[Line]:
        """Return the unfinished line, if there is one, as a log event of its own."""
        lines: list[Line] = []
        now_us = time.time_ns() // 1000
        if self._line or self._unread:
            self._add(bytes(self._line + self._unread), now_us, lines)
            self._line.clear()
            self._unread.clear()
        return lines

    def _plain(self, data: bytes, now_us: int, lines: list[Line]) -> None:
        *complete, rest = data.split(b"\n")
        for line in complete:
            if self._line:
                self._add(bytes(self._line) + line, now_us, lines)
                self._line.clear()
            else:
                self._add(line, now_us, lines)
        self._line += rest
        while len(self._line) > MAX_MESSAGE_BYTES:
            cut = _cut(self._line, 0)
            self._add(bytes(self._line[:cut]), now_us, lines)
            del self._line[:cut]

    @staticmethod
    def _add(message: bytes, written_us: int, lines: list[Line]) -> None:
        at = 0
        while len(message) - at > MAX_MESSAGE_BYTES:
            cut = _cut(message, at)
            lines.append(Line(written_us // 1000, message[at:cut].decode(errors="replace")))
            at = cut
        lines.append(Line(written_us // 1000, message[at:].decode(errors="replace")))


def _is_header(header: bytes, now_us: int) -> bool:
    return (
        header[3] in _TYPES
        and int.from_bytes(header[4:8], "big") <= _MAX_FRAME_BYTES
        and abs(int.from_bytes(header[8:16], "big") - now_us) < _CLOCK_SLACK_US
    )


def _cut(message: bytes | bytearray, start: int) -> int:
    """Return where an event that begins at `start` ends: where no UTF-8 character is cut in two."""
    furthest = cut = start + MAX_MESSAGE_BYTES
    while cut > furthest - 4 and message[cut] & 0xC0 == 0x80:  # noqa: PLR2004 - UTF-8's longest character
        cut -= 1
    return cut
