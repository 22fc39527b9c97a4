"""Open the notebooks in JupyterLab on this machine, with everything set; for `make notebooks`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
IPYTHON = HERE.parent / ".workshop" / "notebooks" / "ipython"
SETTINGS = HERE.parent / ".workshop" / "notebooks" / "jupyter"

STARTUP = f"""\
# Written by notebooks/start.py: errors are told in a sentence, even before the first cell has run.
import sys

sys.path.append({str(HERE)!r})
try:
    from workshop_errors import tell_errors
    tell_errors()
except Exception:
    pass  # the first cell says what is missing
"""

NO_QUESTIONS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
"""Settings that readers have not changed: nobody is asked whether they want news from outside."""

OPTIONS = (
    "--ServerApp.ip=127.0.0.1",
    f"--ServerApp.root_dir={HERE}",
    "--LabApp.news_url=None",  # no request leaves the machine
    f"--LabApp.app_settings_dir={SETTINGS}",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that kernels are to have: those given, and IPython's own folder in ours.

    A reader's own IPython settings and history are neither used nor written.
    """
    startup = IPYTHON / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "00-workshop.py").write_text(STARTUP, encoding="utf-8")
    return {**given, "IPYTHONDIR": str(IPYTHON)}


def main() -> None:
    """Become JupyterLab, until it is ended."""
    SETTINGS.mkdir(parents=True, exist_ok=True)
    (SETTINGS / "overrides.json").write_text(json.dumps(NO_QUESTIONS), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS, *sys.argv[1:]]
    os.execve(sys.executable, command, environment(os.environ))  # noqa: S606


if __name__ == "__main__":
    main()
