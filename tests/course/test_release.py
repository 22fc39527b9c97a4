"""A release rehearsed on paper tells what CodeDeploy's own alarms would have told."""

import sys
from pathlib import Path

import pytest

from workshop.course import sam_validate
from workshop.course.permissions import Role, Statement, read_role
from workshop.course.release import KINDS, Release, shares
from workshop.sam import Template, load_template

ROOT = Path(__file__).parents[2]
TEMPLATE = (ROOT / "solutions" / "11_ship" / "template.yaml").read_text()


@pytest.fixture
def template(tmp_path: Path):
    """Load the finished template, some of its text replaced."""

    def load(**changes: str) -> Template:
        text = TEMPLATE
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "template.yaml"
        path.write_text(text)
        return load_template(path)

    return load


def test_the_root_template_and_the_step_ship_in_kinds_that_are_known() -> None:
    shipped = (ROOT / "template.yaml").read_text()
    assert any(kind in TEMPLATE for kind in KINDS)
    assert any(kind in shipped for kind in KINDS)


@pytest.mark.parametrize(
    ("kind", "minutes", "first", "last"),
    [
        ("Canary10Percent5Minutes", 5, 10, 10),
        ("Canary10Percent30Minutes", 30, 10, 10),
        ("Linear10PercentEvery1Minute", 9, 10, 90),
        ("Linear10PercentEvery3Minutes", 27, 10, 90),
    ],
)
def test_a_share_is_held_until_all_traffic_moves(kind, minutes, first, last) -> None:
    steps = shares(kind)
    assert (len(steps), steps[0], steps[-1]) == (minutes, first, last)
    assert steps == sorted(steps)


def test_all_at_once_has_no_share_and_every_other_kind_has() -> None:
    assert [kind for kind in KINDS if not shares(kind)] == ["AllAtOnce"]


@pytest.mark.parametrize(
    ("trouble", "alarm"),
    [
        ("crashes", "payments-crashing"),
        ("fails", "payments-failing"),
        ("crawls", "payments-slow"),
    ],
)
def test_each_trouble_is_told_by_its_alarm_within_minutes(template, trouble, alarm) -> None:
    told = Release.read(template()).told(trouble)
    assert told is not None
    assert told[0] == alarm
    assert 1 <= told[1] <= 4


def test_a_good_version_is_let_through(template) -> None:
    assert Release.read(template()).told(None) is None


def test_a_threshold_above_the_canarys_share_is_never_reached(template) -> None:
    blind = Release.read(template(**{"Threshold: 5\n": "Threshold: 10\n"}))
    assert blind.told("fails") is None
    seeing = Release.read(template(**{"Threshold: 5\n": "Threshold: 9\n"}))
    assert seeing.told("fails") is not None


def test_growing_shares_pass_a_threshold_that_a_canary_stays_below(template) -> None:
    changes = {"Threshold: 5\n": "Threshold: 15\n"}
    assert Release.read(template(**changes)).told("fails") is None
    linear = {"Canary10Percent10Minutes": "Linear10PercentEvery1Minute"}
    assert Release.read(template(**changes, **linear)).told("fails") is not None


def test_an_alarm_that_goes_off_after_all_traffic_has_moved_comes_too_late(template) -> None:
    slow = {
        "EvaluationPeriods: 3\n      DatapointsToAlarm: 2": "EvaluationPeriods: 6\n      "
        "DatapointsToAlarm: 6"
    }
    quick = {"Canary10Percent10Minutes": "Canary10Percent5Minutes"}
    assert Release.read(template(**slow)).told("crashes") is not None
    assert Release.read(template(**slow, **quick)).told("crashes") is None


def test_an_alarm_that_is_not_named_does_not_count(template) -> None:
    unnamed = template(**{"!Ref PaymentsSlow, !Ref PaymentsCrashing]": "!Ref PaymentsSlow]"})
    assert Release.read(unnamed).told("crashes") is None


def test_a_deployment_that_is_not_enabled_is_all_at_once(template) -> None:
    off = template(**{"        Type: Canary10": "        Enabled: false\n        Type: Canary10"})
    assert Release.read(off).kind == "AllAtOnce"


@pytest.mark.parametrize(
    ("action", "resource", "wide"),
    [
        ("logs:PutLogEvents", "*", True),
        ("logs:PutLogEvents", "arn:aws:logs:*:*:*", True),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:1:log-group:*", True),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:1:log-group:*:*", True),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/*:*", True),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/a:*", False),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:1:log-group:a:log-stream:*", False),
        ("logs:PutLogEvents", "arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/a", False),
        ("s3:GetObject", "arn:aws:s3:::bucket/*", True),
        ("xray:PutTraceSegments", "*", False),
        ("cloudwatch:PutMetricData", "*", False),
    ],
)
def test_a_resource_is_wide_when_it_stands_for_more_than_one(action, resource, wide) -> None:
    assert bool(Statement("p", (action,), (resource,)).wide_resources()) == wide


def test_a_role_is_read_with_all_policies_that_are_attached_to_it(template) -> None:
    inline = read_role(template())
    assert isinstance(inline, Role)
    answers = ROOT / "tests" / "answers" / "11_ship" / "right"
    for name in ("a_policy_of_its_own", "a_managed_policy_of_ones_own"):
        role = read_role(load_template(answers / f"{name}.yaml"))
        assert isinstance(role, Role), name
        assert role.managed == ()
        for action in ("logs:PutLogEvents", "xray:PutTraceSegments"):
            assert role.allows(action) == inline.allows(action), name


def test_no_role_and_one_from_elsewhere_are_told_apart(template) -> None:
    line = "      Role: !GetAtt PaymentsRole.Arn\n"
    assert read_role(template(**{line: ""})) is None
    arn = "arn:aws:iam::123456789012:role/other"
    assert read_role(template(**{line: f"      Role: {arn}\n"})) == arn


@pytest.fixture
def checkout(tmp_path: Path):
    """Make a checkout whose `python -m samcli` is a script."""

    def make(script: str) -> Path:
        sam = tmp_path / "a checkout" / ".venv-sam" / "bin" / "python"
        sam.parent.mkdir(parents=True)
        sam.write_text(f"#!/bin/sh\n{script}\n")
        sam.chmod(0o755)
        return tmp_path / "a checkout"

    return make


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", None),
        ("echo E3002 something; exit 1", "E3002 something"),
        ("echo usage >&2; exit 2", None),
    ],
)
def test_sam_is_believed_when_it_speaks_of_the_template_alone(checkout, script, said) -> None:
    assert sam_validate.sam_complaint(checkout(script), Path("template.yaml")) == said


def test_nobody_waits_for_sam_for_ever(checkout) -> None:
    root = checkout("exec sleep 60")
    assert sam_validate.sam_complaint(root, Path("template.yaml"), seconds=0.2) is None


def test_sam_sees_nothing_of_the_users_own_set_up(checkout, monkeypatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("HOME", "/home/me")
    root = checkout('echo "$AWS_PROFILE$HOME"; exit 1')
    said = sam_validate.sam_complaint(root, Path("template.yaml"))
    assert said is not None
    assert "mine" not in said
    assert "/home/me" not in said


def test_without_sam_and_cfn_lint_there_is_no_complaint(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert sam_validate.sam_complaint(tmp_path, tmp_path / "template.yaml") is None


def test_cfn_lint_stands_in_for_sam(tmp_path: Path) -> None:
    wrong = ROOT / "tests" / "answers" / "11_ship" / "wrong" / "sam-refuses.yaml"
    said = sam_validate.sam_complaint(tmp_path, wrong)
    assert said is not None
    assert "'Trust' was unexpected" in said
