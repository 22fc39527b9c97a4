"""A release, rehearsed on paper: how traffic moves to a new version, and which alarm would tell.

Pure. CodeDeploy moves an alias's traffic from one version of a function to the next as the
template's DeploymentPreference says, and moves all of it back when one of the alarms named there
goes off before the new version has everything.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from workshop.metrics import alarms
from workshop.metrics.series import MINUTE, Catalogue
from workshop.signals import DataPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from workshop.metrics.alarms import Alarm
    from workshop.sam import Function, Template

Trouble: TypeAlias = Literal["crashes", "fails", "crawls"]

KINDS = (
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
    "AllAtOnce",
)
"""What DeploymentPreference's Type may be.

https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
"""

PAYMENTS_A_MINUTE = 60
SLOW_MS = 2_000.0

_KIND = re.compile(r"(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?")
_QUIET_MINUTES = 30
_USUAL_MS = 20.0
_EVERY_SO_OFTEN = 3
_START = 1_700_000_040 // MINUTE * MINUTE


def shares(kind: str) -> list[int]:
    """Return what percentage of traffic a new version has, minute by minute, before it has all.

    Args:
        kind: One of `KINDS`; AllAtOnce gives nothing.
    """
    match = _KIND.fullmatch(kind)
    if match is None:
        return []
    percent, minutes = int(match[2]), int(match[3])
    if match[1] == "Canary":
        return [percent] * minutes
    return [share for share in range(percent, 100, percent) for _ in range(minutes)]


@dataclass(frozen=True)
class Release:
    """What a template says of releases of its one function.

    Attributes:
        function: The function.
        alias: The alias that callers are led to; None when there is none.
        kind: How traffic moves: one of `KINDS`, or what else stands there.
        alarm_names: Names of the alarms that stop it.
        alarms: Name to alarm, all of the template's.
        api: Name and stage of the API; None when there is none.
    """

    function: Function
    alias: str | None
    kind: str
    alarm_names: tuple[str, ...]
    alarms: Mapping[str, Alarm]
    api: tuple[str, str] | None

    @classmethod
    def read(cls, template: Template) -> Release:
        """Read a template.

        Raises:
            MetricQueryError: CloudWatch would refuse an alarm.
        """
        function = template.function()
        properties = template.resources[function.logical_id].get("Properties") or {}
        alias = properties.get("AutoPublishAlias")
        preference = properties.get("DeploymentPreference")
        preference = preference if isinstance(preference, dict) else {}
        enabled = str(preference.get("Enabled", True)).lower() != "false"
        kind = str(preference.get("Type", "AllAtOnce")) if enabled else "AllAtOnce"
        names = preference.get("Alarms") or []
        return cls(
            function,
            str(alias) if alias else None,
            kind,
            tuple(map(str, names)) if isinstance(names, list) else (str(names),),
            {alarm.name: alarm for alarm in alarms.read_alarms(template.resources)},
            _api(template),
        )

    def told(self, trouble: Trouble | None) -> tuple[str, int] | None:
        """Say which alarm of the release goes off first while traffic moves, and in what minute.

        Args:
            trouble: What is wrong with the new version: it `crashes` before the handler runs,
                `fails` to charge and says so, or `crawls`. None for a good one.

        Returns:
            Name and minute; None when none goes off before the new version has all the traffic.
        """
        steps = shares(self.kind)
        catalogue = Catalogue(list(self._points(steps, trouble)))
        end = _START + len(steps) * MINUTE
        first: list[tuple[int, str]] = []
        for name in self.alarm_names:
            if name not in self.alarms:
                continue
            past = alarms.history(
                self.alarms[name], catalogue, _START - _QUIET_MINUTES * MINUTE, end
            )
            first += [
                (after.timestamp, name)
                for _, after in past.updates
                if after.state == "ALARM" and (after.timestamp > _START or trouble is None)
            ]
        if not first:
            return None
        at, name = min(first)
        return name, (at - _START) // MINUTE

    def _points(self, steps: Sequence[int], trouble: Trouble | None) -> Iterator[DataPoint]:
        """What each minute leaves behind, from a quiet half hour on."""
        for minute in range(-_QUIET_MINUTES, len(steps) + 1):
            share = steps[min(minute, len(steps) - 1)] if minute >= 0 and steps else 0
            bad = PAYMENTS_A_MINUTE * share // 100 if trouble else 0
            # Now and then a payment fails, and nobody is to blame: that is every day's business.
            unlucky = 1 if minute % _EVERY_SO_OFTEN == 0 else 0
            crashed = bad if trouble == "crashes" else 0
            failed = unlucky + (bad if trouble == "fails" else 0)
            slow = bad if trouble == "crawls" else 0
            charged = PAYMENTS_A_MINUTE - crashed - failed
            times = [SLOW_MS] * slow + [_USUAL_MS] * (charged + failed - slow)
            yield from self._minute(minute, charged, failed, crashed, times)

    def _minute(
        self, minute: int, charged: int, failed: int, crashed: int, times: list[float]
    ) -> Iterator[DataPoint]:
        stamp = (_START + minute * MINUTE) * 1000
        name = self.function.name

        def points(
            namespace: str,
            by: Iterable[dict[str, str]],
            values: Mapping[str, list[float]],
            unit: str,
        ) -> Iterator[DataPoint]:
            for dimensions in by:
                for metric, samples in values.items():
                    if samples:
                        yield DataPoint(namespace, metric, dimensions, stamp, tuple(samples), unit)

        service = [{"service": "payments"}]
        outcomes = {"SuccessfulCharge": [1.0] * charged, "FailedCharge": [1.0] * failed}
        yield from points("Workshop", service, outcomes, "Count")
        yield from points("Workshop", service, {"ChargeDuration": times}, "Milliseconds")
        answered = charged + failed
        counts = {
            "Invocations": [1.0] * (answered + crashed),
            "Errors": [0.0] * answered + [1.0] * crashed,
        }
        by_function = [{"FunctionName": name}]
        if self.alias:
            by_function.append({"FunctionName": name, "Resource": f"{name}:{self.alias}"})
        yield from points("AWS/Lambda", by_function, counts, "Count")
        lasted = {"Duration": [*times, *[1.0] * crashed]}
        yield from points("AWS/Lambda", by_function, lasted, "Milliseconds")
        if self.api is None:
            return
        api, stage = self.api
        by_api = [{"ApiName": api}, {"ApiName": api, "Stage": stage}]
        errors = [0.0] * charged + [1.0] * (failed + crashed)
        answers = {"Count": [1.0] * len(errors), "5XXError": errors}
        yield from points("AWS/ApiGateway", by_api, answers, "Count")
        yield from points(
            "AWS/ApiGateway",
            by_api,
            {"Latency": times, "IntegrationLatency": times},
            "Milliseconds",
        )


def _api(template: Template) -> tuple[str, str] | None:
    for logical_id, resource in template.resources.items():
        if resource.get("Type") == "AWS::Serverless::Api":
            properties = resource.get("Properties") or {}
            return str(properties.get("Name", logical_id)), str(properties.get("StageName", ""))
    return None
