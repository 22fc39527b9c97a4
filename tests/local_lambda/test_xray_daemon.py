"""What arrives at the X-Ray daemon's socket."""

import json
import socket
from contextlib import closing

from workshop.local_lambda.xray_daemon import XRayDaemon

HEAD = b'{"format":"json","version":1}\n'
DOCUMENT = {"id": "a" * 16, "trace_id": "1-6922fb20-" + "a" * 24}


def test_a_document_nested_too_deeply_to_be_read_takes_no_other_with_it() -> None:
    with closing(XRayDaemon()) as daemon, socket.socket(type=socket.SOCK_DGRAM) as sender:
        host, _, port = daemon.address.partition(":")
        sender.connect((host, int(port)))
        sender.send(HEAD + b'{"a":' * 12_000)
        sender.send(HEAD + json.dumps(DOCUMENT).encode())
        assert daemon.drain() == [DOCUMENT]
