"""The account and the region are said once: one that differed would make ARNs that fit nothing."""

import re
from pathlib import Path

from workshop.account import ACCOUNT_ID, REGION

PACKAGE = Path(__file__).parents[1] / "workshop"
LEARNERS = PACKAGE / "course" / "starts"
SAID = re.compile(rf"[\"']({ACCOUNT_ID}|{REGION})[\"']")


def test_no_module_has_an_account_or_a_region_of_its_own():
    files = (path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(LEARNERS))
    saying = [path for path in files if SAID.search(path.read_text(encoding="utf-8"))]

    assert saying == [PACKAGE / "account.py"]
