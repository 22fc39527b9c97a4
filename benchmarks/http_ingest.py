"""Log events by PutLogEvents over HTTP, as any client sends them, and queries of them meanwhile.

The endpoint is a process of its own. As a script, `python -m benchmarks.http_ingest FOLDER` is that
process: it prints its address, and ends when its input does.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks import synthetic
from benchmarks.queries import LOG_EVENTS
from benchmarks.report import Section
from workshop.endpoint.app import Endpoint
from workshop.endpoint.logs.events import EVENT_OVERHEAD_BYTES, MAX_BATCH_BYTES

EVENTS = 300_000
CLIENTS = 2
LEAST_INGESTED = 50_000
_GROUP = "/benchmark/http"
_PAUSE_SECONDS = 0.25  # between a query's answer and the next query
_TEMPLATE = "Transform: AWS::Serverless-2016-10-31\nResources: {}\n"

_Batch = list[dict[str, Any]]


@dataclass
class _Asked:
    """What the queries found: how many there were, and how many missed an acknowledged event."""

    queries: int = 0
    missed: int = 0


def ingest() -> Section:
    """Measure ingest over HTTP."""
    batches = list(_batches(EVENTS))
    sent = sum(map(len, batches))
    with tempfile.TemporaryDirectory() as name, _endpoint(Path(name)) as url:
        logs = _client(url)
        logs.create_log_group(logGroupName=_GROUP)
        for number in range(CLIENTS):
            logs.create_log_stream(logGroupName=_GROUP, logStreamName=f"{number}")
        alone, _ = _send(url, batches, ask=False)
        beside, asked = _send(url, batches, ask=True)
        lost = 2 * sent - _count(logs)
    shown = (("nobody asks", alone), ("queries meanwhile", beside))
    rate = sent / alone
    return Section(
        "Ingest over HTTP",
        f"{sent:,} log events of step 03's shape by PutLogEvents, {len(batches)} batches of up to "
        f"1 MB, by {CLIENTS} boto3 clients of one process to an endpoint in another, on the same "
        "cores. From the first request to the last answer, which comes when what was sent is kept. "
        f"Then again, while a query counts all events, and {_PAUSE_SECONDS} s later the next.",
        ("while", "s", "events/s"),
        tuple((what, f"{took:.1f}", f"{sent / took:,.0f}") for what, took in shown),
        (
            (
                f"{'✓' if rate >= LEAST_INGESTED else '✗'} ingest over HTTP: {rate:,.0f} events/s "
                f"(aim: at least {LEAST_INGESTED:,})"
            ),
            (
                f"{'✗' if asked.missed else '✓'} {asked.queries} queries meanwhile, {asked.missed} "
                "of them missed an event that had been acknowledged (aim: none)"
            ),
            f"{'✗' if lost else '✓'} {lost} log events lost (aim: none)",
        ),
    )


def _batches(count: int) -> Iterator[_Batch]:
    """Cut log events into batches as large as may be, their times moved to now."""
    later = int(time.time() * 1000) - synthetic.END_MS
    batch: _Batch = []
    size = 0
    for event in synthetic.log_events(LOG_EVENTS)[:count]:
        length = len(event.message.encode()) + EVENT_OVERHEAD_BYTES
        if size + length > MAX_BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append({"timestamp": event.timestamp + later, "message": event.message})
        size += length
    yield batch


def _send(url: str, batches: Sequence[_Batch], *, ask: bool) -> tuple[float, _Asked]:
    """Send all batches; give the seconds, and what the queries found meanwhile."""
    asked, acknowledged, over = _Asked(), [_count(_client(url))], threading.Event()

    def send(number: int) -> None:
        logs = _client(url)
        for batch in batches[number::CLIENTS]:
            logs.put_log_events(logGroupName=_GROUP, logStreamName=f"{number}", logEvents=batch)
            acknowledged.append(len(batch))

    def query() -> None:
        logs = _client(url)
        while not over.wait(_PAUSE_SECONDS):
            least = sum(acknowledged)
            asked.queries += 1
            asked.missed += _count(logs) < least

    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        begun = time.perf_counter()
        sending = [threads.submit(send, number) for number in range(CLIENTS)]
        asking = threads.submit(query) if ask else None
        for one in sending:
            one.result()
        took = time.perf_counter() - begun
        over.set()
        if asking is not None:
            asking.result()
    return took, asked


def _count(logs: Any) -> int:
    now = int(time.time())
    number = logs.start_query(
        logGroupName=_GROUP,
        startTime=now - 86_400,
        endTime=now + 3600,
        queryString="stats count(*) as n",
    )["queryId"]
    while (answer := logs.get_query_results(queryId=number))["status"] != "Complete":
        if answer["status"] not in ("Scheduled", "Running"):
            message = f"the query ended as {answer['status']}"
            raise RuntimeError(message)
        time.sleep(0.01)
    return int(answer["results"][0][0]["value"]) if answer["results"] else 0


def _client(url: str) -> Any:
    return boto3.client(
        "logs",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextmanager
def _endpoint(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.http_ingest", str(folder)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    ) as process:
        if process.stdin is None or process.stdout is None:
            message = "the endpoint has no pipes"
            raise RuntimeError(message)
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def _serve(folder: Path) -> None:
    template = folder / "template.yaml"
    template.write_text(_TEMPLATE)
    with Endpoint(template, folder / "data") as endpoint:
        print(endpoint.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
