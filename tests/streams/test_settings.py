"""A mapping's settings, as a template gives them.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-kinesis.html
"""

from textwrap import dedent, indent

import pytest

from workshop.sam import TemplateError, load_template
from workshop.sam.errors import UnsupportedError
from workshop.streams import Settings, read_mappings

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Retries: {Type: Number, Default: 4}
Resources:
  OrderStream:
    Type: AWS::Kinesis::Stream
    Properties: {Name: orders, ShardCount: 1, RetentionPeriodHours: 48}
  Rejected:
    Type: AWS::SQS::Queue
  Bookings:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: bookings
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
      Events:
        Orders:
          Type: Kinesis
          Properties:
"""
LEAST = "Stream: !GetAtt OrderStream.Arn\nStartingPosition: LATEST\n"


@pytest.fixture
def read(tmp_path):
    """Read the mappings of a template whose event has these properties."""

    def read(properties):
        path = tmp_path / "template.yaml"
        path.write_text(TEMPLATE + indent(dedent(properties), " " * 12))
        return read_mappings(load_template(path))

    return read


def test_the_defaults_are_the_services_own(read):
    (settings,) = read(LEAST)
    assert settings == Settings(
        name="Orders",
        stream_arn="arn:aws:kinesis:us-east-1:123456789012:stream/orders",
        function="bookings",
        starting_position="LATEST",
        batch_size=100,
        batching_window_seconds=0,
        retry_attempts=-1,
        record_age_seconds=-1,
        bisect=False,
        reports_items=False,
        parallelization=1,
        on_failure_arn=None,
        enabled=True,
        retention_seconds=48 * 3600,
    )
    assert (settings.stream, settings.destination) == ("orders", None)


def test_every_setting_is_read(read):
    (settings,) = read(
        LEAST
        + """\
BatchSize: 10
MaximumBatchingWindowInSeconds: 5
MaximumRetryAttempts: !Ref Retries
MaximumRecordAgeInSeconds: 3600
BisectBatchOnFunctionError: true
FunctionResponseTypes: [ReportBatchItemFailures]
ParallelizationFactor: 2
Enabled: false
DestinationConfig:
  OnFailure: {Type: SQS, Destination: !GetAtt Rejected.Arn}
"""
    )
    assert settings == Settings(
        name="Orders",
        stream_arn="arn:aws:kinesis:us-east-1:123456789012:stream/orders",
        function="bookings",
        starting_position="LATEST",
        batch_size=10,
        batching_window_seconds=5,
        retry_attempts=4,
        record_age_seconds=3600,
        bisect=True,
        reports_items=True,
        parallelization=2,
        on_failure_arn="arn:aws:sqs:us-east-1:123456789012:workshop-Rejected",
        enabled=False,
        retention_seconds=48 * 3600,
    )
    assert settings.destination == "workshop-Rejected"


def test_a_template_without_a_stream_has_no_mapping(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE.partition("      Events:")[0])
    assert read_mappings(load_template(path)) == ()


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ("StartingPosition: LATEST", "has no Stream"),
        ("Stream: !GetAtt OrderStream.Arn", "has no StartingPosition"),
        ("Stream: orders\nStartingPosition: LATEST", "is no stream: 'orders'"),
        ("Stream: !GetAtt Rejected.Arn\nStartingPosition: LATEST", "is no stream"),
        ("Stream: !GetAtt OrderStream.Arn\nStartingPosition: OLDEST", "may not be 'OLDEST'"),
        ("Stream: !GetAtt OrderStream.Arn\nStartingPosition: AT_TIMESTAMP", "needs a Starting"),
        (LEAST + "BatchSize: 0", "BatchSize of Orders may not be 0"),
        (LEAST + "BatchSize: many", "may not be 'many'"),
        (LEAST + "BatchSize: true", "may not be True"),
        (LEAST + "MaximumRetryAttempts: -2", "may not be -2"),
        (LEAST + "MaximumRecordAgeInSeconds: 30", "may not be 30"),
        (LEAST + "ParallelizationFactor: 11", "may not be 11"),
        (LEAST + "BisectBatchOnFunctionError: perhaps", "may not be 'perhaps'"),
        (LEAST + "FunctionResponseTypes: ReportBatchItemFailures", "may not be 'Report"),
        (LEAST + "FunctionResponseTypes: [ReportItems]", "may not be ['ReportItems']"),
        (LEAST + "DestinationConfig: {OnSuccess: {Destination: x}}", "has no OnFailure"),
        (LEAST + "DestinationConfig: {OnFailure: {Destination: rejected}}", "that is an ARN"),
        (LEAST + "DestinationConfig: {OnFailure: {Destinaton: x}}", "no Destinaton"),
    ],
)
def test_what_the_service_would_refuse_is_refused_with_its_place(read, properties, said):
    with pytest.raises(TemplateError) as raised:
        read(properties)
    assert said in raised.value.what
    assert raised.value.look.startswith("template.yaml:")


def test_a_mistyped_setting_is_told_with_its_line(read):
    with pytest.raises(TemplateError) as raised:
        read(LEAST + "BatchSise: 10")
    assert raised.value.what == "the Kinesis event Orders has no BatchSise"
    assert raised.value.look == "template.yaml:23:13  did you mean BatchSize?"


@pytest.mark.parametrize(
    "property_",
    [
        "TumblingWindowInSeconds: 60",
        "FilterCriteria: {Filters: []}",
        "KmsKeyArn: arn:aws:kms:us-east-1:123456789012:key/1",
        "LoggingConfig: {SystemLogLevel: INFO}",
        "DestinationConfig: {OnFailure: {Destination: 'arn:aws:s3:::bucket'}}",
    ],
)
def test_what_cannot_be_had_here_is_refused_by_name(read, property_):
    with pytest.raises(UnsupportedError) as raised:
        read(LEAST + property_)
    assert "cannot be had here" in raised.value.what
