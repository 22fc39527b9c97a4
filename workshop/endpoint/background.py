"""The endpoint as a process in the background: one for each checkout.

Whoever serves holds a lock for as long as it lives, and the kernel takes it back however it ends:
a state file that nobody holds the lock for is stale, whatever process its number belongs to now.
"""

import fcntl
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import BinaryIO

from workshop.account import REGION
from workshop.endpoint import aws_config
from workshop.endpoint.app import HEALTH, Endpoint
from workshop.endpoint.functions import Parameters, no_parameters
from workshop.endpoint.ports import listening
from workshop.errors import LearnerError, ToolError, UsageError, WorkshopError
from workshop.loopback import HOST

DEFAULT_PORT = 4590
"""The first port tried; when it is taken, those after it."""

START_SECONDS = 20.0
STOP_SECONDS = 10.0

_POLL_SECONDS = 0.02
_HEALTH_SECONDS = 2.0
_WORDS_BYTES = 4096
_LOOK_SECONDS = 1.0  # whoever looks at a lock holds it for a moment


@dataclass(frozen=True)
class Running:
    """An endpoint that serves.

    Attributes:
        pid: Its process.
        port: Where it listens, on 127.0.0.1.
        token: What tells it from whatever else may listen there one day.
        code: What it serves, in words, such as `03_custom_metrics, your code`.
        since: When it began, in seconds since the epoch.
    """

    pid: int
    port: int
    token: str
    code: str
    since: float

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"


class Places:
    """Where an endpoint keeps what others need to find it.

    Args:
        state: The folder of state, `.workshop`.
    """

    def __init__(self, state: Path) -> None:
        self.data = state / "data"
        self.aws = state / "aws"
        self.file = state / "endpoint.json"
        self.log = state / "endpoint.log"
        self.lock = state / "endpoint.lock"
        self.starting = state / "endpoint-starting.lock"


def running(places: Places) -> Running | None:
    """Return the endpoint that serves this checkout; None when there is none."""
    found = _read(places)
    return found if found is not None and _answers(found) else None


@contextmanager
def serving(
    places: Places,
    template: Path,
    code: str,
    port: int | None = None,
    *,
    parameters: Parameters = no_parameters,
) -> Iterator[Running]:
    """Serve a template for as long as the `with` lasts.

    Args:
        places: Where to leave word of it.
        template: The template whose functions are served.
        code: What that is, in words.
        port: The port to listen on; None for the first free one from `DEFAULT_PORT` on.
        parameters: Gives the values of the template's parameters.

    Raises:
        UsageError: This checkout is served already, or the port asked for is taken.
        ToolError: No port is free, or a file cannot be written.
    """
    with _held(places.lock, patience_seconds=_LOOK_SECONDS) as is_ours:
        if not is_ours:
            raise UsageError("the endpoint of this checkout is running already", "workshop status")
        token = secrets.token_hex(16)

        def serve(at: int) -> Endpoint:
            return Endpoint(template, places.data, port=at, token=token, parameters=parameters)

        with listening(
            serve, DEFAULT_PORT, port, what="the endpoint", command="workshop up"
        ) as endpoint:
            own = Running(os.getpid(), endpoint.port, token, code, time.time())
            aws_config.write(places.aws, endpoint.url, REGION)
            _write(places.file, own)
            try:
                yield own
            finally:
                places.file.unlink(missing_ok=True)


def start(places: Places, command: Sequence[str], folder: Path) -> Running:
    """Start an endpoint that outlives this process and its terminal, and wait until it serves.

    Args:
        places: Where it will leave word.
        command: What to run; it is to call `serving` with the same places.
        folder: The folder to run it in.

    Raises:
        WorkshopError: It did not come up. The kind is that of what ended it, and its own words are
            in the error.
    """
    try:
        places.log.parent.mkdir(parents=True, exist_ok=True)
        with places.log.open("wb") as log:
            _make_room(log)
            process = subprocess.Popen(
                list(command),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ToolError(f"the endpoint cannot be started: {reason}", str(places.log)) from error
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = running(places)
        if found is not None and found.pid == process.pid:
            # It is to live on: nobody here waits for its end.
            process.returncode = 0
            return found
        if process.poll() is not None:
            raise _refusal(process.returncode, places.log)
        time.sleep(_POLL_SECONDS)
    process.kill()
    process.wait()
    raise ToolError(f"the endpoint did not come up within {START_SECONDS:.0f} s", str(places.log))


def stop(places: Places) -> Running | None:
    """End the endpoint of this checkout, and wait until it is gone.

    Returns:
        What served; None when nothing did. A stale state file is removed.

    Raises:
        ToolError: It would not end.
    """
    found = _read(places)
    if found is None or not _is_held(places.lock):
        places.file.unlink(missing_ok=True)
        return None
    # It wrote the file while it held the lock, and holds it still: the process is the right one.
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        with suppress(ProcessLookupError):
            os.kill(found.pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _is_held(places.lock):
                places.file.unlink(missing_ok=True)
                return found
            time.sleep(_POLL_SECONDS)
    raise ToolError(f"the endpoint does not end (process {found.pid})", f"kill -9 {found.pid}")


@contextmanager
def alone(places: Places) -> Iterator[None]:
    """Wait until nobody else starts or ends the endpoint of this checkout.

    Raises:
        ToolError: Somebody has been doing that for too long.
    """
    deadline = time.monotonic() + START_SECONDS + STOP_SECONDS
    while True:
        with _held(places.starting) as is_ours:
            if is_ours:
                yield
                return
        if time.monotonic() > deadline:
            raise ToolError("another `workshop up` or `workshop down` does not end")
        time.sleep(_POLL_SECONDS)


def _answers(found: Running) -> bool:
    """Whether the endpoint of this token answers on its port."""
    connection = HTTPConnection(HOST, found.port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", HEALTH)
        said = json.loads(connection.getresponse().read(10_000))
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(said, dict) and said.get("token") == found.token


def _read(places: Places) -> Running | None:
    try:
        return Running(**json.loads(places.file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write(file: Path, own: Running) -> None:
    unfinished = file.with_suffix(".new")
    try:
        unfinished.write_text(json.dumps(asdict(own)), encoding="utf-8")
        unfinished.chmod(0o600)
        unfinished.replace(file)
    except OSError as error:
        raise _not_kept(error, file) from error


def _not_kept(error: OSError, file: Path) -> ToolError:
    reason = (error.strerror or str(error)).lower()
    return ToolError(
        f"the state of the endpoint cannot be kept: {reason}",
        f"it is to be written to {file.parent}",
    )


def _make_room(log: BinaryIO) -> None:
    """See to it that the disk has room for an endpoint's last words, which would be lost else.

    Raises:
        OSError: It is full.
    """
    log.write(bytes(_WORDS_BYTES))
    log.flush()
    log.seek(0)
    log.truncate()


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with _held(lock, shared=True) as is_free:
        return not is_free


@contextmanager
def _held(lock: Path, *, shared: bool = False, patience_seconds: float = 0.0) -> Iterator[bool]:
    """Take a lock, if nobody has it; yield whether that was so."""
    deadline = time.monotonic() + patience_seconds
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise _not_kept(error, lock) from error
    try:
        while not (is_ours := _try(descriptor, kind)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        yield is_ours
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refusal(status: int, log: Path) -> WorkshopError:
    """Make an error of what an endpoint wrote that ended at once: what, then where to look."""
    what = "the endpoint did not come up"
    kind = {one.exit_status: one for one in (LearnerError, UsageError)}.get(status, ToolError)
    with suppress(OSError):
        words = log.read_text(encoding="utf-8", errors="replace").strip()
        first, *others = words[-2000:].splitlines() or [""]
        if first:
            look = " ".join(" ".join(others).split())
            return kind(f"{what}: {first.removeprefix('✗ ')}", look)
    return kind(what, str(log))
