"""CloudWatch: metrics read from log events, and put by PutMetricData as log events.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.protocols import JsonService, Operation
from workshop.endpoint.readings import Metrics
from workshop.metrics import query
from workshop.metrics.emf import MAX_VALUE, UNITS
from workshop.metrics.errors import MetricQueryError
from workshop.signals import LogEvent
from workshop.store import Store

PUT_LOG_GROUP = "/workshop/put-metric-data"
"""The log group in which what PutMetricData was given is kept, as EMF records."""

MAX_METRICS = 1000
MAX_VALUES = 150
MAX_SAMPLES = 10_000
"""Samples of one datum of values with counts, or of a statistic set; AWS has no such limit."""

_EMF_VALUES = 100
_MAX_DIMENSIONS = 30
_NAME_CHARACTERS = 255
_TOO_OLD_SECONDS = 14 * 24 * 3600
_TOO_NEW_SECONDS = 2 * 3600


def invalid(message: str) -> ApiError:
    """Make the error for a wrong parameter."""
    return ApiError("InvalidParameterValue", message)


class CloudWatch:
    """The operations.

    Args:
        store: Where data points go.
        metrics: Where they are read.
        account_id: AWS account to be in.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        *,
        account_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._account_id = account_id
        self._clock = clock

    def service(self, further: Mapping[str, Operation]) -> JsonService:
        """Return the service, with these operations and further ones."""
        operations = {
            **further,
            "GetMetricData": self.get_metric_data,
            "GetMetricStatistics": self.get_metric_statistics,
            "ListMetrics": self.list_metrics,
            "PutMetricData": self.put_metric_data,
        }
        return JsonService(
            "cloudwatch",
            "GraniteServiceVersion20100801",
            "1.0",
            {name: _explained(operation) for name, operation in operations.items()},
            invalid,
        )

    def get_metric_data(self, given: Arguments) -> dict[str, Any]:
        """Read metrics, and compute with them."""
        queries = [self._query(one) for one in given.structures("MetricDataQueries") or ()]
        start, end = _time(given, "StartTime"), _time(given, "EndTime")
        scan_by = given.text("ScanBy") or "TimestampDescending"
        most = given.integer("MaxDatapoints")
        token = given.text("NextToken")
        given.finish()
        with self._metrics.catalogue() as catalogue:
            return query.get_metric_data(
                queries,
                catalogue,
                start,
                end,
                now=self._clock(),
                scan_by=scan_by,
                max_datapoints=query.MAX_DATAPOINTS if most is None else most,
                next_token=token,
                account_id=self._account_id,
            )

    def get_metric_statistics(self, given: Arguments) -> dict[str, Any]:
        """Read the statistics of one metric."""
        request = _metric(given) | {
            "StartTime": given.seconds("StartTime"),
            "EndTime": given.seconds("EndTime"),
            "Period": given.integer("Period"),
            "Statistics": given.texts("Statistics"),
            "ExtendedStatistics": given.texts("ExtendedStatistics"),
            "Unit": given.text("Unit"),
        }
        given.finish()
        with self._metrics.catalogue() as catalogue:
            return query.get_metric_statistics(request, catalogue, now=self._clock())

    def list_metrics(self, given: Arguments) -> dict[str, Any]:
        """List metrics."""
        request = _metric(given) | {
            "RecentlyActive": given.text("RecentlyActive"),
            "NextToken": given.text("NextToken"),
        }
        given.flag("IncludeLinkedAccounts")  # there is one account here
        given.finish()
        with self._metrics.catalogue() as catalogue:
            return query.list_metrics(request, catalogue, now=self._clock())

    def put_metric_data(self, given: Arguments) -> None:
        """Keep data points, as EMF records: here too a metric is a log event."""
        namespace = given.required_text("Namespace", most=_NAME_CHARACTERS)
        if namespace.startswith("AWS/"):
            raise invalid("The value AWS/ for parameter Namespace is invalid.")
        data = given.structures("MetricData", most=MAX_METRICS) or []
        given.finish()
        if not data:
            raise ApiError("MissingParameter", "The parameter MetricData is required.")
        now = self._clock()
        records = [record for one in data for record in _records(namespace, one, now)]
        stream = time.strftime("%Y/%m/%d", time.gmtime(now))
        self._store.append(
            [
                LogEvent(PUT_LOG_GROUP, stream, record["_aws"]["Timestamp"], json.dumps(record))
                for record in records
            ]
        )

    def _query(self, given: Arguments) -> dict[str, Any]:
        read: dict[str, Any] = {
            "Id": given.text("Id"),
            "Expression": given.text("Expression"),
            "Label": given.text("Label"),
            "ReturnData": given.flag("ReturnData", default=True),
            "Period": given.integer("Period"),
        }
        account = given.text("AccountId")
        if account not in (None, self._account_id):
            what = f"there is one account here, {self._account_id}; AccountId is {account[:100]!r}"
            raise invalid(what)
        stat = given.structure("MetricStat")
        given.finish()
        if stat is not None:
            metric = stat.structure("Metric")
            if metric is None:
                raise ApiError("MissingParameter", "The parameter MetricStat.Metric is required.")
            read["MetricStat"] = {
                "Metric": _metric(metric),
                "Period": stat.integer("Period"),
                "Stat": stat.text("Stat"),
                "Unit": stat.text("Unit"),
            }
            metric.finish()
            stat.finish()
        return read


def _explained(operation: Operation) -> Operation:
    """Make CloudWatch's errors of ours."""

    def explained(given: Arguments) -> Any:  # noqa: ANN401 - what the operation returns
        try:
            return operation(given)
        except MetricQueryError as error:
            raise ApiError(error.code, error.what) from error

    return explained


def _time(given: Arguments, name: str) -> float:
    value = given.seconds(name)
    if value is None:
        raise ApiError("MissingParameter", f"The parameter {name} is required.")
    return value


def _metric(given: Arguments) -> dict[str, Any]:
    """Read Namespace, MetricName and Dimensions."""
    dimensions = []
    for one in given.structures("Dimensions", most=_MAX_DIMENSIONS) or ():
        dimension = {"Name": one.required_text("Name")}
        value = one.text("Value")
        one.finish()
        dimensions.append(dimension if value is None else dimension | {"Value": value})
    return {
        "Namespace": given.text("Namespace"),
        "MetricName": given.text("MetricName"),
        "Dimensions": dimensions,
    }


def _records(namespace: str, given: Arguments, now: float) -> Iterator[dict[str, Any]]:
    """Write a MetricDatum as EMF records, of a hundred samples each at most."""
    name = given.required_text("MetricName", most=_NAME_CHARACTERS)
    unit = given.choice("Unit", tuple(UNITS), "None")
    resolution = given.integer("StorageResolution")
    if resolution not in (None, 1, 60):
        raise invalid(f"The value {resolution} for parameter StorageResolution must be 1 or 60.")
    moment = given.seconds("Timestamp")
    if moment is not None and not now - _TOO_OLD_SECONDS <= moment <= now + _TOO_NEW_SECONDS:
        raise invalid(
            "The parameter Timestamp must specify a time within two weeks in the past and two"
            " hours in the future."
        )
    dimensions = {}
    for one in given.structures("Dimensions", most=_MAX_DIMENSIONS) or ():
        dimensions[one.required_text("Name", most=_NAME_CHARACTERS)] = one.required_text(
            "Value", most=1024
        )
        one.finish()
    if name in dimensions or "_aws" in (name, *dimensions):
        raise invalid(
            f"the workshop endpoint keeps data points as EMF records, which cannot hold a"
            f" dimension and a metric of one name, or one named _aws: {name}"
        )
    samples = _samples(given)
    given.finish()
    definition: dict[str, Any] = {"Name": name, "Unit": unit}
    if resolution is not None:
        definition["StorageResolution"] = resolution
    for start in range(0, len(samples), _EMF_VALUES):
        yield {
            "_aws": {
                "Timestamp": int((now if moment is None else moment) * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": namespace,
                        "Dimensions": [list(dimensions)],
                        "Metrics": [definition],
                    }
                ],
            },
            **dimensions,
            name: samples[start : start + _EMF_VALUES],
        }


def _samples(given: Arguments) -> list[float]:
    """Read the samples of a MetricDatum: one value, values with counts, or a statistic set."""
    value, values = given.number("Value"), given.items("Values", most=MAX_VALUES)
    counts, statistics = given.items("Counts"), given.structure("StatisticValues")
    if sum(one is not None for one in (value, values, statistics)) != 1:
        raise ApiError(
            "InvalidParameterCombination",
            "A MetricDatum must have one of Value, Values and StatisticValues, and no two.",
        )
    if value is not None:
        return _numbers("Value", [value])
    if statistics is not None:
        return _numbers("StatisticValues", _of_statistics(statistics))
    numbers = _numbers("Values", values or ())
    times = [1.0] * len(numbers) if counts is None else _numbers("Counts", counts)
    if len(times) != len(numbers) or not numbers:
        raise invalid("The parameters Values and Counts must have the same number of members.")
    if any(count < 1 or not count.is_integer() for count in times) or sum(times) > MAX_SAMPLES:
        raise invalid(
            f"the workshop endpoint takes Counts that are whole numbers, up to {MAX_SAMPLES:,} in"
            " all"
        )
    return [number for number, count in zip(numbers, times, strict=True) for _ in range(int(count))]


def _of_statistics(given: Arguments) -> list[float]:
    """Make samples that have the statistics of a statistic set.

    SampleCount, Sum, Minimum, Maximum and so Average come out as they went in; percentiles, which
    AWS refuses to give of statistic sets, are of what was made up.
    """
    names = ("SampleCount", "Sum", "Minimum", "Maximum")
    read = [given.number(name) for name in names]
    given.finish()
    if None in read:
        raise ApiError("MissingParameter", f"StatisticValues must have {', '.join(names)}.")
    count, total, least, most = (number or 0.0 for number in read)
    if not (1 <= count <= MAX_SAMPLES and count.is_integer()):
        raise invalid(
            "the workshop endpoint takes a SampleCount that is a whole number, up to"
            f" {MAX_SAMPLES:,}"
        )
    if count == 1:
        return [total]
    between = int(count) - 2
    rest = total - least - most
    middle = rest / between if between else 0.0
    slack = 1e-6 * max(1.0, abs(total))
    if least > most or (
        not least - slack <= middle <= most + slack if between else abs(rest) > slack
    ):
        raise invalid("StatisticValues contradict each other: no samples have them.")
    return [least, *[middle] * between, most]


def _numbers(name: str, values: Sequence[object]) -> list[float]:
    numbers = [
        float(value)
        for value in values
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= MAX_VALUE
    ]
    if len(numbers) != len(values):
        raise invalid(f"The parameter {name} must have numbers, from -2^360 to 2^360.")
    return numbers
