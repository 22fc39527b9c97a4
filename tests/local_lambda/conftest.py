"""Functions written to a temporary folder and served there."""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workshop.local_lambda import LocalLambda
from workshop.sam.model import Function
from workshop.signals import Invocation, LogEvent, SegmentDocument


@dataclass
class Recorder:
    """A sink that remembers, and what each call brought."""

    log_events: list[LogEvent] = field(default_factory=list)
    segments: list[SegmentDocument] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)

    def __call__(self, log_events: Sequence[LogEvent], segments: Sequence[SegmentDocument]) -> None:
        self.log_events += log_events
        self.segments += segments
        self.calls.append(len(log_events))

    @property
    def messages(self) -> list[str]:
        return [event.message for event in self.log_events]


@dataclass
class Served:
    """A function being served."""

    lambda_: LocalLambda
    sink: Recorder
    folder: Path

    def __call__(self, event: Any = None, **arguments: Any) -> Invocation:
        return self.lambda_.invoke(json.dumps(event or {}).encode(), **arguments)


Serve = Callable[..., Served]

SETTINGS: dict[str, Any] = {
    "logical_id": "Function",
    "name": "payments",
    "handler": "app.handler",
    "runtime": "python3.13",
    "timeout_seconds": 5,
    "memory_mb": 256,
    "environment": {},
    "tracing": True,
    "log_group": "/aws/lambda/payments",
}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve a handler's source; settings of the function and of LocalLambda go by keyword."""
    served: list[LocalLambda] = []

    def start(source: str, *, sink: Any = None, **settings: Any) -> Served:
        (tmp_path / "app.py").write_text(source)
        ours = ("max_environments", "idle_seconds", "command")
        arguments = {name: settings.pop(name) for name in ours if name in settings}
        function = Function(**{**SETTINGS, "code_uri": tmp_path, **settings})
        recorder = sink or Recorder()
        lambda_ = LocalLambda(function, recorder, **arguments)
        served.append(lambda_)
        return Served(lambda_, recorder, tmp_path)

    yield start
    for lambda_ in served:
        lambda_.close()


def is_alive(process_id: int) -> bool:
    """Tell whether a process is there and not merely waiting to be buried."""
    try:
        os.kill(process_id, 0)
        status = Path(f"/proc/{process_id}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until a condition holds; tell whether it came to that."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture(name="is_alive")
def _is_alive() -> Callable[[int], bool]:
    return is_alive


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., bool]:
    return eventually
