"""What the real `sam validate --lint` says of a template."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workshop.account import REGION


def sam_complaint(root: Path, template: Path, *, seconds: float = 60) -> str | None:
    """Ask the real `sam validate --lint` what is wrong with a template.

    Where the SAM CLI is not set up, cfn-lint is asked, which is what `--lint` runs.

    Args:
        root: The checkout, whose `.venv-sam` may have the SAM CLI.
        template: What to ask about.
        seconds: How long to wait; a slow machine is nobody's mistake.

    Returns:
        What it says; None when it says nothing, or neither is set up, or it takes too long.
    """
    sam = root.absolute() / ".venv-sam" / "bin" / "python"
    lint = Path(sys.executable).with_name("cfn-lint")
    if sam.is_file():
        # As a module: a script's first line cannot hold a path with a space.
        command = [str(sam), "-m", "samcli", "validate", "--lint", "--template", str(template)]
        complaining = {1}
    elif lint.is_file():
        command, complaining = [str(lint), "--non-zero-exit-code", "error", str(template)], {2, 6}
    else:
        return None
    with tempfile.TemporaryDirectory(prefix="workshop-", ignore_cleanup_errors=True) as home:
        # SAM would ask its registry for a newer version, had it not just done so.
        metadata = Path(home, ".aws-sam", "metadata.json")
        metadata.parent.mkdir()
        metadata.write_text(json.dumps({"lastVersionCheck": time.time()}), encoding="utf-8")
        environment = {
            "HOME": home,  # Nothing of the user's AWS set-up is read or written.
            "PATH": os.environ.get("PATH", os.defpath),
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                text=True,
                env=environment,
                cwd=home,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    # Any other status tells of a trouble of its own, which is not the learner's.
    return f"{done.stdout}\n{done.stderr}".strip() if done.returncode in complaining else None
