"""The X-Ray segments that the Lambda service makes for an invocation, from measured times.

`AWS::Lambda` is the service's own view; `AWS::Lambda::Function` below it is the function's, with
Initialization (cold starts only), Invocation and Overhead.
https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""

import json
from dataclasses import dataclass
from typing import Any

from workshop.signals import SegmentDocument
from workshop.trace_header import TraceHeader, joined, new_segment_id


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace that an invocation belongs to, and the ids of the service's part of it.

    Attributes:
        trace_id: `1-<8 hex>-<24 hex>`.
        parent_id: The caller's segment, if it named one.
        sampled: Whether segments are kept.
        lambda_id: Id of the AWS::Lambda segment.
        function_id: Id of the AWS::Lambda::Function segment.
        invocation_id: Id of its Invocation subsegment, the parent of what the function sends.
    """

    trace_id: str
    parent_id: str | None
    sampled: bool
    lambda_id: str
    function_id: str
    invocation_id: str

    @property
    def header(self) -> str:
        """The X-Amzn-Trace-Id header for the runtime."""
        return str(TraceHeader(self.trace_id, self.invocation_id, self.sampled))


def trace_context(header: str | None, *, tracing: bool) -> TraceContext:
    """Return the trace of an invocation, and new ids for the service's part of it.

    Args:
        header: The X-Amzn-Trace-Id header of the request.
        tracing: Whether the function's tracing mode is Active.
    """
    trace = joined(header, tracing=tracing)
    return TraceContext(
        trace_id=trace.trace_id,
        parent_id=trace.parent_id,
        sampled=trace.sampled,
        lambda_id=new_segment_id(),
        function_id=new_segment_id(),
        invocation_id=new_segment_id(),
    )


@dataclass(frozen=True, slots=True)
class Times:
    """When an invocation's phases began and ended, in seconds since the epoch.

    Attributes:
        received: The service took the request.
        init: Start and end of the init phase, when this was a cold start.
        started: The event went to the runtime.
        responded: The runtime answered, or was stopped.
        done: The runtime asked for the next event, or was gone.
    """

    received: float
    init: tuple[float, float] | None
    started: float
    responded: float
    done: float


def service_segments(
    context: TraceContext,
    times: Times,
    *,
    function_name: str,
    function_arn: str,
    account_id: str,
    log_group: str,
    request_id: str,
    failed: bool,
    cause: dict[str, Any] | None,
) -> list[SegmentDocument]:
    """Return the two segments of an invocation; none when the trace is not sampled.

    Args:
        context: The trace and the ids to use.
        times: Measured times.
        function_name: Name of both segments.
        function_arn: Resource of both segments.
        account_id: Of the function.
        log_group: Where the function logs.
        request_id: The AWS request id.
        failed: Whether the caller got a function error, which is a fault (5xx) in X-Ray's terms.
        cause: The `cause` object of what the handler raised, if it told.
    """
    if not context.sampled:
        return []
    common = {"trace_id": context.trace_id, "name": function_name}
    flags: dict[str, Any] = {"fault": True} if failed else {}
    causes: dict[str, Any] = {"cause": cause} if cause else {}
    invocation: dict[str, Any] = {
        "id": context.invocation_id,
        "name": "Invocation",
        "start_time": times.started,
        "end_time": times.responded,
        "aws": {"function_arn": function_arn},
        **flags,
        **causes,
    }
    overhead = {
        "id": new_segment_id(),
        "name": "Overhead",
        "start_time": times.responded,
        "end_time": times.done,
        "aws": {"function_arn": function_arn},
    }
    subsegments = [invocation, overhead]
    if times.init:
        initialization = {
            "id": new_segment_id(),
            "name": "Initialization",
            "start_time": times.init[0],
            "end_time": times.init[1],
            "aws": {"function_arn": function_arn},
        }
        subsegments.insert(0, initialization)
    service: SegmentDocument = {
        **common,
        "id": context.lambda_id,
        "origin": "AWS::Lambda",
        "resource_arn": function_arn,
        "start_time": times.received,
        "end_time": times.done,
        "http": {"response": {"status": 200}},
        "aws": {"request_id": request_id},
        **flags,
    }
    if context.parent_id:
        service["parent_id"] = context.parent_id
    function: SegmentDocument = {
        **common,
        "id": context.function_id,
        "parent_id": context.lambda_id,
        "origin": "AWS::Lambda::Function",
        "resource_arn": function_arn,
        "start_time": times.init[0] if times.init else times.started,
        "end_time": times.done,
        "aws": {
            "account_id": account_id,
            "function_arn": function_arn,
            "resource_names": [function_name],
            "cloudwatch_logs": [{"log_group": log_group}],
        },
        **flags,
        **causes,
        "subsegments": subsegments,
    }
    return [service, function]


def cause_of(header: str | None) -> dict[str, Any] | None:
    """Return the `cause` object of a `Lambda-Runtime-Function-XRay-Error-Cause` header.

    The runtime's form is not quite X-Ray's: its exceptions have no id.
    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html#api-segmentdocuments-errors
    """
    try:
        cause = json.loads(header or "")
    except ValueError:
        return None
    if not isinstance(cause, dict) or not isinstance(cause.get("exceptions"), list):
        return None
    exceptions = [
        {"id": new_segment_id(), **exception}
        for exception in cause["exceptions"]
        if isinstance(exception, dict)
    ]
    return {**cause, "exceptions": exceptions}
