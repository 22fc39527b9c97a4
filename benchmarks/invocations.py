"""Warm and cold invocations: the lab, AWS's emulator and the bare handler, turn by turn."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from benchmarks.emulator import FUNCTION, Emulator
from benchmarks.report import Section, aim, figures
from workshop.lab import Lab
from workshop.metrics.statistics import percentile
from workshop.store import Store

ROOT = Path(__file__).parents[1]
TEMPLATE = FUNCTION / "template.yaml"
PAYLOAD = json.dumps({"payment_id": "pay_0", "amount": 1299}).encode()

ROUNDS = 100
CALLS = 20  # of each, in a round
WARM_UP_ROUNDS = 5
COLD_STARTS = 15

LAB = "lab, telemetry stored"
EMULATOR = "AWS's emulator, http.client"
BY_SOCKET = "AWS's emulator, bare socket"
BARE = "bare handler"
WARM_RATIO, COLD_RATIO = 0.8, 1.2


def warm(binary: Path | None) -> Section:
    """Measure warm invocations."""
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        contenders: dict[str, Callable[[], list[float]]] = {}
        if binary:
            emulator = stack.enter_context(Emulator(binary))
            contenders[EMULATOR] = _timed(lambda: emulator.invoke(PAYLOAD))
            contenders[BY_SOCKET] = _timed(lambda: emulator.invoke_by_socket(PAYLOAD))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        store = stack.enter_context(Store.open(Path(folder)))
        lab = stack.enter_context(Lab.open(TEMPLATE, store=store))
        contenders[LAB] = _timed(lambda: lab.invoke(PAYLOAD))
        contenders[BARE] = stack.enter_context(_Bare()).times
        for turn in range(WARM_UP_ROUNDS + ROUNDS):
            for name, call in contenders.items():
                measured = call()
                if turn >= WARM_UP_ROUNDS:
                    times.setdefault(name, []).extend(measured)
    findings = []
    if EMULATOR in times:
        findings = [
            aim(f"lab against {other}, p{percent}", _ratio(times, other, percent), WARM_RATIO)
            for other in (EMULATOR, BY_SOCKET)
            for percent in (50, 99)
        ]
    around = percentile(times[LAB], 50) - percentile(times[BARE], 50)
    findings.append(f"the lab adds {around:.2f} ms to the handler, p50")
    return Section(
        "Warm invocation",
        f"A handler that logs, meters and traces, and does nothing else, {CALLS} times by each in "
        f"turn, {ROUNDS} rounds. The lab's time runs from the call of `lab.invoke` until log "
        "events and segments are in the store's journal and the answer is back. The emulator is "
        "asked over a kept connection, by Python's own HTTP client and by a bare socket, the least "
        "client there can be; what it prints goes to a file and its traces to nobody. All three "
        "run the same handler in the same Python; the emulator's by `awslambdaric`.",
        ("ms", "calls", "p50", "p90", "p99"),
        tuple((name, *figures(values)) for name, values in times.items()),
        tuple(findings),
    )


def cold(binary: Path | None) -> Section:
    """Measure first invocations."""
    times: dict[str, list[float]] = {}
    for _ in range(COLD_STARTS):
        if binary:
            with Emulator(binary) as emulator:
                times.setdefault(EMULATOR, []).extend(_timed(_once(emulator, PAYLOAD), 1)())
        with (
            tempfile.TemporaryDirectory() as folder,
            Store.open(Path(folder)) as store,
            Lab.open(TEMPLATE, store=store) as lab,
        ):
            times.setdefault(LAB, []).extend(_timed(_once(lab, PAYLOAD), 1)())
        times.setdefault(BARE, []).extend(_timed(_first_bare_call, 1)())
    findings = []
    if EMULATOR in times:
        findings.append(
            aim(f"lab against {EMULATOR}, p50", _ratio(times, EMULATOR, 50), COLD_RATIO)
        )
    return Section(
        "Cold start",
        f"The first event to a function, {COLD_STARTS} times by each in turn. The emulator and the "
        "lab are up; the time runs from the event to its answer and holds the start of Python, the "
        "import of Powertools with its tracer, and the handler. The bare handler is a new Python "
        "that imports it and calls it once.",
        ("ms", "starts", "p50", "p90", "p99"),
        tuple((name, *figures(values, 0)) for name, values in times.items()),
        tuple(findings),
    )


def _ratio(times: dict[str, list[float]], other: str, percent: float) -> float:
    return percentile(times[LAB], percent) / percentile(times[other], percent)


def _once(target: Emulator | Lab, payload: bytes) -> Callable[[], object]:
    return lambda: target.invoke(payload)


def _timed(call: Callable[[], object], count: int = CALLS) -> Callable[[], list[float]]:
    """Make of a call one that repeats it and gives the times, in milliseconds."""

    def measure() -> list[float]:
        times = []
        for _ in range(count):
            start = time.perf_counter()
            call()
            times.append((time.perf_counter() - start) * 1000)
        return times

    return measure


class _Bare:
    """The process of `benchmarks.bare`."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-m", "benchmarks.bare"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def times(self, count: int = CALLS) -> list[float]:
        """Call the handler so many times."""
        assert self._process.stdin  # noqa: S101 - a pipe, as asked for
        assert self._process.stdout  # noqa: S101
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        times: list[float] = json.loads(self._process.stdout.readline())
        return times


def _first_bare_call() -> None:
    with _Bare() as bare:
        bare.times(1)
