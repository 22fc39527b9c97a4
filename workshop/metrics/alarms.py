"""Alarms of a template, evaluated: state, reason and history, as CloudWatch has them.

Pure. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
and, for missing data, .../alarms-and-missing-data.html

Three points that those pages leave open are chosen here:

- The evaluation range is the evaluation periods and two more, as in the page's examples (5 for 3);
  the service takes a number of its own.
- An alarm is evaluated every minute (every 10 seconds for a period under a minute) over periods
  that end then: the sliding window. Data is there at once, so nothing is held back.
- Where missing data counts as missing and only breaching data is there, too few and too young to
  alarm, the state is INSUFFICIENT_DATA.

Reasons are worded as captured ones are.
"""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from workshop.metrics import expressions
from workshop.metrics.errors import MetricQueryError
from workshop.metrics.query import BASIC_STATISTICS, Query, get_metric_data, metric_named
from workshop.metrics.series import DAY, HOUR, MINUTE, Catalogue, Metric, check_period

ALARM_TYPE = "AWS::CloudWatch::Alarm"
COMPOSITE_TYPE = "AWS::CloudWatch::CompositeAlarm"

State: TypeAlias = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

MAX_METRICS = 10
"""Metrics, and expressions, that the expression of one alarm may stand on."""

_EXTRA_PERIODS = 2
_HIGH_RESOLUTION_STEP = 10
_HIGH_RESOLUTION_PERIODS = (10, 20, 30)
_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
_COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_OF_ONE_METRIC = (
    *("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic"),
    "ExtendedStatistic",
)
"""What says of an alarm on one metric which it is; with Metrics, that is said in there.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""
_UNOFFERED = (
    "ThresholdMetricId",
    "EvaluationWindow",
    "EvaluationCriteria",
    "EvaluationInterval",
    "WarmUpConfiguration",
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """An `AWS::CloudWatch::Alarm`, checked.

    Attributes:
        logical_id: The key in `Resources`.
        name: `AlarmName`; the logical id when the template leaves it to CloudFormation.
        queries: What it watches, as MetricDataQueries; exactly one returns data.
        period: Seconds.
        evaluation_periods: N of "M out of N".
        datapoints_to_alarm: M of "M out of N".
        threshold: What points are compared with.
        comparison: Such as `GreaterThanThreshold`.
        treat_missing_data: `missing`, `ignore`, `breaching` or `notBreaching`.
        ignore_low_samples: Whether a percentile of too few samples leaves the state alone.
        statistic: As the template has it; None with a metric math expression.
        properties: The resource's `Properties`, for what else an answer shows.
    """

    logical_id: str
    name: str
    queries: tuple[Query, ...]
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    treat_missing_data: str
    ignore_low_samples: bool
    statistic: str | None
    properties: Mapping[str, Any]

    @property
    def metrics(self) -> list[Metric]:
        """The metrics it watches; what a SEARCH would find is not among them."""
        return [
            metric_named(query["MetricStat"]["Metric"])
            for query in self.queries
            if "MetricStat" in query
        ]

    @property
    def step(self) -> int:
        """How often it is evaluated, in seconds."""
        return MINUTE if self.period >= MINUTE else _HIGH_RESOLUTION_STEP


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an alarm makes of the data at one time.

    Attributes:
        state: The state it is in from then on.
        reason: In words, as StateReason has it.
        reason_data: As JSON, as StateReasonData has it.
        timestamp: When it was evaluated, in seconds since the epoch.
    """

    state: State
    reason: str
    reason_data: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class History:
    """The states of an alarm over a time.

    Attributes:
        current: Where it is at the end; the timestamp is that of the last evaluation.
        since: When it came into that state.
        updates: Each change of state, oldest first: before and after.
    """

    current: Evaluation
    since: int
    updates: tuple[tuple[Evaluation, Evaluation], ...]


def read_alarms(resources: Mapping[str, Mapping[str, Any]]) -> list[Alarm]:
    """Read the alarms of a template's resources.

    Args:
        resources: `sam.Template.resources`: logical id to the resource, resolved.

    Raises:
        MetricQueryError: CloudWatch would refuse an alarm, or it needs what is not on a laptop; the
            message names it.
    """
    alarms = []
    for logical_id, resource in resources.items():
        if resource.get("Type") == COMPOSITE_TYPE:
            raise MetricQueryError(f"the alarm {logical_id}: composite alarms are not offered here")
        if resource.get("Type") != ALARM_TYPE:
            continue
        try:
            alarms.append(_read(logical_id, _mapping(resource.get("Properties"), "Properties")))
        except MetricQueryError as error:
            raise MetricQueryError(f"the alarm {logical_id}: {error.what}") from None
    return alarms


def evaluate(
    alarm: Alarm, catalogue: Catalogue, at: float, previous: Evaluation | None = None
) -> Evaluation:
    """Evaluate an alarm at one time.

    Args:
        alarm: Which.
        catalogue: The metrics there are.
        at: Seconds since the epoch; rounded down to a time at which the alarm is evaluated.
        previous: What it made of the data before; None when it has just been created.

    Returns:
        The new state; when it is the same as before, `previous` with its timestamp moved on, for
        the reason of a state is why it was entered.
    """
    end = math.floor(at / alarm.step) * alarm.step
    previous = previous or initial(end)
    points = _points(alarm, catalogue, end)
    found = _judge(alarm, points, previous.state)
    if found is None or found == previous.state or _too_few_samples(alarm, catalogue, end):
        return replace(previous, timestamp=end)
    return Evaluation(
        found,
        _reason(alarm, points, found, previous.state),
        _reason_data(alarm, points, end),
        end,
    )


def history(alarm: Alarm, catalogue: Catalogue, start: float, end: float) -> History:
    """Evaluate an alarm again and again, from its creation at `start` to `end`, both included.

    Args:
        alarm: Which.
        catalogue: The metrics there are.
        start: When it was created, in seconds since the epoch.
        end: The time of the last evaluation.
    """
    first = math.floor(start / alarm.step) * alarm.step
    current = initial(first)
    since = first
    updates = []
    for at in range(first, math.floor(end) + 1, alarm.step):
        after = evaluate(alarm, catalogue, at, current)
        if after.state != current.state:
            updates.append((current, after))
            since = at
        current = after
    return History(current, since, tuple(updates))


def initial(at: int) -> Evaluation:
    """Return the state of an alarm that has just been created."""
    return Evaluation("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation", "", at)


def history_items(alarm: Alarm, past: History) -> list[dict[str, Any]]:
    """Return a history as AlarmHistoryItems of DescribeAlarmHistory, newest first.

    Timestamps are in seconds since the epoch.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_AlarmHistoryItem.html
    """
    return [
        {
            "AlarmName": alarm.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": after.timestamp,
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {before.state} to {after.state}",
            "HistoryData": json.dumps(
                {
                    "version": "1.0",
                    "oldState": _state_data(before),
                    "newState": _state_data(after),
                }
            ),
        }
        for before, after in reversed(past.updates)
    ]


# ------------------------------------------------------------------------------------------ reading


def _read(logical_id: str, properties: Mapping[str, Any]) -> Alarm:
    for name in _UNOFFERED:
        if name in properties:
            raise MetricQueryError(f"{name} is not offered here")
    if "ComparisonOperator" not in properties:
        raise MetricQueryError(f"ComparisonOperator is required: {', '.join(_COMPARISONS)}")
    comparison = str(properties["ComparisonOperator"])
    if comparison not in _COMPARISONS:
        raise MetricQueryError(
            f"ComparisonOperator {comparison} is not offered; there are {', '.join(_COMPARISONS)}"
        )
    treatment = str(properties.get("TreatMissingData", "missing"))
    if treatment not in _TREATMENTS:
        raise MetricQueryError(
            f"TreatMissingData {treatment} must be one of {', '.join(_TREATMENTS)}"
        )
    low_samples = properties.get("EvaluateLowSampleCountPercentile", "evaluate")
    if low_samples not in ("evaluate", "ignore"):
        raise MetricQueryError(
            f"EvaluateLowSampleCountPercentile {low_samples} must be evaluate or ignore"
        )
    periods = _whole(properties, "EvaluationPeriods")
    to_alarm = _whole(properties, "DatapointsToAlarm", periods)
    if to_alarm > periods:
        raise MetricQueryError(
            f"DatapointsToAlarm ({to_alarm}) must not exceed EvaluationPeriods ({periods})"
        )
    queries, period = _queries(properties)
    if period < MINUTE and period not in _HIGH_RESOLUTION_PERIODS:
        raise MetricQueryError(f"Period {period} must be 10, 20, 30 or a multiple of 60")
    if period * periods > (7 * DAY if period >= HOUR else DAY):
        raise MetricQueryError(
            f"Period times EvaluationPeriods ({period * periods} seconds) must not exceed a day, "
            "or seven days when Period is an hour or more"
        )
    # CloudWatch checks the metrics and expressions when the alarm is made.
    get_metric_data(queries, Catalogue(()), 0, period, now=period)
    return Alarm(
        logical_id,
        str(properties.get("AlarmName", logical_id)),
        queries,
        period,
        periods,
        to_alarm,
        _number(properties, "Threshold"),
        comparison,
        treatment,
        low_samples == "ignore",
        None if "Metrics" in properties else queries[0]["MetricStat"]["Stat"],
        properties,
    )


def _queries(properties: Mapping[str, Any]) -> tuple[tuple[Query, ...], int]:
    """Return what an alarm watches, in either form, and the period of it."""
    if "Metrics" in properties:
        for name in _OF_ONE_METRIC:
            if name in properties:
                raise MetricQueryError(f"it must have either Metrics or {name}, and not both")
        return _metric_math_queries(properties["Metrics"])
    for name in ("MetricName", "Namespace", "Period"):
        if name not in properties:
            raise MetricQueryError(f"{name} is required")
    if ("Statistic" in properties) == ("ExtendedStatistic" in properties):
        raise MetricQueryError("it must have either Statistic or ExtendedStatistic, and not both")
    if "Statistic" in properties and properties["Statistic"] not in BASIC_STATISTICS:
        raise MetricQueryError(
            f"Statistic {properties['Statistic']} must be one of {', '.join(BASIC_STATISTICS)}; "
            "others are an ExtendedStatistic"
        )
    period = check_period(_whole(properties, "Period"), "Period")
    stat = {
        "Metric": {
            "Namespace": properties["Namespace"],
            "MetricName": properties["MetricName"],
            "Dimensions": properties.get("Dimensions", []),
        },
        "Period": period,
        "Stat": properties.get("Statistic", properties.get("ExtendedStatistic")),
    }
    if "Unit" in properties:
        stat["Unit"] = properties["Unit"]
    return ({"Id": "m1", "MetricStat": stat},), period


def _metric_math_queries(metrics: object) -> tuple[tuple[Query, ...], int]:
    if not isinstance(metrics, list | tuple):
        raise MetricQueryError("Metrics must be a list")
    queries = []
    for item in metrics:
        metric = _mapping(item, "each of Metrics")
        query = {**metric, "ReturnData": _flag(metric.get("ReturnData", True))}
        if "MetricStat" in metric:
            stat = {**_mapping(metric["MetricStat"], "MetricStat")}
            stat["Period"] = _whole(stat, "Period")
            query["MetricStat"] = stat
        elif "Period" in metric:
            query["Period"] = _whole(metric, "Period")
        queries.append(query)
    if sum(query["ReturnData"] for query in queries) != 1:
        raise MetricQueryError("exactly one of Metrics must have ReturnData true, the others false")
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    texts = [str(query["Expression"]) for query in queries if "Expression" in query]
    if len(stats) > MAX_METRICS or len(texts) > MAX_METRICS:
        raise MetricQueryError(f"at most {MAX_METRICS} metrics and {MAX_METRICS} expressions")
    for text in texts:
        if expressions.calls(expressions.parse(text), "SEARCH"):
            raise MetricQueryError("SEARCH is not supported on Metric Alarms")
    periods = {int(stat["Period"]) for stat in stats}
    periods |= {int(query["Period"]) for query in queries if "Period" in query}
    if len(periods) != 1:
        raise MetricQueryError(
            "all of Metrics must have one Period; they have "
            f"{', '.join(map(str, sorted(periods))) or 'none'}"
        )
    return tuple(queries), check_period(periods.pop(), "Period")


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MetricQueryError(f"{name} must be a mapping")
    return value


def _flag(value: object) -> bool:
    return value is True or str(value).lower() == "true"


def _whole(properties: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """Return a whole number above 0; CloudFormation takes it as text too."""
    number = _number(properties, name, default)
    if number < 1 or not number.is_integer():
        raise MetricQueryError(f"{name} must be a whole number, 1 or more; it is {number:g}")
    return int(number)


def _number(properties: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = properties.get(name, default)
    if value is None:
        raise MetricQueryError(f"{name} is required")
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise MetricQueryError(f"{name} must be a number; it is {value!r}")
    return number


# --------------------------------------------------------------------------------------- evaluation

_Point: TypeAlias = tuple[int, float | None]


def _points(alarm: Alarm, catalogue: Catalogue, end: int) -> list[_Point]:
    """Return the points of the evaluation range, oldest first, None where one is missing."""
    start = end - (alarm.evaluation_periods + _EXTRA_PERIODS) * alarm.period
    answer = get_metric_data(alarm.queries, catalogue, start, end, now=end)
    results = answer["MetricDataResults"]
    if len(results) != 1:
        raise MetricQueryError(
            f"the alarm {alarm.logical_id}: its expression must give one time series; it gives "
            f"{len(results)}"
        )
    found = dict(zip(results[0]["Timestamps"], results[0]["Values"], strict=True))
    return [(stamp, found.get(stamp)) for stamp in range(start, end, alarm.period)]


def _breaches(alarm: Alarm, value: float) -> bool:
    return _COMPARISONS[alarm.comparison][0](value, alarm.threshold)


def _evaluated(alarm: Alarm, points: Sequence[_Point]) -> list[tuple[int, float]]:
    """Return the points that are there, newest first, at most as many as are evaluated."""
    real = [(stamp, value) for stamp, value in reversed(points) if value is not None]
    return real[: alarm.evaluation_periods]


def _judge(alarm: Alarm, points: Sequence[_Point], before: State) -> State | None:
    """Return the state; None where missing data leaves it as it was."""
    real = _evaluated(alarm, points)
    breaching = sum(_breaches(alarm, value) for _, value in real)
    missing = alarm.evaluation_periods - len(real)
    if missing and alarm.treat_missing_data == "breaching":
        breaching += missing
    if breaching >= alarm.datapoints_to_alarm:
        return "ALARM"
    if not missing or alarm.treat_missing_data in ("breaching", "notBreaching"):
        return "OK"
    if breaching < len(real):  # some are within the threshold
        return "OK"
    if alarm.treat_missing_data == "ignore":
        return before
    # "Alarms are designed to always go into ALARM state when the oldest available breaching
    # datapoint ... is at least as old as the value of Datapoints to Alarm, and all other more
    # recent data points are breaching or missing."
    oldest = [age for age, (_, value) in enumerate(reversed(points), 1) if value is not None]
    if oldest and oldest[-1] >= alarm.datapoints_to_alarm:
        return "ALARM"
    return "INSUFFICIENT_DATA"


def _too_few_samples(alarm: Alarm, catalogue: Catalogue, end: int) -> bool:
    """Tell whether a percentile has too few samples to count, where the alarm minds that.

    Fewer than 10 / (1 - percentile) above the median, than 10 / percentile below.
    """
    found = re.fullmatch(r"p(\d+(?:\.\d+)?)", alarm.statistic or "")
    if not alarm.ignore_low_samples or found is None:
        return False
    percent = float(found[1])
    query = {**alarm.queries[0]}
    query["MetricStat"] = {**query["MetricStat"], "Stat": "SampleCount"}
    start = end - alarm.evaluation_periods * alarm.period
    answer = get_metric_data([query], catalogue, start, end, now=end)
    samples = math.fsum(answer["MetricDataResults"][0]["Values"])
    return samples * min(percent, 100 - percent) < 1000  # noqa: PLR2004 - 10, in percent


# ------------------------------------------------------------------------------------------ reasons


def _reason(alarm: Alarm, points: Sequence[_Point], state: State, before: State) -> str:
    real = _evaluated(alarm, points)
    missing = alarm.evaluation_periods - len(real)
    if state == "INSUFFICIENT_DATA":
        return f"Insufficient Data: {_count(missing, 'datapoint')} {_were(missing)} unknown."
    if not real:
        treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}
        return (
            f"Threshold Crossed: no datapoints were received for {_count(missing, 'period')} and "
            f"{_count(missing, 'missing datapoint')} {_were(missing)} treated as "
            f"[{treated[alarm.treat_missing_data]}]."
        )
    told = [
        (stamp, value) for stamp, value in real if _breaches(alarm, value) == (state == "ALARM")
    ] or real
    values = ", ".join(f"{value} ({_day(stamp)})" for stamp, value in told)
    words = _COMPARISONS[alarm.comparison][1]
    if state == "OK":
        words = f"not {words}"
    count = _count(len(told), "datapoint")
    transition = ""
    if before != "INSUFFICIENT_DATA":
        count = f"{len(told)} out of the last {alarm.evaluation_periods} datapoints"
        needed = alarm.datapoints_to_alarm
        if state == "OK":
            needed = alarm.evaluation_periods - alarm.datapoints_to_alarm + 1
        transition = f" (minimum {_count(needed, 'datapoint')} for {before} -> {state} transition)"
    return (
        f"Threshold Crossed: {count} [{values}] {_were(len(told))} {words} the threshold "
        f"({alarm.threshold}){transition}."
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _day(stamp: int) -> str:
    return f"{datetime.fromtimestamp(stamp, UTC):%d/%m/%y %H:%M:%S}"


def _iso(stamp: int) -> str:
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


def _reason_data(alarm: Alarm, points: Sequence[_Point], end: int) -> str:
    recent = points[-alarm.evaluation_periods :]
    data: dict[str, Any] = {"version": "1.0", "queryDate": _iso(end)}
    real = _evaluated(alarm, points)
    if real:
        data["startDate"] = _iso(real[-1][0])
    if alarm.statistic:
        data["statistic"] = alarm.statistic
    data |= {
        "period": alarm.period,
        "recentDatapoints": [value for _, value in reversed(real)],
        "threshold": alarm.threshold,
        "evaluatedDatapoints": [
            {"timestamp": _iso(stamp)} | ({} if value is None else {"value": value})
            for stamp, value in reversed(recent)
        ],
    }
    return json.dumps(data)


def _state_data(evaluation: Evaluation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "stateValue": evaluation.state,
        "stateReason": evaluation.reason,
    }
    if evaluation.reason_data:
        data["stateReasonData"] = json.loads(evaluation.reason_data)
    return data
