"""The notebooks' lab: seeded traffic laid over a recent day, and AWS's APIs that answer about it.

A program of its own, which `workshop_notebook.begin` runs.
Each past has a folder of its own, `.workshop/notebooks/NAME`: neither your telemetry nor what
`workshop up` serves is touched.

    python workshop_lab.py open NAME --user PID    make the traffic if there is none; serve it
    python workshop_lab.py serve NAME              serve, until no user has lived for a minute
    python workshop_lab.py close                   end all that serve

What `open` has to say are JSON objects, one a line: `{"doing": …}`, `{"done": 120, "of": 2000}`,
and at the end `{"start": …, "end": …, "aws": folder}`, or `{"error": …, "look": …}`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

import incident
from workshop_values import Past

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
STATE = Path(os.environ.get("WORKSHOP_NOTEBOOKS_STATE", ROOT / ".workshop" / "notebooks"))
"""Where the pasts are kept; tests have theirs elsewhere."""

KEPT_DAYS = 13
"""After that it is laid anew: CloudWatch keeps metrics by the minute for fifteen days."""

FORM = 1
"""Goes up when the same plan would be laid differently: what stands is then laid anew."""

_ALONE_SECONDS = 60.0
_BATCH = 64
_TOLD_SECONDS = 0.2


PASTS = {
    "shop": Past(
        "07_api",
        seed=7,
        incidents=("failing:currency=EUR@80m+12m", "crawling:campaign=spring@130m+20m"),
        deploys=(60,),
    ),
    "tiny": Past("07_api", seed=1, hours=0.1),
}
"""The pasts, by name. `NAME-SEED` is the past NAME with another seed."""


def past(name: str) -> Past:
    """Return the past of a name.

    Raises:
        KeyError: There is none.
    """
    if name in PASTS:
        return PASTS[name]
    base, _, seed = name.rpartition("-")
    if base == "incident":
        return incident.plan(int(seed))  # notebook 05's: its seed decides what goes wrong, too
    return Past(**{**asdict(PASTS[base]), "seed": int(seed)})


def tell(**what: object) -> None:
    """Say one thing to whoever runs this."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def lay(name: str, folder: Path) -> None:
    """Run the real handlers over a past's payments, and keep what they leave behind.

    Args:
        name: The past.
        folder: Where it is kept; whatever stands there goes.
    """
    from workshop.cli import incidents  # what was typed, to what goes wrong
    from workshop.cli.project import find
    from workshop.course import crowd, stage, workspace
    from workshop.load import Window, backfill
    from workshop.store import Store

    plan = past(name)
    shutil.rmtree(folder / "data", ignore_errors=True)
    (folder / "laid.json").unlink(missing_ok=True)
    hour, minute = plan.begins
    day = datetime.now(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    begin = (day - timedelta(days=1)).timestamp()
    window = Window(begin, begin + plan.hours * 3600)
    step = find(ROOT).course.find(plan.step)
    payments = crowd.payments(
        plan.seed,
        window,
        plan.per_minute,
        incidents=[incidents.read(said, window, plan.seed) for said in plan.incidents],
    )
    timed = list(payments)
    kept = 0
    told = time.monotonic()
    with (
        workspace.solution(step) as code,
        Store.open(folder / "data") as store,
        stage.open_lab(code) as lab,
    ):
        target, events = crowd.at_the_door(step, lab, timed)
        deploys = [begin + at * 60 for at in plan.deploys]
        log_events, segments = [], []
        for laid in backfill(target, events, deploys=deploys, gently=True):
            log_events += laid.log_events
            segments += laid.segments
            kept += 1
            if kept % _BATCH == 0:
                store.append(log_events, segments)
                log_events, segments = [], []
            if time.monotonic() - told > _TOLD_SECONDS:
                tell(done=kept, of=len(timed))
                told = time.monotonic()
        store.append(log_events, segments)
    tell(done=kept, of=len(timed))
    said = {"form": FORM, "plan": asdict(plan), "start": window.start, "end": window.end}
    (folder / "laid.json").write_text(json.dumps(said), encoding="utf-8")


def laid(name: str, folder: Path) -> dict[str, float] | None:
    """Return what stands of a past; None when it is not whole, of another plan, or too old."""
    try:
        said = json.loads((folder / "laid.json").read_text(encoding="utf-8"))
        plan = json.loads(json.dumps(asdict(past(name))))
        fits = said["form"] == FORM and said["plan"] == plan
        fresh = time.time() - said["start"] < KEPT_DAYS * 86_400
    except (OSError, ValueError, KeyError):
        return None
    return said if fits and fresh and (folder / "data").is_dir() else None


def open_past(name: str, user: int) -> None:
    """See to it that a past stands and is served; say where.

    Args:
        name: The past.
        user: The process for which it is to be served.
    """
    from workshop.endpoint import background

    folder = STATE / name
    folder.mkdir(parents=True, exist_ok=True)
    places = background.Places(folder)
    with _alone(folder):
        (folder / f"user-{user}").touch()
        found = laid(name, folder)
        running = background.running(places)
        if found is not None and running is not None and _is_empty(running.port):
            found = None
        if found is None:
            background.stop(places)
            lay(name, folder)
            found = laid(name, folder)
            running = None
        if running is None:
            tell(doing="starting the lab")
            running = _start(name, folder)
            if _is_empty(running.port):  # its data are gone, whatever laid.json says
                background.stop(places)
                lay(name, folder)
                found = laid(name, folder)
                _start(name, folder)
    assert found is not None  # noqa: S101 - it has just been laid
    tell(start=found["start"], end=found["end"], aws=str(places.aws))


def _start(name: str, folder: Path):
    from workshop.endpoint import background
    from workshop.errors import ToolError

    places = background.Places(folder)
    command = [sys.executable, __file__, "serve", name]
    former = folder / "port"
    with suppress(OSError, ValueError, ToolError):
        # Where it was before, so that clients that notebooks have made work again.
        return background.start(places, [*command, "--port", str(int(former.read_text()))], ROOT)
    with socket() as probe:  # Any free one: 4590 and those after it are for `workshop up`.
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = background.start(places, [*command, "--port", str(port)], ROOT)
    former.write_text(str(port))
    return running


def _is_empty(port: int) -> bool:
    """Whether no function has said anything."""
    from workshop.endpoint.client import Client

    client = Client(port)
    try:
        groups = client.call("logs", "DescribeLogGroups", logGroupNamePrefix="/aws/lambda/")[
            "logGroups"
        ]
    finally:
        client.close()
    return not any(group.get("storedBytes") for group in groups)


def serve(name: str, port: int | None) -> None:
    """Serve a past, until none of its users has been alive for a minute."""
    from workshop.cli.project import find
    from workshop.course import stage, workspace
    from workshop.endpoint import background

    folder = STATE / name
    step = find(ROOT).course.find(past(name).step)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        workspace.solution(step) as code,
        stage.Services() as services,
        background.serving(
            background.Places(folder),
            code / stage.TEMPLATE,
            f"{step.name}, the solution, for the notebooks",
            port,
            parameters=services.parameters,
        ),
    ):
        seen = time.monotonic()
        while time.monotonic() - seen < _ALONE_SECONDS:
            threading.Event().wait(2)
            if any(lives(file) for file in folder.glob("user-*")):
                seen = time.monotonic()


def close() -> None:
    """End everything that serves a past."""
    from workshop.endpoint import background

    for folder in STATE.glob("*/"):
        background.stop(background.Places(folder))


def lives(file: Path) -> bool:
    """Whether the process lives whose number a file is named for; if not, the file goes."""
    try:
        os.kill(int(file.name.removeprefix("user-")), 0)
    except (ProcessLookupError, ValueError):
        file.unlink(missing_ok=True)
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other notebook makes or starts the same past."""
    with (folder / "open.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(doing="waiting for another notebook, which is making the traffic")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Do what is asked; tell errors of the workshop's own in one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["open", "serve", "close"])
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--user", type=int, default=0)
    parser.add_argument("--port", type=int, default=None)
    options = parser.parse_args()
    from workshop.errors import WorkshopError

    try:
        if options.command == "open":
            open_past(options.name, options.user)
        elif options.command == "serve":
            serve(options.name, options.port)
        else:
            close()
    except WorkshopError as error:
        if options.command != "open":
            raise
        tell(error=str(error), look=str(getattr(error, "look", "")))
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
