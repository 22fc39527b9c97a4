"""Nothing is patched but an address: a processor of our own answers on this machine."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import app
import processor
import pytest

CONTEXT = SimpleNamespace(
    function_name="payments",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:payments",
    aws_request_id="r",
)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.headers["Idempotency-Key"], body))
        answer = json.dumps({"charge_id": "ch_1"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.status, server.asked = 200, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(processor, "URL", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        thread.join()


def send(**changes):
    payment = {
        "payment_id": "pay_1",
        "customer_id": "cus_1",
        "amount": 999,
        "currency": "USD",
        "card": {"number": "4242424242424242", "cvc": "123", "holder": "Ada Lovelace"},
        **changes,
    }
    event = {
        "httpMethod": "POST",
        "path": "/payments",
        "requestContext": {"requestId": "req-http"},
        "body": json.dumps(payment),
    }
    return app.handler(event, CONTEXT)["statusCode"]


def test_charged(server, capsys):
    assert send() == 200
    assert [body["amount"] for _, body in server.asked] == [999]
    out = capsys.readouterr().out
    assert '"correlation_id":"req-http"' in out
    assert "4242424242424242" not in out
    assert '"SuccessfulCharge":[1.0]' in out
    assert '{"Name":"ChargeDuration","Unit":"Milliseconds"}' in out


def test_same_key(server):
    assert send() == send() == 200
    assert server.asked[0][0] == server.asked[1][0]


def test_bad(server):
    assert send(amount=0) == 400
    assert server.asked == []


def test_declined(server, capsys):
    server.status = 402
    assert send() == 402
    assert '"DeclinedCharge":[1.0]' in capsys.readouterr().out
    assert len(server.asked) == 1


def test_unavailable(server, capsys):
    server.status = 503
    assert send() == 503
    assert '"FailedCharge":[1.0]' in capsys.readouterr().out
