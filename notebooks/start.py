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

UNCHANGED = {
    # Nobody is asked whether they want news from outside; a step's README is shown as a page.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
}
"""Settings, as long as the reader has not changed them."""

OPTIONS = (
    "--ServerApp.ip=127.0.0.1",
    f"--ServerApp.root_dir={HERE.parent}",  # so that links lead to the steps
    f"--LabApp.default_url=/lab/tree/{HERE.name}",
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
    (SETTINGS / "overrides.json").write_text(json.dumps(UNCHANGED), encoding="utf-8")
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS, *sys.argv[1:]]
    os.execve(sys.executable, command, environment(os.environ))  # noqa: S606


if __name__ == "__main__":
    main()
