"""Globals are merged as the SAM specification documents it."""

import pytest

GLOBALS = """\
Globals:
  Function:
    Timeout: 30
    MemorySize: 512
    Environment: {Variables: {SHARED: a, OWN: a}}
    Layers: [global]
Parameters:
  Stage: {Type: String, Default: dev}
"""


def test_a_function_inherits_and_its_own_value_wins(function_with):
    function = function_with("Timeout: 5", GLOBALS)
    assert (function.timeout_seconds, function.memory_mb) == (5, 512)


def test_mappings_are_merged_name_by_name(function_with):
    function = function_with("Environment: {Variables: {OWN: b, MORE: c}}", GLOBALS)
    assert function.environment == {"SHARED": "a", "OWN": "b", "MORE": "c"}


def test_lists_are_joined_the_global_items_first(load):
    template = load(
        f"Transform: AWS::Serverless-2016-10-31\n{GLOBALS}"
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        "      {CodeUri: ., Handler: a.b, Runtime: python3.13, Layers: [own]}\n"
    )
    assert template.resources["F"]["Properties"]["Layers"] == ["global", "own"]


def test_a_function_call_counts_as_one_value(function_with):
    variables = "Environment: {Variables: !If [C, {ONLY: b}, {ONLY: c}]}"
    sections = f"{GLOBALS}Conditions:\n  C: !Equals [!Ref Stage, dev]\n"
    assert function_with(variables, sections).environment == {"ONLY": "b"}


def test_a_function_without_properties_of_its_own_inherits_all(load):
    template = load(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Globals: {Function: {CodeUri: ., Handler: a.b, Runtime: python3.13, Timeout: 7}}\n"
        "Resources: {F: {Type: AWS::Serverless::Function}}\n"
    )
    assert template.function().timeout_seconds == 7


def test_an_inherited_mistake_is_shown_where_it_was_written(refusal_with):
    said = refusal_with("MemorySize: 128", "Globals:\n  Function:\n    Timeout: 9000\n")
    assert "template.yaml:4:14" in said


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{Functions: {Timeout: 3}}", "Globals holds Functions | "),
        ("{Function: {FunctionName: a}}", "FunctionName cannot be shared by functions"),
        ("[a]", "Globals must hold names and values"),
        ("{Function: 3}", "Globals Function must hold names and values"),
    ],
)
def test_what_cannot_be_shared_is_refused(refusal_with, section, said):
    message = refusal_with(sections=f"Globals: {section}\n")
    assert said.split(" | ")[0] in message
    assert "template.yaml:2:" in message
