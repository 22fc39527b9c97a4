"""Runs a learner's tests again and again, each time in a process and a copy of its own.

A program by itself, started by `workshop.course.learner_tests` and importing nothing of the
project. It imports once what every run needs, and forks a process for each run: a learner's tests
may do anything to it, and a run costs a quarter of what a fresh Python would.

It reads a JSON object a line from stdin, a job: `folder` (a copy of the step), `test_file`,
`reverse` (whether the last test goes first), `seconds` (how long it may take). It answers a JSON
object a line: the job's `folder`, how many seconds it `took`, and `result`, as `_Recorder.result`
has it, or `hung` or `gone` with the test that was running. It ends when stdin does, and takes
along whatever is still running.
"""

import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NOW = ".now"
RESULT = ".result.json"
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 (compared, not bound)
_LONGEST = 600
_POLL_SECONDS = 0.01
# What handlers and tests import, some of it only when it is first used.
_USUAL = (
    "_pytest.faulthandler",
    "_pytest.skipping",
    "_pytest.unittest",
    "_pytest.unraisableexception",
    "_pytest.warnings",
    "aws_lambda_powertools.event_handler.middlewares.openapi_validation",
    "aws_lambda_powertools.event_handler.openapi.encoders",
    "aws_lambda_powertools.event_handler.openapi.exceptions",
    "aws_lambda_powertools.logging.correlation_paths",
    "aws_xray_sdk.core",
    "http.server",
    "pdb",
    "pydantic.fields",
    "pydantic.json_schema",
    "pydantic.main",
    "pydantic.plugin._loader",
    "pydantic.type_adapter",
    "pytest",
    "requests",
    "unittest.mock",
)
# Forking a process that has loaded macOS's own libraries is not safe.
_CAN_FORK = sys.platform == "linux"


class _Recorder:
    """A pytest plugin that keeps how each test came out, and where the process wanted to go."""

    def __init__(self, folder: Path, test_file: str, *, reverse: bool) -> None:
        self._folder = folder
        self._test_file = test_file
        self._reverse = reverse
        self.result: dict[str, Any] = {
            "tests": {},  # name to outcome: passed, failed, skipped
            "failures": [],  # name, message, line, text
            "unreadable": None,  # kind, message, line: the test file cannot be imported
            "connections": [],  # host:port of what is not answered here
            "ended": None,  # how the tests ended the run before its time
            "status": None,  # pytest's own
        }

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note where a socket wants to go, and let it go nowhere but to this machine.

        https://docs.python.org/3/library/audit_events.html
        """
        if event == "socket.connect":
            address = arguments[1]
            if not isinstance(address, tuple):
                return  # A socket file of this machine.
            host, port = str(address[0]), address[1]
        elif event == "socket.getaddrinfo":
            host, port = str(arguments[0] or "localhost"), arguments[1]
        else:
            return
        here = host.startswith(LOOPBACK)
        if event == "socket.connect" or not here:
            self.result["connections"].append(f"{host}:{port}")
        if not here:
            message = f"a test wants to reach {host}: nothing beyond this machine is there"
            raise PermissionError(message)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Turn the tests round, where that is asked."""
        if self._reverse:
            items.reverse()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say which test is running: should it never end, this is all that is known."""
        self._folder.joinpath(NOW).write_text(_name(nodeid), encoding="utf-8")

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 (pytest's own)
        """Keep the worst outcome of a test's three phases."""
        name = _name(report.nodeid)
        tests = self.result["tests"]
        if report.failed:
            tests[name] = "failed"
            self.result["failures"].append({"name": name, **self._crash(report)})
        elif report.skipped:
            tests.setdefault(name, "skipped")
        elif report.when == "call":
            tests.setdefault(name, "passed")

    def pytest_exception_interact(self, call: Any, report: Any) -> None:  # noqa: ANN401
        """Keep why the test file cannot be imported."""
        if report.when != "collect":
            return
        error = call.excinfo.value
        error = error.__cause__ or error
        self.result["unreadable"] = {
            "kind": type(error).__name__,
            "message": self._short(str(error)),
            **self._line(error),
        }

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:  # noqa: ANN401
        """Keep that a test ended the run: by `pytest.exit`, or as Ctrl-C would."""
        self.result["ended"] = f"{excinfo.typename}: {excinfo.value}".strip(": ")

    def pytest_internalerror(self, excinfo: Any) -> None:  # noqa: ANN401
        """Keep that importing the test file ended the process, or that pytest is broken."""
        self.result["ended"] = f"{excinfo.typename}: {excinfo.value}".strip(": ")

    def _line(self, error: BaseException) -> dict[str, Any]:
        """Return the last line of the test file that an error came by, and its text."""
        trace, line = error.__traceback__, None
        while trace is not None:
            if Path(trace.tb_frame.f_code.co_filename).name == self._test_file:
                line = trace.tb_lineno
            trace = trace.tb_next
        return {"line": line, "text": self._text(line)}

    def _crash(self, report: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return what a failed test said, and on which line of the test file."""
        said = report.longrepr
        crash = getattr(said, "reprcrash", None)
        if crash is not None:
            message = crash.message
        else:
            message = getattr(said, "errorstring", None) or str(said)
        line = None
        for entry in getattr(getattr(said, "reprtraceback", None), "reprentries", ()):
            place = getattr(entry, "reprfileloc", None)
            if place is not None and Path(place.path).name == self._test_file:
                line = place.lineno
        if line is None and report.location[1] is not None:
            line = report.location[1] + 1
        return {"message": self._short(message), "line": line, "text": self._text(line)}

    def _short(self, text: str) -> str:
        """Return a message without the folder's name, which is ours, and not too long."""
        text = text.replace(f"{self._folder}{os.sep}", "")
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    def _text(self, line: int | None) -> str:
        with contextlib.suppress(OSError, ValueError, IndexError):
            if line:
                source = self._folder.joinpath(self._test_file).read_text(encoding="utf-8")
                return source.splitlines()[line - 1].strip()
        return ""


def _name(nodeid: str) -> str:
    return nodeid.partition("::")[2].replace("::", ".") or nodeid


def run(folder: Path, test_file: str, *, reverse: bool) -> None:
    """Run the tests of a folder in this process and leave the result there."""
    import pytest

    recorder = _Recorder(folder, test_file, reverse=reverse)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.chdir(folder)
    sys.addaudithook(recorder.audit)
    try:
        status = pytest.main(
            [
                *(f"--rootdir={folder}", "-pno:cacheprovider", "-q"),
                "-pno:hypothesispytest",  # It takes a second to say goodbye.
                str(folder / test_file),
            ],
            plugins=[recorder],
        )
        recorder.result["status"] = int(status)
    except BaseException as error:  # noqa: BLE001 (a test file may end the process as it is imported)
        recorder.result["ended"] = f"{type(error).__name__}: {error}".strip(": ")
    partial = folder / f"{RESULT}.partial"
    partial.write_text(json.dumps(recorder.result), encoding="utf-8")
    partial.replace(folder / RESULT)


class _Job:
    """One run, in a process group of its own."""

    def __init__(self, wanted: dict[str, Any], *, fork: bool) -> None:
        self.folder = Path(wanted["folder"])
        self._begun = time.monotonic()
        self._deadline = self._begun + wanted["seconds"]
        arguments = (self.folder, wanted["test_file"])
        if fork:
            self.pid = os.fork()
            if self.pid == 0:
                os.setpgid(0, 0)
                with contextlib.suppress(BaseException):
                    run(*arguments, reverse=wanted["reverse"])
                os._exit(0)  # Threads that a test has left running end here, too.
        else:
            program = [sys.executable, "-P", __file__, *map(str, arguments)]
            last_first = ["--reverse"] if wanted["reverse"] else []
            self._process = subprocess.Popen([*program, *last_first], process_group=0)
            self.pid = self._process.pid
        with contextlib.suppress(OSError):  # Both set it, so that it holds whoever is first.
            os.setpgid(self.pid, self.pid)

    def finished(self) -> dict[str, Any] | None:
        """Return the answer, once there is one; a job that is late is ended."""
        ended, _ = os.waitpid(self.pid, os.WNOHANG)
        late = not ended and time.monotonic() > self._deadline
        if not ended and not late:
            return None
        self.end(reap=late)
        try:
            result = json.loads(self.folder.joinpath(RESULT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            try:
                running = self.folder.joinpath(NOW).read_text(encoding="utf-8")
            except OSError:
                running = ""
            result = {"hung" if late else "gone": running}
        took = time.monotonic() - self._begun
        return {"folder": str(self.folder), "result": result, "took": took}

    def end(self, *, reap: bool) -> None:
        """End it, and whatever a test has started."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        if reap:
            os.waitpid(self.pid, 0)


def serve(at_once: int, *, fork: bool = _CAN_FORK) -> None:
    """Take jobs from stdin until it ends; answer on stdout."""
    if fork:
        names = [entry.module for entry in importlib.metadata.entry_points(group="pytest11")]
        for name in (*_USUAL, *names):
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        gc.freeze()  # pytest collects garbage after every run: let it not look at all of this.
    waiting: list[dict[str, Any]] = []
    running: list[_Job] = []
    text = b""
    try:
        while True:
            ready, _, _ = select.select([0], [], [], _POLL_SECONDS if running else None)
            if ready:
                read = os.read(0, 65536)
                if not read:
                    return
                *lines, text = (text + read).split(b"\n")
                waiting.extend(map(json.loads, lines))
            for job in list(running):
                answer = job.finished()
                if answer is not None:
                    running.remove(job)
                    os.write(1, json.dumps(answer).encode() + b"\n")
            while waiting and len(running) < at_once:
                running.append(_Job(waiting.pop(0), fork=fork))
    finally:
        for job in running:
            job.end(reap=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), fork=_CAN_FORK and "--no-fork" not in sys.argv)
    else:
        run(Path(sys.argv[1]), sys.argv[2], reverse="--reverse" in sys.argv)
