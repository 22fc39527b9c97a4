"""The X-Ray segment of a stage: above the Lambda service's own, in one trace.

https://docs.aws.amazon.com/xray/latest/devguide/xray-services-apigateway.html
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from workshop.api_gateway.messages import HttpRequest, HttpResponse
from workshop.api_gateway.rest_api import RestApi
from workshop.signals import SegmentDocument


@dataclass(frozen=True, slots=True)
class Call:
    """The call of a function, made for a request.

    Attributes:
        id: Id of the subsegment, the parent of the Lambda service's segment.
        function: The function's name.
        start: Seconds since the epoch.
        end: Seconds since the epoch.
        status: What Lambda's API answered, as HTTP has it; None when there was no answer in time.
    """

    id: str
    function: str
    start: float
    end: float
    status: int | None


def stage_segment(
    api: RestApi,
    request: HttpRequest,
    response: HttpResponse,
    call: Call | None,
    *,
    segment_id: str,
    trace_id: str,
    parent_id: str | None,
    start: float,
    end: float,
    request_id: str,
    account_id: str,
    region: str,
    url: str,
) -> SegmentDocument:
    """Make the segment of one request.

    Args:
        api: The API.
        request: The request.
        response: What the caller got.
        call: The call of the function; None when none was called.
        segment_id: Id of the segment.
        trace_id: The trace.
        parent_id: The caller's segment, if it named one.
        start: Seconds since the epoch.
        end: Seconds since the epoch.
        request_id: The API request id.
        account_id: The API's account.
        region: The API's region.
        url: The request's, without its query, in which anything may stand.
    """
    asked: dict[str, Any] = {"method": request.method, "url": url, "client_ip": request.source_ip}
    agent = request.header("user-agent")
    if agent:
        asked["user_agent"] = agent
    if request.header("x-forwarded-for"):
        asked["x_forwarded_for"] = True
    document: SegmentDocument = {
        "id": segment_id,
        "trace_id": trace_id,
        "name": f"{api.name}/{api.stage}",
        "origin": "AWS::ApiGateway::Stage",
        "resource_arn": (f"arn:aws:apigateway:{region}::/restapis/{api.id}/stages/{api.stage}"),
        "start_time": start,
        "end_time": end,
        "http": {
            "request": asked,
            "response": {"status": response.status, "content_length": len(response.body)},
        },
        "aws": {
            "account_id": account_id,
            "api_gateway": {
                "account_id": account_id,
                "request_id": request_id,
                "rest_api_id": api.id,
                "stage": api.stage,
            },
        },
        **_flags(response.status),
    }
    if parent_id:
        document["parent_id"] = parent_id
    if call:
        document["subsegments"] = [_subsegment(call, region, account_id)]
    return document


def _subsegment(call: Call, region: str, account_id: str) -> dict[str, Any]:
    status = HTTPStatus.GATEWAY_TIMEOUT if call.status is None else call.status
    arn = f"arn:aws:lambda:{region}:{account_id}:function:{call.function}"
    return {
        "id": call.id,
        "name": "Lambda",
        "namespace": "aws",
        "start_time": call.start,
        "end_time": call.end,
        "http": {
            "request": {
                "method": "POST",
                "url": f"https://lambda.{region}.amazonaws.com/2015-03-31/functions/{arn}/invocations",
            },
            "response": {"status": int(status)},
        },
        "aws": {"operation": "Invoke", "function_name": call.function, "region": region},
        **_flags(int(status)),
    }


def _flags(status: int) -> dict[str, bool]:
    """Return X-Ray's flags: error for 4xx (throttle for 429, too), fault for 5xx."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return {"fault": True}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return {"error": True, "throttle": True}
    return {"error": True} if status >= HTTPStatus.BAD_REQUEST else {}
