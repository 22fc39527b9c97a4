"""Notebook 05: queries alone find its incident, and its checkpoints know right from wrong."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import boto3
import pandas as pd
import pytest
from botocore.config import Config

from workshop.course.stage import Services
from workshop.endpoint.app import Endpoint

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
SEEDS = (8, 12, 9, 1, 17, 53)
"""Those that the notebook names, and more, until every trouble has come in every shape."""
START = datetime(2026, 11, 22, 13, 5, tzinfo=UTC)

sys.path[:0] = [str(NOTEBOOKS), str(Path(__file__).parent)]

import incident  # noqa: E402 - of the notebooks
import workshop_lab  # noqa: E402
from detective import Detective  # noqa: E402


@dataclass
class Hour:
    """An hour of payments with an incident, laid by the real handlers, and served."""

    seed: int
    start: float
    end: float
    client: object

    @property
    def here(self):
        return SimpleNamespace(is_lab=True, start=datetime.fromtimestamp(self.start, UTC))


@pytest.fixture(scope="module", params=SEEDS)
def hour(request, tmp_path_factory) -> Iterator[Hour]:
    folder = tmp_path_factory.mktemp("an hour")
    name = f"incident-{request.param}"
    workshop_lab.lay(name, folder)
    laid = workshop_lab.laid(name, folder)
    template = ROOT / "solutions" / "07_api" / "template.yaml"
    with (
        Services() as services,
        Endpoint(template, folder / "data", parameters=services.parameters) as endpoint,
    ):
        clients = []

        def client(service):
            clients.append(
                boto3.client(
                    service,
                    endpoint_url=f"http://127.0.0.1:{endpoint.port}",
                    region_name="us-east-1",
                    aws_access_key_id="local",
                    aws_secret_access_key="local",  # noqa: S106 - nobody checks it
                    config=Config(retries={"total_max_attempts": 1}),
                )
            )
            return clients[-1]

        yield Hour(request.param, laid["start"], laid["end"], client)
        for one in clients:
            one.close()


def case_of(seed):
    return incident.Case(seed, SimpleNamespace(is_lab=True, start=START))


def truth(seed):
    """What is right, read from the plan: since, where, how, kind, deployment."""
    plan = incident.plan(seed)
    kind, which, value, starts = re.fullmatch(
        r"(\w+):(\w+)=(\w+)@(\d+)m\+\d+m", plan.incidents[0]
    ).groups()
    name = {"least": "amount_from", "most": "amount_to"}.get(which, which)
    found = {name: int(value) if value.isdecimal() else value}
    since = clock(int(starts))
    how = {"failing": "fails", "crawling": "slow"}[kind]
    return since, "processor", how, found, since if int(starts) in plan.deploys else None


def clock(minute):
    return f"{13 + (5 + minute) // 60}:{(5 + minute) % 60:02}"


def judge(case, found):
    since, where, how, kind, deployment = found
    case.since(since)
    case.broke(where, how)
    case.whom(kind)
    case.roll_back(deployment)
    return case.solved


def test_queries_alone_find_cause_scope_start_and_the_deployment_to_blame(hour, capsys):
    found = Detective(hour.client, hour.start, hour.end).solve()

    since, where, how, kind, deployment = truth(hour.seed)
    (name, value), (told, estimate) = *kind.items(), *found.kind.items()
    assert (found.where, found.how, told) == (where, how, name)
    assert estimate == (pytest.approx(value, rel=0.03) if isinstance(value, int) else value)
    assert minutes(found.since) - minutes(since) in {0, 1, 2, 3}
    assert found.deployment == deployment

    case = incident.Case(hour.seed, hour.here)
    answers = (found.since, found.where, found.how, found.kind, found.deployment)
    assert judge(case, answers) == {1, 2, 3, 4}, capsys.readouterr().out


def minutes(said):
    hour, minute = said.split(":")
    return int(hour) * 60 + int(minute)


def test_neither_metrics_nor_traces_nor_logs_tell_all_of_it(hour):
    _, _, how, kind, _ = truth(hour.seed)
    (scope,) = {"amount" if name.startswith("amount") else name for name in kind}

    metrics = hour.client("cloudwatch").list_metrics()["Metrics"]
    dimensions = {one["Name"].lower() for metric in metrics for one in metric["Dimensions"]}
    assert scope not in dimensions, "no metric tells for whom"

    xray = hour.client("xray")
    summaries = xray.get_trace_summaries(StartTime=hour.end - 120, EndTime=hour.end)
    ids = [summary["Id"] for summary in summaries["TraceSummaries"]]
    traces = chain.from_iterable(
        xray.batch_get_traces(TraceIds=ids[at : at + 5])["Traces"] for at in range(0, len(ids), 5)
    )
    assert not any(scope in json.dumps(trace) for trace in traces), "nor does any trace"

    if how == "slow":
        detective = Detective(hour.client, hour.start, hour.end)
        blame = "filter message = 'payment charged' and @message like /processor|127\\.0\\.0\\.1/"
        (row,) = detective.ask("/aws/lambda/payments", f"{blame} | stats count(*) as n")
        assert row["n"] == "0", "and where nothing fails, no log event says who was waited for"


def test_a_seed_always_gives_the_same_incident_and_seeds_give_all_kinds():
    assert incident.plan(8) == incident.plan(8)
    plans = [truth(seed) for seed in range(60)]
    assert {how for _, _, how, _, _ in plans} == {"fails", "slow"}
    assert {name for _, _, _, kind, _ in plans for name in kind} == {
        "campaign",
        "currency",
        "amount_from",
        "amount_to",
    }
    innocent = sum(deployment is None for *_, deployment in plans)
    assert 5 < innocent < 30


def test_the_incidents_that_are_played_have_every_shape_and_the_notebook_names_some():
    def shapes(seeds):
        found = [truth(seed) for seed in seeds]
        scopes = {
            (how, max(kind) if "amount" in max(kind) else "a name") for *_, how, kind, _ in found
        }
        return scopes | {(how, deployment is None) for *_, how, _, deployment in found}

    assert shapes(SEEDS) == shapes(range(60))
    script = (NOTEBOOKS / "05_incident.py").read_text(encoding="utf-8")
    named = re.findall(r"SEED(?: =|` to) (\d+)|^# to (\d+), and run", script, re.MULTILINE)
    assert {int(a or b) for a, b in named} == set(SEEDS[:3])


@pytest.mark.parametrize("seed", range(60))
def test_the_truth_is_accepted_whatever_the_seed(seed, capsys):
    solved = judge(case_of(seed), truth(seed))

    said = capsys.readouterr().out
    assert solved == {1, 2, 3, 4}, said
    assert "All four, by evidence" in said


WRONG = [
    ("13:06", "api", "slow", {"currency": "USD"}, "13:06"),
    ("14:04", "function", "fails", {"currency": "USD", "amount_from": 100_000}, "14:03"),
    ("soon", "database", "burns", {"colour": "red"}, "lunch"),
    (14, "api", "fails", {"amount_from": "a lot"}, 14),
    ("13:99:99", "function", "slow", {}, "99:99"),
]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("seed", range(20))
def test_a_wrong_finding_is_refused_and_says_nothing_of_the_right_one(seed, wrong, capsys):
    case = case_of(seed)

    assert judge(case, wrong) == set()

    said = capsys.readouterr().out
    assert said.count("✗") == 4
    assert said.count("case.hint(") == 4
    since, _, _, kind, deployment = truth(seed)
    told = {since, *map(str, kind.values())} | ({deployment} if deployment else set())
    names = {one for one in told if re.search(rf"(?<!\d){re.escape(one)}(?!\d)", said)}
    assert not names


def test_each_wrong_deployment_is_refused_in_words_that_fit(capsys):
    for seed in range(20):
        case, plan = case_of(seed), incident.plan(seed)
        *_, right = truth(seed)
        for deploy in plan.deploys:
            if clock(deploy) != right:
                case.roll_back(clock(deploy))
                assert "not to blame" in capsys.readouterr().out
        if right:
            case.roll_back(None)
            assert "there is something" in capsys.readouterr().out
        assert 4 not in case.solved


def test_a_kind_too_wide_or_too_narrow_is_told_by_how_many_payments(capsys):
    case = case_of(8)
    case.whom({"amount_from": 1})
    assert re.search(r"too wide\n  saw     since it began, (\d+) payments", capsys.readouterr().out)
    case.whom({"amount_from": 9000})
    assert "too narrow" in capsys.readouterr().out
    case.whom({"campaign": "autumn"})
    assert "something else sets them apart" in capsys.readouterr().out


def test_too_early_and_too_late_are_told_by_how_many_payments(capsys):
    case = case_of(8)
    case.since("13:20")
    told = re.search(r"too early\n  saw     after that minute, (\d+) pay", capsys.readouterr().out)
    assert int(told[1]) > 10
    case.since("13:50")
    told = re.search(r"too late\n  saw     (\d+) payments had been hit", capsys.readouterr().out)
    assert int(told[1]) > 50


def test_the_right_place_with_the_wrong_trouble_is_refused(capsys):
    for seed in range(10):
        _, where, how, *_ = truth(seed)
        case = case_of(seed)
        case.broke(where, {"fails": "slow", "slow": "fails"}[how])
        assert "the right place" in capsys.readouterr().out
        assert not case.solved


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_what_comes_out_of_a_table_is_taken_as_an_answer_whatever_its_zone(zone, capsys):
    case = case_of(8)
    since, *_, kind, _ = truth(8)
    at = pd.to_datetime([f"2026-11-22T{since}:00Z"]).tz_convert(zone)
    table = pd.DataFrame({"at": at, "cents": [kind["amount_from"]]})

    case.since(table["at"].min())
    case.whom({"amount_from": table["cents"].min()})
    case.roll_back(table["at"].iloc[0])

    assert case.solved == {1, 3, 4}, capsys.readouterr().out


def test_a_checkpoint_not_answered_yet_is_neither_right_nor_wrong(capsys):
    case = case_of(8)

    assert judge(case, (..., ..., ..., ..., ...)) == set()

    said = capsys.readouterr().out
    assert said.count("○") == 4
    assert "✗" not in said


def test_a_right_answer_taken_back_counts_no_longer(capsys):
    case = case_of(8)
    judge(case, truth(8))
    case.since("13:06")
    assert case.solved == {2, 3, 4}


def test_hints_come_one_after_the_other_and_tell_no_answer(capsys):
    case = case_of(8)
    for checkpoint in incident.HINTS:
        for number in (1, 2, 3, 3):
            case.hint(checkpoint)
            assert f"hint {number} of 3: " in capsys.readouterr().out
    answers = {str(value) for seed in SEEDS for value in truth(seed)[3].values()}
    hints = " ".join(chain.from_iterable(incident.HINTS.values()))
    assert not {one for one in answers if re.search(rf"\b{one}\b", hints)}


def test_with_an_aws_profile_it_says_that_nothing_was_played_there():
    import workshop_notebook

    here = SimpleNamespace(is_lab=False, start=START)
    with pytest.raises(workshop_notebook.Stop, match="in the lab alone") as stopped:
        incident.Case(8, here)
    assert "make notebooks" in stopped.value.look


def outputs(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    kept = [output for cell in cells for output in cell.get("outputs", [])]
    return "\n".join("".join(output.get("text", ())) for output in kept)


def test_the_exercise_as_kept_gives_nothing_away():
    script = (NOTEBOOKS / "05_incident.py").read_text(encoding="utf-8")
    since, *_, kind, _ = truth(8)
    assert "SEED = 8" in script
    assert since not in script
    assert not any(str(value) in script for value in kind.values())
    assert outputs(NOTEBOOKS / "05_incident.ipynb").count("○") == 4


def test_the_solution_as_kept_passes_every_checkpoint():
    said = outputs(NOTEBOOKS / "solutions" / "05_incident.ipynb")
    assert said.count("✓") == 4
    assert "All four, by evidence" in said
