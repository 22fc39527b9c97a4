"""A checkout of its own for a rehearsal, with a space in its name."""

import shutil
from pathlib import Path

import pytest

from workshop.errors import ToolError
from workshop.rehearsal import sam

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def tools() -> sam.Tools:
    """What a rehearsal is done with; without it, the test is skipped and says why."""
    try:
        return sam.find(ROOT)
    except ToolError as error:
        pytest.skip(f"{error.what}: {error.look}")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a rehearsal reads of a checkout; its environments are those of this one."""
    root = tmp_path / "check out"
    root.mkdir()
    for name in ("solutions", "sandbox"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("template.yaml", "samconfig.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    (root / "steps").mkdir()
    for name in (".venv-sam", ".venv-emulator"):
        (root / name).symlink_to(ROOT / name)
    return root
