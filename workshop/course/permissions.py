"""What a function's role may do, as far as its template says. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workshop.sam import Template

_FIRST_WILD = 5
# Actions that know no resource-level permissions: "*" is all that can be said of them.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
_WITHOUT_RESOURCES = re.compile(
    r"xray:(Put|Get).*|cloudwatch:PutMetricData|ec2:(Describe|Create|Delete)NetworkInterfaces?",
    re.IGNORECASE,
)
_STREAMS = re.compile(r"(?<=log-group:)([^:*]+):(\*|log-stream:.*)")


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
