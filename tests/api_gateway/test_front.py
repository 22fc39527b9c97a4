"""Requests through the front, to a real function: the event, the answers, what is told of them."""

import json
import re
import uuid
from concurrent.futures import Future
from dataclasses import replace

import pytest

from workshop.api_gateway import Front, HttpRequest
from workshop.api_gateway.rest_api import Limit
from workshop.lab import Lab
from workshop.local_lambda import TooManyRequestsError
from workshop.metrics import emf
from workshop.traces import assemble

TRACE = "1-6b044e0b-20aa465bb4f391f6beebf261"


def body(exchange):
    return json.loads(exchange.response.body)


def access(exchange):
    return json.loads(exchange.log_events[0].message)


def points(exchange):
    return {
        (point.name, *point.dimensions.values()): point.values[0]
        for event in exchange.log_events
        for point in emf.read(event).points
    }


def test_the_event_has_every_documented_key(ask):
    one = ask(
        {"é": 1},
        ("Content-Type", "application/json"),
        ("X-Two", "a"),
        ("x-two", "b"),
        ("User-Agent", "me"),
        ("X-Forwarded-For", "198.51.100.1"),
        target="/v1/things/a%20b?x=1&x=2&y=%C3%A9&z",
    )
    event = body(one)
    context = event.pop("requestContext")
    assert event == {
        "resource": "/things/{id}",
        "path": "/things/a%20b",
        "httpMethod": "POST",
        "headers": {
            "Content-Type": "application/json",
            "X-Two": "b",
            "User-Agent": "me",
            "X-Amzn-Trace-Id": one.response.header("X-Amzn-Trace-Id"),
            "X-Forwarded-For": "198.51.100.1, 127.0.0.1",
            "X-Forwarded-Port": "443",
            "X-Forwarded-Proto": "https",
        },
        "multiValueHeaders": {
            "Content-Type": ["application/json"],
            "X-Two": ["a", "b"],
            "User-Agent": ["me"],
            "X-Amzn-Trace-Id": [one.response.header("X-Amzn-Trace-Id")],
            "X-Forwarded-For": ["198.51.100.1, 127.0.0.1"],
            "X-Forwarded-Port": ["443"],
            "X-Forwarded-Proto": ["https"],
        },
        "queryStringParameters": {"x": "2", "y": "é", "z": ""},
        "multiValueQueryStringParameters": {"x": ["1", "2"], "y": ["é"], "z": [""]},
        "pathParameters": {"id": "a b"},
        "stageVariables": {"colour": "blue"},
        "body": '{"\\u00e9": 1}',
        "isBase64Encoded": False,
    }
    assert context.pop("requestId") == one.request_id == one.response.header("x-amzn-RequestId")
    assert context.pop("extendedRequestId") == one.response.header("x-amz-apigw-id")
    assert re.fullmatch(
        r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.pop("requestTime")
    )
    assert isinstance(context.pop("requestTimeEpoch"), int)
    identity = context.pop("identity")
    assert (identity.pop("sourceIp"), identity.pop("userAgent")) == ("127.0.0.1", "me")
    assert set(identity.values()) == {None}
    assert {key: context[key] for key in ("path", "stage", "protocol", "httpMethod")} == {
        "path": "/v1/things/a%20b",
        "stage": "v1",
        "protocol": "HTTP/1.1",
        "httpMethod": "POST",
    }
    assert {"accountId", "apiId", "domainName", "domainPrefix", "resourceId", "resourcePath"} < set(
        context
    )


def test_what_is_not_there_is_null(ask):
    event = body(ask(method="GET"))
    for key in ("queryStringParameters", "multiValueQueryStringParameters", "body"):
        assert event[key] is None


def test_a_greedy_parameter_holds_the_rest_of_the_path(ask):
    event = body(ask(method="GET", target="/v1/files/a/b%2Fc"))
    assert event["pathParameters"] == {"proxy": "a/b/c"}


def test_a_binary_body_comes_in_base64(lab, ask):
    png = ask(None, ("Content-Type", "image/png"), body=b"\x89PNG\xff")
    assert png.event["body"] == "iVBOR/8="
    assert png.event["isBase64Encoded"]
    text = ask(None, ("Content-Type", "text/plain"), body=b"\x89")
    assert text.event["body"] == "�"


def test_the_answer_is_handed_on_with_the_ids(ask):
    one = ask({"answer": {"statusCode": 402, "headers": {"x-amzn-requestid": "mine"}, "body": "b"}})
    assert (one.response.status, one.response.body, one.reason) == (402, b"b", "")
    assert uuid.UUID(one.response.header("x-amzn-requestid")) == uuid.UUID(one.request_id)
    assert sum(name.lower() == "x-amzn-requestid" for name, _ in one.response.headers) == 1


@pytest.mark.parametrize(
    ("target", "method", "message"),
    [
        ("/v1/nowhere", "GET", "Missing Authentication Token"),
        ("/v1", "GET", "Missing Authentication Token"),
        ("/v1/files/a", "POST", "Missing Authentication Token"),
        ("/v2/things/7", "GET", "Forbidden"),
        ("/", "GET", "Forbidden"),
    ],
)
def test_what_leads_nowhere_is_403(ask, target, method, message):
    one = ask(method=method, target=target)
    assert (one.response.status, body(one)) == (403, {"message": message})
    assert one.response.header("content-type") == "application/json"
    assert one.invocation is None


def test_a_function_that_fails_is_502_and_its_words_stay_inside(ask):
    one = ask({"raise": "a secret"})
    assert (one.response.status, body(one)) == (502, {"message": "Internal server error"})
    assert one.reason == "the function ended in ValueError"
    assert "secret" not in one.log_events[0].message
    assert access(one)["own"] == "-"


def test_an_answer_that_is_none_is_502_and_the_reason_is_told(ask):
    one = ask({"answer": {"statusCode": 200, "body": {"a": 1}}})
    assert (one.response.status, body(one)) == (502, {"message": "Internal server error"})
    assert one.reason == "malformed Lambda proxy response: the body is an object, not text"
    assert access(one)["why"] == one.reason


def test_a_function_that_takes_too_long_is_504(ask):
    one = ask({"sleep": 0.4}, target="/v1/slow")
    assert (one.response.status, body(one)) == (504, {"message": "Endpoint request timed out"})
    assert one.invocation is None
    assert one.segments[0]["subsegments"][0]["fault"] is True


def test_an_event_larger_than_lambda_takes_is_413(ask):
    one = ask(body=b"x" * (6 * 1024 * 1024))
    assert (one.response.status, body(one)) == (413, {"message": "Request Too Long"})


def test_a_function_that_is_throttled_is_500_as_the_service_has_it(lab, front):
    class Busy:
        template = lab.template

        @staticmethod
        def invoke_async(*_, **__):
            future = Future()
            future.set_exception(TooManyRequestsError(function_name="echo", limit=2, reserved=True))
            return future

    one = Front(Busy(), front.api).answer(HttpRequest("GET", "/v1/things/1"))
    assert (one.response.status, body(one)) == (500, {"message": "Internal server error"})
    assert "429" in one.reason
    assert one.segments[0]["subsegments"][0]["throttle"] is True


def test_a_stage_that_is_throttled_is_429_until_a_token_is_there(lab, front):
    now = [1000.0]
    limited = Front(
        lab, replace(front.api, limits=(Limit("/*", "*", 2.0, 1),)), clock=lambda: now[0]
    )

    def status():
        return limited.answer(HttpRequest("GET", "/v1/things/1")).response.status

    assert [status(), status()] == [200, 429]
    now[0] += 0.4
    assert status() == 429
    now[0] += 0.2
    assert [status(), status()] == [200, 429]


def test_the_access_log_has_one_line_for_each_request(ask):
    one = ask({"answer": {"statusCode": 402}}, ("User-Agent", 'a "b"'))
    assert one.log_events[0].log_group == "/api/shop"
    assert access(one) | {"waited": "?"} == {
        "id": one.request_id,
        "status": "402",
        "agent": 'a "b"',
        "error": "-",
        "type": "-",
        "route": "/things/{id}",
        "trace": one.trace_id,
        "own": "402",
        "why": "-",
        "waited": "?",
    }


def test_the_access_log_tells_of_what_reached_no_function(ask):
    line = access(ask(target="/v1/nowhere"))
    assert line["error"] == "Missing Authentication Token"
    assert (line["status"], line["type"]) == ("403", "MISSING_AUTHENTICATION_TOKEN")
    assert (line["route"], line["own"]) == ("-", "-")


def test_another_stage_leaves_nothing(ask):
    one = ask(target="/v2/things/7")
    assert (one.log_events, one.segments) == ((), ())


def test_telemetry_is_in_the_store_when_the_answer_is_there(ask, store):
    one = ask({"answer": {"statusCode": 200}})
    assert one.log_events[0] in store.log_events("/api/shop")
    (trace,) = store.traces(one.trace_id)
    assert not trace.is_partial


def test_the_stage_is_the_root_of_the_trace_and_lambda_hangs_below_it(ask):
    one = ask({"answer": {"statusCode": 503}})
    (trace,) = assemble([*one.segments, *one.invocation.segments])
    assert not trace.is_partial
    assert [(depth, span.name, span.origin) for depth, span in trace.flat()][:4] == [
        (0, "shop/v1", "AWS::ApiGateway::Stage"),
        (1, "Lambda", None),
        (2, "echo", "AWS::Lambda"),
        (3, "echo", "AWS::Lambda::Function"),
    ]
    root = trace.spans[0]
    assert (root.fault, root.error, root.children[0].fault) == (True, False, False)
    assert root.document["http"]["response"]["status"] == 503
    assert root.document["http"]["request"]["method"] == "POST"
    assert one.trace_id == one.invocation.trace_id


@pytest.mark.parametrize(
    ("status", "flags"),
    [(200, ()), (404, ("error",)), (429, ("error", "throttle")), (500, ("fault",))],
)
def test_a_status_has_its_flags(ask, status, flags):
    document = ask({"answer": {"statusCode": status}}).segments[0]
    assert tuple(flag for flag in ("error", "throttle", "fault") if document.get(flag)) == flags


def test_the_callers_trace_goes_on(ask):
    header = f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1"
    one = ask({"answer": {"statusCode": 200}}, ("x-amzn-trace-id", header))
    assert one.trace_id == one.invocation.trace_id == TRACE
    assert one.segments[0]["parent_id"] == "53995c3f42cd8ad8"
    assert f"Root={TRACE};" in one.response.header("X-Amzn-Trace-Id")


def test_who_does_not_want_to_be_traced_is_not(ask):
    one = ask({"answer": {"statusCode": 200}}, ("X-Amzn-Trace-Id", f"Root={TRACE};Sampled=0"))
    assert (one.segments, one.invocation.segments) == ((), ())


def test_without_tracing_lambda_begins_the_trace_with_the_same_id(lab, front):
    untraced = Front(lab, replace(front.api, tracing=False))
    one = untraced.answer(HttpRequest("GET", "/v1/things/1"))
    assert one.segments == ()
    assert one.invocation.segments
    assert one.invocation.trace_id == one.trace_id
    assert one.response.header("X-Amzn-Trace-Id") == f"Root={one.trace_id}"


def test_each_request_is_measured(ask):
    good, bad = ask({"answer": {"statusCode": 200}}), ask({"answer": {"statusCode": 503}})
    lost = ask(target="/v1/nowhere")
    assert points(good)["Count", "shop"] == points(good)["Count", "shop", "v1"] == 1
    for one, client, server in ((good, 0, 0), (bad, 0, 1), (lost, 1, 0)):
        found = points(one)
        assert (found["4XXError", "shop"], found["5XXError", "shop"]) == (client, server)
    assert 0 < points(good)["IntegrationLatency", "shop"] <= points(good)["Latency", "shop"]
    assert ("IntegrationLatency", "shop") not in points(lost)


def test_detailed_metrics_are_by_method(lab, front):
    detailed = Front(lab, replace(front.api, detailed_metrics=True))
    found = points(detailed.answer(HttpRequest("GET", "/v1/things/1")))
    assert ("Count", "shop", "GET", "/things/{id}", "v1") in {
        (name, *sorted(rest, key=["shop", "GET", "/things/{id}", "v1"].index))
        for name, *rest in found
    }


def test_a_lab_that_is_closed_is_no_answer(front, lab):
    closed = Lab(lab.template)
    closed.close()
    with pytest.raises(RuntimeError, match="closed"):
        Front(closed, front.api).answer(HttpRequest("GET", "/v1/things/1"))
