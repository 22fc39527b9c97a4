"""What docs/aws.md says is so: its sums, its names, its commands."""

import re
import subprocess
from pathlib import Path

import pytest

from workshop.metrics.alarms import read_alarms
from workshop.sam import load_template

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<what>[^|*]+?) \| (?P<much>[\d.]+)[^|]* \| (?P<price>[\d.]+) \| (?P<cost>[\d.]+) \|$"
)
ROWS = [found for line in GUIDE.splitlines() if (found := ROW.match(line))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["what"])
def test_each_cost_is_quantity_times_price(row):
    assert float(row["cost"]) == pytest.approx(float(row["much"]) * float(row["price"]), abs=6e-5)


def test_the_sum_is_the_sum():
    (total,) = re.findall(r"^\| \*\*sum\*\* .*\*\*([\d.]+)\*\*", GUIDE, re.MULTILINE)
    assert len(ROWS) == 11
    assert float(total) == pytest.approx(sum(float(row["cost"]) for row in ROWS), abs=5e-5)


def test_alarms_are_counted_by_the_metrics_that_they_watch():
    alarms = read_alarms(load_template(ROOT / "template.yaml").resources)
    watched = sum(max(1, len(alarm.queries) - 1) for alarm in alarms)
    assert f"alarms: {watched} metrics watched" in GUIDE


def test_the_table_of_parameters_names_those_of_the_template():
    text = (ROOT / "template.yaml").read_text()
    declared = re.findall(r"^  (\w+):\n    Type: (?:String|Number)$", text, re.MULTILINE)
    table = "".join(re.findall(r"^\| (`[^|]+`) \|", GUIDE, re.MULTILINE))
    assert re.findall(r"`(\w+)`", table) == declared


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)", GUIDE))
def test_every_link_leads_somewhere(target):
    assert target.startswith("https://") or (ROOT / "docs" / target).exists()


@pytest.mark.parametrize("path", re.findall(r"(?:steps|solutions)/\d\d[\w./]+\w", GUIDE))
def test_every_file_is_there(path):
    assert (ROOT / path).exists() or (ROOT / path).is_dir()


def test_every_option_of_sam_is_one():
    python = ROOT / ".venv-sam" / "bin" / "python"
    if not python.exists():
        pytest.skip(".venv-sam is not there: make test makes it")
    typed = re.findall(r"^(sam (?:remote invoke|list stack-outputs|\w+))(.*)$", GUIDE, re.MULTILINE)
    assert len(typed) > 8
    for command, rest in {(c, o) for c, o in typed}:
        options = re.findall(r"(--[\w-]+)", rest)
        if not options:
            continue
        done = subprocess.run(
            [python, "-m", "samcli", *command.split()[1:], "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "SAM_CLI_TELEMETRY": "0"},
        )
        for option in options:
            assert option in done.stdout, f"{command} {option}"
