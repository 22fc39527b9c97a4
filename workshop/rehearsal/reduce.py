"""A template reduced to what the emulator can hold. Pure.

The emulator is MiniStack. What it cannot hold is known from running it: it has no CodeDeploy, its
CloudWatch refuses alarms by metric math, and an API's address is a path on its own port.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ALARM = "AWS::CloudWatch::Alarm"
FUNCTION = "AWS::Serverless::Function"
_DEPLOYMENT = "DeploymentPreference"
_API_ADDRESS = re.compile(
    r"https://\$\{(\w+)\}\.execute-api\.\$\{AWS::Region\}\.\$\{AWS::URLSuffix\}"
)


@dataclass(frozen=True, slots=True)
class Omission:
    """Something that the rehearsed deployment does without.

    Attributes:
        what: What is left out or replaced, by name.
        why: The reason, and what that means.
    """

    what: str
    why: str


def reduce(template: Mapping[str, Any], url: str) -> tuple[dict[str, Any], list[Omission]]:
    """Leave out what the emulator cannot hold, and nothing else.

    Args:
        template: As `sam build` writes it: plain values, intrinsic functions in their long form.
        url: Where the emulator listens, such as `http://127.0.0.1:4566`.

    Returns:
        The reduced template, and what was left out of it; the argument is not changed.
    """
    omissions = []
    resources = {name: dict(resource) for name, resource in template["Resources"].items()}
    shared = {kind: dict(values) for kind, values in template.get("Globals", {}).items()}

    if _without_deployment_preference(shared, resources):
        omissions.append(
            Omission(
                "canary deployments (DeploymentPreference)",
                "it has no CodeDeploy; all traffic goes to a new version at once, and no alarm "
                "takes it back",
            )
        )
    alarms = {
        name: resource["Properties"].get("AlarmName", name)
        for name, resource in resources.items()
        if resource["Type"] == ALARM and "Metrics" in resource["Properties"]
    }
    if alarms:
        omissions.append(
            Omission(
                f"the alarms {', '.join(alarms.values())}",
                "it has no metric math; the dashboard knows them by name alone",
            )
        )
    kept = {name: resource for name, resource in resources.items() if name not in alarms}
    reduced = {**template, "Resources": kept}
    if shared:
        reduced["Globals"] = shared
    addressed = _texts(reduced, alarms, f"{url}/_aws/execute-api/")
    if _API_ADDRESS.search(str(template)):
        omissions.append(
            Omission(
                "the APIs' own host names",
                f"they would lead to AWS itself; here an API is at {url}/_aws/execute-api/",
            )
        )
    return addressed, omissions


def _without_deployment_preference(
    shared: Mapping[str, dict[str, Any]], resources: Mapping[str, dict[str, Any]]
) -> bool:
    """Take it out; return whether there was one."""
    found = shared.get("Function", {}).pop(_DEPLOYMENT, None) is not None
    for resource in resources.values():
        properties = resource.get("Properties", {})
        if resource["Type"] == FUNCTION and _DEPLOYMENT in properties:
            found = True
            resource["Properties"] = {k: v for k, v in properties.items() if k != _DEPLOYMENT}
    return found


def _texts(value: Any, gone: Mapping[str, str], apis: str) -> Any:  # noqa: ANN401
    """Return the value with the texts in it mended: no reference to what is gone, no far API."""
    if isinstance(value, dict):
        return {key: _texts(child, gone, apis) for key, child in value.items()}
    if isinstance(value, list):
        return [_texts(child, gone, apis) for child in value]
    if not isinstance(value, str):
        return value
    for logical_id, name in gone.items():
        value = value.replace(f"${{{logical_id}.Arn}}", name)
    return _API_ADDRESS.sub(lambda found: f"{apis}${{{found[1]}}}", value)
