"""What `workshop doctor` looks at: what is here, what is missing for which part, what mends it."""

import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from workshop import loopback
from workshop.cli.project import DISTRIBUTION, Project
from workshop.errors import ToolError, WorkshopError
from workshop.rehearsal import sam

OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
NEEDED_BYTES = 200 * 1024 * 1024
"""Room for telemetry and temporary folders: some hundred thousand invocations."""
NEEDED_FILES = 256
"""Files and sockets open at once: the tour's ten execution environments, twice over."""

_EXTRAS = {
    "dev": "the project's own tests",
    "kernel": "running notebooks without JupyterLab",
    "notebooks": "notebooks",
    "sam": "deploying to AWS",
}
_TARGETS = {"": "tour", "dev": "test"}
"""Part to the target of the Makefile that installs it first."""

_APART = {"sam": ".venv-sam"}
"""Part to the virtual environment it has for itself: its pins do not agree with the others'."""

_PATIENCE_SECONDS = 10
_INIT_PROCESS = 1
_ENVIRONMENT = "local_lambda/runtime.py"


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: What it is.
        found: What it is like here.
        mend: What to type, or do, where it is not as it should be; None where it is.
    """

    name: str
    found: str
    mend: str | None = None


@dataclass(frozen=True)
class Part:
    """A part of the workshop and what it needs.

    Attributes:
        name: What one can do with it.
        optional: Whether steps, tour and checks work without it.
        findings: What was looked at.
    """

    name: str
    optional: bool
    findings: tuple[Finding, ...]

    @property
    def works(self) -> bool:
        """Whether nothing is missing."""
        return all(finding.mend is None for finding in self.findings)


def examine(project: Project) -> Iterator[Part]:
    """Look at each part, the main one first."""
    yield Part(
        "steps, tour, checks",
        optional=False,
        findings=(
            _python(),
            _environment(project),
            _packages(project, ""),
            _course(project),
            _writable("state folder", project.state, project.short(project.state)),
            _writable("temporary folder", Path(tempfile.gettempdir()), tempfile.gettempdir()),
            _room(project.root),
            _loopback(),
            _open_files(),
            _left_behind(),
        ),
    )
    extras = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    for extra in extras:
        yield Part(_EXTRAS.get(extra, extra), optional=True, findings=(_packages(project, extra),))
    yield Part("rehearsing a deployment", optional=True, findings=(_rehearsal(project),))
    yield Part("slides", optional=True, findings=(_node(),))


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, OLDEST_PYTHON))
    old = sys.version_info[:2] < OLDEST_PYTHON
    return Finding("Python", found, f"install Python {wanted} or later" if old else None)


def _environment(project: Project) -> Finding:
    if sys.prefix != sys.base_prefix:
        return Finding("virtual environment", project.short(Path(sys.prefix)))
    return Finding("virtual environment", "none is in use", _installing(project, ""))


def _packages(project: Project, extra: str) -> Finding:
    """Compare what is installed with what the project asks for.

    Args:
        project: The checkout.
        extra: Which optional part's packages; empty for those of the main part.
    """
    apart = _APART.get(extra)
    if apart and (project.root / apart / f"{extra}.stamp").exists():
        return Finding("packages", f"as pinned, in {apart}")
    wanted = [Requirement(line) for line in metadata.requires(DISTRIBUTION) or []]
    wrong = list(_missing(one for one in wanted if _applies(one, extra)))
    if not wrong:
        return Finding("packages", "as pinned")
    return Finding("packages", ", ".join(wrong), _installing(project, extra))


def _installing(project: Project, extra: str) -> str:
    """Return the one command that installs a part."""
    if extra in _APART:
        return f"sh requirements/install.sh {_APART[extra]} {extra}"
    target = _TARGETS.get(extra)
    if target is None or not (project.root / "Makefile").is_file() or not shutil.which("make"):
        return f"uv sync --inexact{f' --extra {extra}' if extra else ''}"
    # Its stamp says that this was done, so that `make` alone would not do it again.
    done = (project.root / ".venv" / f"{extra or 'run'}.stamp").exists()
    return f"make clean {target}" if done else f"make {target}"


def _applies(requirement: Requirement, extra: str) -> bool:
    if requirement.marker is None:
        return not extra
    with_extra = requirement.marker.evaluate({"extra": extra})
    return with_extra and not (extra and requirement.marker.evaluate({"extra": ""}))


def _missing(wanted: Iterable[Requirement]) -> Iterator[str]:
    for requirement in wanted:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"no {requirement.name}"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} {version}, not {requirement.specifier}"


def _course(project: Project) -> Finding:
    try:
        steps = project.course.steps
    except WorkshopError as error:
        return Finding("steps", error.what, "git status, then git restore what is missing")
    return Finding("steps", f"{len(steps)} of them")


def _writable(name: str, folder: Path, shown: str) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(name, f"{shown}: {reason}", f"make {shown} a folder you may write to")
    return Finding(name, shown)


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024**3:.1f} GB free"
    mend = "free some space on the disk" if free < NEEDED_BYTES else None
    return Finding("disk", found, mend)


def _loopback() -> Finding:
    try:
        loopback.require()
    except loopback.LoopbackError as error:
        mend = "allow this program to use 127.0.0.1 (a firewall? is `lo` up?)"
        return Finding("loopback", error.what, mend)
    return Finding("loopback", "TCP and UDP on 127.0.0.1")


def _open_files() -> Finding:
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= NEEDED_FILES:
        return Finding("open files", "enough at once")
    enough = most == resource.RLIM_INFINITY or most >= NEEDED_FILES
    mend = f"ulimit -n {NEEDED_FILES}" if enough else f"raise this limit to {NEEDED_FILES}"
    return Finding("open files", f"no more than {allowed} at once", mend)


def _left_behind() -> Finding:
    """Look for execution environments whose lab is gone."""
    try:
        listed = _output("ps", "-axo", "pid=,ppid=,command=")
    except OSError:
        return Finding("stale processes", "unknown: there is no ps here")
    stale = []
    for line in listed.splitlines():
        found = re.match(r"\s*(\d+)\s+(\d+)\s+(.*)", line)
        if found and int(found[2]) == _INIT_PROCESS and _ENVIRONMENT in found[3]:
            stale.append(found[1])
    if stale:
        return Finding("stale processes", f"{len(stale)}", f"kill -9 {' '.join(stale)}")
    return Finding("stale processes", "none")


def _rehearsal(project: Project) -> Finding:
    try:
        tools = sam.find(project.root)
    except ToolError as error:
        return Finding("SAM, emulator", error.what, error.look)
    return Finding("SAM, emulator", f"there, with Python {tools.version}")


def _node() -> Finding:
    mend = f"install Node.js {OLDEST_NODE} or later: https://nodejs.org"
    try:
        version = _output("node", "--version").strip()
    except OSError:
        return Finding("Node.js", "not installed", mend)
    found = re.match(r"v?(\d+)\.", version)
    enough = found is not None and int(found[1]) >= OLDEST_NODE
    return Finding("Node.js", version, None if enough else mend)


def _output(*arguments: str) -> str:
    """Run a program and return what it prints.

    Raises:
        OSError: It is not there, or does not end.
    """
    try:
        done = subprocess.run(
            arguments,
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=_PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(str(error)) from error
    return done.stdout
