"""GetMetricData, GetMetricStatistics and ListMetrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.errors import MetricQueryError
from workshop.metrics.query import get_metric_data, get_metric_statistics, list_metrics
from workshop.metrics.series import Catalogue
from workshop.signals import DataPoint

NOON = 1_700_049_600
HOUR = 3600


def point(name, minute, value, unit="Count", namespace="Workshop", **dimensions):
    at = (NOON + 60 * minute) * 1000
    return DataPoint(namespace, name, dimensions, at, (float(value),), unit)


POINTS = [
    point("Charged", 0, 10, service="payments"),
    point("Charged", 1, 20, service="payments"),
    point("Charged", 3, 40, service="payments"),
    point("Failed", 1, 5, service="payments"),
    point("Failed", 3, 4, service="payments"),
    point("Charged", 1, 7, service="refunds"),
]


def stat(id_, name="Charged", statistic="Sum", period=60, service="payments", **more):
    metric = {
        "Namespace": "Workshop",
        "MetricName": name,
        "Dimensions": [{"Name": "service", "Value": service}],
    }
    unit = {"Unit": more.pop("Unit")} if "Unit" in more else {}
    return {
        "Id": id_,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic, **unit},
        **more,
    }


def ask(*queries, points=POINTS, start=NOON, end=NOON + 300, **more):
    return get_metric_data(queries, Catalogue(points), start, end, now=NOON + HOUR, **more)


def results(*queries, **more):
    answer = ask(*queries, scan_by="TimestampAscending", **more)
    return [
        (
            one["Id"],
            one["Label"],
            {(t - NOON) // 60: v for t, v in zip(one["Timestamps"], one["Values"], strict=True)},
        )
        for one in answer["MetricDataResults"]
    ]


def test_a_result_has_the_shape_of_the_api_newest_first():
    assert ask(stat("m1")) == {
        "MetricDataResults": [
            {
                "Id": "m1",
                "Label": "Charged",
                "Timestamps": [NOON + 180, NOON + 60, NOON],
                "Values": [40, 20, 10],
                "StatusCode": "Complete",
                "Messages": [],
            }
        ],
        "Messages": [],
    }


def test_results_validate_against_botocore():
    loaders = pytest.importorskip("botocore.loaders")
    model = pytest.importorskip("botocore.model")
    data = loaders.Loader().load_service_model("cloudwatch", "service-2")
    shape = model.ServiceModel(data).operation_model("GetMetricData").output_shape
    answer = ask(stat("m1"), {"Id": "e1", "Expression": "m1 * 2"}, max_datapoints=2)
    assert set(answer) <= set(shape.members)
    one = shape.members["MetricDataResults"].member
    for result in answer["MetricDataResults"]:
        assert set(result) <= set(one.members)
        assert result["StatusCode"] in one.members["StatusCode"].enum


def test_expressions_may_stand_in_any_order_and_build_on_one_another():
    assert results(
        {"Id": "twice", "Expression": "rate * 2", "Label": "doubled"},
        {"Id": "rate", "Expression": "100 * failed / total"},
        {"Id": "total", "Expression": "charged + failed", "ReturnData": False},
        stat("charged", ReturnData=False),
        stat("failed", "Failed", ReturnData=False),
    ) == [
        ("twice", "doubled", {0: 0, 1: 40, 3: pytest.approx(2 * 400 / 44)}),
        ("rate", "rate", {0: 0, 1: 20, 3: pytest.approx(400 / 44)}),
    ]


def test_an_array_gives_one_result_for_each_series_with_the_same_id():
    assert results(
        {"Id": "e1", "Expression": "METRICS() / 10"},
        {"Id": "e2", "Expression": "METRICS() / 10", "Label": "tenth"},
        stat("m1", ReturnData=False),
        stat("m2", "Failed", Label="failures", ReturnData=False),
    ) == [
        ("e1", "Charged", {0: 1, 1: 2, 3: 4}),
        ("e1", "failures", {1: 0.5, 3: 0.4}),
        ("e2", "tenth Charged", {0: 1, 1: 2, 3: 4}),
        ("e2", "tenth failures", {1: 0.5, 3: 0.4}),
    ]


def test_search_finds_metrics_by_schema():
    search = "SEARCH('{Workshop,service} MetricName=\"Charged\"', 'Sum', 60)"
    assert results({"Id": "e1", "Expression": search}) == [
        ("e1", "payments Charged", {0: 10, 1: 20, 3: 40}),
        ("e1", "refunds Charged", {1: 7}),
    ]
    assert results({"Id": "e1", "Expression": f"SUM({search})"}) == [
        ("e1", "e1", {0: 10, 1: 27, 3: 40})
    ]


def test_search_finds_only_metrics_with_data_in_the_last_two_weeks():
    search = {"Id": "e1", "Expression": "SEARCH('Charged', 'Sum', 300)"}
    late = {"start": NOON, "end": NOON + 300}
    two_weeks = 14 * 24 * HOUR
    for later, count in ((NOON + 60 + two_weeks, 2), (NOON + 61 + two_weeks, 1)):
        answer = get_metric_data([search], Catalogue(POINTS), **late, now=later)
        assert len(answer["MetricDataResults"]) == count


def test_a_series_for_a_number_alone_takes_the_period_of_its_query():
    query = {"Id": "e1", "Expression": "TIME_SERIES(5)", "Period": 120}
    assert results(query) == [("e1", "e1", {0: 5, 2: 5, 4: 5})]


def test_a_metric_that_is_not_there_is_complete_and_empty():
    (one,) = ask(stat("m1", "Nothing"))["MetricDataResults"]
    assert (one["Values"], one["StatusCode"]) == ([], "Complete")


def test_a_unit_that_does_not_match_gives_no_values():
    assert results(stat("m1", Unit="Bytes")) == [("m1", "Charged", {})]
    assert results(stat("m1", Unit="Count")) == [("m1", "Charged", {0: 10, 1: 20, 3: 40})]


def test_a_dynamic_label_is_shown_as_typed_and_says_so():
    (one,) = ask(stat("m1", Label="max ${MAX}"))["MetricDataResults"]
    assert one["Label"] == "max ${MAX}"
    assert "Dynamic labels are not offered" in one["Messages"][0]["Value"]


def test_pages_hold_at_most_max_datapoints_and_add_up_to_the_whole():
    queries = [stat("m1"), stat("m2", "Failed"), {"Id": "e1", "Expression": "m1 - m2"}]
    whole = {one["Id"]: one["Values"] for one in ask(*queries)["MetricDataResults"]}
    got = {id_: [] for id_ in whole}
    token, sizes, ids = None, [], []
    while True:
        page = ask(*queries, max_datapoints=2, next_token=token)
        ids.append([one["Id"] for one in page["MetricDataResults"]])
        sizes.append(sum(len(one["Values"]) for one in page["MetricDataResults"]))
        for one in page["MetricDataResults"]:
            got[one["Id"]] += one["Values"]
        token = page.get("NextToken")
        if token is None:
            break
    assert got == whole
    assert sizes == [2, 2, 2, 2]
    # The first page tells of every result, later ones of those that they go on with.
    assert ids == [["m1", "m2", "e1"], ["m1", "m2"], ["m2", "e1"], ["e1"]]
    first = ask(*queries, max_datapoints=2)["MetricDataResults"]
    assert [one["StatusCode"] for one in first] == ["PartialData"] * 3


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([], "MetricDataQueries must have 1 to 500 members; it has 0"),
        ([stat(f"m{n}") for n in range(501)], "it has 501"),
        ([stat("M1")], r"M1 for parameter MetricDataQueries.member.1.Id is not matching the exp"),
        ([stat("m1"), stat("m1")], "not unique: m1"),
        ([{"Id": "m1"}], "either MetricStat or Expression, and not both"),
        ([stat("m1", Expression="m2")], "either MetricStat or Expression, and not both"),
        ([stat("m1", statistic="Mean")],
         "The value Mean for parameter MetricDataQueries.member.1.MetricStat.Stat is not a valid"),
        ([stat("m1", period=45)], "45 for parameter MetricDataQueries.member.1.MetricStat.Period"),
        ([stat("m1", Unit="Apples")], "The value Apples"),
        ([{"Id": "m1", "MetricStat": {"Period": 60, "Stat": "Sum"}}], "MetricStat.Metric is requ"),
        ([{"Id": "m1", "MetricStat": {"Metric": {"Namespace": "N"}, "Period": 60, "Stat": "Sum"}}],
         "MetricName is required"),
        ([stat("m1", ReturnData=False)], "At least one query must have ReturnData"),
        ([{"Id": "e1", "Expression": "m1 +"}], "Error in expression 'e1': Invalid syntax"),
        ([{"Id": "e1", "Expression": "m1"}], "Error in expression 'e1': The Id 'm1' is not among"),
        ([stat("m1"), {"Id": "e1", "Expression": "SUM(m1)"}], "Error in expression 'e1': The expr"),
        ([{"Id": "e1", "Expression": "e2"}, {"Id": "e2", "Expression": "e1"}],
         "e1, e2 refer to one another in a circle"),
        ([{"Id": "e1", "Expression": "e1 + 1"}], "in a circle"),
        ([{"Id": "e1", "Expression": "SEARCH('(', 'Sum')"}], "Error in expression 'e1': Invalid"),
        ([{"Id": "e1", "Expression": "SEARCH('x', 'Mean')"}], "Mean for parameter of SEARCH"),
        ([{"Id": "e1", "Expression": "SEARCH('x', 'Sum', 7)"}], "7 for parameter Period of SEARCH"),
        ([{"Id": "q1", "Expression": "SELECT AVG(x) FROM y"}], "Metrics Insights queries .* not"),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_by_name(queries, message):
    with pytest.raises(MetricQueryError, match=message) as caught:
        ask(*queries)
    assert caught.value.code == "ValidationError"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"end": NOON}, "StartTime must be less than the parameter EndTime"),
        ({"scan_by": "Upwards"}, "Upwards for parameter ScanBy"),
        ({"max_datapoints": 0}, "MaxDatapoints"),
        ({"next_token": "x"}, "NextToken"),
    ],
)
def test_bad_options_are_refused_by_name(more, message):
    with pytest.raises(MetricQueryError, match=message):
        ask(stat("m1"), **more)


def test_a_long_chain_of_expressions_is_evaluated():
    chain = [
        {"Id": f"e{n}", "Expression": f"e{n - 1} + 1", "ReturnData": n == 499}
        for n in range(499, 1, -1)
    ]
    answer = results(*chain, {"Id": "e1", "Expression": "m1", "ReturnData": False},
                     stat("m1", ReturnData=False))  # fmt: skip
    assert answer == [("e499", "e499", {0: 508, 1: 518, 3: 538})]


def test_twenty_math_queries_over_100_000_data_points_are_answered_whole():
    points = [
        point(f"M{n % 10}", n // 10 % 180 - 180, n % 97, service="payments") for n in range(100_000)
    ]
    metrics = [stat(f"m{n}", f"M{n}", ["Sum", "p99"][n % 2], ReturnData=False) for n in range(10)]
    texts = ["m1 / m2 * 100", "SUM(METRICS())", "IF(m1 > m2, m1, 0)", "FILL(m3, LINEAR)"] * 5
    queries = [*metrics, *({"Id": f"e{n}", "Expression": text} for n, text in enumerate(texts))]
    answer = ask(*queries, points=points, start=NOON - 3 * HOUR, end=NOON)
    assert len(answer["MetricDataResults"]) == 20
    assert len(answer["MetricDataResults"][0]["Values"]) == 180


def statistics(points=POINTS, **more):
    request = {
        "Namespace": "Workshop",
        "MetricName": "Charged",
        "Dimensions": [{"Name": "service", "Value": "payments"}],
        "StartTime": NOON,
        "EndTime": NOON + 300,
        "Period": 300,
        **more,
    }
    given = {name: value for name, value in request.items() if value is not None}
    return get_metric_statistics(given, Catalogue(points), now=NOON + HOUR)


def test_get_metric_statistics_gives_every_statistic_asked_for():
    assert statistics(Statistics=["Sum", "SampleCount", "Average"]) == {
        "Label": "Charged",
        "Datapoints": [
            {
                "Timestamp": NOON,
                "Unit": "Count",
                "Sum": 70,
                "SampleCount": 3,
                "Average": pytest.approx(70 / 3),
            }
        ],
    }
    assert statistics(ExtendedStatistics=["p50"])["Datapoints"] == [
        {"Timestamp": NOON, "Unit": "Count", "ExtendedStatistics": {"p50": 20}}
    ]


def test_get_metric_statistics_keeps_units_apart():
    points = [*POINTS, point("Charged", 2, 1, unit="Bytes", service="payments")]
    both = statistics(points, Statistics=["Sum"])["Datapoints"]
    assert {(one["Unit"], one["Sum"]) for one in both} == {("Bytes", 1), ("Count", 70)}
    assert len(statistics(points, Statistics=["Sum"], Unit="Bytes")["Datapoints"]) == 1
    assert statistics(points, Statistics=["Sum"], Unit="Percent")["Datapoints"] == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({}, "InvalidParameterCombination"),
        ({"Statistics": ["Sum"], "ExtendedStatistics": ["p9"]}, "InvalidParameterCombination"),
        ({"Statistics": ["p99"]}, "InvalidParameterValue"),
        ({"ExtendedStatistics": ["Sum"]}, "InvalidParameterValue"),
        ({"ExtendedStatistics": ["q9"]}, "InvalidParameterValue"),
        ({"Statistics": ["Sum"], "Period": 7}, "InvalidParameterValue"),
        ({"Statistics": ["Sum"], "Unit": "Apples"}, "InvalidParameterValue"),
        ({"Statistics": ["Sum"], "EndTime": NOON}, "InvalidParameterValue"),
        ({"Statistics": ["Sum"], "MetricName": None}, "MissingRequiredParameter"),
        ({"Statistics": ["Sum"], "Period": 60, "EndTime": NOON + 60 * 1441},
         "InvalidParameterCombination"),
    ],
)  # fmt: skip
def test_a_bad_statistics_request_is_refused_by_code(more, code):
    with pytest.raises(MetricQueryError) as caught:
        statistics(**more)
    assert caught.value.code == code


def listed(points=POINTS, now=NOON + HOUR, **request):
    return list_metrics(request, Catalogue(points), now=now)


def test_list_metrics_filters_by_what_is_given():
    assert listed(MetricName="Failed") == {
        "Metrics": [
            {
                "Namespace": "Workshop",
                "MetricName": "Failed",
                "Dimensions": [{"Name": "service", "Value": "payments"}],
            }
        ]
    }
    assert len(listed()["Metrics"]) == 3
    assert len(listed(Dimensions=[{"Name": "service"}])["Metrics"]) == 3
    assert len(listed(Dimensions=[{"Name": "service", "Value": "refunds"}])["Metrics"]) == 1
    assert listed(Dimensions=[{"Name": "region"}])["Metrics"] == []
    assert listed(Namespace="Other")["Metrics"] == []


def test_a_metric_with_further_dimensions_is_listed_too():
    points = [point("Charged", 0, 1, service="payments", region="eu")]
    assert len(listed(points, Dimensions=[{"Name": "service"}])["Metrics"]) == 1


def test_metrics_without_recent_data_are_not_listed():
    assert listed(now=NOON + 240 + 14 * 24 * HOUR)["Metrics"] == []
    assert listed(now=NOON + 240 + 3 * HOUR, RecentlyActive="PT3H")["Metrics"] == []
    assert len(listed(now=NOON + 3 * HOUR, RecentlyActive="PT3H")["Metrics"]) == 3
    with pytest.raises(MetricQueryError, match="RecentlyActive must be PT3H"):
        listed(RecentlyActive="PT1H")


def test_metrics_are_listed_by_500():
    points = [point(f"M{n}", 0, 1) for n in range(1001)]
    names, token, sizes = set(), {}, []
    while token is not None:
        page = listed(points, **token)
        sizes.append(len(page["Metrics"]))
        names |= {one["MetricName"] for one in page["Metrics"]}
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert sizes == [500, 500, 1]
    assert len(names) == 1001


def test_points_that_are_no_numbers_are_dropped_and_a_message_says_so():
    queries = [stat("m1"), {"Id": "e1", "Expression": "m1 / (m1 - 10)"},
               {"Id": "e2", "Expression": "FILL(e1, 1)"},
               {"Id": "e3", "Expression": "IF(m1 > 10, m1)"}]  # fmt: skip
    answer = {one["Id"]: one for one in ask(*queries)["MetricDataResults"]}
    assert answer["e1"]["Timestamps"] == [NOON + 180, NOON + 60]
    assert answer["e1"]["Messages"] == [
        {
            "Code": "ArithmeticError",
            "Value": "One or more data-points have been dropped due to non-numeric values "
            "(NaN, -Infinite, +Infinite)",
        }
    ]
    assert answer["e2"]["Messages"] == answer["e1"]["Messages"]
    assert answer["e3"]["Messages"] == answer["m1"]["Messages"] == []


def test_a_search_finds_at_most_500_metrics_and_says_so():
    points = [point(f"M{n}", 0, 1) for n in range(501)]
    search = {"Id": "e1", "Expression": "SEARCH('{Workshop}', 'Sum', 60)"}
    answer = ask(search, points=points)
    assert len(answer["MetricDataResults"]) == 500
    assert [message["Code"] for message in answer["Messages"]] == ["MaxMetricsExceeded"]
    assert ask(search, points=points[1:])["Messages"] == []


def test_an_array_does_not_grow_without_bound():
    chain = [{"Id": f"e{n}", "Expression": f"[e{n - 1}, e{n - 1}]"} for n in range(1, 100)]
    with pytest.raises(MetricQueryError, match="An array holds at most 500 time series"):
        ask({"Id": "e0", "Expression": "[m1]"}, *chain, stat("m1"))


@pytest.mark.parametrize("expression", ["FILL(m1, 0)", "TIME_SERIES(1)", "HOUR(m1)"])
def test_a_window_is_not_filled_without_bound(expression):
    with pytest.raises(MetricQueryError, match="at most 100800 can be filled"):
        ask(stat("m1"), {"Id": "e1", "Expression": expression}, start=0, end=NOON)


@pytest.mark.parametrize(
    ("start", "end"), [(-1, NOON), (NOON, 1e300), (float("nan"), NOON), (NOON, float("inf"))]
)
def test_times_that_no_calendar_has_are_refused(start, end):
    with pytest.raises(MetricQueryError, match="between 1970 and 9999"):
        ask(stat("m1"), start=start, end=end)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
PART = {
    "Namespace": st.just("Workshop") | JSON,
    "MetricName": st.just("Charged") | JSON,
    "Dimensions": st.lists(st.fixed_dictionaries({}, optional={"Name": JSON, "Value": JSON}))
    | JSON,
}
QUERY = st.fixed_dictionaries(
    {"Id": st.sampled_from(["m1", "m2"]) | JSON},
    optional={
        "MetricStat": st.fixed_dictionaries(
            {"Metric": st.fixed_dictionaries(PART) | JSON},
            optional={"Period": st.just(60) | JSON, "Stat": st.just("Sum") | JSON, "Unit": JSON},
        )
        | JSON,
        "Expression": st.sampled_from(["m1", "SUM(m1)", "METRICS()"]) | JSON,
        "Label": JSON,
        "Period": JSON,
        "ReturnData": JSON,
    },
)


@given(st.lists(QUERY | JSON, max_size=3))
def test_whatever_the_queries_are_they_are_answered_or_refused(queries):
    try:
        ask(*queries)
    except MetricQueryError as error:
        assert error.what  # noqa: PT017 - either way is fine, nothing else is


@given(st.fixed_dictionaries(PART, optional={"Period": JSON, "Statistics": JSON, "Unit": JSON}))
def test_whatever_the_other_requests_are_they_are_answered_or_refused(request):
    times = {"StartTime": NOON, "EndTime": NOON + 60}
    for answer in (get_metric_statistics, list_metrics):
        try:
            answer({"Period": 60, "Statistics": ["Sum"], **times, **request}, Catalogue(POINTS),
                   now=NOON)  # fmt: skip
        except MetricQueryError as error:
            assert error.what  # noqa: PT017 - either way is fine, nothing else is
