import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
sys.path.insert(0, str(NOTEBOOKS))


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    """A folder of pasts that is not the reader's; whatever serves from it ends with the tests."""
    folder = tmp_path_factory.mktemp("notebooks state")
    before = os.environ.get("WORKSHOP_NOTEBOOKS_STATE")
    os.environ["WORKSHOP_NOTEBOOKS_STATE"] = str(folder)
    import start
    import workshop_lab

    workshop_lab.STATE = folder
    start.IPYTHON = folder / "ipython"
    yield folder
    workshop_lab.close()
    del os.environ["WORKSHOP_NOTEBOOKS_STATE"]
    if before is not None:
        os.environ["WORKSHOP_NOTEBOOKS_STATE"] = before


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home whose AWS files nobody is to read: they would break whoever does."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".aws").mkdir()
    for name in ("config", "credentials"):
        (folder / ".aws" / name).write_text("not an ini file\n", encoding="utf-8")
    return folder
