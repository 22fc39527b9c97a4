"""No member of a request is passed over: each is honoured, or refused by name."""

import json
import time

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tests.endpoint.conftest import GROUP
from tests.endpoint.test_malformed import OPERATIONS, TARGETS

# What a request needs to be understood so far that its other members are looked at.
NEEDED = {
    "logGroupName": GROUP,
    "logStreamName": "stream",
    "logEvents": [{"timestamp": 1, "message": "x"}],
    "logRecordPointer": "x",
    "lookupTableName": "no_such_table",
    "name": "a",
    "namespace": "Test",
    "queryString": "limit 1",
    "retentionInDays": 7,
    "tableBody": "a,b\n1,2\n",
    "MetricData": [{"MetricName": "m", "Value": 1}],
    "Namespace": "Test",
    "StartTime": 0,
    "EndTime": 60,
    "TraceIds": ["1-00000000-000000000000000000000000"],
}


def send(raw, service, name, members):
    model = botocore.session.get_session().get_service_model(service)
    operation = model.operation_model(name)
    head = {"Content-Type": "application/json"}
    if service in TARGETS:
        head["X-Amz-Target"] = TARGETS[service] + name
    path = operation.http["requestUri"]
    status, _, body = raw("POST", path, json.dumps(members).encode(), **head)
    return status, json.loads(body or "{}")


@pytest.fixture(scope="module")
def made(aws):
    """Members that name what there is: a query and a lookup table."""
    logs = aws("logs")
    query = logs.start_query(logGroupName=GROUP, startTime=0, endTime=1, queryString="limit 1")
    table = logs.create_lookup_table(lookupTableName="members", tableBody="a,b\n1,2\n")
    yield {"queryId": query["queryId"], "lookupTableArn": table["lookupTableArn"]}
    logs.delete_lookup_table(lookupTableArn=table["lookupTableArn"])


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_a_member_that_is_not_offered_is_refused_by_name(raw, made, service, name):
    model = botocore.session.get_session().get_service_model(service)
    known = model.operation_model(name).input_shape.members
    given = {key: value for key, value in {**NEEDED, **made}.items() if key in known}
    if name == "StartQuery":
        given |= {"startTime": 0, "endTime": 1}
    if name in ("CreateLookupTable", "UpdateLookupTable"):
        del given["queryId"]
    if name == "DeleteQueryDefinition":
        given["queryDefinitionId"] = "none"

    status, answer = send(raw, service, name, given | {"NoSuchMember": 1})

    assert (status, "NoSuchMember" in answer["message"]) == (400, True), answer


METRIC = {"Namespace": "Test", "MetricName": "m"}
STRANGE = {"NoSuchMember": 1}


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("GetMetricData", {"MetricDataQueries": [STRANGE]}),
        ("GetMetricData", {"MetricDataQueries": [{"MetricStat": {"Metric": METRIC} | STRANGE}]}),
        ("GetMetricData", {"MetricDataQueries": [{"MetricStat": {"Metric": METRIC | STRANGE}}]}),
        ("ListMetrics", {"Dimensions": [{"Name": "a"} | STRANGE]}),
        ("PutMetricData", {"MetricData": [{"MetricName": "m", "Value": 1} | STRANGE]}),
        ("PutMetricData", {"MetricData": [{"MetricName": "m", "StatisticValues": STRANGE}]}),
        (
            "PutMetricData",
            {
                "MetricData": [
                    {"MetricName": "m", "Dimensions": [{"Name": "a", "Value": "b"} | STRANGE]}
                ]
            },
        ),
    ],
)
def test_nor_is_one_within_a_member(raw, name, members):
    needed = {"Namespace": "Test"} if name == "PutMetricData" else {}

    status, answer = send(raw, "cloudwatch", name, needed | members)

    assert (status, "NoSuchMember" in answer["message"]) == (400, True), answer


def test_a_log_event_and_a_placeholder_have_no_further_members(aws, raw):
    events = [{"timestamp": 1, "message": "x"} | STRANGE]
    given = {"logGroupName": GROUP, "logStreamName": "stream", "logEvents": events}
    assert "and no more" in send(raw, "logs", "PutLogEvents", given)[1]["message"]

    given = {"name": "a", "queryString": "limit 1", "parameters": [{"name": "a"} | STRANGE]}
    assert "NoSuchMember" in send(raw, "logs", "PutQueryDefinition", given)[1]["message"]


def test_the_metrics_of_another_account_are_refused_and_not_ours_in_their_place(aws):
    cloudwatch = aws("cloudwatch")
    stat = {"Metric": METRIC, "Period": 60, "Stat": "Sum"}
    span = {"StartTime": time.time() - 60, "EndTime": time.time()}

    def ask(account):
        query = {"Id": "a", "MetricStat": stat, "AccountId": account}
        return cloudwatch.get_metric_data(MetricDataQueries=[query], **span)

    assert ask("123456789012")["MetricDataResults"]
    with pytest.raises(ClientError, match="210987654321"):
        ask("210987654321")


@pytest.mark.parametrize(
    ("service", "name", "members"),
    [
        ("cloudwatch", "DescribeAlarms", {"AlarmTypes": ["NoSuchAlarm"]}),
        ("cloudwatch", "DescribeAlarmHistory", {"AlarmTypes": ["NoSuchAlarm"]}),
        ("cloudwatch", "DescribeAlarmHistory", {"HistoryItemType": "NoSuchItem"}),
        ("cloudwatch", "DescribeAlarmHistory", {"NextToken": "x"}),
        ("logs", "DescribeLogGroups", {"logGroupClass": "NO_SUCH_CLASS"}),
    ],
)
def test_a_value_that_aws_does_not_know_is_refused(raw, service, name, members):
    assert send(raw, service, name, members)[0] == 400


def test_other_kinds_of_alarms_are_none(aws):
    cloudwatch = aws("cloudwatch")
    for kind in ("CompositeAlarm", "LogAlarm"):
        assert cloudwatch.describe_alarms(AlarmTypes=[kind])["MetricAlarms"] == []
        assert cloudwatch.describe_alarm_history(AlarmTypes=[kind])["AlarmHistoryItems"] == []


def test_these_are_all_operations_that_are_served(raw):
    _, answer = send(raw, "logs", "PutResourcePolicy", {})
    of_logs = answer["message"].partition("served of logs are ")[2].split(", ")
    _, answer = send(raw, "cloudwatch", "PutDashboard", {})
    of_cloudwatch = answer["message"].partition("served of cloudwatch are ")[2].split(", ")

    assert sorted(name for service, name in OPERATIONS if service == "logs") == of_logs
    assert sorted(name for service, name in OPERATIONS if service == "cloudwatch") == of_cloudwatch
