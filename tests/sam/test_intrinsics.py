"""Parameters, conditions, mappings and every function, as CloudFormation resolves them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workshop.sam import TemplateError, parameter_names

SECTIONS = """\
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Size: {Type: Number, Default: 5, MinValue: 1, MaxValue: 10}
  Names: {Type: CommaDelimitedList, Default: 'ada, grace'}
  Short: {Type: String, Default: abc, AllowedPattern: '[a-z]+', MinLength: 2, MaxLength: 4}
Mappings:
  Memory:
    dev: {Size: 128}
    prod: {Size: 1024, List: [a, b]}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Never: !And [!Condition IsProd, !Condition IsDev]
  Always: !Or [!Condition IsProd, !Condition IsDev]
Resources:
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/x/${Stage}'}}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: jobs}}
  Topic: {Type: AWS::SNS::Topic}
  Stream: {Type: AWS::Kinesis::Stream}
  ProdOnly: {Type: AWS::SNS::Topic, Condition: IsProd}
"""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("!Ref Stage", "dev"),
        ("!Ref Size", "5"),
        ("!Select [1, !Ref Names]", "grace"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref AWS::AccountId", "123456789012"),
        ("!Ref AWS::StackName", "workshop"),
        ("!Ref AWS::Partition", "aws"),
        ("!Ref AWS::URLSuffix", "amazonaws.com"),
        ("!Ref Logs", "/x/dev"),
        ("!Ref Topic", "arn:aws:sns:us-east-1:123456789012:workshop-Topic"),
        ("!Ref Queue", "https://sqs.us-east-1.amazonaws.com/123456789012/jobs"),
        ("!GetAtt Queue.Arn", "arn:aws:sqs:us-east-1:123456789012:jobs"),
        ("!GetAtt [Logs, Arn]", "arn:aws:logs:us-east-1:123456789012:log-group:/x/dev:*"),
        ("!GetAtt Stream.Arn", "arn:aws:kinesis:us-east-1:123456789012:stream/workshop-Stream"),
        ("!Sub '${Stage}-${AWS::Region}-${Queue.QueueName}'", "dev-us-east-1-jobs"),
        ("!Sub '${!Stage} $Stage $'", "${Stage} $Stage $"),
        ("!Sub ['${Who}/${Stage}', {Who: !Select [0, !Ref Names]}]", "ada/dev"),
        ("!Join [', ', !Ref Names]", "ada, grace"),
        ("!Join ['', [a, !Ref AWS::NoValue, 1, true]]", "a1true"),
        ("!Select [2, !Split ['/', a/b/c]]", "c"),
        ("!FindInMap [Memory, !Ref Stage, Size]", "128"),
        ("!Select [1, !FindInMap [Memory, prod, List]]", "b"),
        ("!If [IsProd, yes-it-is, !Ref Stage]", "dev"),
        ("!If [Always, a, b]", "a"),
        ("!If [Never, a, b]", "b"),
        ("{Fn::If: [IsDev, {Fn::Sub: 'on ${Stage}'}, b]}", "on dev"),
    ],
)
def test_an_expression_has_the_value_that_cloudformation_gives_it(resolved, expression, value):
    assert resolved(expression, SECTIONS) == value


def test_an_override_takes_the_place_of_a_default(resolved):
    assert resolved("!Ref Stage", SECTIONS, Stage="prod") == "prod"
    assert resolved("!If [IsProd, p, d]", SECTIONS, Stage="prod") == "p"


def test_a_size_may_come_from_a_parameter_or_a_map(function_with):
    function = function_with(
        "Timeout: !Ref Size\nMemorySize: !FindInMap [Memory, !Ref Stage, Size]", SECTIONS
    )
    assert (function.timeout_seconds, function.memory_mb) == (5, 128)


def test_no_value_takes_a_property_away(function_with):
    function = function_with("Timeout: !If [IsProd, 30, !Ref AWS::NoValue]", SECTIONS)
    assert function.timeout_seconds == 3
    assert (
        function_with("Timeout: !If [IsProd, 30, 4]", SECTIONS, Stage="prod").timeout_seconds == 30
    )


def test_a_whole_mapping_may_come_from_a_function(function_with):
    function = function_with(
        "LoggingConfig: !If [IsDev, {LogFormat: JSON, LogGroup: !Ref Logs}, {LogFormat: Text}]\n"
        "Environment: {Variables: !If [IsDev, {AB: !Ref Stage}, !Ref AWS::NoValue]}",
        SECTIONS,
    )
    assert (function.log_format, function.log_group) == ("JSON", "/x/dev")
    assert function.environment == {"AB": "dev"}


def test_a_resource_whose_condition_is_false_is_not_there(load):
    assert "ProdOnly" not in load(SECTIONS).resources
    assert "ProdOnly" in load(SECTIONS, Stage="prod").resources


def test_what_the_functions_do_not_need_is_kept_as_resolved_plain_values(load):
    alarm = (
        "  Alarm:\n"
        "    Type: AWS::CloudWatch::Alarm\n"
        "    Properties:\n"
        "      AlarmName: !Sub '${Stage}-failures'\n"
        "      AlarmActions: [!Ref Topic, !ImportValue shared]\n"
        "      Dimensions: [{Name: service, Value: !Select [0, !Ref Names]}]\n"
    )
    assert load(SECTIONS + alarm).resources["Alarm"] == {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "dev-failures",
            "AlarmActions": [
                "arn:aws:sns:us-east-1:123456789012:workshop-Topic",
                {"Fn::ImportValue": "shared"},
            ],
            "Dimensions": [{"Name": "service", "Value": "ada"}],
        },
    }


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (
            "!Ref Stagee",
            "nothing here is called 'Stagee' | template.yaml:28:37  did you mean Stage?",
        ),
        ("!ImportValue shared", "Fn::ImportValue cannot be resolved on a laptop"),
        ("!GetAZs us-east-1", "Fn::GetAZs cannot be resolved on a laptop"),
        ("{Fn::Nonsense: 1}", "Fn::Nonsense cannot be resolved"),
        ("{Fn::Sub: a, Fn::Join: b}", "Fn::Sub must stand alone"),
        ("!GetAtt Nowhere.Arn", "there is no resource 'Nowhere'"),
        ("!GetAtt Topic.Shape", "the attribute 'Shape' of Topic is not known here"),
        ("!GetAtt FRole.Arn", "FRole is made by SAM on AWS"),
        ("!Ref ProdOnly", "nothing here is called 'ProdOnly'"),
        ("!Ref [a]", "a single value is wanted here"),
        ("!Ref Names", "must be a text, not a list"),
        ("!Sub '${Names}'", "a single value is wanted here"),
        ("!Sub '${}'", "nothing here is called ''"),
        ("!Sub [a]", "Fn::Sub wants a list of 2"),
        ("!Join [a, b]", "a list is wanted here"),
        ("!Join a", "Fn::Join wants a list of 2"),
        ("!Select [2, [a, b]]", "the list holds 2, counted from 0"),
        ("!Select [-1, [a, b]]", "wants an index into its list, not '-1'"),
        ("!Split ['', a]", "a delimiter that is not empty"),
        ("!FindInMap [Memory, test, Size]", "no top-level key 'test'"),
        ("!FindInMap [Memories, dev, Size]", "no map 'Memories'"),
        ("!If [IsTest, a, b]", "there is no condition 'IsTest'"),
        ("!If [IsProd, a]", "Fn::If wants a list of 3"),
    ],
)
def test_what_cannot_be_resolved_is_named_with_its_place(refusal_with, expression, said):
    message = refusal_with(f"Environment: {{Variables: {{IT: {expression}}}}}", SECTIONS)
    assert said in message
    assert "template.yaml:" in message


def test_a_name_that_refers_to_itself_is_refused(refusal_with):
    assert "a circle of references: F -> F" in refusal_with("FunctionName: !Sub '${F}-x'")


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ("{A: !Condition B, B: !Condition A}", "a circle of references: condition A"),
        ("{A: !Not [!Condition A]}", "a circle of references: condition A -> condition A"),
        ("{A: 3}", "a condition is wanted here"),
        ("{A: !And [!Equals [1, 1]]}", "wants a list of 2 to 10 conditions"),
        ("{A: !Condition C}", "there is no condition 'C'"),
    ],
)
def test_a_condition_that_is_none_is_refused(refusal, conditions, said):
    text = f"Conditions: {conditions}\nResources: {{T: {{Type: AWS::SNS::Topic, Condition: A}}}}\n"
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"Stage": "test"}, "parameter Stage may not be 'test'"),
        ({"Size": "0"}, "parameter Size is below its MinValue"),
        ({"Size": "11"}, "parameter Size is above its MaxValue"),
        ({"Size": "big"}, "parameter Size is no number: 'big'"),
        ({"Short": "a"}, "parameter Short is below its MinLength"),
        ({"Short": "abcde"}, "parameter Short is above its MaxLength"),
        ({"Short": "ABC"}, "it must match [a-z]+"),
        ({"Stages": "dev"}, "no parameter 'Stages' | template.yaml:1:1  did you mean Stage?"),
    ],
)
def test_a_parameter_that_is_not_allowed_is_refused(refusal, override, said):
    assert said in refusal(SECTIONS, **override)


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("{Type: String}", "parameter P has no value | template.yaml:1:14"),
        ("{Default: a}", "parameter P has no Type"),
        ("{Type: Sting, Default: a}", "an unknown Type Sting"),
        ("{Type: 'AWS::SSM::Parameter::Value<String>', Default: a}", "unknown Type"),
        ("{Type: AWS::SSM::Parameter::Name, Default: a}", "read from Systems Manager"),
        ("{Type: String, Default: a, AllowedPattern: '('}", "is no regular expression"),
        ("{Type: String, Default: [a]}", "a single value is wanted here"),
        ("{Type: String, Default: a, AllowedValues: a}", "must be a list"),
    ],
)
def test_a_parameter_that_is_none_is_refused(refusal, parameter, said):
    assert said in refusal(f"Parameters: {{P: {parameter}}}\nResources: {{}}\n")


def test_references_that_multiply_end_in_an_error_not_in_memory(refusal):
    doubling = "".join(
        f"  G{n}: {{Type: AWS::Logs::LogGroup, Properties: "
        f"{{LogGroupName: !Sub '${{G{n + 1}}}${{G{n + 1}}}'}}}}\n"
        for n in range(60)
    )
    last = "  G60: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: abcdefgh}}\n"
    said = refusal(f"Resources:\n{doubling}{last}")
    assert "may not be" in said or "grows beyond" in said


def test_a_long_chain_of_references_ends_in_an_error(refusal):
    chain = "".join(f"  C{n}: !Not [!Condition C{n + 1}]\n" for n in range(900))
    said = refusal(
        f"Conditions:\n{chain}  C900: !Equals [1, 1]\n"
        "Resources: {T: {Type: AWS::SNS::Topic, Condition: C0}}\n"
    )
    assert "nest too deeply" in said


TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet="abc/-.", min_size=1), st.sampled_from(["/", "-", "ab"]))
def test_join_undoes_split(resolved, text, delimiter):
    expression = f"!Join ['{delimiter}', !Split ['{delimiter}', '{text}']]"
    assert resolved(expression) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXTS.filter(lambda text: "${" not in text))
def test_a_sub_without_placeholders_is_the_text_itself(resolved, text):
    assert resolved(f"!Sub '{text}'") == text


def test_the_names_of_parameters_are_known_before_they_have_values(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text("Parameters: {Url: {Type: String}}\nResources: {F: {Type: !Ref Url}}\n")
    assert parameter_names(template) == {"Url"}
    template.write_text("Resources: {}\n")
    assert parameter_names(template) == frozenset()
    with pytest.raises(TemplateError, match="is missing"):
        parameter_names(tmp_path / "nothing.yaml")
