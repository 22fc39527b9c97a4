"""The event that a Lambda proxy integration sends, format 1.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
"""

import base64
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from workshop.api_gateway.messages import Headers, HttpRequest
from workshop.api_gateway.rest_api import Found, RestApi

_NOBODY = (
    *("accessKey", "accountId", "caller", "cognitoAuthenticationProvider"),
    *("cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId"),
    *("principalOrgId", "user", "userArn"),
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What API Gateway knows of a request as it comes in.

    Attributes:
        request_id: The API request id, a UUID.
        extended_request_id: The other one, as `x-amz-apigw-id`.
        trace_header: The X-Amzn-Trace-Id header for the function's event.
        time: Seconds since the epoch.
        account_id: The API's account.
        region: The API's region.
    """

    request_id: str
    extended_request_id: str
    trace_header: str
    time: float
    account_id: str
    region: str

    @property
    def epoch_ms(self) -> int:
        """When it came, in milliseconds since the epoch."""
        return int(self.time * 1000)

    @property
    def clf_time(self) -> str:
        """When it came, as the common log format writes it: `23/Nov/2026:14:20:00 +0000`."""
        moment = time.gmtime(self.time)
        month = "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * moment.tm_mon - 3 :][:3]
        return time.strftime(f"%d/{month}/%Y:%H:%M:%S +0000", moment)


def split_target(target: str) -> tuple[str, str]:
    """Split a request's target into path and query, both as they came.

    A target may be a whole URL, as a proxy sends it.
    """
    if "://" in target.partition("?")[0]:
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    return path or "/", query


def without_stage(path: str, stage: str) -> str | None:
    """Take the stage off the path of a request; None when it is of another stage."""
    first, _, rest = path.removeprefix("/").partition("/")
    return f"/{rest}" if first == stage else None


def proxy_event(
    request: HttpRequest, found: Found, api: RestApi, path: str, arrival: Arrival
) -> dict[str, Any]:
    """Make the event.

    Args:
        request: The request.
        found: Where it leads.
        api: The API.
        path: Its path without the stage.
        arrival: What is known of it.

    Returns:
        Every key that is documented; None where there is nothing to say.
    """
    headers = _headers(request, arrival)
    query = _by_name(parse_qsl(split_target(request.target)[1], keep_blank_values=True))
    body, is_base64 = _body(request, api.binary_types)
    return {
        "resource": found.route.resource,
        "path": path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(found.parameters) or None,
        "stageVariables": dict(api.variables) if api.variables else None,
        "requestContext": {
            "resourceId": resource_id(found.route.resource),
            "resourcePath": found.route.resource,
            "httpMethod": request.method,
            "extendedRequestId": arrival.extended_request_id,
            "requestTime": arrival.clf_time,
            "path": f"/{api.stage}{path}",
            "accountId": arrival.account_id,
            "protocol": request.protocol,
            "stage": api.stage,
            "domainPrefix": api.id,
            "requestTimeEpoch": arrival.epoch_ms,
            "requestId": arrival.request_id,
            "identity": {
                **dict.fromkeys(_NOBODY),
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
            },
            "domainName": domain_name(api, arrival.region),
            "deploymentId": "local",
            "apiId": api.id,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def domain_name(api: RestApi, region: str) -> str:
    """Return the name that the API would have on AWS."""
    return f"{api.id}.execute-api.{region}.amazonaws.com"


def resource_id(resource: str) -> str:
    """Return an id for a resource: always the same for the same path."""
    return resource.strip("/").translate(str.maketrans("/{}+", "-___")) or "root"


def is_binary(content_type: str | None, binary_types: Iterable[str]) -> bool:
    """Whether a media type is one of those that pass as they are; `*/*` is every one."""
    media = (content_type or "").partition(";")[0].strip().lower()
    return any(
        one in ("*/*", media) or (one.endswith("/*") and media.startswith(one[:-1]))
        for one in (wanted.lower() for wanted in binary_types)
    )


def _added(request: HttpRequest, arrival: Arrival) -> Headers:
    """Return the headers that API Gateway adds."""
    forwarded = request.header("x-forwarded-for")
    return (
        ("X-Amzn-Trace-Id", arrival.trace_header),
        (
            "X-Forwarded-For",
            f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip,
        ),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    )


def _last(gathered: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in gathered.items()}


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    return gathered


def _headers(request: HttpRequest, arrival: Arrival) -> dict[str, list[str]]:
    """Gather the headers by name, the case as it came first; what API Gateway adds replaces."""
    added = _added(request, arrival)
    replaced = {name.lower() for name, _ in added}
    spelled: dict[str, str] = {}
    return _by_name(
        (spelled.setdefault(name.lower(), name), value)
        for name, value in (*request.headers, *added)
        if name.lower() not in replaced or (name, value) in added
    )


def _body(request: HttpRequest, binary_types: Sequence[str]) -> tuple[str | None, bool]:
    """Return the body as text, or in base64 where its type is a binary one."""
    if not request.body:
        return None, False
    if is_binary(request.header("content-type"), binary_types):
        return base64.b64encode(request.body).decode(), True
    return request.body.decode("utf-8", "replace"), False
