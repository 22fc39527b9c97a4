"""Where things are: the repository a person stands in, and the folder of state in it."""

import shlex
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.errors import UsageError

if TYPE_CHECKING:
    from workshop.course.catalogue import Course, Step

DISTRIBUTION = "serverless-observability-workshop"
"""The name of this package, in pyproject.toml and where packages are installed."""

_CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    """A checkout of the workshop.

    Attributes:
        root: The folder with `steps/` and `solutions/`.
    """

    root: Path

    @property
    def state(self) -> Path:
        """The folder of what is kept between commands; git ignores it."""
        return self.root / ".workshop"

    @property
    def data(self) -> Path:
        """The folder of the store, for the telemetry of `workshop run`."""
        return self.state / "data"

    @cached_property
    def course(self) -> "Course":
        """The steps, read from `steps/`."""
        from workshop.course.catalogue import Course  # doctor does without

        return Course.load(self.root)

    def step(self, named: str | None) -> "Step":
        """Return the step meant; without a name, the one the learner is at.

        Raises:
            UsageError: No step is meant by it.
        """
        if named is not None:
            return self.course.find(named)
        from workshop.course.progress import Progress  # doctor does without

        return Progress(self.state).current(self.course) or self.course.steps[-1]

    @property
    def activation(self) -> str | None:
        """What makes `workshop` a command in this terminal; None where it is one."""
        script = Path(sys.prefix) / "bin" / "activate"
        if shutil.which("workshop") or not script.is_file():
            return None
        return f". {shlex.quote(self.short(script))}"

    def short(self, path: Path) -> str:
        """Write a path as a person here would type it: relative to where they stand."""
        for base in (_here(), self.root):
            if path.is_relative_to(base):
                return str(path.relative_to(base))
        return str(path)


def find(start: Path | None = None) -> Project:
    """Find the checkout: the one a person stands in, else the one this package is installed from.

    Args:
        start: Where to look from; the current folder if None.

    Returns:
        The project.

    Raises:
        UsageError: When neither holds the steps.
    """
    here = start or _here()
    for folder in (here, *here.parents, _CHECKOUT):
        if (folder / "steps").is_dir() and _is_ours(folder / "pyproject.toml"):
            return Project(folder)
    raise UsageError(
        f"no workshop found in {here} or above it",
        "go to the folder you cloned, the one with steps/ in it",
    )


def _here() -> Path:
    """Return the current folder; the checkout where it has been removed meanwhile."""
    try:
        return Path.cwd()
    except OSError:
        return _CHECKOUT


def _is_ours(pyproject: Path) -> bool:
    try:
        return DISTRIBUTION in pyproject.read_text(encoding="utf-8")
    except OSError:
        return False
