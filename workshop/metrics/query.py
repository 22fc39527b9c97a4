"""CloudWatch's readings of metrics: GetMetricData, GetMetricStatistics and ListMetrics.

Pure: requests and responses are plain dicts in the shapes of the API, times in seconds since the
epoch, as they travel on the wire.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html

Choices where those pages say nothing: the label of a metric without one is its name, that of an
expression its Id, that of each series found by SEARCH the values of its dimensions and its name.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, TypeAlias

from workshop.account import ACCOUNT_ID
from workshop.metrics import expressions
from workshop.metrics import math as metric_math
from workshop.metrics.errors import MetricQueryError
from workshop.metrics.search import parse_search
from workshop.metrics.series import (
    HOUR,
    LISTED_FOR,
    Catalogue,
    Metric,
    Series,
    Window,
    check_period,
    check_statistic,
    check_unit,
)

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
MAX_STATISTICS_DATAPOINTS = 1440
METRICS_PER_PAGE = 500
DEFAULT_PERIOD = 300
BASIC_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
"""Those that are asked for as Statistics; others as ExtendedStatistics."""

Query: TypeAlias = Mapping[str, Any]
"""A MetricDataQuery.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
"""

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_SCAN_BY = ("TimestampDescending", "TimestampAscending")
_ARITHMETIC_ERROR = {
    "Code": "ArithmeticError",
    "Value": "One or more data-points have been dropped due to non-numeric values (NaN, -Infinite, "
    "+Infinite)",
}
_TOO_MANY_METRICS = {
    "Code": "MaxMetricsExceeded",
    "Value": "Maximum number of allowed metrics exceeded",
}
_LAST_SECOND = 253_402_300_799  # of the year 9999


def get_metric_data(
    queries: Sequence[Query],
    catalogue: Catalogue,
    start: float,
    end: float,
    *,
    now: float,
    scan_by: str = "TimestampDescending",
    max_datapoints: int = MAX_DATAPOINTS,
    next_token: str | None = None,
    account_id: str = ACCOUNT_ID,
) -> dict[str, Any]:
    """Answer GetMetricData.

    Args:
        queries: MetricDataQueries, as boto3 takes them.
        catalogue: The metrics there are.
        start: StartTime, inclusive; rounded down as `Window.first` tells.
        end: EndTime, exclusive.
        now: The time of the request.
        scan_by: `TimestampDescending` or `TimestampAscending`.
        max_datapoints: How many points a page holds.
        next_token: From the page before; the rest of the request must be the same.
        account_id: What SEARCH compares `:aws.AccountId` with.

    Returns:
        MetricDataResults, Messages and, when more is left, NextToken. Timestamps are whole
        seconds. An expression that gives several series has several results of its Id.

    Raises:
        MetricQueryError: CloudWatch would refuse the request, or this laptop must.
    """
    _check_times(start, end)
    if scan_by not in _SCAN_BY:
        raise MetricQueryError(
            f"The value {scan_by} for parameter ScanBy must be one of {', '.join(_SCAN_BY)}."
        )
    if not isinstance(max_datapoints, int) or max_datapoints < 1:
        raise MetricQueryError("The parameter MaxDatapoints must be greater than or equal to 1.")
    parsed = _parse(queries)
    evaluation = _Evaluation(parsed, catalogue, Window(start, end, now), account_id)
    series = evaluation.results()
    results = []
    for query in parsed.values():
        if query.returned:
            results += [
                _result(query.id, label, one, descending=scan_by == _SCAN_BY[0])
                for label, one in _labelled(query, series[query.id])
            ]
    page = _page(results, max_datapoints, next_token)
    return {**page, "Messages": evaluation.messages}


def get_metric_statistics(
    request: Mapping[str, Any], catalogue: Catalogue, *, now: float
) -> dict[str, Any]:
    """Answer GetMetricStatistics.

    Args:
        request: The request, as boto3 takes it, but StartTime and EndTime in seconds.
        catalogue: The metrics there are.
        now: The time of the request.

    Returns:
        Label and Datapoints, oldest first (AWS promises no order). When no Unit is asked for,
        data of different units stays apart.

    Raises:
        MetricQueryError: CloudWatch would refuse the request.
    """
    missing = [
        name
        for name in ("Namespace", "MetricName", "StartTime", "EndTime", "Period")
        if request.get(name) is None
    ]
    if missing:
        raise MetricQueryError(
            f"The parameter {missing[0]} is required.", code="MissingRequiredParameter"
        )
    basic, extended = (_texts(request, name) for name in ("Statistics", "ExtendedStatistics"))
    if bool(basic) == bool(extended):
        raise MetricQueryError(
            "Must specify either Statistics or ExtendedStatistics, and not both.",
            code="InvalidParameterCombination",
        )
    where = "Statistics" if basic else "ExtendedStatistics"
    strange = [stat for stat in (*basic, *extended) if (stat in BASIC_STATISTICS) != bool(basic)]
    if strange:
        raise MetricQueryError(
            f"The value {strange[0]} for parameter {where} is not a valid statistic.",
            code="InvalidParameterValue",
        )
    try:
        for stat in extended:
            check_statistic(stat, where)
        period = check_period(request["Period"], "Period")
        unit = check_unit(request.get("Unit"), "Unit")
        metric = metric_named(request)
        _check_times(request["StartTime"], request["EndTime"])
    except MetricQueryError as error:
        raise MetricQueryError(error.what, code="InvalidParameterValue") from None
    window = Window(request["StartTime"], request["EndTime"], now)
    count = len(window.stamps(period))
    if count > MAX_STATISTICS_DATAPOINTS:
        raise MetricQueryError(
            f"You have requested up to {count} datapoints, which exceeds the limit of 1,440. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the "
            "time range.",
            code="InvalidParameterCombination",
        )
    datapoints: list[dict[str, Any]] = []
    for one_unit in [unit] if unit else catalogue.units(metric):
        columns = {
            stat: catalogue.series(metric, stat, period, window, one_unit).points
            for stat in (*basic, *extended)
        }
        for stamp in sorted({stamp for points in columns.values() for stamp in points}):
            figures = {stat: points[stamp] for stat, points in columns.items() if stamp in points}
            datapoints.append(
                {
                    "Timestamp": stamp,
                    "Unit": one_unit,
                    **(figures if basic else {"ExtendedStatistics": figures}),
                }
            )
    datapoints.sort(key=itemgetter("Timestamp"))
    return {"Label": metric.name, "Datapoints": datapoints}


def list_metrics(request: Mapping[str, Any], catalogue: Catalogue, *, now: float) -> dict[str, Any]:
    """Answer ListMetrics: the metrics with data in the last two weeks, or three hours if asked.

    Args:
        request: Namespace, MetricName, Dimensions (a Name with or without a Value), RecentlyActive
            and NextToken, all optional, as boto3 takes them.
        catalogue: The metrics there are.
        now: The time of the request.

    Returns:
        Metrics, sorted, and NextToken when more are left.

    Raises:
        MetricQueryError: CloudWatch would refuse the request.
    """
    recently = request.get("RecentlyActive")
    if recently not in (None, "PT3H"):
        raise MetricQueryError(
            f"The value {recently} for parameter RecentlyActive must be PT3H.",
            code="InvalidParameterValue",
        )
    wanted = _dimensions(request)
    found = [
        metric
        for metric in catalogue.metrics(since=now - (3 * HOUR if recently else LISTED_FOR))
        if request.get("Namespace") in (None, metric.namespace)
        and request.get("MetricName") in (None, metric.name)
        and all(_has(metric, name, value) for name, value in wanted)
    ]
    first = _offset(request.get("NextToken"))
    response: dict[str, Any] = {
        "Metrics": [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            }
            for metric in found[first : first + METRICS_PER_PAGE]
        ]
    }
    if first + METRICS_PER_PAGE < len(found):
        response["NextToken"] = str(first + METRICS_PER_PAGE)
    return response


def _has(metric: Metric, name: str, value: str | None) -> bool:
    return any(n == name and value in (None, v) for n, v in metric.dimensions)


def _texts(request: Mapping[str, Any], name: str) -> list[str]:
    """Read a parameter that is a list of strings, or not there."""
    items = request.get(name) or []
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise MetricQueryError(
            f"The parameter {name} must be a list of strings.", code="InvalidParameterValue"
        )
    return list(items)


def _check_times(start: float, end: float) -> None:
    if not 0 <= start <= _LAST_SECOND or not 0 <= end <= _LAST_SECOND:
        raise MetricQueryError("StartTime and EndTime must lie between 1970 and 9999.")
    if start >= end:
        raise MetricQueryError("The parameter StartTime must be less than the parameter EndTime.")


# ------------------------------------------------------------------------------------------ parsing


@dataclass(frozen=True, slots=True)
class _Stat:
    """A MetricStat."""

    metric: Metric
    period: int
    stat: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A MetricDataQuery, checked."""

    id: str
    source: "_Stat | expressions.Node"
    label: str | None
    returned: bool
    period: int | None
    references: frozenset[str] = field(default_factory=frozenset)


def _parse(queries: Sequence[Query]) -> dict[str, _Parsed]:
    if not 1 <= len(queries) <= MAX_QUERIES:
        raise MetricQueryError(
            f"The collection MetricDataQueries must have 1 to {MAX_QUERIES} members; "
            f"it has {len(queries)}."
        )
    parsed: dict[str, _Parsed] = {}
    for number, query in enumerate(queries, 1):
        one = _parse_one(query, f"MetricDataQueries.member.{number}")
        if one.id in parsed:
            raise MetricQueryError(
                "The values for parameter id in MetricDataQueries are not unique: "
                f"{one.id} stands there twice."
            )
        parsed[one.id] = one
    if not any(one.returned for one in parsed.values()):
        raise MetricQueryError("At least one query must have ReturnData set to true.")
    for one in parsed.values():
        unknown = sorted(one.references - parsed.keys())
        if unknown:
            raise MetricQueryError(
                f"Error in expression '{one.id}': The Id '{unknown[0]}' is not among the queries "
                "of the request"
            )
    return parsed


def _parse_one(query: Query, where: str) -> _Parsed:
    if not isinstance(query, Mapping):
        raise MetricQueryError(f"The parameter {where} must be a MetricDataQuery.")
    id_ = query.get("Id")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise MetricQueryError(
            f"The value {id_} for parameter {where}.Id is not matching the expected pattern "
            "^[a-z][a-zA-Z0-9_]*$."
        )
    stat, expression = query.get("MetricStat"), query.get("Expression")
    if (stat is None) == (expression is None):
        raise MetricQueryError(
            f"The parameter {where} must have either MetricStat or Expression, and not both."
        )
    period = query.get("Period")
    if period is not None:
        check_period(period, f"{where}.Period")
    label, returned = query.get("Label"), bool(query.get("ReturnData", True))
    if not isinstance(label, str | None):
        raise MetricQueryError(f"The parameter {where}.Label must be a string.")
    if stat is not None:
        source = _stat(stat, f"{where}.MetricStat")
        return _Parsed(id_, source, label, returned, source.period)
    text = str(expression)
    if re.match(r"\s*SELECT\b", text, re.IGNORECASE):
        raise MetricQueryError(
            f"Error in expression '{id_}': Metrics Insights queries (SELECT ...) are not offered "
            "here; use MetricStat, SEARCH or metric math"
        )
    try:
        node = expressions.parse(text)
    except MetricQueryError as error:
        raise MetricQueryError(f"Error in expression '{id_}': {error.what}") from None
    return _Parsed(id_, node, label, returned, period, frozenset(expressions.references(node)))


def _stat(stat: Mapping[str, Any], where: str) -> _Stat:
    metric = stat.get("Metric") if isinstance(stat, Mapping) else None
    if not isinstance(metric, Mapping):
        raise MetricQueryError(f"The parameter {where}.Metric is required.")
    return _Stat(
        metric_named(metric),
        check_period(stat.get("Period"), f"{where}.Period"),
        check_statistic(stat.get("Stat"), f"{where}.Stat"),
        check_unit(stat.get("Unit"), f"{where}.Unit"),
    )


def metric_named(metric: Mapping[str, Any]) -> Metric:
    """Read Namespace, MetricName and Dimensions.

    Raises:
        MetricQueryError: They name no metric.
    """
    for name in ("Namespace", "MetricName"):
        if not isinstance(metric.get(name), str) or not metric[name]:
            raise MetricQueryError(f"The parameter {name} is required.")
    dimensions = tuple(sorted(_dimensions(metric)))
    if any(value is None for _, value in dimensions):
        raise MetricQueryError("Each of Dimensions must have a Name and a Value.")
    return Metric(
        metric["Namespace"],
        metric["MetricName"],
        tuple((name, value) for name, value in dimensions if value is not None),
    )


def _dimensions(given: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Read Dimensions, with or without values."""
    items = given.get("Dimensions") or []
    if not isinstance(items, list | tuple):
        raise MetricQueryError("Dimensions must be a list of Name and Value.")
    dimensions: dict[str, str | None] = {}
    for item in items:
        name, value = (
            (item.get("Name"), item.get("Value")) if isinstance(item, Mapping) else (None, None)
        )
        if not isinstance(name, str) or not isinstance(value, str | None):
            raise MetricQueryError("Each of Dimensions must have a Name and a Value, both strings.")
        dimensions[name] = value
    return list(dimensions.items())


# --------------------------------------------------------------------------------------- evaluation


class _Evaluation:
    """Evaluates the queries of one request, each once, what is referred to first."""

    def __init__(
        self,
        queries: Mapping[str, _Parsed],
        catalogue: Catalogue,
        window: Window,
        account_id: str,
    ) -> None:
        self._queries = queries
        self._catalogue = catalogue
        self._window = window
        self._account_id = account_id
        self.messages: list[dict[str, str]] = []

    def results(self) -> dict[str, metric_math.Value]:
        metrics: dict[str, Series] = {}
        for query in self._queries.values():
            if isinstance(query.source, _Stat):
                stat = query.source
                series = self._catalogue.series(
                    stat.metric, stat.stat, stat.period, self._window, stat.unit
                )
                metrics[query.id] = replace(series, label=query.label or series.label)
        finest = min((series.period for series in metrics.values()), default=DEFAULT_PERIOD)
        values: dict[str, metric_math.Value] = dict(metrics)
        for query in self._in_order():
            if isinstance(query.source, _Stat):
                continue
            scope = metric_math.Scope(
                self._window, query.period or finest, values, metrics, self._search
            )
            try:
                values[query.id] = metric_math.evaluate(query.source, scope)
            except MetricQueryError as error:
                raise MetricQueryError(f"Error in expression '{query.id}': {error.what}") from None
        return values

    def _in_order(self) -> Iterator[_Parsed]:
        """Give the queries, each after all that it refers to."""
        waiting = dict(self._queries)
        done: set[str] = set()
        while waiting:
            ready = [query for query in waiting.values() if query.references <= done]
            if not ready:
                raise MetricQueryError(
                    "Error in expression "
                    f"'{next(iter(waiting))}': the expressions {', '.join(sorted(waiting))} refer "
                    "to one another in a circle"
                )
            for query in ready:
                yield query
                done.add(query.id)
                del waiting[query.id]

    def _search(self, text: str, stat: str, period: int) -> tuple[Series, ...]:
        search = parse_search(text)
        check_statistic(stat, "of SEARCH")
        check_period(period, "Period of SEARCH")
        recent = self._catalogue.metrics(since=self._window.now - LISTED_FOR)
        found = search.find(recent, self._account_id)
        if len(found) > metric_math.MAX_SERIES and not self.messages:
            self.messages.append(_TOO_MANY_METRICS)
        return tuple(
            replace(
                self._catalogue.series(metric, stat, period, self._window),
                label=" ".join([*(value for _, value in metric.dimensions), metric.name]),
                is_metric=False,
            )
            for metric in found[: metric_math.MAX_SERIES]
        )


# ------------------------------------------------------------------------------------------ results


def _labelled(query: _Parsed, value: metric_math.Value) -> list[tuple[str, Series]]:
    """Return each series of a result with its label."""
    if isinstance(value, tuple):
        return [
            (f"{query.label} {series.label}" if query.label else series.label or query.id, series)
            for series in value
        ]
    if not isinstance(value, Series):  # an expression never ends in a scalar
        return []
    if isinstance(query.source, _Stat):
        return [(value.label, value)]
    return [(query.label or query.id, value)]


def _result(id_: str, label: str, series: Series, *, descending: bool) -> dict[str, Any]:
    timestamps, values = list(series.points), list(series.points.values())
    if descending:
        timestamps.reverse()
        values.reverse()
    messages = []
    if series.dropped:
        messages.append(_ARITHMETIC_ERROR)
    if "${" in label:
        messages.append(
            {"Code": "Unsupported", "Value": "Dynamic labels are not offered here: shown as typed"}
        )
    return {
        "Id": id_,
        "Label": label,
        "Timestamps": timestamps,
        "Values": values,
        "StatusCode": "Complete",
        "Messages": messages,
    }


def _page(
    results: list[dict[str, Any]], max_datapoints: int, next_token: str | None
) -> dict[str, Any]:
    """Cut one page out of the results; the first holds every result, later ones the rest."""
    skip = _offset(next_token)
    left = min(max_datapoints, MAX_DATAPOINTS)
    page = []
    position = 0
    for result in results:
        count = len(result["Values"])
        first = min(max(skip - position, 0), count)
        last = min(first + left, count)
        position += count
        left -= last - first
        if next_token is None or last > first:
            cut = {key: result[key][first:last] for key in ("Timestamps", "Values")}
            status = "Complete" if last == count else "PartialData"
            page.append({**result, **cut, "StatusCode": status})
    response: dict[str, Any] = {"MetricDataResults": page}
    shown = skip + min(max_datapoints, MAX_DATAPOINTS) - left
    if shown < position:
        response["NextToken"] = str(shown)
    return response


def _offset(next_token: object) -> int:
    if next_token is None:
        return 0
    if isinstance(next_token, str) and next_token.isascii() and next_token.isdecimal():
        return int(next_token[:9])
    raise MetricQueryError("The NextToken is not one of ours.", code="InvalidNextToken")
