"""The SAM CLI, as it is, with dummy credentials and a home of its own.

Nothing of the user's AWS set-up is read or written: not ~/.aws, not a variable, not a profile. The
build alone may use the network, as pip is set up for this user, where the packages have not been
fetched beforehand.
"""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workshop.account import REGION
from workshop.errors import ToolError

KEY = SECRET = "test"  # noqa: S105  # what the emulator takes for its root user's
STACK = "rehearsal"

OLDEST = (3, 12)
"""The functions' Python: what the model needs is too new for the C library of python3.11 there."""

_MINUTES = 10
_LAST_LINES = 3
_PASSED_TO_PIP = frozenset(
    {"all_proxy", "http_proxy", "https_proxy", "no_proxy", "requests_ca_bundle", "ssl_cert_file"}
)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a rehearsal is done with.

    Attributes:
        root: The checkout.
        sam: The Python that has the SAM CLI.
        emulator: The Python that has the emulator; the functions run by it too.
        version: Of the latter, such as `3.13`.
    """

    root: Path
    sam: Path
    emulator: Path
    version: str

    @property
    def runtime(self) -> str:
        """What a template calls that Python."""
        return f"python{self.version}"

    @property
    def architecture(self) -> str:
        """What a template calls this laptop's kind of processor."""
        return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"

    @property
    def wheels(self) -> Path:
        """Where `make` put what the functions import; builds from there need no network."""
        return self.root / ".venv-emulator" / "wheels"


def find(root: Path) -> Tools:
    """Find what a rehearsal needs.

    Raises:
        ToolError: Something is not installed, or this is no place for it; with what to type.
    """
    if sys.platform != "linux":
        raise ToolError(
            "a rehearsal wants Linux: what sam builds is for Lambda, and the emulator runs it here",
            "in the dev container, or on AWS itself: docs/aws.md",
        )
    sam, emulator = (root / f".venv-{name}" / "bin" / "python" for name in ("sam", "emulator"))
    for python, package, what in (
        (sam, "samcli", "the AWS SAM CLI"),
        (emulator, "ministack", "the emulator of AWS"),
    ):
        if not _has(python, package):
            raise ToolError(f"{what} is not installed", "make rehearse installs it, and rehearses")
    version = _ask(emulator, "import sys; print('%d.%d' % sys.version_info[:2])")
    if tuple(map(int, version.split("."))) < OLDEST:
        raise ToolError(
            f"a rehearsal wants Python 3.12 or newer for the functions, not {version}: what the "
            "model runs on is too new for Lambda's python3.11",
            "make rehearse PYTHON=/path/to/python3.13, after: rm -r .venv-emulator",
        )
    return Tools(root, sam, emulator, version)


def _has(python: Path, package: str) -> bool:
    script = f"import importlib.util as u; print(u.find_spec({package!r}) is not None)"
    return python.exists() and _ask(python, script) == "True"


def _ask(python: Path, script: str) -> str:
    try:
        done = subprocess.run(
            [python, "-c", script], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def variables(home: Path, tools: Tools, endpoint: str | None = None) -> dict[str, str]:
    """Make a home, and return the environment of a rehearsal's programs: nothing of the user's.

    Args:
        home: A folder for whatever they keep in a home.
        tools: What the rehearsal is done with.
        endpoint: Where AWS is; None for nowhere.
    """
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    settings = home / ".aws-sam" / "metadata.json"
    settings.parent.mkdir(exist_ok=True)
    # With a new home it would ask a package registry for a newer version, at each command.
    settings.write_text(json.dumps({"lastVersionCheck": time.time(), "telemetryEnabled": False}))
    nowhere = str(home / "nothing")
    found = {
        "PATH": f"{tools.emulator.parent}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LC_ALL": "C.UTF-8",
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }
    if endpoint:
        found["AWS_ENDPOINT_URL"] = endpoint
    return found


def pip_variables(tools: Tools, own: Mapping[str, str]) -> dict[str, str]:
    """Return what pip is to know: where the packages lie, or else what the user set up for it.

    Args:
        tools: What the rehearsal is done with.
        own: The user's environment.
    """
    if tools.wheels.is_dir():
        return {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": tools.wheels.as_uri(),  # as it stands, a space would part it
            "PIP_NO_INDEX": "1",
        }
    home = own.get("HOME", "")
    found = {name: own[name] for name in own if name.startswith("PIP_")}
    found |= {name: own[name] for name in own if name.lower() in _PASSED_TO_PIP}
    found["XDG_CACHE_HOME"] = own.get("XDG_CACHE_HOME", f"{home}/.cache")
    found["XDG_CONFIG_HOME"] = own.get("XDG_CONFIG_HOME", f"{home}/.config")
    if "no_proxy" not in own and "NO_PROXY" not in own:
        found["NO_PROXY"] = "127.0.0.1,localhost"
    return found


def run(tools: Tools, arguments: Sequence[str], environment: dict[str, str], log: Path) -> str:
    """Run the SAM CLI; what it says goes to a file.

    Args:
        tools: Where it is.
        arguments: What to type after `sam`.
        environment: Its variables.
        log: The file.

    Returns:
        What it said.

    Raises:
        ToolError: It failed, with the last that it said.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [tools.sam, "-m", "samcli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=tools.root,
            env=environment,
            start_new_session=True,
        )
        try:
            status = process.wait(_MINUTES * 60)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with every pip that it started
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                what = f"sam {arguments[0]} did not end within {_MINUTES} minutes"
                raise ToolError(what, f"what it said: {log}") from None
            raise
    said = log.read_text(encoding="utf-8", errors="replace")
    if status:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last = " · ".join(lines[-_LAST_LINES:]) or "it said nothing"
        raise ToolError(f"sam {arguments[0]} failed: {last}", f"all that it said: {log}")
    return said
