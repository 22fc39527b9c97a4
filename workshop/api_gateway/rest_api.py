"""The REST API of a template: stage, routes, access log, tracing, throttling.

Routes are the functions' `Events` of type `Api`. Those that name no API belong to the one that SAM
makes for them, `ServerlessRestApi` with the stage `Prod`, which takes its settings from `Globals`.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-api.html
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-api.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from workshop.api_gateway.access_log import unknown_variables
from workshop.errors import LearnerError
from workshop.sam import Template
from workshop.sam.intrinsics import STACK
from workshop.sam.physical import IMPLICIT_API, REST_API

TIMEOUT_MS = 29_000
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_GREEDY = "{proxy+}"
_SEGMENT = re.compile(r"\{[\w.-]+\+?\}|[\w.~!$&'()*+,;=:@%-]+")
_GROUP = re.compile(r"arn:[\w-]+:logs:[\w-]*:\d*:log-group:([.\-_/#A-Za-z0-9]{1,512})(?::\*)?")
_EVENT_PROPERTIES = {"Path", "Method", "RestApiId", "TimeoutInMillis"}
# What would change how a request is answered, and is not done here.
_REFUSED = (
    *("Auth", "Cors", "Models", "DefinitionBody", "DefinitionUri", "GatewayResponses"),
    *("CanarySetting", "CacheClusterEnabled", "MergeDefinitions", "Mode"),
)


class UnsupportedApiError(LearnerError):
    """The template asks for something of API Gateway that is not there, or not done here."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method of a resource, and the function behind it.

    Attributes:
        resource: The path, such as `/payments/{id}` or `/{proxy+}`.
        method: In capitals, or `ANY`.
        function: Logical id of the function.
        timeout_ms: How long the function may take.
    """

    resource: str
    method: str
    function: str
    timeout_ms: int = TIMEOUT_MS


@dataclass(frozen=True, slots=True)
class Found:
    """A route that a path and method lead to.

    Attributes:
        route: The route.
        parameters: The path's parameters, percent-decoded.
    """

    route: Route
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Where and how requests are logged.

    Attributes:
        group: Name of the log group.
        format: The line, with `$context` variables in it.
    """

    group: str
    format: str


@dataclass(frozen=True, slots=True)
class Limit:
    """Throttling of a method, or of all.

    Attributes:
        resource: The resource; `/*` for all.
        method: The method; `*` for all.
        rate: Requests a second.
        burst: Requests at once.
    """

    resource: str
    method: str
    rate: float
    burst: int


@dataclass(frozen=True)
class RestApi:
    """A REST API with its one stage.

    Attributes:
        logical_id: Its key in the template.
        name: Its name, which is the dimension `ApiName` of its metrics.
        stage: Name of the stage.
        routes: Every method of every resource.
        access_log: None when requests are not logged.
        tracing: Whether X-Ray sees the stage (`TracingEnabled`).
        variables: The stage's variables.
        binary_types: Media types that pass as they are; everything else is text.
        limits: Throttling, the most particular first.
        detailed_metrics: Whether metrics are kept by method as well.
    """

    logical_id: str
    name: str
    stage: str
    routes: tuple[Route, ...]
    access_log: AccessLog | None = None
    tracing: bool = False
    variables: Mapping[str, str] | None = None
    binary_types: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    detailed_metrics: bool = False

    @property
    def id(self) -> str:
        """What stands for the ten letters and digits that API Gateway makes up."""
        return f"{STACK}-{self.logical_id}".lower()

    def find(self, method: str, path: str) -> Found | None:
        """Find the route of a request, as API Gateway does: first the resource, then its method.

        Args:
            method: The request's method.
            path: The path without the stage, percent-encoded.
        """
        segments = _segments(path)
        resources = {route.resource for route in self.routes}
        fitting = [
            (_exactness(resource), resource, parameters)
            for resource in resources
            if (parameters := _fit(_segments(resource), segments)) is not None
        ]
        if not fitting:
            return None
        _, resource, parameters = max(fitting, key=lambda one: one[:2])
        by_method = {route.method: route for route in self.routes if route.resource == resource}
        route = by_method.get(method) or by_method.get("ANY")
        return Found(route, parameters) if route else None

    def limit(self, route: Route, method: str) -> Limit | None:
        """Return the throttling that holds for a method of a route; None when there is none."""
        for limit in self.limits:
            if limit.resource in ("/*", route.resource) and limit.method in ("*", method):
                return limit
        return None


def rest_api(template: Template, name: str | None = None) -> RestApi:
    """Read the REST API of a template.

    Args:
        template: The template.
        name: Logical id or name of the API; None when there is one.

    Raises:
        UnsupportedApiError: There is none, or several to choose from, or it asks for what is not
            done here, which the error names.
    """
    apis = list(_apis(template))
    if name is not None:
        apis = [api for api in apis if name in (api.logical_id, api.name)]
    if len(apis) == 1:
        return apis[0]
    where = f"{template.path.name}: Events of the function"
    if apis:
        raise UnsupportedApiError(
            f"the template holds {len(apis)} APIs: {', '.join(api.logical_id for api in apis)}",
            "one of them is served at a time",
        )
    types = {event.type for function in template.functions.values() for event in function.events}
    if "HttpApi" in types:
        raise UnsupportedApiError("an event of Type: HttpApi is not served here", f"{where}: Api")
    raise UnsupportedApiError("no route leads to the function: it has no event of Type: Api", where)


def _apis(template: Template) -> Iterator[RestApi]:
    """Read every API that has a route."""
    resources = {
        logical_id: resource
        for logical_id, resource in template.resources.items()
        if resource.get("Type") == REST_API
    }
    by_reference = {f"{STACK}-{logical_id}": logical_id for logical_id in resources}
    routes: dict[str, list[Route]] = {}
    for function in template.functions.values():
        for event in function.events:
            if event.type == "Api":
                who = f"{function.logical_id} event {event.name}"
                reference = event.properties.get("RestApiId", f"{STACK}-{IMPLICIT_API}")
                owner = by_reference.get(str(reference))
                if owner is None:
                    raise UnsupportedApiError(
                        f"the RestApiId of {who} is no AWS::Serverless::Api of this template",
                        f"{template.path.name}: RestApiId: !Ref, and the API's logical id",
                    )
                route = _route(function.logical_id, who, event.properties)
                others = routes.setdefault(owner, [])
                _refuse_twin(route, others)
                others.append(route)
    for logical_id, some in routes.items():
        yield _api(logical_id, resources[logical_id].get("Properties") or {}, some)


def _route(function: str, who: str, properties: Mapping[str, Any]) -> Route:
    for name in properties:
        if name not in _EVENT_PROPERTIES:
            raise UnsupportedApiError(
                f"{name} of {who} is not done here",
                f"done: {', '.join(sorted(_EVENT_PROPERTIES))}",
            )
    path, method = properties.get("Path"), properties.get("Method")
    if not isinstance(path, str) or not path.startswith("/"):
        raise UnsupportedApiError(
            f"Path of {who} does not begin with a slash: {path!r}", "such as Path: /payments"
        )
    for segment in _segments(path):
        if not _SEGMENT.fullmatch(segment):
            raise UnsupportedApiError(
                f"Path of {who} has a part that is no name and no parameter: {segment!r}",
                "a parameter is a whole part: /payments/{payment_id}, or at the end {proxy+}",
            )
    if any(segment.endswith("+}") for segment in _segments(path)[:-1]):
        raise UnsupportedApiError(f"in the Path of {who} something follows {_GREEDY}", path)
    shown = str(method).upper()
    if shown not in (*_METHODS, "ANY"):
        raise UnsupportedApiError(
            f"Method of {who} is {method!r}", f"one of {', '.join(_METHODS).lower()}, any"
        )
    timeout = properties.get("TimeoutInMillis", TIMEOUT_MS)
    if not isinstance(timeout, int) or not 50 <= timeout <= TIMEOUT_MS:  # noqa: PLR2004 (its limit)
        raise UnsupportedApiError(f"TimeoutInMillis of {who} is {timeout!r}", f"50 to {TIMEOUT_MS}")
    return Route(path.rstrip("/") or "/", shown, function, timeout)


def _refuse_twin(route: Route, others: Sequence[Route]) -> None:
    for other in others:
        if (route.resource, route.method) == (other.resource, other.method):
            raise UnsupportedApiError(
                f"two events are {route.method} {route.resource}",
                f"of {other.function} and of {route.function}",
            )


def _api(logical_id: str, properties: Mapping[str, Any], routes: Sequence[Route]) -> RestApi:
    for name in _REFUSED:
        if properties.get(name):
            raise UnsupportedApiError(f"{name} of {logical_id} is not done here")
    stage = properties.get("StageName")
    if not isinstance(stage, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", stage):
        raise UnsupportedApiError(
            f"{logical_id} has no StageName of letters, digits, - and _", "such as StageName: v1"
        )
    settings = properties.get("MethodSettings") or []
    if not isinstance(settings, list) or not all(isinstance(one, dict) for one in settings):
        raise UnsupportedApiError(f"MethodSettings of {logical_id} is no list of mappings")
    variables = properties.get("Variables") or {}
    tracing = properties.get("TracingEnabled", False)
    return RestApi(
        logical_id,
        # SAM's default is the stack's name.
        name=str(properties.get("Name") or STACK),
        stage=stage,
        routes=tuple(routes),
        access_log=_access_log(logical_id, properties.get("AccessLogSetting")),
        tracing=str(tracing).lower() == "true",
        variables={str(key): str(value) for key, value in variables.items()} or None,
        binary_types=tuple(
            str(one).replace("~1", "/") for one in properties.get("BinaryMediaTypes") or ()
        ),
        limits=tuple(sorted(_limits(settings), key=lambda one: (one.resource, one.method) == _ALL)),
        detailed_metrics=any(one.get("MetricsEnabled") for one in settings),
    )


_ALL = ("/*", "*")


def _limits(settings: Sequence[Mapping[str, Any]]) -> Iterator[Limit]:
    for one in settings:
        rate, burst = one.get("ThrottlingRateLimit"), one.get("ThrottlingBurstLimit")
        if rate is None and burst is None:
            continue
        try:
            # The account's own limits, where the template sets one of the two.
            yield Limit(
                # In CloudFormation a slash inside a resource is written ~1.
                resource=str(one.get("ResourcePath", "/*")).replace("~1", "/"),
                method=str(one.get("HttpMethod", "*")).upper(),
                rate=10_000.0 if rate is None else float(rate),
                burst=5_000 if burst is None else int(burst),
            )
        except (TypeError, ValueError):
            raise UnsupportedApiError(
                f"MethodSettings: the limits are no numbers: {rate!r}, {burst!r}"
            ) from None


def _access_log(logical_id: str, setting: object) -> AccessLog | None:
    if not setting:
        return None
    who = f"AccessLogSetting of {logical_id}"
    if not isinstance(setting, dict):
        raise UnsupportedApiError(f"{who} is no mapping", "DestinationArn and Format")
    arn, line = setting.get("DestinationArn"), setting.get("Format")
    if isinstance(line, dict):
        raise UnsupportedApiError(
            f"the Format of the {who} is a mapping, and API Gateway takes text",
            "in YAML, JSON is text after `>-` or in single quotes",
        )
    if not isinstance(line, str) or not line.strip():
        raise UnsupportedApiError(f"{who} has no Format", "a line with $context variables")
    line = line.strip()
    if "\n" in line:
        raise UnsupportedApiError(
            f"the Format of the {who} has several lines, and API Gateway takes one",
            "in YAML `>-` folds several lines into one",
        )
    if unknown := unknown_variables(line):
        raise UnsupportedApiError(
            f"the Format of the {who} has a variable that there is not: {unknown[0]}",
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
            "api-gateway-variables-for-access-logging.html",
        )
    if not re.search(r"\$context\.(requestId|extendedRequestId)\b", line):
        raise UnsupportedApiError(
            f"the Format of the {who} tells no request from another",
            "API Gateway wants $context.requestId or $context.extendedRequestId in it",
        )
    match = _GROUP.fullmatch(arn) if isinstance(arn, str) else None
    if match is None:
        raise UnsupportedApiError(
            f"the DestinationArn of the {who} is no log group's",
            "such as DestinationArn: !GetAtt AccessLogGroup.Arn",
        )
    return AccessLog(match[1], line)


def _segments(path: str) -> list[str]:
    """Split a path; a slash at its end makes no difference."""
    return [segment for segment in path.split("/") if segment]


def _fit(wanted: Sequence[str], given: Sequence[str]) -> dict[str, str] | None:
    """Hold a path against a resource: its parameters, or None when it does not fit."""
    parameters: dict[str, str] = {}
    for place, segment in enumerate(wanted):
        if segment.endswith("+}") and place < len(given):
            parameters[segment[1:-2]] = unquote("/".join(given[place:]))
            return parameters
        if place >= len(given):
            return None
        if segment.startswith("{"):
            parameters[segment[1:-1]] = unquote(given[place])
        elif segment != unquote(given[place]):
            return None
    return parameters if len(wanted) == len(given) else None


def _exactness(resource: str) -> tuple[int, ...]:
    """How particular a resource is, from left to right: a name, a parameter, a greedy one."""
    return tuple(
        0 if segment.endswith("+}") else 1 if segment.startswith("{") else 2
        for segment in _segments(resource)
    )
