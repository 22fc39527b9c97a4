"""The tour's picture of step 04: minutes of payments that are made up, and alarms on them."""

from workshop.cli.render.tour.percentiles import percentiles
from workshop.cli.render.tour.telemetry import Telemetry
from workshop.metrics.alarms import read_alarms
from workshop.signals import DataPoint

START = 1_795_444_800  # a whole minute
WIDTH = 80
ALARMS = read_alarms(
    {
        "Slow": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "payments-slow",
                "Namespace": "Workshop",
                "MetricName": "ChargeDuration",
                "Dimensions": [{"Name": "service", "Value": "payments"}],
                "ExtendedStatistic": "p99",
                "Period": 60,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": 500,
                "EvaluationPeriods": 2,
                "TreatMissingData": "notBreaching",
            },
        },
    }
)


def drawn(points):
    return [str(line) for line in percentiles(Telemetry((), points, ()), ALARMS, WIDTH)]


def durations(*minutes):
    """ChargeDuration of some payments in each minute."""
    return [
        DataPoint(
            "Workshop",
            "ChargeDuration",
            {"service": "payments"},
            (START + 60 * minute) * 1000,
            tuple(values),
            "Milliseconds",
        )
        for minute, values in enumerate(minutes)
    ]


QUICK = [10.0] * 9
SLOW = [*QUICK, 600.0]


def test_an_average_hides_what_p99_shows():
    lines = drawn(durations(QUICK, QUICK, SLOW, QUICK))
    (average,) = [line for line in lines if "Average" in line]
    (p99,) = [line for line in lines if "p99" in line]
    assert "69 ms at most" in average
    assert "547 ms at most" in p99  # between the slowest and the one before it
    assert p99.split()[1] == "▁▁▁▁██▁▁"
    assert average.split()[1] == "▁▁▁▁▂▂▁▁"
    told = " ".join(" ".join(lines).split())
    assert "10 payments took 69 ms on average, and none of them anything near it." in told
    assert "Half took 10 ms or less, 1 over half a second." in told


def test_an_alarm_is_drawn_by_the_minutes_it_is_in_alarm():
    points = durations(QUICK, SLOW, SLOW, SLOW, QUICK, QUICK)
    (line,) = [one for one in drawn(points) if one.lstrip().startswith("payments-slow")]
    assert line.split()[1] == "····████····"
    assert line.endswith("ALARM for 2 min")


def test_an_alarm_that_stays_quiet_says_so():
    lines = drawn(durations(QUICK, SLOW, QUICK))
    assert any(line.endswith("stays OK") for line in lines)


def test_a_step_that_left_nothing_has_nothing_to_show():
    assert drawn([]) == []
