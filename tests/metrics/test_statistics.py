"""CloudWatch's statistics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import statistics as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.metrics.statistics import UnknownStatisticError, percentile, statistic

ONE_TO_TEN = [7, 3, 10, 1, 5, 9, 2, 8, 4, 6]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p0", 1),
        ("p50", 5.5),
        ("p90", 9.1),
        ("p99.9", 9.991),
        ("p100", 10),
        # "tm90 calculates the average after removing the 10% of data points with the highest
        # values"
        ("tm90", 5),
        ("TM(:90%)", 5),
        ("TM(10%:90%)", 5.5),
        ("TM(20%:)", 6.5),
        # 5% of ten samples is half of the lowest one: (0.5*1 + 2 + ... + 10) / 9.5
        ("TM(5%:)", 54.5 / 9.5),
        ("IQM", 5.5),
        # Absolute boundaries exclude the low one and include the high one.
        ("TM(2:5)", 4),
        ("TM(:5)", 3),
        ("TM(5:)", 8),
        ("TC(2:5)", 3),
        ("TS(2:5)", 12),
        ("tc95", 9.5),
        ("ts90", 45),
        # Winsorized: what lies outside counts as the boundary.
        ("WM(3:8)", (3 * 3 + 4 + 5 + 6 + 7 + 8 * 3) / 10),
        ("WM(:5)", (1 + 2 + 3 + 4 + 5 * 6) / 10),
        ("wm90", (sum(range(1, 10)) + 9.1) / 10),
        ("PR(:3)", 30),
        ("PR(3:6)", 30),
        ("PR(8:)", 20),
        ("PR(0:10)", 100),
    ],
)
def test_a_statistic_of_one_to_ten(name, expected):
    assert statistic(ONE_TO_TEN, name) == pytest.approx(expected)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Avg",
        "sum",
        "P99",
        "p",
        "p100.1",
        "p101",
        "p-1",
        "p99%",
        "tm(1:2)",
        "TM99",
        "TM()",
        "TM(:)",
        "TM(10:90%)",
        "TM(90%:10%)",
        "TM(5:2)",
        "TM(:101%)",
        "PR(1%:2%)",
        "pr99",
        "iqm",
        "p99 ",
    ],
)
def test_an_unknown_statistic_is_told(name):
    with pytest.raises(UnknownStatisticError, match="there is no statistic"):
        statistic(ONE_TO_TEN, name)


@pytest.mark.parametrize("name", ["SampleCount", "Average", "p99", "TM(10%:90%)", "PR(:3)"])
def test_no_samples_give_no_statistic(name):
    assert statistic([], name) is None


def test_a_mean_of_nothing_inside_the_boundaries_is_none():
    assert statistic(ONE_TO_TEN, "TM(100:200)") is None
    assert statistic(ONE_TO_TEN, "TC(100:200)") == 0


@pytest.mark.parametrize("name", ["p50", "tm90", "wm90", "tc90", "ts90", "PR(:1)", "IQM"])
def test_negative_samples_leave_only_the_simple_statistics(name):
    assert statistic([-1, 2], name) is None
    assert statistic([-1, 2], "Average") == 0.5


@pytest.mark.parametrize(
    ("values", "percent"), [([], 50), ([1], -1), ([1], 100.5), ([1], math.nan)]
)
def test_a_percentile_that_does_not_exist_is_an_error(values, percent):
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)


VALUES = st.lists(st.floats(0, 1e9), min_size=2, max_size=50)


@given(VALUES)
def test_percentiles_agree_with_the_standard_librarys_inclusive_quantiles(values):
    cuts = standard.quantiles(values, n=100, method="inclusive")

    for number, cut in enumerate(cuts, start=1):
        assert percentile(values, number) == pytest.approx(cut, abs=1e-6)


@given(VALUES, st.floats(0, 100))
def test_a_percentile_lies_between_the_extremes_and_grows(values, percent):
    assert min(values) <= percentile(values, percent) <= max(values) * (1 + 1e-12)
    assert percentile(values, percent / 2) <= percentile(values, percent) * (1 + 1e-12)


@given(VALUES, st.integers(1, 99))
def test_trimmed_sum_is_trimmed_mean_times_trimmed_count(values, percent):
    mean, count, total = (statistic(values, f"{kind}{percent}") for kind in ("tm", "tc", "ts"))

    assert mean * count == pytest.approx(total)
    assert count == pytest.approx(len(values) * percent / 100)
