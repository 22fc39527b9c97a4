"""What is no template is told apart and told where, and nothing else ever comes out."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workshop.sam import Template, TemplateError, load_template
from workshop.sam.nodes import suggestion

SHORT_AND_LONG = {
    "!Ref P": "{Ref: P}",
    "!Sub '${P}-x'": "{Fn::Sub: '${P}-x'}",
    "!GetAtt F2.Arn": "{Fn::GetAtt: [F2, Arn]}",
    "!Join ['-', [a, !Ref P]]": "{Fn::Join: ['-', [a, {Ref: P}]]}",
    "!Select [1, [a, b]]": "{Fn::Select: ['1', [a, b]]}",
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "template.yaml is empty | template.yaml:1:1"),
        (b"# only a comment\n", "template.yaml is empty"),
        (b"---\n...\n", "must hold names and values | template.yaml:2:1"),
        (b"Resources:\n\tF: 1\n", "a tab indents this line | template.yaml:2:1  YAML wants spaces"),
        (b"Resources:\n  A: 1\n  A: 2\n", "the key 'A' stands here twice | template.yaml:3:3"),
        (b"Resources: [", "template.yaml is not YAML"),
        (b"Resources: }", "template.yaml is not YAML"),
        (b"a: 1\n---\nb: 2\n", "holds a second document | template.yaml:2:1"),
        (b"a: \xff\n", "is not UTF-8 text | template.yaml:1:4"),
        (b"a: b\nc: d\x00\n", "the character U+0000 may not stand in YAML | template.yaml:2:5"),
        (b"a: &x [b]\nc: *x\n", "an alias (*x) stands here | template.yaml:2:4"),
        (b"a: &x {<<: {b: 1}}\n", "a merge (<<) stands here | template.yaml:1:8"),
        (b"? [a]\n: b\n", "a key must be plain text | template.yaml:1:3"),
        (b"a: !Rfe b\n", "!Rfe is no function of CloudFormation | template.yaml:1:4  did you mean"),
        (b"a: !!python/object:os.system b\n", "takes no !!python/object:os.system here"),
        (b"a: !!binary b\n", "takes no !!binary here"),
        (b"a: !!int b\n", "'b' is no int"),
        (b"[" * 200, "more than 100 levels of nesting"),
        (b"a" * 1_000_001, "larger than 1 MB"),
        (b"just a text\n", "must hold names and values"),
        (b"Transform: X\n", "has no Resources section"),
        (
            b"Resource:\n  A: 1\n",
            "no section 'Resource' | template.yaml:1:1  did you mean Resources?",
        ),
        (b"Resources:\n", "Resources must hold names and values"),
        (b"Resources:\n  A: {}\n", "resource A has no Type | template.yaml:2:3"),
        (
            b"Resources:\n  A: {Type: AWS::Serverless::Function}\n",
            "the template has no SAM transform",
        ),
    ],
)
def test_what_is_no_template_is_told_apart_and_told_where(refusal, text, said):
    assert said in refusal(text)


RESOURCE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
"""


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            "G:\n  Type: AWS::Logs::LogGroup\n",
            "no section 'G' | template.yaml:9:1  a resource stands under Resources: two columns",
        ),
        ("Timeout: 5\n", "no section 'Timeout' | template.yaml:9:1  what does it belong to?"),
        (
            "    Timeout: 5\n",
            (
                "resource F has no attribute 'Timeout' | template.yaml:9:5  does it belong under"
                " Properties, two columns further in?"
            ),
        ),
        (
            "    DependOn: G\n",
            "no attribute 'DependOn' | template.yaml:9:5  did you mean DependsOn?",
        ),
        (
            "    G:\n      Type: AWS::Logs::LogGroup\n",
            "no attribute 'G' | template.yaml:9:5  a resource stands as far in as F does",
        ),
        (
            "  Events:\n    Payment:\n      Type: Api\n",
            "Events has no Type | template.yaml:9:3  or is it none, and belongs further in?",
        ),
        (
            "      Events:\n        E:\n          Type: Kinesis\n          BatchSize: 1\n",
            "no property 'BatchSize' | template.yaml:12:11  does it belong under Properties,",
        ),
        (
            "   G:\n     Type: AWS::Logs::LogGroup\n",
            "G stands in column 4, and F in column 3 | template.yaml:9:4  all resources under",
        ),
        (
            "   G:\n     A: 1\n",
            (
                "template.yaml:9:4  it begins in column 4; what it seems to belong to begins in"
                " column 3, in line 3"
            ),
        ),
        (
            "      G:\n        Type: AWS::Logs::LogGroup\n",
            "no property 'G' | template.yaml:9:7  a resource stands under Resources, two columns",
        ),
        (
            "      RetentionInDays: 7\n",
            "no property 'RetentionInDays' | template.yaml:9:7  it belongs to a log group",
        ),
        (
            "      Colour: blue\n",
            "no property 'Colour' | template.yaml:9:7  the nearest of ",
        ),
        ("      Layers: 100 * a: 3\n", "template.yaml:9:22  a second colon in a line, or a line"),
        ("  G:x\n  H: 1\n", "template.yaml:10:3  line 9 has no colon, or no space after it"),
        ("  G: 'x\n", "template.yaml:10:1  a quotation mark opens in line 9 and is not closed"),
        ("  G: {a: b\n", "template.yaml:10:1  a bracket opens in line 9 and is not closed"),
        ("  G: @x\n", "template.yaml:9:6  a text that begins with this character wants quotation"),
        (
            "      Layers:\n        - a: 1\n        b: 2\n",
            "template.yaml:11:9  it stands as far in as the - of the list that begins in line 10;",
        ),
        (
            "      Layers: 1\n      - a: 1\n",
            "template.yaml:10:7  it stands as far in as the keys that begin in line 6, and is no",
        ),
        ("  G: 'x' y\n", "template.yaml:9:10  what stands here does not belong to the value"),
    ],
)
def test_what_stands_in_the_wrong_place_is_told_where_it_belongs(refusal, added, said):
    assert said in refusal(RESOURCE + added)


def test_an_anchor_bomb_costs_nothing(refusal):
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "an alias (*a) stands here" in refusal(bomb)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TemplateError, match=r"template\.yaml is missing") as caught:
        load_template(tmp_path / "template.yaml")
    assert str(tmp_path) in caught.value.look


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path):
    (tmp_path / "template.yaml").mkdir()
    with pytest.raises(TemplateError, match="cannot be read"):
        load_template(tmp_path / "template.yaml")


def test_a_date_stays_text_and_a_byte_order_mark_is_no_matter(load):
    template = load("\ufeffAWSTemplateFormatVersion: 2010-09-09\nResources: {}\n")
    assert template.resources == {}


def test_a_template_may_be_json(load):
    template = load('{"Resources": {"L": {"Type": "AWS::Logs::LogGroup"}}}')
    assert list(template.log_groups) == ["workshop-L"]


@pytest.mark.parametrize(("short", "long"), SHORT_AND_LONG.items())
def test_short_and_long_forms_mean_the_same(resolved, short, long):
    sections = (
        "Parameters:\n  P: {Type: String, Default: x}\n"
        "Resources:\n  F2: {Type: AWS::Lambda::Function}\n"
    )
    assert resolved(short, sections) == resolved(long, sections)


SCRAPS = st.sampled_from(
    [
        *("Resources:\n", "  F:\n", "    Type: AWS::Serverless::Function\n", "    Properties:\n"),
        *("      Handler: a.b\n", "      Runtime: python3.13\n", "      CodeUri: .\n"),
        *("      Timeout: ", "      Environment: {Variables: {A1: ", "}}\n", "\n", "\t", " "),
        *("!Ref ", "!Sub ", "'${F}'", "!If [C, 1, 2]", "!GetAtt F.Arn", "F", "!Join ", "[", "]"),
        *("{", "}", "Conditions:\n", "  C: !Equals [1, 1]\n", "Globals:\n", "  Function:\n"),
        *("    Timeout: 4\n", "Parameters:\n", "  P:\n", "    Type: Number\n", "    Default: 3\n"),
        *("&a ", "*a", "<<: ", "!!", "!", "---\n", "0x", "1_0", ".inf", "12:30:45", "null", "- "),
        "Transform: AWS::Serverless-2016-10-31\n",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.one_of(st.text().map(str.encode), st.binary(), st.lists(SCRAPS).map("".join)))
@example("Resources: {A: {Type: !!float ._}}")
@example("Resources: {A: {Type: 0b_}}")
@example("Resources: {A: {Type: 0x_, B: 1:99999999999}}")
@example("A: " + "9" * 5000)
@example("%YAML 3.0\n---\n")
def test_any_text_gives_a_template_or_a_template_error(tmp_path, text):
    path = tmp_path / "template.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        template = load_template(path)
    except TemplateError as error:
        assert error.look.startswith("template.yaml:")  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(template, Template)


PASTED = """\
Transform: AWS::Serverless-2016-10-31
Resources:
{margin}G:  # pasted with another margin

{margin}    Type: AWS::Logs::LogGroup
  F:
    Type: AWS::Serverless::Function
"""


@pytest.mark.parametrize(
    ("margin", "said"),
    [
        ("     ", "G stands in column 6, and F in column 3 | template.yaml:3:6  all resources"),
        ("", "G stands in column 1, and F in column 3 | template.yaml:3:1  all resources"),
    ],
)
def test_of_resources_that_stand_apart_the_one_that_is_amiss_is_named(refusal, margin, said):
    assert said in refusal(PASTED.format(margin=margin))


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("PaymentLogGroup", "PaymentsLogGroup", True),
        ("paymentsLogGroup", "PaymentsLogGroup", True),
        ("!Rfe", "!Ref", True),
        ("PaymentsApi", "PaymentsSlow", False),
        ("AccessLogGroup", "PaymentsLogGroup", False),
        ("PaymentsCrashing", "PaymentsFailing", False),
    ],
)
def test_a_name_is_suggested_only_where_it_was_mistyped(typed, known, meant):
    """Another resource's name in its place makes a template that means something else."""
    said = suggestion(typed, [known])
    assert said == (f"did you mean {known}?" if meant else f"known: {known}")
