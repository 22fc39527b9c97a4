"""CloudWatch by boto3. Answers are held against botocore's shapes."""

import os
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.conftest import GROUP, eventually
from workshop.endpoint.alarms import Alarms
from workshop.endpoint.arguments import Arguments
from workshop.endpoint.cloudwatch import PUT_LOG_GROUP, invalid
from workshop.endpoint.functions import Functions
from workshop.endpoint.readings import Metrics
from workshop.signals import LogEvent
from workshop.store import Store


@pytest.fixture
def cloudwatch(aws):
    return aws("cloudwatch")


@pytest.fixture
def namespace():
    return f"Test/{uuid.uuid4().hex}"


def span():
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1)}


def data(cloudwatch, *queries, **more):
    return cloudwatch.get_metric_data(MetricDataQueries=list(queries), **span(), **more)


def metric(namespace, name, stat, **dimensions):
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    wanted = {"Namespace": namespace, "MetricName": name, "Dimensions": listed}
    return {"Metric": wanted, "Period": 3600, "Stat": stat}


def total(cloudwatch, namespace, name, stat="Sum", **dimensions):
    query = {"Id": "m", "MetricStat": metric(namespace, name, stat, **dimensions)}
    (result,) = data(cloudwatch, query)["MetricDataResults"]
    return sum(result["Values"])


def invoke(aws, payload):
    return aws("lambda").invoke(FunctionName="echo", Payload=payload)


def test_what_a_function_logs_as_emf_is_a_metric(aws, cloudwatch):
    before = total(cloudwatch, "Test", "Work", who="me")

    invoke(aws, '{"metric": [1, 2.5]}')

    assert total(cloudwatch, "Test", "Work", who="me") == before + 3.5
    listed = cloudwatch.list_metrics(Namespace="Test")["Metrics"]
    dimensions = [{"Name": "who", "Value": "me"}]
    assert {"Namespace": "Test", "MetricName": "Work", "Dimensions": dimensions} in listed


def test_the_platform_has_metrics_of_the_function(aws, cloudwatch):
    def count(name):
        return total(cloudwatch, "AWS/Lambda", name, FunctionName="echo")

    before = count("Invocations"), count("Errors")

    invoke(aws, "{}")
    invoke(aws, '{"fail": "x"}')

    assert (count("Invocations"), count("Errors")) == (before[0] + 2, before[1] + 1)


def test_an_event_that_is_turned_away_is_a_throttle(aws, cloudwatch):
    for _ in range(2):
        aws("lambda").invoke(FunctionName="echo", Payload='{"sleep": 0.6}', InvocationType="Event")

    def turned_away():
        try:
            invoke(aws, "{}")
        except aws("lambda").exceptions.TooManyRequestsException as error:
            return error.response["Reason"]
        return None

    reason = eventually(turned_away)

    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert total(cloudwatch, "AWS/Lambda", "Throttles", FunctionName="echo") >= 1
    time.sleep(0.7)  # for the two to end


def test_values_with_counts_come_back_as_samples(cloudwatch, namespace):
    datum = {"MetricName": "m", "Values": [1, 5], "Counts": [3, 1], "Unit": "Milliseconds"}
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])

    assert total(cloudwatch, namespace, "m", "SampleCount") == 4
    assert total(cloudwatch, namespace, "m", "Average") == 2
    assert total(cloudwatch, namespace, "m", "p50") == 1


@pytest.mark.parametrize(
    ("count", "sum_", "least", "most"), [(1, 7, 7, 7), (2, 9, 2, 7), (200, 800, 1, 9)]
)
def test_a_statistic_set_keeps_its_statistics(cloudwatch, namespace, count, sum_, least, most):
    statistics = {"SampleCount": count, "Sum": sum_, "Minimum": least, "Maximum": most}
    datum = {"MetricName": "m", "StatisticValues": statistics}
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])

    found = {
        stat: total(cloudwatch, namespace, "m", stat)
        for stat in ("SampleCount", "Sum", "Minimum", "Maximum")
    }

    assert found == pytest.approx(statistics)


@pytest.mark.parametrize(
    ("datum", "code"),
    [
        ({}, "InvalidParameterCombination"),
        ({"Value": 1, "Values": [1]}, "InvalidParameterCombination"),
        ({"Values": [1, 2], "Counts": [1]}, "InvalidParameterValue"),
        ({"Values": [1], "Counts": [0.5]}, "InvalidParameterValue"),
        ({"Value": 1e109}, "InvalidParameterValue"),
        ({"Values": [1, -1e109]}, "InvalidParameterValue"),
        ({"Value": 1, "Unit": "Euro"}, "InvalidParameterValue"),
        ({"Value": 1, "StorageResolution": 5}, "InvalidParameterValue"),
        ({"Value": 1, "Timestamp": 0}, "InvalidParameterValue"),
        (
            {"StatisticValues": {"SampleCount": 2, "Sum": 9, "Minimum": 1, "Maximum": 2}},
            "InvalidParameterValue",
        ),
    ],
)
def test_a_datum_that_makes_no_sense_is_refused(cloudwatch, namespace, datum, code):
    with pytest.raises(ClientError) as raised:
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m"} | datum])

    assert raised.value.response["Error"]["Code"] == code


def test_a_large_request_that_boto3_compresses_is_taken(cloudwatch, namespace):
    data = [{"MetricName": "m", "Value": 1.0} for _ in range(1000)]  # over 10 KB: gzip

    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

    assert total(cloudwatch, namespace, "m") == 1000


def test_metric_math_and_search_are_evaluated(cloudwatch, namespace):
    for who in ("a", "b"):
        dimensions = [{"Name": "who", "Value": who}]
        datum = {"MetricName": "m", "Value": 2, "Dimensions": dimensions}
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
    search = f"SEARCH('{{{namespace},who}} m', 'Sum', 3600)"

    answer = data(
        cloudwatch,
        {"Id": "a", "MetricStat": metric(namespace, "m", "Sum", who="a"), "ReturnData": False},
        {"Id": "twice", "Expression": "a * 2"},
        {"Id": "found", "Expression": search},
        ScanBy="TimestampAscending",
    )

    found = [(one["Id"], one["Values"]) for one in answer["MetricDataResults"]]
    assert found == [("twice", [4.0]), ("found", [2.0]), ("found", [2.0])]


def test_statistics_of_one_metric(cloudwatch, namespace):
    datum = {"MetricName": "m", "Values": [1, 3], "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
    asked = {"Namespace": namespace, "MetricName": "m", "Period": 3600, **span()}

    (plain,) = cloudwatch.get_metric_statistics(Statistics=["Sum"], **asked)["Datapoints"]
    (extended,) = cloudwatch.get_metric_statistics(ExtendedStatistics=["p100"], **asked)[
        "Datapoints"
    ]

    assert (plain["Sum"], plain["Unit"]) == (4.0, "Count")
    assert extended["ExtendedStatistics"] == {"p100": 3.0}
    with pytest.raises(ClientError) as raised:
        cloudwatch.get_metric_statistics(**asked)
    assert raised.value.response["Error"]["Code"] == "InvalidParameterCombination"


@pytest.mark.parametrize(
    "query",
    [
        {"Id": "A", "Expression": "1"},
        {"Id": "a"},
        {"Id": "a", "Expression": "nothing + 1"},
        {"Id": "a", "Expression": "SELECT AVG(x) FROM y"},
        {"Id": "a", "MetricStat": metric("N", "m", "median")},
    ],
)
def test_a_malformed_query_is_a_validation_error(cloudwatch, query):
    with pytest.raises(ClientError) as raised:
        data(cloudwatch, query)

    assert raised.value.response["Error"]["Code"] == "ValidationError"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_alarm_of_the_template_goes_off(function):
    now = time.time()
    moment = int((now - 120) * 1000)
    lines = (
        "START RequestId: r",
        "[ERROR] ValueError: x",
        "REPORT RequestId: r\tDuration: 1.00 ms",
    )
    with Store.open(None) as store:
        functions = Functions(function / "template.yaml", store)
        os.utime(function / "template.yaml", (now - 600, now - 600))
        alarms = Alarms(
            functions,
            Metrics(store, functions.log_groups),
            region="us-east-1",
            account_id="123456789012",
            clock=lambda: now,
        )

        def state():
            (found,) = alarms.describe_alarms(Arguments({}, invalid))["MetricAlarms"]
            return found["StateValue"]

        assert state() == "INSUFFICIENT_DATA"
        report = "\tBilled Duration: 1 ms\tMemory Size: 256 MB\tMax Memory Used: 9 MB\t"
        store.append(
            [LogEvent(GROUP, "s", moment, line + report * (line is lines[2])) for line in lines]
        )
        history = alarms.describe_alarm_history(Arguments({}, invalid))["AlarmHistoryItems"]
        assert any("to ALARM" in item["HistorySummary"] for item in history)
        functions.close()


def test_an_alarm_has_the_history_of_what_was_laid_over_a_past(function):
    now = time.time() // 60 * 60
    report = "REPORT RequestId: r{}\tDuration: 1.00 ms\tBilled Duration: 1 ms"
    report += "\tMemory Size: 256 MB\tMax Memory Used: 9 MB\t"
    with Store.open(None) as store:
        functions = Functions(function / "template.yaml", store)  # saved just now
        alarms = Alarms(
            functions,
            Metrics(store, functions.log_groups),
            region="us-east-1",
            account_id="123456789012",
            clock=lambda: now,
        )
        for minute in range(60):
            moment = int((now - 3600 + minute * 60) * 1000)
            lines = [f"START RequestId: r{minute}", report.format(minute)]
            if minute == 30:
                lines.insert(1, "[ERROR] ValueError: x")
            store.append([LogEvent(GROUP, "s", moment, line) for line in lines])

        history = alarms.describe_alarm_history(Arguments({}, invalid))["AlarmHistoryItems"]
        pages, token = [], None
        while not pages or token:
            asked = {"MaxRecords": 1, "NextToken": token}
            page = alarms.describe_alarm_history(Arguments(asked, invalid))
            pages += page["AlarmHistoryItems"]
            token = page.get("NextToken")

        assert len(history) > 1
        assert pages == history
        (alarm,) = (one for one in history if "to ALARM" in one["HistorySummary"])
        assert 0 <= alarm["Timestamp"] - (now - 3600 + 30 * 60) <= 180
        functions.close()


def test_alarms_are_found_by_name(cloudwatch):
    (found,) = cloudwatch.describe_alarms(AlarmNames=["echo-fails"])["MetricAlarms"]

    assert (found["MetricName"], found["Threshold"]) == ("Errors", 1.0)
    assert cloudwatch.describe_alarms(AlarmNamePrefix="other")["MetricAlarms"] == []
    assert "AlarmHistoryItems" in cloudwatch.describe_alarm_history(AlarmName="echo-fails")


def test_deleted_log_events_are_no_metrics_any_more(aws, cloudwatch, namespace):
    datum = {"MetricName": "m", "Value": 1}
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])
    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"]

    aws("logs").delete_log_group(logGroupName=PUT_LOG_GROUP)

    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"] == []
