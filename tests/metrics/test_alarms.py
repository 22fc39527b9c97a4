"""Alarms of a template.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.alarms import evaluate, history, history_items, initial, read_alarms
from workshop.metrics.errors import MetricQueryError
from workshop.metrics.series import Catalogue
from workshop.signals import DataPoint

NOON = 1_700_049_600  # 2023-11-15 12:00:00 UTC
DIMENSIONS = [{"Name": "FunctionName", "Value": "payments"}]
PROPERTIES = {
    "AlarmName": "too-many-errors",
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Dimensions": DIMENSIONS,
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def read(**changes):
    properties = {**PROPERTIES, **changes}
    kept = {name: value for name, value in properties.items() if value is not None}
    (alarm,) = read_alarms({"Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": kept}})
    return alarm


def catalogue(values, end=NOON, name="Errors", period=60, resolution=60):
    """Return data points whose last period ends at `end`; None is missing."""
    start = end - period * len(values)
    return Catalogue(
        DataPoint(
            "AWS/Lambda",
            name,
            {"FunctionName": "payments"},
            (start + period * n) * 1000,
            (float(value),),
            "Count",
            resolution,
        )
        for n, value in enumerate(values)
        if value is not None
    )


def drawn(row):
    """Read a row of the documentation's tables: 0 is fine, X is breaching, - is missing."""
    return catalogue([{"0": 0, "X": 9, "-": None}[point] for point in row.split()])


KEEP = None
ALL_ALARM = ("ALARM",) * 4
ALL_OK = ("OK",) * 4


@pytest.mark.parametrize(
    ("to_alarm", "row", "expected"),
    [
        # The states are for missing, ignore, breaching, notBreaching.
        (3, "0 - X - X", ALL_OK),
        (3, "0 - - - -", ALL_OK),
        (3, "- - - - -", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        (3, "0 X X - X", ALL_ALARM),
        (3, "- - X - -", ("ALARM", KEEP, "ALARM", "OK")),
        (3, "- - - - X", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        (3, "- - - X -", ("INSUFFICIENT_DATA", KEEP, "ALARM", "OK")),
        (3, "X - - - -", ("ALARM", KEEP, "ALARM", "OK")),
        (2, "0 - X - X", ALL_ALARM),
        (2, "0 0 X 0 X", ALL_ALARM),
        (2, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - X -", ("ALARM", KEEP, "ALARM", "OK")),
    ],
)
def test_missing_data_is_treated_as_the_tables_of_the_documentation_say(to_alarm, row, expected):
    for treatment, state in zip(
        ("missing", "ignore", "breaching", "notBreaching"), expected, strict=True
    ):
        alarm = read(DatapointsToAlarm=to_alarm, TreatMissingData=treatment)
        for before in ("OK", "ALARM"):
            previous = initial(NOON)
            previous = type(previous)(before, "before", "", NOON)
            found = evaluate(alarm, drawn(row), NOON, previous)
            assert found.state == (state or before), (treatment, before)


@pytest.mark.parametrize(
    ("comparison", "states"),
    [
        ("GreaterThanThreshold", ["OK", "OK", "ALARM"]),
        ("GreaterThanOrEqualToThreshold", ["OK", "ALARM", "ALARM"]),
        ("LessThanThreshold", ["ALARM", "OK", "OK"]),
        ("LessThanOrEqualToThreshold", ["ALARM", "ALARM", "OK"]),
    ],
)
def test_a_point_is_compared_with_the_threshold(comparison, states):
    alarm = read(ComparisonOperator=comparison, EvaluationPeriods=1)
    got = [evaluate(alarm, catalogue([value]), NOON).state for value in (0, 1, 2)]
    assert got == states


def test_only_the_latest_periods_count():
    alarm = read()
    assert evaluate(alarm, catalogue([9, 9, 9]), NOON).state == "ALARM"
    assert evaluate(alarm, catalogue([9, 9, 9, 0]), NOON).state == "OK"
    assert evaluate(alarm, catalogue([0, 9, 9, 9]), NOON).state == "ALARM"
    assert evaluate(alarm, catalogue([9, 9, 9], end=NOON + 60), NOON).state != "ALARM"


def test_periods_end_when_the_alarm_is_evaluated():
    alarm = read(Period=300, EvaluationPeriods=1, TreatMissingData="notBreaching")
    points = catalogue([1, 1])  # both in the minutes before noon
    assert evaluate(alarm, points, NOON + 179).state == "ALARM"  # 11:57 to 12:02
    assert evaluate(alarm, points, NOON - 60).state == "OK"  # 11:54 to 11:59


def test_a_percentile_is_an_extended_statistic():
    alarm = read(Statistic=None, ExtendedStatistic="p50", EvaluationPeriods=1)
    assert alarm.statistic == "p50"
    assert evaluate(alarm, catalogue([2]), NOON).state == "ALARM"


def test_a_percentile_of_few_samples_may_be_ignored():
    changes = {"Statistic": None, "ExtendedStatistic": "p90", "EvaluationPeriods": 1}

    def state(samples, treatment):
        alarm = read(**changes, EvaluateLowSampleCountPercentile=treatment)
        at = (NOON - 60) * 1000
        point = DataPoint(
            "AWS/Lambda", "Errors", {"FunctionName": "payments"}, at, (9.0,) * samples
        )
        return evaluate(alarm, Catalogue([point]), NOON).state

    assert state(99, "ignore") == "INSUFFICIENT_DATA"  # fewer than 10 / (1 - 0.9)
    assert state(100, "ignore") == "ALARM"
    assert state(99, "evaluate") == "ALARM"


def metric_stat(id_, name, **more):
    metric = {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": DIMENSIONS}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum", **more}
    return {"Id": id_, "MetricStat": stat, "ReturnData": False}


def with_metrics(*metrics, **changes):
    gone = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"))
    return read(**gone, Metrics=list(metrics), **changes)


def test_an_expression_may_be_watched():
    alarm = with_metrics(
        metric_stat("errors", "Errors"),
        metric_stat("calls", "Invocations"),
        {"Id": "rate", "Expression": "100 * errors / calls", "ReturnData": True},
        Threshold=50,
        EvaluationPeriods=1,
    )
    points = [
        DataPoint("AWS/Lambda", name, {"FunctionName": "payments"}, (NOON - 60) * 1000, (value,))
        for name, value in (("Errors", 3.0), ("Invocations", 5.0))
    ]
    found = evaluate(alarm, Catalogue(points), NOON)
    assert found.state == "ALARM"
    assert "[60.0 (15/11/23 11:59:00)] was greater than the threshold (50.0)" in found.reason


def test_a_high_resolution_alarm_is_evaluated_every_10_seconds():
    alarm = read(Period=10, EvaluationPeriods=1)
    assert alarm.step == 10
    points = catalogue([9], end=NOON + 20, period=10, resolution=1)
    assert evaluate(alarm, points, NOON + 29).state == "ALARM"
    assert evaluate(alarm, points, NOON + 19).state == "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("values", "before", "changes", "reason"),
    [
        ([9], None, {"EvaluationPeriods": 1},
         ("Threshold Crossed: 1 datapoint [9.0 (15/11/23 11:59:00)] was greater than the threshold "
         "(1.0).")),
        ([0, 9, 9], "OK", {"DatapointsToAlarm": 2},
         ("Threshold Crossed: 2 out of the last 3 datapoints [9.0 (15/11/23 11:59:00), 9.0 "
         "(15/11/23 11:58:00)] were greater than the threshold (1.0) (minimum 2 datapoints for OK "
         "-> ALARM transition).")),
        ([9, 9, 0], "ALARM", {},
         ("Threshold Crossed: 1 out of the last 3 datapoints [0.0 (15/11/23 11:59:00)] was not "
         "greater than the threshold (1.0) (minimum 1 datapoint for ALARM -> OK transition).")),
        ([], "OK", {}, "Insufficient Data: 3 datapoints were unknown."),
        ([], "OK", {"EvaluationPeriods": 1}, "Insufficient Data: 1 datapoint was unknown."),
        ([], "OK", {"EvaluationPeriods": 1, "TreatMissingData": "breaching"},
         ("Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
         "treated as [Breaching].")),
        ([], "ALARM", {"TreatMissingData": "notBreaching"},
         ("Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints "
         "were treated as [NonBreaching].")),
    ],
)  # fmt: skip
def test_the_reason_is_worded_as_cloudwatch_does(values, before, changes, reason):
    previous = initial(NOON)
    if before:
        previous = type(previous)(before, "before", "", NOON)
    assert evaluate(read(**changes), catalogue(values), NOON, previous).reason == reason


def test_a_state_keeps_the_reason_for_which_it_was_entered():
    alarm = read(EvaluationPeriods=1)
    first = evaluate(alarm, catalogue([9]), NOON)
    second = evaluate(alarm, catalogue([9, 7], end=NOON + 60), NOON + 60, first)
    assert (second.reason, second.timestamp) == (first.reason, NOON + 60)


def test_reason_data_tells_the_points():
    data = json.loads(evaluate(read(), catalogue([9, 9, 9]), NOON).reason_data)
    assert data["recentDatapoints"] == [9, 9, 9]
    assert data["startDate"] == "2023-11-15T11:57:00.000+0000"
    assert data["evaluatedDatapoints"][0] == {
        "timestamp": "2023-11-15T11:59:00.000+0000",
        "value": 9,
    }
    assert (data["statistic"], data["period"], data["threshold"]) == ("Sum", 60, 1)


def test_the_history_tells_each_change_of_state_with_its_time():
    values = [0, 0, 9, 9, 9, 9, 0, 0]
    alarm = read(EvaluationPeriods=2)
    past = history(alarm, catalogue(values, end=NOON + 480), NOON, NOON + 480)
    assert [(after.timestamp - NOON, after.state) for _, after in past.updates] == [
        (60, "OK"),
        (240, "ALARM"),
        (420, "OK"),
    ]
    assert (past.current.state, past.since, past.current.timestamp) == (
        "OK",
        NOON + 420,
        NOON + 480,
    )


def test_history_items_have_the_shape_of_the_api_newest_first():
    alarm = read(EvaluationPeriods=1)
    past = history(alarm, catalogue([9, 0], end=NOON + 120), NOON, NOON + 120)
    items = history_items(alarm, past)
    assert [item["HistorySummary"] for item in items] == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
    ]
    oldest = items[1]
    assert (oldest["AlarmName"], oldest["AlarmType"], oldest["HistoryItemType"]) == (
        "too-many-errors",
        "MetricAlarm",
        "StateUpdate",
    )
    assert oldest["Timestamp"] == NOON + 60
    data = json.loads(oldest["HistoryData"])
    assert data["oldState"]["stateReason"] == "Unchecked: Initial alarm creation"
    assert data["newState"]["stateReasonData"]["recentDatapoints"] == [9]


def test_an_alarm_without_a_name_goes_by_its_logical_id_and_other_resources_are_passed_over():
    assert read(AlarmName=None).name == "Errors"
    assert read_alarms({"Topic": {"Type": "AWS::SNS::Topic"}}) == []


def test_a_composite_alarm_is_refused_by_name():
    with pytest.raises(MetricQueryError, match="the alarm Both: composite alarms are not offered"):
        read_alarms({"Both": {"Type": "AWS::CloudWatch::CompositeAlarm"}})


def test_numbers_may_be_given_as_text():
    alarm = read(Period="60", EvaluationPeriods="2", Threshold="0.5")
    assert (alarm.period, alarm.evaluation_periods, alarm.threshold) == (60, 2, 0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "GreaterThanUpperThreshold is not"),
        ({"TreatMissingData": "panic"}, "TreatMissingData panic must be one of missing, ignore"),
        ({"EvaluateLowSampleCountPercentile": "x"}, "must be evaluate or ignore"),
        ({"DatapointsToAlarm": 4}, r"DatapointsToAlarm \(4\) must not exceed EvaluationPeriods"),
        ({"EvaluationPeriods": 0}, "EvaluationPeriods must be a whole number, 1 or more"),
        ({"EvaluationPeriods": None}, "EvaluationPeriods is required"),
        ({"Threshold": "many"}, "Threshold must be a number; it is 'many'"),
        ({"Threshold": True}, "Threshold must be a number"),
        ({"Statistic": "p99"}, "Statistic p99 must be one of SampleCount, Average, Sum"),
        ({"Statistic": None, "ExtendedStatistic": "q9"}, "The value q9 for parameter .* is not"),
        ({"Unit": "Apples"}, "The value Apples for parameter .* is not a valid unit"),
        ({"Period": 5}, "Period 5 must be 10, 20, 30 or a multiple of 60"),
        ({"Period": 90}, "90 for parameter Period is not a valid period"),
        ({"EvaluationPeriods": 1441}, "must not exceed a day"),
        ({"MetricName": None}, "MetricName is required"),
        ({"Statistic": None}, "either Statistic or ExtendedStatistic"),
        ({"ExtendedStatistic": "p99"}, "either Statistic or ExtendedStatistic"),
        ({"Metrics": []}, "either Metrics or MetricName"),
        ({"ThresholdMetricId": "ad1"}, "ThresholdMetricId is not offered here"),
        ({"EvaluationWindow": {"WallClockWindow": {}}}, "EvaluationWindow is not offered here"),
    ],
)
def test_an_alarm_that_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(MetricQueryError, match=f"the alarm Errors: .*{message}"):
        read(**changes)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([metric_stat("m1", "Errors")], "exactly one of Metrics must have ReturnData true"),
        ([metric_stat("m1", "Errors"), metric_stat("m2", "Errors", Period=300),
          {"Id": "e1", "Expression": "m1 + m2"}], "one Period; they have 60, 300"),
        ([metric_stat("m1", "Errors"), {"Id": "e1", "Expression": "SUM(SEARCH('x', 'Sum'))"}],
         "SEARCH is not supported on Metric Alarms"),
        ([metric_stat("m1", "Errors"), {"Id": "e1", "Expression": "m1 +"}], "Invalid syntax"),
        ([{"Id": "e1", "Expression": "TIME_SERIES(1)"}], "they have none"),
        ([*(metric_stat(f"m{n}", "Errors") for n in range(11)),
          {"Id": "e1", "Expression": "SUM(METRICS())"}], "at most 10 metrics and 10 expressions"),
    ],
)  # fmt: skip
def test_an_expression_that_no_alarm_can_watch_is_refused(metrics, message):
    with pytest.raises(MetricQueryError, match=message):
        with_metrics(*metrics)


def test_an_expression_of_several_series_is_refused_when_it_is_evaluated():
    alarm = with_metrics(
        metric_stat("m1", "Errors"),
        metric_stat("m2", "Invocations"),
        {"Id": "e1", "Expression": "METRICS() * 2"},
    )
    with pytest.raises(MetricQueryError, match="must give one time series; it gives 2"):
        evaluate(alarm, catalogue([1]), NOON)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
METRICS = st.lists(
    st.fixed_dictionaries(
        {"Id": st.just("e1") | JSON},
        optional={"Expression": JSON, "MetricStat": JSON, "Period": JSON, "ReturnData": JSON},
    )
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(PROPERTIES, JSON) | {"Metrics": JSON | METRICS}
    )
)
def test_whatever_the_properties_are_the_alarm_is_read_or_refused(changes):
    try:
        alarm = read(**changes)
        evaluate(alarm, catalogue([1]), NOON)
    except MetricQueryError as error:
        assert error.what  # noqa: PT017 - either way is fine, nothing else is
