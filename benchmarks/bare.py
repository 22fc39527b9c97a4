"""The measured handler, called in a process of its own with nothing around it.

Reads a number of calls from each line of standard input; writes their times, in milliseconds, as a
JSON list. What the handler prints goes nowhere, what it traces to a socket that nobody reads.
"""

import importlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

from benchmarks.emulator import FUNCTION, VARIABLES

ARN = "arn:aws:lambda:us-east-1:123456789012:function:measured"
EVENT = {"payment_id": "pay_0", "amount": 1299}


def main() -> None:
    answers, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115 - for good
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.bind(("127.0.0.1", 0))
    os.environ.update(
        VARIABLES,
        AWS_REGION="us-east-1",
        LAMBDA_TASK_ROOT=str(FUNCTION),
        AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{daemon.getsockname()[1]}",
        _X_AMZN_TRACE_ID="Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    )
    sys.path.insert(0, str(FUNCTION))
    handler = importlib.import_module("app").handler

    context = SimpleNamespace(
        function_name="measured", memory_limit_in_mb=256, invoked_function_arn=ARN
    )
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            context.aws_request_id = str(uuid4())
            start = time.perf_counter()
            handler(EVENT, context)
            times.append((time.perf_counter() - start) * 1000)
        print(json.dumps(times), file=answers, flush=True)


if __name__ == "__main__":
    main()
