"""Step 10: what its check sends, and what its function does when the mount is not right."""

import json
import shutil
from pathlib import Path
from random import Random

import pytest

from workshop.course import inference, payments, private_data, safety, workspace
from workshop.course.catalogue import Course
from workshop.course.check import check_step
from workshop.course.sent import LogLine, Sent
from workshop.errors import ToolError
from workshop.lab import Lab
from workshop.load import Timed

ROOT = Path(__file__).parents[2]
STEP = Course.load(ROOT).find("10_inference")
RELEASES = STEP.solution / "mnt" / "models"


def event(name):
    return json.loads((STEP.folder / "events" / f"{name}.json").read_text())


@pytest.fixture
def folder():
    with workspace.solution(STEP) as laid_out:
        yield laid_out


@pytest.fixture
def mount(folder):
    """The folder that stands for the shared mount, beside a solution's code."""
    return folder / "mnt" / "models"


def invoke(folder, *events):
    with Lab.open(folder / "template.yaml") as lab:
        return [Sent(one, lab.invoke(one)) for one in events]


def version_on_log(sent):
    return {line.key("model_version") for line in sent.own_logs if line.key("level")}


# ---------------------------------------------------------------------- a mount that is not right


def remove_the_file_of_the_current_release(mount):
    (mount / "fraud-1.0.0.onnx").unlink()
    return "mnt/models/fraud-1.0.0.onnx"


def truncate(mount):
    path = mount / "fraud-1.0.0.onnx"
    path.write_bytes(path.read_bytes()[:800])
    return "mnt/models/fraud-1.0.0.onnx"


def empty(mount):
    (mount / "fraud-1.0.0.onnx").write_bytes(b"")
    return "mnt/models/fraud-1.0.0.onnx"


def name_another_file(mount):
    (mount / "current.txt").write_text("fraud-9.9.9.onnx\n")
    return "mnt/models/fraud-9.9.9.onnx"


def remove_current_txt(mount):
    (mount / "current.txt").unlink()
    return "mnt/models/current.txt"


def want_other_features(mount):
    path = mount / "fraud-1.0.0.onnx"
    path.write_bytes(path.read_bytes().replace(b"amount,hour,", b"hour,amount,"))
    return "mnt/models/fraud-1.0.0.onnx wants the features hour,amount"


def take_it_all_away(mount):
    shutil.rmtree(mount)
    return "mnt/models/current.txt"


@pytest.mark.parametrize(
    "spoil",
    [
        remove_the_file_of_the_current_release,
        truncate,
        empty,
        name_another_file,
        remove_current_txt,
        want_other_features,
        take_it_all_away,
    ],
)
def test_a_model_that_cannot_be_used_fails_the_init_phase_and_names_its_path(folder, mount, spoil):
    names = spoil(mount)
    (sent,) = invoke(folder, event("charge"))
    assert sent.invocation.status == "error"
    assert sent.error["errorType"] == "ModelError"
    assert names in sent.error["errorMessage"]
    assert sent.error["stackTrace"]


def test_what_a_learner_did_to_the_mount_changes_no_verdict(folder, mount):
    shutil.rmtree(mount)
    assert check_step(STEP, folder).passed


def test_a_release_that_is_not_there_is_the_tools_fault(tmp_path):
    with (
        inference.mount(tmp_path / "away") as made,
        pytest.raises(ToolError, match="cannot be laid out"),
    ):
        made.release(inference.OLD, Random(1))


def test_a_check_without_its_releases_blames_nobody(tmp_path):
    shutil.copytree(STEP.folder, tmp_path / "steps" / STEP.name)
    step = Course.load(tmp_path, starts=STEP.starts).find("10")  # there is no solutions/
    with workspace.start(step) as laid_out:
        verdict = check_step(step, laid_out)
    assert verdict.wrong is None
    assert verdict.exit_status == 3


# -------------------------------------------------------------------------------------- releasing


def test_a_release_changes_answers_and_version_and_no_code(folder, mount):
    before = invoke(folder, event("testing"))[0]
    (mount / "current.txt").write_text("fraud-2.0.0.onnx\n")
    after = invoke(folder, event("testing"))[0]
    assert (before.response["decision"], version_on_log(before)) == ("accept", {"1.0.0"})
    assert (after.response["decision"], version_on_log(after)) == ("review", {"2.0.0"})


def test_a_warm_environment_keeps_the_model_it_has(folder, mount):
    with Lab.open(folder / "template.yaml") as lab:
        first = Sent({}, lab.invoke(event("testing")))
        (mount / "current.txt").write_text("fraud-2.0.0.onnx\n")
        warm = Sent({}, lab.invoke(event("testing")))
    assert not warm.invocation.cold_start
    assert warm.response == first.response
    assert version_on_log(warm) == {"1.0.0"}


def test_the_events_are_what_the_readme_says_of_them():
    risks = {
        version: {
            name: inference.Oracle(RELEASES / f"fraud-{version}.onnx").risk(event(name)) > 0.5
            for name in ("charge", "minimal", "stolen", "testing")
        }
        for version in (inference.OLD, inference.NEW)
    }
    known = {"charge": False, "minimal": False, "stolen": True}
    assert risks[inference.OLD] == known | {"testing": False}
    assert risks[inference.NEW] == known | {"testing": True}
    assert set(event("charge")) - set(event("minimal")) == {"payments_last_hour"}


def test_the_function_fits_into_its_memory(folder):
    """With room to spare: on AWS the runtime itself takes more than at home."""
    sent = invoke(folder, event("charge"))[0]
    assert sent.invocation.report.max_memory_used_mb < 0.75 * 256


def test_a_reset_leaves_the_mount_alone(tmp_path):
    for part in ("steps", "solutions"):
        shutil.copytree(ROOT / part / STEP.name, tmp_path / part / STEP.name)
    step = Course.load(tmp_path, starts=STEP.starts).find("10")
    mounted = step.folder / "mnt" / "models"
    (mounted / "current.txt").write_text("fraud-2.0.0.onnx\n")
    before = {path.name: path.read_bytes() for path in mounted.iterdir()}
    (step.folder / "app.py").write_text("# mine\n")
    assert safety.reset(step).restored == ("app.py",)
    assert {path.name: path.read_bytes() for path in mounted.iterdir()} == before


# ----------------------------------------------------------------------------- what it starts from


def test_the_start_has_what_the_steps_before_taught():
    """It starts anew, with the log, the metrics and the trace as a learner of 05 has them."""
    with workspace.start(STEP) as folder:
        first, warm = invoke(folder, event("charge"), event("stolen"))
    for sent in (first, warm):
        (line,) = [one for one in sent.own_logs if not one.is_emf]
        assert line.key("payment_id") == sent.event["payment_id"]
        assert line.key("correlation_id") == sent.event["correlation_id"]
        assert line.key("cold_start") is sent.invocation.cold_start
        assert [one["name"] for one in sent.segments if one.get("type") == "subsegment"] == [
            "## handler"
        ]
        assert private_data.find_private(sent) == []
    assert {point.name for point in first.points} == {"ColdStart", "ScoredPayment"}
    assert {point.name for point in warm.points} == {"ScoredPayment"}


def test_the_start_answers_as_the_solution(folder):
    with workspace.start(STEP) as start:
        begun = invoke(start, event("charge"), event("stolen"))
    finished = invoke(folder, event("charge"), event("stolen"))
    assert [one.response for one in begun] == [one.response for one in finished]


# ---------------------------------------------------------------------------- what the check sends


@pytest.mark.parametrize("seed", range(40))
def test_an_undecided_payment_shows_any_feature_that_is_left_out(seed):
    """So that features in another order, or left out, never pass by chance."""
    model = inference.Oracle(RELEASES / "fraud-1.0.0.onnx")
    one = inference.undecided(Random(seed), model)
    risk = model.risk(one)
    without = [one | {"amount": 0}, one | {"hour": 0}, one | {"country": one["card"]["country"]}]
    without.append(one | {"card": one["card"] | {"age_days": 0}})
    assert all(abs(model.risk(other) - risk) > 0.05 for other in without)


@pytest.mark.parametrize("seed", range(40))
def test_the_two_releases_differ_on_a_payment_that_tests_a_card(seed):
    one = inference.testing(Random(seed))
    old, new = (
        inference.Oracle(RELEASES / f"fraud-{version}.onnx").risk(one)
        for version in (inference.OLD, inference.NEW)
    )
    assert new - old > 0.9


def test_a_crowds_payments_are_shaped_the_same_way_each_time():
    paid = [Timed(at, one) for at, one in enumerate(payments.customers(3, 200))]
    shaped = list(inference.payments_to_score(paid))
    assert shaped == list(inference.payments_to_score(paid))
    assert [one.at for one in shaped] == [one.at for one in paid]
    for one, before in zip(shaped, paid, strict=True):
        assert set(one.event) == set(event("charge"))
        assert one.event["payment_id"] == before.event["payment_id"]
    risk = inference.Oracle(RELEASES / "fraud-2.0.0.onnx").risk
    assert 4 < sum(risk(one.event) > 0.5 for one in shaped) < 40


def test_a_log_line_of_the_readme_is_one_that_can_be_searched(folder):
    """The version is a key of its own, and a text: 1.0.0 is no number."""
    sent = invoke(folder, event("charge"))[0]
    found = [LogLine(one) for one in sent.invocation.log_events]
    assert "1.0.0" in {line.key("model_version") for line in found}
