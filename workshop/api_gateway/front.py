"""The front of a REST API: takes requests, has the function called, keeps what is told of it."""

import base64
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from workshop.account import ACCOUNT_ID, REGION
from workshop.api_gateway import access_log, answers
from workshop.api_gateway.messages import HttpRequest, HttpResponse
from workshop.api_gateway.proxy_event import (
    Arrival,
    domain_name,
    proxy_event,
    resource_id,
    split_target,
    without_stage,
)
from workshop.api_gateway.rest_api import Found, Limit, RestApi
from workshop.api_gateway.segment import Call, stage_segment
from workshop.lab import Lab
from workshop.local_lambda import RequestTooLargeError, TooManyRequestsError
from workshop.metrics import gateway_metrics
from workshop.signals import Invocation, LogEvent, SegmentDocument, Sink
from workshop.trace_header import joined, new_segment_id

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Largest body that API Gateway takes; Lambda's 6 MB for the whole event come first.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request answered, and all that was told of it.

    Attributes:
        request: The request.
        response: What the client got.
        request_id: The API request id.
        trace_id: X-Ray trace id.
        event: The event that went to the function; None when none did.
        invocation: What came of it; None when there was none, or it did not end in time.
        reason: Why the answer is API Gateway's own and not the function's; empty when it is not.
        log_events: The access log's line, if there is an access log; and the metrics' record.
        segments: The stage's segment, when the trace is sampled; the function's own segments
            are on the invocation.
    """

    request: HttpRequest
    response: HttpResponse
    request_id: str
    trace_id: str
    event: dict[str, Any] | None
    invocation: Invocation | None
    reason: str
    log_events: tuple[LogEvent, ...]
    segments: tuple[SegmentDocument, ...]


@dataclass(slots=True)
class _Progress:
    """What has become of a request so far."""

    path: str
    found: Found | None = None
    event: dict[str, Any] | None = None
    invocation: Invocation | None = None
    call: Call | None = None
    error: answers.GatewayError | None = None
    reason: str = ""

    def fail(self, error: answers.GatewayError, reason: str = "") -> HttpResponse:
        """Note an answer of API Gateway's own."""
        self.error, self.reason = error, reason or error.message
        return error.response


class Front:
    """One REST API over the functions of a lab. Thread-safe.

    Args:
        lab: Has the functions.
        api: The API, of the lab's template.
        sink: Where telemetry goes: the access log, the metrics' records, the stage's segments.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(
        self,
        lab: Lab,
        api: RestApi,
        sink: Sink = lambda *_: None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.api = api
        self._lab = lab
        self._sink = sink
        self._clock = clock
        self._stream = uuid.uuid4().hex
        self._buckets = {limit: _Bucket(limit) for limit in api.limits}

    def answer(self, request: HttpRequest) -> Exchange:
        """Answer a request, as API Gateway does; telemetry is kept before this returns.

        Args:
            request: Its path begins with the stage, as on AWS without a domain of one's own.

        Raises:
            CodeMissingError: The function's folder has gone.
            EnvironmentStartError: The operating system would not start a process.
            LambdaClosedError: The lab is closed.
        """
        start = self._clock()
        path, _ = split_target(request.target)
        inside = without_stage(path, self.api.stage)
        trace = joined(request.header("x-amzn-trace-id"), tracing=self.api.tracing)
        call_id = new_segment_id()
        header = str(replace(trace, parent_id=call_id))
        if not self.api.tracing:  # whoever comes next decides, unless the caller has
            header = request.header("x-amzn-trace-id") or ""
            header = header if trace.trace_id in header else f"Root={trace.trace_id}"
        arrival = Arrival(
            request_id=str(uuid.uuid4()),
            extended_request_id=base64.b64encode(os.urandom(11)).decode(),
            trace_header=header,
            time=start,
            account_id=ACCOUNT_ID,
            region=REGION,
        )
        progress = _Progress(inside if inside is not None else path)
        if inside is None:
            said = f"the stage is {self.api.stage}: paths begin with /{self.api.stage}"
            response = progress.fail(answers.NO_STAGE, said)
        else:
            response = self._answer(request, progress, arrival, call_id)
        response = answers.complete(
            response,
            (
                ("x-amzn-RequestId", arrival.request_id),
                ("x-amz-apigw-id", arrival.extended_request_id),
                ("X-Amzn-Trace-Id", header),
            ),
        )
        end = self._clock()
        log_events: tuple[LogEvent, ...] = ()
        segments: tuple[SegmentDocument, ...] = ()
        if inside is not None:
            log_events = self._logged(request, response, progress, arrival, trace.trace_id, end)
        if trace.sampled and inside is not None:
            segment = stage_segment(
                self.api,
                request,
                response,
                progress.call,
                segment_id=new_segment_id(),
                trace_id=trace.trace_id,
                parent_id=trace.parent_id,
                start=start,
                end=end,
                request_id=arrival.request_id,
                account_id=ACCOUNT_ID,
                region=REGION,
                url=f"https://{domain_name(self.api, REGION)}/{self.api.stage}{progress.path}",
            )
            segments = (segment,)
        if log_events or segments:
            self._sink(log_events, segments)
        return Exchange(
            request,
            response,
            arrival.request_id,
            trace.trace_id,
            progress.event,
            progress.invocation,
            progress.reason,
            log_events,
            segments,
        )

    def _answer(
        self, request: HttpRequest, progress: _Progress, arrival: Arrival, call_id: str
    ) -> HttpResponse:
        found = progress.found = self.api.find(request.method, progress.path)
        if found is None:
            known = ", ".join(f"{one.method} {one.resource}" for one in self.api.routes)
            return progress.fail(
                answers.NO_ROUTE,
                f"no route for {request.method} {progress.path}; the template has: {known}",
            )
        limit = self.api.limit(found.route, request.method)
        if limit is not None and not self._buckets[limit].take(arrival.time):
            said = f"throttled: {limit.rate:g} a second, {limit.burst} at once"
            return progress.fail(answers.THROTTLED, said)
        if len(request.body) > MAX_BODY_BYTES:
            return progress.fail(answers.TOO_LARGE, "API Gateway takes a body of 10 MB")
        error = self._call(request, progress, found, arrival, call_id)
        if error is not None:
            return error
        return self._mapped(request, progress)

    def _call(
        self,
        request: HttpRequest,
        progress: _Progress,
        found: Found,
        arrival: Arrival,
        call_id: str,
    ) -> HttpResponse | None:
        """Have the function called; return the answer to an event that it did not finish."""
        event = proxy_event(request, found, self.api, progress.path, arrival)
        function = self._lab.template.function(found.route.function).name
        begun = self._clock()

        def called(status: int | None) -> Call:
            return Call(call_id, function, begun, self._clock(), status)

        try:
            future = self._lab.invoke_async(event, function, trace_header=arrival.trace_header)
            progress.event = event
            invocation = future.result(found.route.timeout_ms / 1000)
        except RequestTooLargeError:
            return progress.fail(answers.TOO_LARGE, "Lambda takes an event of 6 MB, all in all")
        except TooManyRequestsError:
            progress.call = called(HTTPStatus.TOO_MANY_REQUESTS)
            return progress.fail(
                answers.LAMBDA_THROTTLED, "Lambda throttled the function: it answered 429"
            )
        except FutureTimeoutError:
            progress.call = called(None)
            seconds = found.route.timeout_ms / 1000
            return progress.fail(answers.TIMED_OUT, f"no answer within {seconds:g} s")
        progress.call = called(HTTPStatus.OK)
        progress.invocation = invocation
        return None

    def _mapped(self, request: HttpRequest, progress: _Progress) -> HttpResponse:
        """Make the response of what the function answered."""
        invocation = progress.invocation
        assert invocation is not None  # noqa: S101 - it has just ended; for the type
        if invocation.function_error is not None:
            return progress.fail(answers.MALFORMED, f"the function ended in {_failure(invocation)}")
        try:
            return answers.mapped(
                invocation.payload,
                accept=request.header("accept"),
                binary_types=self.api.binary_types,
            )
        except answers.MalformedAnswerError as error:
            return progress.fail(answers.MALFORMED, f"malformed Lambda proxy response: {error}")

    def _logged(
        self,
        request: HttpRequest,
        response: HttpResponse,
        progress: _Progress,
        arrival: Arrival,
        trace_id: str,
        end: float,
    ) -> tuple[LogEvent, ...]:
        """Write the access log's line and the metrics' record."""
        latency = (end - arrival.time) * 1000
        call, route = progress.call, progress.found.route if progress.found else None
        integration = (call.end - call.start) * 1000 if call else None
        detailed = self.api.detailed_metrics and route is not None
        record = gateway_metrics.record(
            self.api.name,
            self.api.stage,
            timestamp=arrival.epoch_ms,
            status=response.status,
            latency_ms=latency,
            integration_latency_ms=integration,
            method=request.method if detailed else None,
            resource=route.resource if detailed and route else None,
        )
        moment = int(end * 1000)
        events = [
            LogEvent(gateway_metrics.LOG_GROUP, self._stream, moment, json.dumps(record)),
        ]
        if self.api.access_log:
            values = self._context(request, response, progress, arrival, trace_id)
            values["responseLatency"] = round(latency)
            line = access_log.written(self.api.access_log.format, values)
            events.insert(0, LogEvent(self.api.access_log.group, self._stream, moment, line))
        return tuple(events)

    def _context(
        self,
        request: HttpRequest,
        response: HttpResponse,
        progress: _Progress,
        arrival: Arrival,
        trace_id: str,
    ) -> dict[str, object]:
        """Return the `$context` variables that have a value here."""
        api, call = self.api, progress.call
        values: dict[str, object] = {
            "accountId": ACCOUNT_ID,
            "apiId": api.id,
            "deploymentId": "local",
            "domainName": domain_name(api, REGION),
            "domainPrefix": api.id,
            "extendedRequestId": arrival.extended_request_id,
            "httpMethod": request.method,
            "identity.sourceIp": request.source_ip,
            "identity.userAgent": request.header("user-agent"),
            "isCanaryRequest": False,
            "path": f"/{api.stage}{progress.path}",
            "protocol": request.protocol,
            "requestId": arrival.request_id,
            "requestTime": arrival.clf_time,
            "requestTimeEpoch": arrival.epoch_ms,
            "responseLength": len(response.body),
            "stage": api.stage,
            "status": response.status,
            "xrayTraceId": trace_id,
        }
        if progress.found:
            resource = progress.found.route.resource
            values |= {"resourcePath": resource, "resourceId": resource_id(resource)}
        if error := progress.error:
            values |= {
                "error.message": error.message,
                "error.messageString": error.message,
                "error.responseType": error.kind,
            }
        if call:
            latency = round((call.end - call.start) * 1000)
            values |= {"integrationLatency": latency, "integration.latency": latency}
            # What Lambda said of the call; `integration.status` is what the function said itself.
            values |= {
                "integration.integrationStatus": call.status,
                "integrationStatus": call.status,
            }
            if progress.invocation:
                values["integration.requestId"] = progress.invocation.request_id
                values["awsEndpointRequestId"] = progress.invocation.request_id
            if progress.error is None:
                values["integration.status"] = response.status
            else:
                values["integration.error"] = progress.reason
                values["integrationErrorMessage"] = progress.reason
        return values


class _Bucket:
    """A token bucket: so many requests a second, and so many at once."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at: float | None = None
        self._lock = threading.Lock()

    def take(self, now: float) -> bool:
        """Take a token; tell whether there was one."""
        with self._lock:
            passed = 0.0 if self._at is None else max(0.0, now - self._at)
            self._at = now
            self._tokens = min(self._limit.burst, self._tokens + passed * self._limit.rate)
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


def _failure(invocation: Invocation) -> str:
    """Name an invocation's failure, without the words of the error, which may be private."""
    if invocation.status == "timeout":
        return "a time-out"
    try:
        error: Mapping[str, Any] = json.loads(invocation.payload)
        return str(error.get("errorType") or "an error")
    except (ValueError, AttributeError):
        return "an error"
