"""The root template: what would be deployed is watched, bounded, tagged, and allowed little."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import cfnlint.schema.manager
import pytest

from workshop.metrics.alarms import read_alarms
from workshop.rehearsal import sam
from workshop.sam import load_template

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
OTHERWISE = {
    "AlarmEmail": "ada@example.com",
    "ApiGatewayLogRole": "false",
    "Architecture": "x86_64",
    "ModelFileSystem": "true",
    "ProcessorUrl": "https://processor.example.com",
    "RetentionDays": "7",
    "Runtime": "python3.14",
    "Stage": "test",
}
"""Each parameter that decides something, decided the other way."""

TAGS = {"application", "stage"}
FUNCTIONS = {"payments", "settlements", "risk"}


@pytest.fixture(params=[{}, OTHERWISE], ids=["by default", "otherwise"])
def template(request):
    """The template, as our own loader reads it: the lab can run it too."""
    return load_template(TEMPLATE, request.param)


def of_type(template, kind):
    return {
        name: resource.get("Properties", {})
        for name, resource in template.resources.items()
        if resource["Type"] == kind
    }


def test_the_application_is_three_functions_and_their_helpers(template):
    names = {function.name for function in template.functions.values()}
    assert names >= FUNCTIONS
    helpers = names - FUNCTIONS
    assert helpers in ({"sandbox-processor"}, {"model-release"})


def test_every_function_has_its_code_and_what_it_imports(template):
    for function in template.functions.values():
        assert function.handler == "app.handler"
        assert (function.code_uri / "app.py").is_file()
        if function.name in FUNCTIONS:
            assert (function.code_uri / "requirements.txt").is_file()
            assert function.code_uri.parent.name == "solutions"


def test_every_function_is_traced_and_logs_json_to_a_group_that_forgets(template):
    for function in template.functions.values():
        assert function.tracing
        assert function.log_format == "JSON"
        assert template.log_groups[function.log_group].retention_days in {30, 7}
    assert "/aws/apigateway/payments" in template.log_groups


def test_names_are_those_of_the_steps_so_that_every_query_works_there_too(template):
    groups = {f.name: f.log_group for f in template.functions.values()}
    for name in FUNCTIONS:
        assert groups[name] == f"/aws/lambda/{name}"


def test_new_versions_get_traffic_bit_by_bit_while_alarms_look(template):
    alarms = {alarm.name for alarm in read_alarms(template.resources)}
    for name, properties in of_type(template, "AWS::Serverless::Function").items():
        assert properties["AutoPublishAlias"] == "live"
        assert properties["AutoPublishAliasAllProperties"]
        assert properties["DeploymentPreference"]["PassthroughCondition"]
        if properties["FunctionName"] in FUNCTIONS:
            preference = properties["DeploymentPreference"]
            assert preference["Type"].startswith("Canary")
            assert len(preference["Alarms"]) >= 2, name
            assert set(preference["Alarms"]) <= alarms


def test_alarms_watch_errors_by_metric_math_p99_and_how_far_the_stream_is_behind(template):
    alarms = {alarm.name: alarm for alarm in read_alarms(template.resources)}
    assert any("/" in str(query) for query in alarms["payments-failing"].queries)
    assert alarms["payments-slow"].statistic == "p99"
    assert alarms["settlements-late"].properties["MetricName"] == "IteratorAge"
    topics = set(of_type(template, "AWS::SNS::Topic"))
    for alarm in alarms.values():
        (action,) = alarm.properties["AlarmActions"]
        assert any(action.endswith(topic) for topic in topics)


def test_the_dashboard_shows_every_alarm_and_metrics_that_there_are(template):
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    shown = next(one["properties"]["alarms"] for one in widgets if one["type"] == "alarm")
    assert {arn.rpartition(":")[2] for arn in shown} == {
        alarm.name for alarm in read_alarms(template.resources)
    }
    code = (ROOT / "solutions/07_api/app.py").read_text()
    for name in re.findall(r'"(\w+(?:Charge|Duration|Request))"', dashboard["DashboardBody"]):
        assert f'"{name}"' in code or name == "Duration", name


def test_a_role_may_do_little_and_that_to_named_things(template):
    without_resources = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    roles = of_type(template, "AWS::IAM::Role")
    used = {
        resource["Properties"]["Role"]
        for resource in template.resources.values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert len(used) == len(template.functions)  # one for each
    for role in roles.values():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                actions = {actions} if isinstance(actions, str) else set(actions)
                assert not any("*" in action for action in actions)
                if statement["Resource"] == "*":
                    assert actions <= without_resources


def test_the_api_is_signed_throttled_and_logged(template):
    (api,) = (a for a in of_type(template, "AWS::Serverless::Api").values() if "Auth" in a)
    assert api["Auth"]["DefaultAuthorizer"] == "AWS_IAM"
    (settings,) = api["MethodSettings"]
    assert settings["ThrottlingRateLimit"] <= 20
    assert json.loads(api["AccessLogSetting"]["Format"])["trace_id"] == "$context.xrayTraceId"


def test_the_stream_gives_up_on_poison_and_tells_of_it(template):
    settlements = template.function("settlements")
    (event,) = settlements.events
    assert event.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event.properties["MaximumRetryAttempts"] >= 0
    assert event.properties["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    (stream,) = of_type(template, "AWS::Kinesis::Stream").values()
    assert stream["StreamEncryption"]["EncryptionType"] == "KMS"


def tags_of(names):
    """The names that are names of tags: Tags, FileSystemTags, and so on."""
    return [name for name in names if name.endswith("Tags") and name != "PropagateTags"]


def test_everything_that_takes_tags_has_them(template):
    schemas = cfnlint.schema.manager.PROVIDER_SCHEMA_MANAGER
    for logical_id, resource in template.resources.items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        if kind.startswith("AWS::Serverless::"):
            assert set(properties["Tags"]) == TAGS, logical_id
            continue
        known = schemas.get_resource_schema("us-east-1", kind).schema["properties"]
        if tags_of(known):
            (name,) = tags_of(properties) or [pytest.fail(f"{logical_id} has no tags")]
            assert {tag["Key"] for tag in properties[name]} == TAGS, logical_id


def test_samconfig_names_a_stack_for_each_way_to_deploy():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert {"default", "rehearsal"} <= set(config)
    for name in ("default", "rehearsal"):
        assert config[name]["global"]["parameters"]["stack_name"]
        assert config[name]["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
        assert "application=payments" in config[name]["deploy"]["parameters"]["tags"]


def environment_of(name):
    python = ROOT / f".venv-{name}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f".venv-{name} is not there: make test makes it")
    return python


def test_the_sam_cli_finds_it_valid(tmp_path):
    python = environment_of("sam")
    done = subprocess.run(
        [python, "-m", "samcli", "validate", "--lint", "--template", TEMPLATE],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=sam.variables(tmp_path / "home", sam.Tools(ROOT, python, python, "3.13")),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout


@pytest.mark.parametrize("false_is", ["false", "true"])
def test_checkov_finds_nothing_that_is_not_answered_where_it_stands(tmp_path, false_is):
    """It knows no parameters: the second time, what is off by default is on."""
    text = TEMPLATE.read_text()
    path = tmp_path / "template.yaml"
    path.write_text(text.replace('Default: "false"', f'Default: "{false_is}"'))
    done = subprocess.run(
        [
            *(environment_of("checkov"), "-m", "checkov.main", "--file", path),
            *("--framework", "cloudformation", "--skip-download", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
    )
    report = json.loads(done.stdout)
    found = report["results"]["failed_checks"]
    assert [f"{one['check_id']} {one['resource']}" for one in found] == []
    assert report["summary"]["passed"] > 50
    assert report["summary"]["parsing_errors"] == 0


def test_every_finding_that_is_not_mended_has_its_reason_beside_it():
    skips = re.findall(r"# checkov:skip=(\w+):?(.*)", TEMPLATE.read_text())
    assert skips
    for check, reason in skips:
        assert len(reason.split()) >= 4, check
