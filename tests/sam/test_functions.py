"""What a function and a log group are made of, and what SAM and Lambda refuse."""

import pytest

from workshop.sam import Event, LogGroup, TemplateError


def test_a_bare_function_gets_the_defaults_of_sam_and_lambda(function_with, tmp_path):
    function = function_with()
    assert function.name == "workshop-F"
    assert function.timeout_seconds == 3
    assert function.memory_mb == 128
    assert function.environment == {}
    assert function.tracing is False
    assert function.log_group == "/aws/lambda/workshop-F"
    assert function.log_format == "Text"
    assert function.application_log_level is None
    assert function.reserved_concurrency is None
    assert function.architecture == "x86_64"
    assert function.events == ()
    assert function.code_uri == tmp_path.resolve()


def test_what_a_function_says_is_kept(function_with):
    function = function_with(
        "FunctionName: payments\n"
        "Timeout: 900\n"
        "MemorySize: '10240'\n"
        "Tracing: Active\n"
        "Architectures: [arm64]\n"
        "ReservedConcurrentExecutions: 0\n"
        "Environment: {Variables: {ON: true, TEN: 10, TEXT: 'a b', EMPTY: ''}}\n"
        "Events:\n"
        "  Charge: {Type: Api, Properties: {Path: /charge, Method: post}}\n"
        "  Ping: {Type: HttpApi}\n"
    )
    assert function.name == "payments"
    assert function.timeout_seconds == 900
    assert function.memory_mb == 10240
    assert function.tracing is True
    assert function.architecture == "arm64"
    assert function.reserved_concurrency == 0
    assert function.environment == {"ON": "true", "TEN": "10", "TEXT": "a b", "EMPTY": ""}
    assert function.events == (
        Event("Charge", "Api", {"Path": "/charge", "Method": "post"}),
        Event("Ping", "HttpApi", {}),
    )


@pytest.mark.parametrize(
    ("mode", "active"), [("Active", True), ("PassThrough", False), ("Disabled", False)]
)
def test_only_active_tracing_samples_requests(function_with, mode, active):
    assert function_with(f"Tracing: {mode}").tracing is active


def test_json_logs_have_both_levels_at_info_unless_told_otherwise(function_with):
    function = function_with("LoggingConfig: {LogFormat: JSON}")
    assert function.log_format == "JSON"
    assert function.application_log_level == "INFO"
    assert function.system_log_level == "INFO"
    told = function_with(
        "LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: TRACE, SystemLogLevel: WARN}"
    )
    assert (told.application_log_level, told.system_log_level) == ("TRACE", "WARN")


def test_a_function_logs_to_the_group_that_it_names(load):
    template = load(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  Logs:\n"
        "    Type: AWS::Logs::LogGroup\n"
        "    Properties: {LogGroupName: /aws/lambda/payments, RetentionInDays: 30}\n"
        "  F:\n"
        "    Type: AWS::Serverless::Function\n"
        "    Properties:\n"
        "      {CodeUri: ., Handler: a.b, Runtime: python3.12,\n"
        "      LoggingConfig: {LogGroup: !Ref Logs}}"
    )
    assert template.function().log_group == "/aws/lambda/payments"
    assert template.log_groups == {
        "/aws/lambda/payments": LogGroup("Logs", "/aws/lambda/payments", 30)
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("RetentionDays: 30", "no property 'RetentionDays' | template.yaml:5:7  did you mean Ret"),
        ("LoggingConfig: {LogGroup: a}", "5:7  it belongs among the Properties of the function"),
    ],
)
def test_what_cloudformation_would_refuse_of_a_log_group_is_refused(refusal, line, said):
    logs = "Resources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n    Properties:\n      "
    assert said in refusal(f"{logs}{line}\n")


def test_a_log_group_without_retention_keeps_for_ever(load):
    template = load("Resources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n")
    assert template.log_groups["workshop-Logs"].retention_days is None


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ("Timeout: 0", "Timeout of F may not be 0 | template.yaml:9:16  allowed: 1 to 900"),
        ("Timeout: 901", "Timeout of F may not be 901"),
        ("Timeout: soon", "Timeout of F must be a whole number, not 'soon'"),
        ("Timeout: 2.5", "Timeout of F must be a whole number, not '2.5'"),
        ("MemorySize: 127", "allowed: 128 to 10240"),
        ("MemorySize: 10241", "allowed: 128 to 10240"),
        ("Timeout:", "nothing stands after this key | template.yaml:9:7"),
        ("Timeuot: 5", "F has no property 'Timeuot' | template.yaml:9:7  did you mean Timeout?"),
        ("Tracing: On", "Tracing of F may not be 'true'"),
        ("Tracing: active", "allowed: Active, PassThrough, Disabled"),
        ("Architectures: [x86_64, arm64]", "Architectures must be a list of one"),
        ("Architectures: x86_64", "Architectures must be a list of one"),
        ("ReservedConcurrentExecutions: -1", "may not be -1"),
        ("FunctionName: 'my payments'", "FunctionName of F may not be 'my payments'"),
        ("Environment: {Variables: {AWS_REGION: x}}", "AWS_REGION is Lambda's own"),
        ("Environment: {Variables: {1A: x}}", "may not hold the name '1A'"),
        ("Environment: {Variables: {AB: [1]}}", "must be a text, not a list"),
        ("Environment: {Variables: [A]}", "must hold names and values"),
        ("LoggingConfig: {LogLevel: INFO}", "has no property 'LogLevel'"),
        ("LoggingConfig: {ApplicationLogLevel: INFO}", "needs LogFormat: JSON"),
        ("LoggingConfig: {LogFormat: json}", "allowed: Text, JSON"),
        ("LoggingConfig: {LogFormat: JSON, SystemLogLevel: ERROR}", "allowed: DEBUG, INFO, WARN"),
        ("LoggingConfig: {LogGroup: 'a b'}", "may not be 'a b'"),
        ("InlineCode: 'x = 1'", "InlineCode cannot run here"),
        ("Events: {A: {Properties: {}}}", "F Events A has no Type"),
    ],
)
def test_what_lambda_would_refuse_is_refused_with_its_place(refusal_with, properties, said):
    assert said in refusal_with(properties)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("nowhere", "CodeUri names no folder: 'nowhere' | template.yaml:5:27"),
        ("s3://bucket/code.zip", "a CodeUri in S3 cannot run here | template.yaml:5:27"),
        ("{Bucket: b, Key: k}", "a CodeUri in S3 cannot run here | template.yaml:5:27"),
    ],
)
def test_code_that_is_not_a_folder_is_refused(refusal, uri, said):
    assert said in refusal(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n"
        f"    Type: AWS::Serverless::Function\n    Properties: {{CodeUri: {uri}}}\n"
    )


@pytest.mark.parametrize("missing", ["CodeUri", "Handler", "Runtime"])
def test_what_a_function_needs_is_asked_for(refusal, missing):
    facts = {"CodeUri": ".", "Handler": "a.b", "Runtime": "python3.13"}
    del facts[missing]
    properties = ", ".join(f"{key}: {value}" for key, value in facts.items())
    said = refusal(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n"
        f"    Type: AWS::Serverless::Function\n    Properties: {{{properties}}}\n"
    )
    assert f"has no {missing} | template.yaml:3:3" in said


@pytest.mark.parametrize("runtime", ["python3.10", "nodejs22.x", "python3.1"])
def test_a_runtime_that_does_not_run_here_is_refused(refusal, runtime):
    said = refusal(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n"
        "    Type: AWS::Serverless::Function\n"
        f"    Properties: {{CodeUri: ., Handler: a.b, Runtime: {runtime}}}\n"
    )
    assert f"Runtime of F may not be '{runtime}'" in said


@pytest.mark.parametrize("days", [0, 2, 29, 3654, "'a week'"])
def test_only_the_retention_periods_of_cloudwatch_are_taken(refusal, days):
    said = refusal(
        "Resources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n"
        f"    Properties: {{RetentionInDays: {days}}}\n"
    )
    assert "RetentionInDays of Logs" in said
    assert "template.yaml:4:35" in said


def test_two_of_one_name_are_refused(refusal):
    said = refusal(
        "Resources:\n"
        "  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /x}}\n"
        "  B: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /x}}\n"
    )
    assert "two resources of this kind are called '/x' | template.yaml:3:3" in said


def test_a_function_is_found_by_name_or_logical_id_or_as_the_only_one(load):
    one = (
        "Transform: AWS::Serverless-2016-10-31\nResources:\n"
        "  A: {Type: AWS::Serverless::Function, Properties: &}\n"
    ).replace("&", "{FunctionName: pay, CodeUri: ., Handler: a.b, Runtime: python3.13}")
    template = load(one)
    assert template.function() is template.function("A") is template.function("pay")
    with pytest.raises(TemplateError, match="no function 'refund'"):
        template.function("refund")
    two = load(one + one.splitlines()[-1].replace("A:", "B:").replace("pay", "refund") + "\n")
    with pytest.raises(TemplateError, match="2 functions"):
        two.function()
    with pytest.raises(TemplateError, match="no function"):
        load("Resources: {}").function()
