"""DescribeAlarms and DescribeAlarmHistory: the template's alarms, evaluated when asked for.

An alarm counts as created when its template was last saved, or before that when the first data came
that it watches, for traffic may be laid over a past; but no longer ago than three hours. It is
evaluated minute by minute from then on.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

import math
import re
import time
from collections.abc import Callable
from typing import Any

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.functions import Functions
from workshop.endpoint.protocols import Operation
from workshop.endpoint.readings import Metrics
from workshop.errors import WorkshopError
from workshop.metrics import alarms
from workshop.metrics.errors import MetricQueryError
from workshop.metrics.series import Catalogue

LOOK_BACK_SECONDS = 3 * 3600

_STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
_KINDS = ("MetricAlarm", "CompositeAlarm", "LogAlarm")
_HISTORY_ITEMS = (
    *("StateUpdate", "ConfigurationUpdate", "Action"),
    *("AlarmContributorStateUpdate", "AlarmContributorAction"),
)
_MAX_RECORDS = 100
_SHOWN = (
    *("AlarmDescription", "MetricName", "Namespace", "Statistic", "ExtendedStatistic"),
    *("Dimensions", "Unit", "EvaluateLowSampleCountPercentile"),
)


class Alarms:
    """The operations.

    Args:
        functions: Whose template has the alarms.
        metrics: What they watch.
        region: AWS region to be in.
        account_id: AWS account to be in.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(
        self,
        functions: Functions,
        metrics: Metrics,
        *,
        region: str,
        account_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._functions = functions
        self._metrics = metrics
        self._arn = f"arn:aws:cloudwatch:{region}:{account_id}:alarm:"
        self._clock = clock

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "DescribeAlarmHistory": self.describe_alarm_history,
            "DescribeAlarms": self.describe_alarms,
        }

    def describe_alarms(self, given: Arguments) -> dict[str, Any]:
        """Describe the alarms, with the state each is in."""
        names = given.texts("AlarmNames", most=_MAX_RECORDS)
        prefix = given.text("AlarmNamePrefix") or ""
        kinds = _kinds(given)
        state = given.text("StateValue")
        most = given.integer("MaxRecords", least=1, most=_MAX_RECORDS) or 50
        after = given.text("NextToken") or ""
        given.finish()
        if state not in (None, *_STATES):
            raise ApiError("ValidationError", f"StateValue must be one of {', '.join(_STATES)}")
        described = []
        with self._metrics.catalogue() as catalogue:
            for alarm in self._all() if "MetricAlarm" in kinds else ():
                if (names is None or alarm.name in names) and alarm.name.startswith(prefix):
                    shape = self._describe(alarm, catalogue)
                    if state in (None, shape["StateValue"]) and alarm.name > after:
                        described.append(shape)
        answer: dict[str, Any] = {"MetricAlarms": described[:most], "CompositeAlarms": []}
        if described[most:]:
            answer["NextToken"] = described[most - 1]["AlarmName"]
        return answer

    def describe_alarm_history(self, given: Arguments) -> dict[str, Any]:
        """Give the changes of state of the alarms."""
        name = given.text("AlarmName")
        kind = given.choice("HistoryItemType", _HISTORY_ITEMS, "StateUpdate")
        kinds = _kinds(given)
        start, end = given.seconds("StartDate"), given.seconds("EndDate")
        most = given.integer("MaxRecords", least=1, most=_MAX_RECORDS) or _MAX_RECORDS
        order = given.choice(
            "ScanBy", ("TimestampDescending", "TimestampAscending"), "TimestampDescending"
        )
        token = given.text("NextToken") or "0"
        given.finish()
        if not re.fullmatch("[0-9]{1,9}", token):
            raise ApiError("InvalidNextToken", "The NextToken is not one of ours.")
        first = int(token)
        items = []
        with self._metrics.catalogue() as catalogue:
            for alarm in self._all() if "MetricAlarm" in kinds else ():
                if name in (None, alarm.name) and kind == "StateUpdate":
                    items += alarms.history_items(alarm, self._history(alarm, catalogue))
        items = [
            item
            for item in items
            if (start or 0) <= item["Timestamp"] <= (math.inf if end is None else end)
        ]
        items.sort(key=lambda item: item["Timestamp"], reverse=order == "TimestampDescending")
        more = {"NextToken": str(first + most)} if items[first + most :] else {}
        return {"AlarmHistoryItems": items[first : first + most]} | more

    def _all(self) -> list[alarms.Alarm]:
        try:
            found = alarms.read_alarms(self._functions.template.resources)
        except MetricQueryError as error:
            raise ApiError("ValidationError", f"in template.yaml, {error.what}") from error
        except WorkshopError as error:
            raise ApiError("InternalServiceFault", error.what, status=500) from error
        return sorted(found, key=lambda alarm: alarm.name)

    def _history(self, alarm: alarms.Alarm, catalogue: Catalogue) -> alarms.History:
        now = self._clock()
        firsts = (catalogue.first(metric) for metric in alarm.metrics)
        begun = min([self._functions.saved, *(first for first in firsts if first is not None)])
        created = max(begun, now - LOOK_BACK_SECONDS)
        return alarms.history(alarm, catalogue, min(created, now), now)

    def _describe(self, alarm: alarms.Alarm, catalogue: Catalogue) -> dict[str, Any]:
        past = self._history(alarm, catalogue)
        properties = alarm.properties
        shape: dict[str, Any] = {
            "AlarmName": alarm.name,
            "AlarmArn": f"{self._arn}{alarm.name}",
            "AlarmConfigurationUpdatedTimestamp": self._functions.saved,
            "ActionsEnabled": properties.get("ActionsEnabled", True) in (True, "true"),
            "StateValue": past.current.state,
            "StateReason": past.current.reason,
            "StateUpdatedTimestamp": past.since,
            "StateTransitionedTimestamp": past.since,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm,
            "Threshold": alarm.threshold,
            "ComparisonOperator": alarm.comparison,
            "TreatMissingData": alarm.treat_missing_data,
        }
        if past.current.reason_data:
            shape["StateReasonData"] = past.current.reason_data
        for actions in ("OKActions", "AlarmActions", "InsufficientDataActions"):
            targets = properties.get(actions) or []
            # What only AWS can resolve, such as the ARN of a topic, stands as the template has it.
            shape[actions] = [str(target) for target in targets]
        if "Metrics" in properties:
            shape["Metrics"] = [dict(one) for one in alarm.queries]
        else:
            shape |= {name: properties[name] for name in _SHOWN if name in properties}
            shape.setdefault("Dimensions", [])
            shape["Period"] = alarm.period
        if "AlarmDescription" in properties:
            shape["AlarmDescription"] = str(properties["AlarmDescription"])
        return shape


def _kinds(given: Arguments) -> list[str]:
    """Take the kinds of alarms that are asked for; those of metrics, when none is named."""
    kinds = given.texts("AlarmTypes") or ["MetricAlarm"]
    for kind in kinds:
        if kind not in _KINDS:
            what = f"AlarmTypes {kind[:100]!r} is none of {', '.join(_KINDS)}"
            raise ApiError("ValidationError", what)
    return kinds
