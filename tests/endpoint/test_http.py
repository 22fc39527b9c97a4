"""What is answered before any service is asked, and to what means nothing."""

import asyncio
import gc
import gzip
import json
import re
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.endpoint.conftest import TOKEN
from workshop.endpoint.app import DECK_MAY_SEND, Endpoint
from workshop.endpoint.http import MAX_BODY_BYTES, Response, Server

ROOT = Path(__file__).parents[2]
LOGS = {"X_Amz_Target": "Logs_20140328.DescribeLogGroups"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", ""])
def test_a_foreign_host_is_refused(raw, endpoint, host):
    status, _, body = raw("POST", "/", b"{}", Host=host.format(port=endpoint.port), **LOGS)

    assert status == 403
    assert b"no other name" in body


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_a_web_page_of_another_origin_is_refused(raw, origin):
    status, _, body = raw("POST", "/", b"{}", Origin=origin, **LOGS)

    assert status == 403
    assert b"no web page" in body


@pytest.mark.parametrize("origin", ["http://127.0.0.1:3030", "http://localhost:3030"])
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_the_deck_is_let_in_by_its_own_origin(raw, origin, site):
    asked = b'{"StartTime": 1, "EndTime": 2}'
    given = {"Origin": origin, "Sec_Fetch_Site": site}
    status, headers, _ = raw("POST", "/TraceSummaries", asked, **given)

    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Vary"] == "Origin"


def test_the_deck_may_send_what_its_panels_ask_and_nothing_else():
    panels = (ROOT / "slides" / "components" / "lab.ts").read_text(encoding="utf-8")
    asked = re.findall(r"ask\('([^']*)', (?:\w+|'[^']*'), '([^']*)'", panels)

    assert set(asked) == DECK_MAY_SEND


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/", "Logs_20140328.CreateLogGroup"),
        ("POST", "/", "Logs_20140328.DeleteLogGroup"),
        ("POST", "/", "Logs_20140328.PutLogEvents"),
        ("POST", "/2015-03-31/functions/echo/invocations", ""),
        ("POST", "/2015-03-31/functions/echo/invocations", "Logs_20140328.FilterLogEvents"),
        ("POST", "/TraceSegments", ""),
        ("POST", "/%54raceSegments", ""),
        ("GET", "/2015-03-31/functions", ""),
        ("GET", "/workshop/health", ""),
        ("POST", "/workshop/health", "Logs_20140328.FilterLogEvents"),
    ],
)
def test_a_page_at_the_decks_port_may_change_and_invoke_nothing(raw, method, path, target):
    given = {"X_Amz_Target": target} if target else {}
    status, _, body = raw(method, path, b"{}", Origin="http://localhost:3030", **given)

    assert status == 403
    assert b"a web page may not ask for this" in body


def test_the_decks_browser_is_told_beforehand_what_it_may_send(raw):
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "x"}
    status, headers, body = raw("OPTIONS", "/", Origin="http://127.0.0.1:3030", **asked)

    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:3030"
    assert headers["Access-Control-Allow-Methods"] == "POST"
    assert headers["Access-Control-Allow-Headers"] == "Content-Type, X-Amz-Target"
    assert raw("POST", "/", b"{}", **LOGS)[0] == 200  # on the same connection


@pytest.mark.parametrize(
    "origin",
    [
        "https://127.0.0.1:3030",
        "http://127.0.0.1:3031",
        "http://127.0.0.1",
        "http://localhost:30300",
        "http://evil.example:3030",
        "http://127.0.0.1:3030.evil.example",
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
def test_an_origin_that_is_almost_the_decks_is_refused(raw, method, origin):
    status, headers, _ = raw(method, "/", b"{}", Origin=origin, **LOGS)

    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


def test_nobody_else_is_told_that_a_page_may_read(raw):
    assert "Access-Control-Allow-Origin" not in raw("POST", "/", b"{}", **LOGS)[1]


def test_the_deck_under_another_host_is_refused(raw):
    given = {"Origin": "http://127.0.0.1:3030", "Host": "evil.example"}

    assert raw("POST", "/", b"{}", **given, **LOGS)[0] == 403


def test_a_request_that_a_browser_calls_cross_site_is_refused(raw):
    assert raw("GET", "/2015-03-31/functions", Sec_Fetch_Site="cross-site")[0] == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_its_own_names_are_served(raw, endpoint, name):
    assert raw("POST", "/", b"{}", Host=f"{name}:{endpoint.port}", **LOGS)[0] == 200


def test_health_tells_the_token(raw):
    assert json.loads(raw("GET", "/workshop/health")[2])["token"] == TOKEN


def test_a_body_that_is_too_large_is_refused_and_the_connection_goes_on(raw):
    status, _, body = raw("POST", "/", b" " * (MAX_BODY_BYTES + 1), **LOGS)

    assert status == 413
    assert b"larger than" in body
    assert raw("POST", "/", b"{}", **LOGS)[0] == 200


def test_a_body_that_unzips_to_too_much_is_refused(raw):
    bomb = gzip.compress(b" " * (MAX_BODY_BYTES + 1))

    status, _, body = raw("POST", "/", bomb, Content_Encoding="gzip", **LOGS)

    assert status == 413
    assert b"larger than" in body


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"x"', b"\xff\xfe", b'{"limit": NaN}', b"[" * 100_000, b'{"a":' * 100_000],
)
def test_what_is_no_json_object_gets_a_serialization_exception(raw, body):
    status, headers, answer = raw("POST", "/", body, **LOGS)

    assert status == 400
    assert headers["x-amzn-ErrorType"] == "SerializationException"
    assert json.loads(answer)["message"]


def test_half_a_surrogate_pair_is_refused(raw):
    target = "Logs_20140328.FilterLogEvents"
    body = b'{"logGroupName": "/aws/lambda/echo", "logStreamNames": ["\\ud800"]}'

    status, headers, _ = raw("POST", "/", body, X_Amz_Target=target)

    assert (status, headers["x-amzn-ErrorType"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("target", "served"),
    [
        ("Logs_20140328.TagLogGroup", "StartQuery"),
        ("GraniteServiceVersion20100801.PutDashboard", "GetMetricData"),
        ("Kinesis_20131202.PutRecord", "GetTraceSummaries"),
        ("", "GetTraceSummaries"),
    ],
)
def test_an_unknown_operation_is_told_what_is_served(raw, target, served):
    status, headers, body = raw("POST", "/", b"{}", X_Amz_Target=target)

    assert (status, headers["x-amzn-ErrorType"]) == (400, "UnknownOperationException")
    assert served in json.loads(body)["message"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/Groups"), ("GET", "/")])
def test_an_unknown_path_is_told_what_is_served(raw, method, path):
    status, headers, body = raw(method, path)

    assert (status, headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")
    assert "GetTraceSummaries" in json.loads(body)["message"]


def test_a_target_that_is_no_path_is_told_so(raw):
    assert raw("GET", "//[")[0] == 400


def test_a_client_of_the_query_protocol_gets_an_error_that_it_can_read(raw):
    form = "application/x-www-form-urlencoded"

    _, headers, body = raw("POST", "/", b"Action=ListMetrics", Content_Type=form)

    assert headers["Content-Type"] == "text/xml"
    assert b"<Code>UnknownOperationException</Code>" in body


def test_a_member_that_is_not_offered_is_refused_by_name(raw):
    body = b'{"logGroupName": "x", "kmsKeyId": "k"}'

    status, _, answer = raw("POST", "/", body, X_Amz_Target="Logs_20140328.CreateLogGroup")

    assert status == 400
    assert "kmsKeyId" in json.loads(answer)["message"]


def test_what_is_not_http_is_told_so(endpoint):
    with socket.create_connection(("127.0.0.1", endpoint.port)) as connection:
        connection.sendall(b"hello\r\n\r\n")
        answer = connection.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 400 ")


def told(endpoint, request):
    """Send bytes; return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=20) as connection:
        connection.sendall(request.replace(b"HOST", f"127.0.0.1:{endpoint.port}".encode()))
        return connection.makefile("rb").read()


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: +5",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: xchunked",
        b"Host: 127.0.0.1",
        b"A : b",
        b"A: b\0c",
        b"A: b\rc",
    ],
)
def test_a_request_that_two_might_read_differently_is_refused_whole(endpoint, lines):
    hidden = b"GET /workshop/health HTTP/1.1\r\nHost: HOST\r\n\r\n"
    answer = told(
        endpoint, b"POST / HTTP/1.1\r\nHost: HOST\r\n" + lines + b"\r\n\r\n0\r\n\r\n" + hidden
    )

    assert re.findall(rb"^HTTP/1.1 (\d+)", answer, re.MULTILINE) in ([b"400"], [b"501"])
    assert b"connection: close" in answer.lower()


def test_a_body_in_chunks_is_read(endpoint):
    body = b"1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n"
    answer = told(
        endpoint,
        b"POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        b"X-Amz-Target: Logs_20140328.DescribeLogGroups\r\n\r\n" + body,
    )

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_who_waits_to_send_a_body_is_told_to_go_on(endpoint):
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{endpoint.port}\r\nExpect: 100-continue\r\n"
    head += "X-Amz-Target: Logs_20140328.DescribeLogGroups\r\nContent-Length: 2\r\n"
    with socket.create_connection(("127.0.0.1", endpoint.port), timeout=20) as connection:
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        answer = connection.makefile("rb")
        assert answer.readline().startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert b"HTTP/1.1 200 " in answer.read()


def test_a_head_is_answered_without_a_body(endpoint):
    answer = told(
        endpoint,
        b"HEAD /workshop/health HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.fixture
def deaths(monkeypatch):
    """What threads died of."""
    found = []
    monkeypatch.setattr(threading, "excepthook", lambda death: found.append(death.exc_value))
    return found


def server_answering(response):
    def answer(_):
        if isinstance(response, Exception):
            raise response
        return response

    return Server(answer)


UNSENDABLE_BODIES = [Response(204, b"a body"), Response(304, b"a body")]
UNSENDABLE = [
    Response(100, b""),
    Response(101, b""),
    Response(200, b"", {"X": "a\nb"}),
    Response(200, b"", {"X": "\u20ac"}),
    ValueError("wrong"),
]


@pytest.mark.parametrize(
    ("method", "response"),
    [
        *((b"GET", response) for response in UNSENDABLE_BODIES + UNSENDABLE),
        *((b"HEAD", response) for response in UNSENDABLE),
    ],
    ids=repr,
)
def test_who_asks_for_what_cannot_be_sent_is_told_that_the_server_failed(deaths, method, response):
    asked = method + b" / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
    with closing(server_answering(response)) as server:
        for _ in range(2):
            assert told(server, asked).startswith(b"HTTP/1.1 500 ")

    assert len(deaths) == 1, "it is told of once"


def test_what_fails_in_the_servers_loop_is_told_of_as_a_thread_that_died(deaths):
    error = ValueError("in a callback")

    def refuse(*_):
        raise error

    with closing(Server(lambda _: Response(200, b""), refuse=refuse)) as server:
        for _ in range(2):
            assert told(server, b"nonsense\r\n\r\n") == b""

    assert deaths == [error]


def test_a_header_is_sent_in_latin_1(deaths):
    with closing(server_answering(Response(200, b"", {"X": "caf\u00e9"}))) as server:
        answer = told(server, b"GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")

    assert b"X: caf\xe9\r\n" in answer
    assert deaths == []


def test_nonsense_after_a_head_is_told_so_with_a_body(endpoint, deaths):
    head = b"HEAD /workshop/health HTTP/1.1\r\nHost: HOST\r\n\r\n"

    assert b"this is no HTTP/1.1 request" in told(endpoint, head + b"nonsense\r\n\r\n")
    assert deaths == []


def test_requests_sent_in_one_go_are_answered_in_order(endpoint):
    head = f"Host: 127.0.0.1:{endpoint.port}\r\n"
    first = f"GET /workshop/health HTTP/1.1\r\n{head}\r\n"
    second = f"GET /nowhere HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", endpoint.port)) as connection:
        connection.sendall((first + second).encode())
        answer = connection.makefile("rb").read()

    assert answer.index(b"HTTP/1.1 200") < answer.index(b"HTTP/1.1 404")


def test_who_sends_on_while_a_request_is_answered_is_held_back():
    answered = threading.Event()

    def answer(_):
        answered.wait(60)
        return Response(200, b"")

    with closing(Server(answer)) as server:
        asked = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", server.port), timeout=2) as connection:
            with pytest.raises(TimeoutError):
                connection.sendall(asked + bytes(64 * 1024 * 1024))
            answered.set()
            assert connection.recv(12) == b"HTTP/1.1 200"


def test_who_does_not_read_is_sent_no_more_and_in_the_end_everything():
    requests, body = 200, bytes(256 * 1024)
    answered = []

    def answer(_):
        answered.append(1)
        return Response(200, body)

    with closing(Server(answer)) as server:
        head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n".encode()
        asked = (head + b"\r\n") * (requests - 1) + head + b"Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(asked)
            before = -1
            while before < len(answered) < requests:
                before = len(answered)
                time.sleep(0.3)

            assert len(answered) < requests / 2
            assert connection.makefile("rb").read().count(b"HTTP/1.1 200") == requests


def test_a_slow_request_does_not_hold_up_others(raw, aws):
    slow = threading.Thread(
        target=aws("lambda").invoke, kwargs={"FunctionName": "echo", "Payload": b'{"sleep": 3}'}
    )
    slow.start()
    time.sleep(0.2)

    assert raw("GET", "/workshop/health")[0] == 200

    assert slow.is_alive()
    slow.join()


def test_a_client_that_goes_away_in_the_middle_hurts_nobody(endpoint, raw):
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{endpoint.port}\r\nContent-Length: 100\r\n\r\n{{"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", endpoint.port)) as connection:
            connection.sendall(head.encode())

    assert raw("GET", "/workshop/health")[0] == 200


def test_a_port_that_is_taken_is_an_error_of_the_system(endpoint, function):
    with pytest.raises(OSError, match="in use"):
        Endpoint(function / "template.yaml", None, port=endpoint.port)


def test_at_the_port_of_http_a_host_without_a_port_is_its_own():
    try:
        server = Server(lambda _: Response(200, b""), port=80)
    except OSError:
        pytest.skip("port 80 is not ours to take")
    with closing(server):
        assert told(server, b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").startswith(
            b"HTTP/1.1 200 "
        )


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_server_whose_closing_is_interrupted_leaves_nothing_undone_behind(monkeypatch, calls):
    server = Server(lambda _: Response(200, b""))
    hand_over = asyncio.BaseEventLoop.call_soon_threadsafe
    left = iter(range(calls))

    def interrupt(loop, *given, **named):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return hand_over(loop, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(asyncio.BaseEventLoop, "call_soon_threadsafe", interrupt)
        with pytest.raises(KeyboardInterrupt):
            server.close()
    gc.collect()  # pytest makes an error of a coroutine that was never awaited

    server.close()
