"""Telemetry of step 03's shape, made up: what a million log events look like without waiting."""

import json
import math
from collections.abc import Iterator
from functools import cache
from random import Random

from workshop.signals import DataPoint, LogEvent, SegmentDocument

SEED = 3
LOG_GROUP = "/aws/lambda/payments"
START_MS = 1_780_300_800_000  # 2026-06-01 08:00 UTC
HOURS = 3
END_MS = START_MS + HOURS * 3_600_000

_ARN = "arn:aws:lambda:us-east-1:123456789012:function:payments"
_TRACEBACK = json.dumps(
    "Traceback (most recent call last):\n"
    '  File "/var/task/app.py", line 23, in handler\n'
    '    charge = processor.charge(event["card"], event["amount"], event["currency"])\n'
    "processor.ProcessorError: processor unavailable"
)
_STREAMS = 40
_CUSTOMERS = 20_000
_FAILED = 0.02
_SLOW = 0.03
_COLD = 0.002
_CAMPAIGN = 0.3


@cache
def log_events(count: int) -> tuple[LogEvent, ...]:
    """Log events in order of time, spread evenly over the window; about six an invocation."""
    random = Random(SEED)
    streams = [f"2026/06/01/[$LATEST]{random.getrandbits(128):032x}" for _ in range(_STREAMS)]
    events: list[LogEvent] = []
    while len(events) < count:
        now = START_MS + (END_MS - START_MS) * len(events) // count
        stream = random.choice(streams)
        events += (LogEvent(LOG_GROUP, stream, now, text) for text in _invocation(random, now))
    return tuple(events[:count])


def _invocation(random: Random, now: int) -> Iterator[str]:
    """Give what one invocation logs, as the lab has it of the solution of step 03."""
    request = f"{random.getrandbits(32):08x}-9f1e-4c57-8a3b-{random.getrandbits(48):012x}"
    trace = f"1-{now // 1000:08x}-{random.getrandbits(96):024x}"
    cold, failed = random.random() < _COLD, random.random() < _FAILED
    # Log-normal, and some that crawl; customers after Zipf's manner: few of them pay often.
    duration = random.lognormvariate(2.2, 0.4) + (600 if random.random() < _SLOW else 0)
    customer = int(_CUSTOMERS ** random.random())
    amount = 100 + int(random.expovariate(1 / 4000))
    written = f"2026-06-01 {now // 3_600_000 % 24:02}:{now // 60_000 % 60:02}:"
    written += f"{now // 1000 % 60:02},{now % 1000:03}+0000"

    def logged(level: str, line: int, message: str, more: str) -> str:
        campaign = '"campaign":"spring",' if has_campaign else ""
        return (
            f'{{"level":"{level}","location":"handler:{line}","message":"{message}",'
            f'"timestamp":"{written}","service":"payments","cold_start":{str(cold).lower()},'
            f'"function_name":"payments","function_memory_size":"256","function_arn":"{_ARN}",'
            f'"function_request_id":"{request}","correlation_id":"req_{request[:8]}",'
            f'"payment_id":"pay_{request[-12:]}","customer_id":"cus_{customer}",{campaign}{more},'
            f'"xray_trace_id":"{trace}"}}'
        )

    def metered(dimensions: str, metrics: str, values: str) -> str:
        return (
            f'{{"_aws":{{"Timestamp":{now},"CloudWatchMetrics":[{{"Namespace":"Workshop",'
            f'"Dimensions":[[{dimensions}]],"Metrics":[{metrics}]}}]}},{values}}}'
        )

    has_campaign = random.random() < _CAMPAIGN
    if cold:
        yield "INIT_START Runtime Version: python:3.11.v7\tRuntime Version ARN: " + _ARN
    yield f"START RequestId: {request} Version: $LATEST"
    yield logged("INFO", 20, "collecting payment", f'"amount":{amount},"currency":"USD"')
    if failed:
        yield logged(
            "ERROR",
            25,
            "charge failed",
            f'"exception":{_TRACEBACK},"exception_name":"ProcessorError"',
        )
        yield metered(
            '"service"',
            '{"Name":"FailedCharge","Unit":"Count"}',
            '"service":"payments","FailedCharge":[1.0]',
        )
        yield (
            "[ERROR] ProcessorError: processor unavailable\nTraceback (most recent call last):\n"
            '\xa0\xa0File "/var/task/app.py", line 23, in handler\n'
            '\xa0\xa0\xa0\xa0charge = processor.charge(event["card"], event["amount"])'
        )
    else:
        charge = f'"charge_id":"ch_{request[:8]}{request[-8:]}"'
        yield logged("INFO", 29, "payment charged", charge)
        yield metered(
            '"service"',
            '{"Name":"SuccessfulCharge","Unit":"Count"},{"Name":"ChargedAmount","Unit":"None"}',
            f'"service":"payments","SuccessfulCharge":[1.0],"ChargedAmount":[{amount}.0]',
        )
    if cold:
        yield metered(
            '"function_name","service"',
            '{"Name":"ColdStart","Unit":"Count"}',
            '"function_name":"payments","service":"payments","ColdStart":[1.0]',
        )
    yield f"END RequestId: {request}"
    init = f"Init Duration: {250 + duration:.2f} ms\t" if cold else ""
    yield (
        f"REPORT RequestId: {request}\tDuration: {duration:.2f} ms\t"
        f"Billed Duration: {math.ceil(duration)} ms\tMemory Size: 256 MB\t"
        f"Max Memory Used: {random.randrange(60, 90)} MB\t{init}\n"
        f"XRAY TraceId: {trace}\tSegmentId: {trace[-16:]}\tSampled: true\t"
    )


@cache
def data_points(count: int) -> tuple[DataPoint, ...]:
    """Data points of the three metrics of step 03, one sample each, over the window."""
    random = Random(SEED)
    dimensions = {"service": "payments"}
    kinds = (("SuccessfulCharge", "Count"), ("ChargedAmount", "None"), ("FailedCharge", "Count"))
    points = []
    for number in range(count):
        name, unit = random.choices(kinds, (49, 49, 2))[0]
        value = random.expovariate(1 / 4000) if name == "ChargedAmount" else 1.0
        now = START_MS + (END_MS - START_MS) * number // count
        points.append(DataPoint("Workshop", name, dimensions, now, (value,), unit))
    return tuple(points)


def segments(count: int) -> Iterator[list[SegmentDocument]]:
    """Give traces one by one: the service's segment, the function's, the handler's subsegment."""
    random = Random(SEED)
    for number in range(count):
        start = (START_MS + (END_MS - START_MS) * number / count) / 1000
        took = random.lognormvariate(-4.6, 0.4) + (0.6 if random.random() < _SLOW else 0)
        end = start + took
        trace = f"1-{int(start):08x}-{random.getrandbits(96):024x}"
        service, function, invocation, handler, charge = (
            f"{random.getrandbits(64):016x}" for _ in range(5)
        )
        outcome = {"fault": True} if random.random() < _FAILED else {}
        whole = {"trace_id": trace, "start_time": start, "end_time": end, **outcome}
        yield [
            {
                **whole,
                "name": "payments",
                "id": service,
                "origin": "AWS::Lambda",
                "resource_arn": _ARN,
                "http": {"response": {"status": 200}},
                "aws": {"request_id": f"{random.getrandbits(128):032x}"},
            },
            {
                **whole,
                "name": "payments",
                "id": function,
                "parent_id": service,
                "origin": "AWS::Lambda::Function",
                "resource_arn": _ARN,
                "aws": {"function_arn": _ARN, "resource_names": ["payments"]},
                "subsegments": [
                    {"id": invocation, "name": "Invocation", "start_time": start, "end_time": end}
                ],
            },
            {
                **whole,
                "type": "subsegment",
                "name": "## handler",
                "id": handler,
                "parent_id": invocation,
                "annotations": {
                    "ColdStart": random.random() < _COLD,
                    "Service": "payments",
                    "customer_id": f"cus_{int(_CUSTOMERS ** random.random())}",
                },
                "subsegments": [
                    {
                        "id": charge,
                        "name": "## charge",
                        "start_time": start,
                        "end_time": end,
                        **outcome,
                    }
                ],
            },
        ]


def size(events: tuple[LogEvent, ...]) -> int:
    """Bytes of their messages."""
    return sum(len(event.message.encode()) for event in events)
