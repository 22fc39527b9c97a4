"""A release, rehearsed on paper: how traffic moves to a new version, and which alarm would tell.

Pure, but for `sam_complaint`. CodeDeploy moves an alias's traffic from one version of a function
to the next as the template's DeploymentPreference says, and moves all of it back when one of the
alarms named there goes off before the new version has everything.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

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
_FIRST_WILD = 5
# Actions of services that have no resources to name: "*" is all that can be said.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
_WITHOUT_RESOURCES = re.compile(
    r"xray:(Put|Get).*|cloudwatch:PutMetricData|ec2:(Describe|Create|Delete)NetworkInterfaces?",
    re.IGNORECASE,
)
_STREAMS = re.compile(r"(?<=log-group:)([^:*]+):(\*|log-stream:.*)")


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


# ------------------------------------------------------------------------------------ permissions


@dataclass(frozen=True)
class Statement:
    """One statement of a policy that allows something.

    Attributes:
        policy: What the policy is called in the template.
        actions: Such as `logs:PutLogEvents`.
        resources: ARNs, and patterns of ARNs.
    """

    policy: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def wide_actions(self) -> list[str]:
        """Return the actions that are patterns."""
        return [action for action in self.actions if "*" in action]

    def wide_resources(self) -> list[str]:
        """Return the resources that are more than one, where one could be named."""
        if all(_WITHOUT_RESOURCES.fullmatch(action) for action in self.actions):
            return []
        return [one for one in self.resources if _is_wide(one)]


@dataclass(frozen=True)
class Role:
    """The role of a function, as far as the template says.

    Attributes:
        logical_id: The key in `Resources`.
        principals: Services that may take it on.
        managed: ARNs of managed policies, and names of those the template does not hold.
        statements: What its own policies allow.
    """

    logical_id: str
    principals: tuple[str, ...]
    managed: tuple[str, ...]
    statements: tuple[Statement, ...]

    def allows(self, action: str) -> list[str]:
        """Return the resources on which its own policies allow an action."""
        return [
            resource
            for statement in self.statements
            if any(_matches(pattern, action) for pattern in statement.actions)
            for resource in statement.resources
        ]


def read_role(template: Template) -> Role | str | None:
    """Read the role of the template's one function.

    Returns:
        The role; what `Role` says where that is none of the template's; None without `Role`.
    """
    function = template.function()
    said = (template.resources[function.logical_id].get("Properties") or {}).get("Role")
    if not said:
        return None
    for logical_id, resource in template.resources.items():
        if resource.get("Type") == "AWS::IAM::Role" and _is_meant(said, logical_id, resource):
            return _read_role(template, logical_id, resource)
    return str(said)


def _is_meant(said: object, logical_id: str, resource: Mapping[str, Any]) -> bool:
    """Whether a reference, resolved to a name or an ARN, is to this resource."""
    if not isinstance(said, str):
        return False
    properties = resource.get("Properties") or {}
    last = said.rpartition("/")[2]
    known = [properties.get(key) for key in ("RoleName", "ManagedPolicyName")]
    return last in known or last == logical_id or last.endswith(f"-{logical_id}")


def _read_role(template: Template, logical_id: str, resource: Mapping[str, Any]) -> Role:
    properties = resource.get("Properties") or {}
    principals = [
        service
        for statement in _listed(
            (properties.get("AssumeRolePolicyDocument") or {}).get("Statement")
        )
        for service in _listed((statement.get("Principal") or {}).get("Service"))
    ]
    documents = [
        (str(policy.get("PolicyName")), policy.get("PolicyDocument"))
        for policy in _listed(properties.get("Policies"))
    ]
    managed = [str(one) for one in _listed(properties.get("ManagedPolicyArns"))]
    for other, one in template.resources.items():
        facts = one.get("Properties") or {}
        if one.get("Type") in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            joined = any(
                _is_meant(role, logical_id, resource) for role in _listed(facts.get("Roles"))
            )
            named = [arn for arn in managed if _is_meant(arn, other, one)]
            managed = [arn for arn in managed if arn not in named]
            if joined or named:
                documents.append((other, facts.get("PolicyDocument")))
        elif one.get("Type") == "AWS::IAM::RolePolicy" and _is_meant(
            facts.get("RoleName"), logical_id, resource
        ):
            documents.append((other, facts.get("PolicyDocument")))
    statements = [
        Statement(
            name,
            tuple(map(str, _listed(statement.get("Action")))),
            tuple(map(str, _listed(statement.get("Resource")))),
        )
        for name, document in documents
        if isinstance(document, dict)
        for statement in _listed(document.get("Statement"))
        if statement.get("Effect") == "Allow"
    ]
    return Role(logical_id, tuple(map(str, principals)), tuple(managed), tuple(statements))


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 (policies take one thing or a list of them)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, action: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None


def _is_wide(resource: str) -> bool:
    """Whether an ARN stands for more than one thing; a log group's streams are part of it."""
    if resource == "*":
        return True
    parts = resource.split(":", _FIRST_WILD)
    return "*" in _STREAMS.sub(r"\1", parts[-1]) if len(parts) > _FIRST_WILD else "*" in resource


# --------------------------------------------------------------------------------- the SAM CLI


def sam_complaint(root: Path, template: Path, *, seconds: float = 60) -> str | None:
    """Ask the real `sam validate --lint` what is wrong with a template.

    Where the SAM CLI is not set up, cfn-lint is asked, which is what `--lint` runs.

    Args:
        root: The checkout, whose `.venv-sam` may have the SAM CLI.
        template: What to ask about.
        seconds: How long to wait; a slow machine is nobody's mistake.

    Returns:
        What it says; None when it says nothing, or neither is set up, or it takes too long.
    """
    sam = root.absolute() / ".venv-sam" / "bin" / "python"
    lint = Path(sys.executable).with_name("cfn-lint")
    if sam.is_file():
        # As a module: a script's first line cannot hold a path with a space.
        command = [str(sam), "-m", "samcli", "validate", "--lint", "--template", str(template)]
        complaining = {1}
    elif lint.is_file():
        command, complaining = [str(lint), "--non-zero-exit-code", "error", str(template)], {2, 6}
    else:
        return None
    with tempfile.TemporaryDirectory(prefix="workshop-", ignore_cleanup_errors=True) as home:
        # SAM would ask its registry for a newer version, had it not just done so.
        metadata = Path(home, ".aws-sam", "metadata.json")
        metadata.parent.mkdir()
        metadata.write_text(json.dumps({"lastVersionCheck": time.time()}), encoding="utf-8")
        environment = {
            "HOME": home,  # Nothing of the user's AWS set-up is read or written.
            "PATH": os.environ.get("PATH", os.defpath),
            "AWS_DEFAULT_REGION": "us-east-1",
            "SAM_CLI_TELEMETRY": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                text=True,
                env=environment,
                cwd=home,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    # Any other status tells of a trouble of its own, which is not the learner's.
    return f"{done.stdout}\n{done.stderr}".strip() if done.returncode in complaining else None
