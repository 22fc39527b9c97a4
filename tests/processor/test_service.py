"""The processor answers as its cards say, fails as it is told to, and keeps its book."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, IncompleteRead
from types import SimpleNamespace

import pytest

from workshop.errors import ToolError
from workshop.processor import service
from workshop.processor.service import Processor

CARD = "4111111111111234"
UNAVAILABLE = "4111111111110119"
FLAKY = "4111111111110259"
SLOW = "4111111111110341"
DECLINED = "4111111111110002"


@pytest.fixture
def processor() -> Iterator[Processor]:
    """A processor on a free port."""
    with Processor() as processor:
        yield processor


def post(processor: Processor, number: str = CARD, **more: object) -> tuple[int, dict]:
    """Ask for a charge, on a connection of its own."""
    key = more.pop("key", None)
    timeout = more.pop("timeout", 5)
    body = {"card": {"number": number}, "amount": 100, "currency": "USD", **more}
    connection = HTTPConnection("127.0.0.1", processor.port, timeout=timeout)
    try:
        headers = {} if key is None else {"Idempotency-Key": key}
        connection.request("POST", "/charges", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_ordinary_card_is_charged(processor: Processor) -> None:
    status, said = post(processor, amount=250, currency="EUR", key="k")
    (charge,) = processor.charges()
    assert (status, said) == (200, charge.answer)
    assert (charge.number, charge.amount, charge.currency, charge.key) == (CARD, 250, "EUR", "k")
    assert said["charge_id"].startswith("ch_")


def test_an_unavailable_one_is_never(processor: Processor) -> None:
    assert [post(processor, UNAVAILABLE)[0] for _ in range(3)] == [503, 503, 503]
    assert processor.charges() == ()
    assert [one.status for one in processor.tries(UNAVAILABLE)] == [503, 503, 503]


@pytest.mark.parametrize("keys", [("a", "a"), (None, None), ("a", "b")])
def test_a_flaky_one_is_charged_at_the_second_try(processor: Processor, keys: tuple) -> None:
    assert [post(processor, FLAKY, key=key)[0] for key in keys] == [503, 200]
    assert len(processor.charges(FLAKY)) == 1


def test_the_next_payment_by_a_flaky_card_fails_at_first_too(processor: Processor) -> None:
    assert [post(processor, FLAKY, key=key)[0] for key in "aabb"] == [503, 200, 503, 200]


def test_a_declined_one_is_told_so(processor: Processor) -> None:
    assert post(processor, DECLINED) == (402, {"error": "card declined"})
    assert processor.charges() == ()


def test_a_slow_charge_is_made_before_its_answer_and_known_by_its_key(
    processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SLOW_SECONDS", 60.0)
    with pytest.raises(TimeoutError):
        post(processor, SLOW, key="a", timeout=0.05)
    (charge,) = processor.charges()
    assert post(processor, SLOW, key="a") == (200, charge.answer)
    assert len(processor.charges()) == 1


@pytest.mark.parametrize("keys", [(None, None), ("a", "b")])
def test_without_its_key_a_charge_is_made_again(processor: Processor, keys: tuple) -> None:
    for key in keys:
        post(processor, key=key)
    assert len(processor.charges()) == 2


def test_a_key_belongs_to_one_payment(processor: Processor) -> None:
    post(processor, key="a")
    assert post(processor, key="a", amount=200)[0] == 422
    assert len(processor.charges()) == 1


def test_one_key_at_the_same_time_is_one_charge(processor: Processor) -> None:
    answers: list[tuple[int, dict]] = []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        answers.append(post(processor, key="a"))

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert answers == [(200, processor.charges()[0].answer)] * 8
    assert len(processor.charges()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"card=4242",
        b"[]",
        b'{"card": "4242"}',
        b'{"card": {"number": "4"}, "amount": 1}',
        b'{"card": {"number": "4"}, "amount": "1", "currency": "USD"}',
        b'{"card": {"number": "4"}, "amount": true, "currency": "USD"}',
        b'{"card": {"number": 4}, "amount": 1, "currency": "USD"}',
    ],
)
def test_what_is_no_charge_is_refused(processor: Processor, body: bytes) -> None:
    connection = HTTPConnection("127.0.0.1", processor.port, timeout=5)
    connection.request("POST", "/charges", body)
    assert connection.getresponse().status == 400
    connection.close()
    assert processor.tries() == ()
    (complaint,) = processor.complaints()
    assert complaint.startswith("POST /charges answered 400: a ")


@pytest.mark.parametrize(("method", "path"), [("GET", "/charges"), ("POST", "/charge")])
def test_another_address_is_not_found(processor: Processor, method: str, path: str) -> None:
    connection = HTTPConnection("127.0.0.1", processor.port, timeout=5)
    connection.request(method, path)
    if method == "POST":
        connection.close()
        connection.request(method, path, "{}")
    answer = connection.getresponse()
    assert (answer.status, "POST /charges" in answer.read().decode()) == (404, True)
    connection.close()
    said = f"{method} {path} answered 404: POST /charges is all there is"
    assert set(processor.complaints()) == {said}


def test_a_connection_serves_again(processor: Processor) -> None:
    connection = HTTPConnection("127.0.0.1", processor.port, timeout=5)
    body = json.dumps({"card": {"number": CARD}, "amount": 1, "currency": "USD"})
    for _ in range(3):
        connection.request("POST", "/charges", body)
        assert connection.getresponse().read()
    connection.close()
    assert len(processor.charges()) == 3


def test_told_to_fail_it_fails_until_it_is_over(processor: Processor) -> None:
    with processor.failing(500):
        assert post(processor)[0] == 500
    assert processor.charges() == ()
    assert post(processor)[0] == 200


def test_told_to_be_silent_it_answers_nobody(processor: Processor) -> None:
    with processor.silent(), pytest.raises(TimeoutError):
        post(processor, timeout=0.05)
    assert processor.charges() == ()
    assert [one.status for one in processor.tries()] == [None]
    assert post(processor)[0] == 200


def test_whoever_waits_for_a_silent_one_is_cut_off_when_it_is_over(processor: Processor) -> None:
    gone: list[type] = []

    def ask() -> None:
        try:
            post(processor)
        except (OSError, HTTPException) as error:
            gone.append(type(error))

    with processor.silent():
        asker = threading.Thread(target=ask)
        asker.start()
        while not processor.tries():
            time.sleep(0.001)
    asker.join(timeout=5)
    assert len(gone) == 1


def test_told_to_refuse_it_does_and_then_listens_at_the_same_address(processor: Processor) -> None:
    port = processor.port
    kept = HTTPConnection("127.0.0.1", port, timeout=5)
    kept.request("GET", "/")
    kept.getresponse().read()
    with processor.refusing():
        with pytest.raises(ConnectionRefusedError):
            post(processor)
        assert kept.sock.recv(1) == b""
    kept.close()
    assert processor.port == port
    assert post(processor)[0] == 200


def test_nobody_else_gets_its_port_while_it_refuses(processor: Processor) -> None:
    refused = pytest.raises(OSError, match="in use")
    with processor.refusing(), refused, socket.socket() as other:
        other.bind(("127.0.0.1", processor.port))


def test_one_that_dies_in_mid_call_has_charged_and_is_gone(processor: Processor) -> None:
    with processor.dying():
        with pytest.raises((ConnectionError, IncompleteRead)):
            post(processor, key="a")
        with pytest.raises(ConnectionRefusedError):
            post(processor, key="a")
        assert len(processor.charges()) == 1
    assert post(processor, key="a") == (200, processor.charges()[0].answer)
    assert len(processor.charges()) == 1


def test_one_that_nobody_called_does_not_die(processor: Processor) -> None:
    with processor.dying():
        pass
    assert post(processor)[0] == 200


def test_a_slow_tail_is_the_same_for_the_same_seed() -> None:
    waits = []

    class Ended:
        def wait(self, seconds: float) -> None:
            waits.append(seconds)

    class Connection:
        server = SimpleNamespace(ended=Ended())

        def say(self, *_: object) -> None:
            pass

    with Processor() as processor:
        for seed in (7, 7, 8):
            with processor.slow_tail(seed=seed, share=0.2, seconds=1.0):
                for _ in range(100):
                    processor.answer((CARD, 1, "USD"), None, Connection())
    first, again, other = waits[:100], waits[100:200], waits[200:]
    assert first == again != other
    assert 10 <= sum(one > 0.1 for one in first) <= 30


def test_a_taken_port_is_said(processor: Processor) -> None:
    with pytest.raises(ToolError, match=f"port {processor.port}: Address already in use"):
        Processor(processor.port)


def test_two_have_a_port_each(processor: Processor) -> None:
    with Processor() as other:
        assert other.port != processor.port
        post(other)
    assert processor.charges() == ()


def test_closing_ends_every_connection_and_thread_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SLOW_SECONDS", 3600.0)  # nobody would wait for its end
    before = threading.active_count()
    processor = Processor()
    with pytest.raises(TimeoutError):
        post(processor, SLOW, timeout=0.05)
    with socket.create_connection(("127.0.0.1", processor.port)):  # and says nothing
        processor.close()
    processor.close()
    assert threading.active_count() == before
