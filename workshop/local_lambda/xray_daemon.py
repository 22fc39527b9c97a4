"""The X-Ray daemon of one execution environment: a UDP socket that segments arrive at.

Each datagram is a header line, `{"format": "json", "version": 1}`, a newline, and one document.
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon

One socket for each environment: an environment serves one invocation at a time, so that what
arrives belongs to it, even when several invocations share a trace.
"""

import contextlib
import json
import socket

from workshop.signals import SegmentDocument

_RECEIVE_BUFFER = 4 << 20
_MAX_DATAGRAM = 1 << 16
_MOST_AT_ONCE = 10_000


class XRayDaemon:
    """A bound UDP socket on loopback; nothing is lost that a handler sent before it answered."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # macOS refuses a size above its limit; Linux cuts it down.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:{1}".format(*self._socket.getsockname())

    def fileno(self) -> int:
        """Return the descriptor, to watch it."""
        return self._socket.fileno()

    def drain(self) -> list[SegmentDocument]:
        """Return the documents that have arrived; datagrams that hold none are dropped."""
        documents: list[SegmentDocument] = []
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram = self._socket.recv(_MAX_DATAGRAM)
            except BlockingIOError:
                break
            _, _, body = datagram.partition(b"\n")
            try:
                document = json.loads(body)
            except (ValueError, RecursionError):
                continue
            if isinstance(document, dict) and "id" in document and "trace_id" in document:
                documents.append(document)
        return documents

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
