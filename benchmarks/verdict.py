"""From a save to its verdict, as a learner waits for it."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Section, figures
from workshop.metrics.statistics import percentile

ROOT = Path(__file__).parents[1]
STEP = "03_custom_metrics"
SAVES = 20
CHECKS = 10
IMPORTS = 10
LIMIT_MS = 1000.0
_WAITING = "waiting for a save"


def save_to_verdict() -> Section:
    """Measure `workshop watch`, `workshop check`, and what the learner's imports cost."""
    with tempfile.TemporaryDirectory() as name:
        app = _finished_checkout(Path(name))
        saves = _watch(Path(name), app)
        check = ("-m", "workshop.cli", "check", "03")
        checks = [_run(*check, cwd=Path(name)) for _ in range(CHECKS)]
        python = [_run("-c", "pass", cwd=app.parent) for _ in range(IMPORTS)]
        imports = [_run("-c", "import app", cwd=app.parent) for _ in range(IMPORTS)]
    own = percentile(imports, 50) - percentile(python, 50)
    median = percentile(saves, 50)
    mark = "✓" if median < LIMIT_MS else "✗"
    findings = (
        f"{mark} save to verdict: {median:.0f} ms (aim: under {LIMIT_MS:.0f})",
        f"of which {own:.0f} ms, {own / median:.0%}: import of the learner's own dependencies",
    )
    return Section(
        "Save to verdict",
        f"Step {STEP}, finished, in a checkout of its own. `workshop watch`: from the save of "
        "app.py until the verdict of all promises stands on the screen. `workshop check`: the "
        "whole command.",
        ("ms", "times", "p50", "p90", "p99"),
        (
            ("`workshop watch`, save to verdict", *figures(saves, 0)),
            ("`workshop check 03`", *figures(checks, 0)),
            ("Python alone, start and end", *figures(python, 0)),
            ("Python that imports app.py", *figures(imports, 0)),
        ),
        findings,
    )


def _finished_checkout(folder: Path) -> Path:
    """Lay out a checkout whose step 03 is solved; return its app.py."""
    shutil.copytree(ROOT / "steps", folder / "steps")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for solution in sorted((ROOT / "solutions").iterdir()):
        if solution.name <= STEP:
            shutil.copytree(solution, folder / "steps" / STEP, dirs_exist_ok=True)
    return folder / "steps" / STEP / "app.py"


def _watch(folder: Path, app: Path) -> list[float]:
    watch = subprocess.Popen(
        [sys.executable, "-m", "workshop.cli", "watch", "03"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _verdict(watch)
        code = app.read_text()
        times = []
        for number in range(SAVES):
            time.sleep(0.3)  # a person's pause, so that each save is one of its own
            start = time.perf_counter()
            app.write_text(f"{code}\n# saved {number}\n")
            _verdict(watch)
            times.append((time.perf_counter() - start) * 1000)
        return times
    finally:
        watch.terminate()
        watch.communicate()


def _verdict(watch: "subprocess.Popen[str]") -> None:
    assert watch.stdout  # noqa: S101 - a pipe, as asked for
    said = ""
    for line in watch.stdout:
        said += line
        if _WAITING in line:
            if f"✓ {STEP}" not in said:
                message = f"the solution does not pass:\n{said}"
                raise RuntimeError(message)
            return
    message = f"workshop watch ended:\n{said}"
    raise RuntimeError(message)


def _run(*arguments: str, cwd: Path) -> float:
    """Time a Python command, in milliseconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=cwd, check=True, capture_output=True)
    return (time.perf_counter() - start) * 1000
