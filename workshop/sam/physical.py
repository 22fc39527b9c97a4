"""What `Ref` and `Fn::GetAtt` give for the resources of a serverless application.

The names that AWS would make up are stable here: `workshop-LogicalId`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FUNCTION = "AWS::Serverless::Function"
LOG_GROUP = "AWS::Logs::LogGroup"
REST_API = "AWS::Serverless::Api"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one resource type is named; each text is a format over `name` and pseudo parameters.

    Attributes:
        name_property: The property that sets its name; empty when AWS alone names it.
        ref: What `Ref` gives.
        attributes: What `Fn::GetAtt` gives, by attribute.
    """

    name_property: str = ""
    ref: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)


def _arn(service: str, resource: str) -> str:
    return f"arn:{{partition}}:{service}:{{region}}:{{account}}:{resource}"


_QUEUE_URL = "https://sqs.{region}.{suffix}/{account}/{name}"
_TOPIC_ARN = _arn("sns", "{name}")
_FUNCTION = Kind("FunctionName", attributes={"Arn": _arn("lambda", "function:{name}")})
_TABLE = Kind("TableName", attributes={"Arn": _arn("dynamodb", "table/{name}")})
_API = Kind(attributes={"RootResourceId": "{name}-root"})

KINDS: Mapping[str, Kind] = {
    FUNCTION: _FUNCTION,
    "AWS::Lambda::Function": _FUNCTION,
    LOG_GROUP: Kind("LogGroupName", attributes={"Arn": _arn("logs", "log-group:{name}:*")}),
    "AWS::IAM::Role": Kind(
        "RoleName", attributes={"Arn": "arn:{partition}:iam::{account}:role/{name}"}
    ),
    "AWS::SQS::Queue": Kind(
        "QueueName",
        _QUEUE_URL,
        {"Arn": _arn("sqs", "{name}"), "QueueName": "{name}", "QueueUrl": _QUEUE_URL},
    ),
    "AWS::SNS::Topic": Kind(
        "TopicName", _TOPIC_ARN, {"TopicArn": _TOPIC_ARN, "TopicName": "{name}"}
    ),
    "AWS::DynamoDB::Table": _TABLE,
    "AWS::Serverless::SimpleTable": _TABLE,
    "AWS::Kinesis::Stream": Kind("Name", attributes={"Arn": _arn("kinesis", "stream/{name}")}),
    "AWS::S3::Bucket": Kind("BucketName", attributes={"Arn": "arn:{partition}:s3:::{name}"}),
    "AWS::CloudWatch::Alarm": Kind(
        "AlarmName", attributes={"Arn": _arn("cloudwatch", "alarm:{name}")}
    ),
    "AWS::CloudWatch::CompositeAlarm": Kind(
        "AlarmName", attributes={"Arn": _arn("cloudwatch", "alarm:{name}")}
    ),
    "AWS::CloudWatch::Dashboard": Kind("DashboardName"),
    REST_API: _API,
    "AWS::ApiGateway::RestApi": _API,
}

IMPLICIT_API = "ServerlessRestApi"
IMPLICIT_RESOURCES = (IMPLICIT_API, "ServerlessHttpApi")
"""What SAM adds for `Api` and `HttpApi` events that name no API of their own."""
