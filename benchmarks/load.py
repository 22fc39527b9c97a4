"""Sustained load: as many events as the machine takes, each counted against what is stored."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.emulator import FUNCTION
from benchmarks.report import Section
from workshop.lab import Lab
from workshop.metrics.statistics import percentile
from workshop.store import Store

SECONDS = 60.0
ENVIRONMENTS = 10
SAMPLE_SECONDS = 0.25
LOG_GROUP = "/aws/lambda/measured"
FLAT = 1.1  # the last third of the run may hold this much of what the middle third held


def sustained(seconds: float = SECONDS) -> Section:
    """Measure sustained load, and whether anything was lost."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        memory = _Memory()
        with Lab.open(FUNCTION / "template.yaml", store=store) as lab, memory:
            begun = time.monotonic()
            events = _events(begun + seconds)
            answered = failed = environments = 0
            for invocation in lab.invoke_many(events, concurrency=ENVIRONMENTS):
                answered += 1
                failed += invocation.status != "success"
                environments += invocation.cold_start
            took = time.monotonic() - begun
        begun = time.monotonic()
        rows = _count(store, answered, environments)
        counted = time.monotonic() - begun
    lost = sum(int(row[3].replace(",", "")) for row in rows)
    tool, children = memory.thirds(0), memory.thirds(1)
    most = memory.most(0)
    rate = f"{answered / took:,.0f} a second on {os.cpu_count()} cores"
    whole = lost == 0 and failed == 0
    flat = tool[2] <= tool[1] * FLAT
    findings = (
        f"{answered:,} events in {took:.1f} s: {rate}; {failed} failed",
        f"{'✓' if whole else '✗'} {lost} signals lost (aim: none)",
        f"{'✓' if flat else '✗'} memory of the lab at rest: {_megabytes(tool)} (aim: flat)",
        f"memory of the lab at most, while it absorbs: {most:.0f} MB",
        f"memory of the {environments} environments: {_megabytes(children)}",
        f"taking over the rest of the journal and counting took {counted:.1f} s",
    )
    return Section(
        "Sustained load",
        f"Events for {seconds:.0f} s, {environments} execution environments, as fast as they are "
        "answered; then every signal in the store is counted against what the handler leaves for "
        "each event. Memory is resident memory by `ps`, four times a second: DuckDB takes more "
        "while it absorbs a journal file, and gives it back, so that the lowest tenth of the "
        "samples shows the lab at rest.",
        ("signal", "expected", "stored", "lost"),
        tuple(rows),
        findings,
    )


def _megabytes(thirds: tuple[float, float, float]) -> str:
    shown = ", ".join(f"{value:.0f}" for value in thirds)
    return f"{shown} MB in the thirds of the run"


def _events(until: float) -> Iterator[object]:
    number = 0
    while time.monotonic() < until:
        yield {"payment_id": f"pay_{number}", "amount": number}
        number += 1


def _count(store: Store, answered: int, environments: int) -> list[tuple[str, str, str, str]]:
    """Count each kind of signal: (what, expected, stored, lost)."""
    with store.database() as connection:

        def one(query: str) -> int:
            found = connection.execute(query).fetchone()
            return int(found[0]) if found else 0

        def starting(text: str) -> int:
            return one(f"SELECT count(*) FROM log_events WHERE starts_with(message, '{text}')")  # noqa: S608

        def segments(condition: str) -> int:
            return one(f"SELECT count(*) FROM segments WHERE {condition}")  # noqa: S608

        payment = "json_extract_string(message, '$.payment_id')"
        noted = "json_extract_string(document, '$.annotations.payment_id')"
        counts = [
            ("log events, all", 5 * answered + environments, store.count()),
            ("INIT_START lines", environments, starting("INIT_START")),
            ("START lines", answered, starting("START")),
            ("END lines", answered, starting("END")),
            ("REPORT lines", answered, starting("REPORT")),
            (
                "distinct payments logged",
                answered,
                one(
                    f"SELECT count(DISTINCT {payment}) FROM log_events "  # noqa: S608
                    "WHERE message LIKE '{%\"charged\"%'"
                ),
            ),
            ("data points", 2 * answered, len(store.data_points())),
            ("segments of the service", 2 * answered, segments("name = 'measured'")),
            ("subsegments of the handler", answered, segments("name = '## handler'")),
            (
                "distinct payments annotated",
                answered,
                one(f"SELECT count(DISTINCT {noted}) FROM segments"),  # noqa: S608
            ),
        ]
    return [
        (what, f"{expected:,}", f"{stored:,}", f"{expected - stored:,}")
        for what, expected, stored in counts
    ]


class _Memory:
    """Samples resident memory, in MB: of this process, and of all that it has started."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def thirds(self, column: int) -> tuple[float, float, float]:
        """The lowest tenth of the first, second and last third of the run."""
        values = [sample[column] for sample in self._samples]
        size = max(1, len(values) // 3)
        parts = (values[:size], values[size : 2 * size], values[-size:])
        first, second, last = (percentile(part, 10) for part in parts)
        return first, second, last

    def most(self, column: int) -> float:
        """The highest sample of the run."""
        return max(sample[column] for sample in self._samples)

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            listed = subprocess.run(
                ["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
            )
            rows = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
            children: dict[int, list[int]] = {}
            resident = {}
            for pid, parent, kilobytes in rows:
                children.setdefault(parent, []).append(pid)
                resident[pid] = kilobytes / 1024
            below = list(children.get(os.getpid(), []))
            for pid in below:
                below.extend(children.get(pid, []))
            self._samples.append((resident[os.getpid()], sum(resident[pid] for pid in below)))
