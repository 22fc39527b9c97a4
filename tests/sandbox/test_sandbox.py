"""The two small functions that stand beside the application where it is deployed."""

import base64
import hashlib
import importlib.util
import json
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import botocore.exceptions
import pytest

from workshop.processor import cards, service

ROOT = Path(__file__).parents[2]


class Table:
    """A DynamoDB table with what the processor uses of it, condition and all."""

    def __init__(self):
        self.items = {}
        self.lock = threading.Lock()

    def put_item(self, Item, ConditionExpression, ExpressionAttributeNames):  # noqa: N803
        assert ConditionExpression == "attribute_not_exists(#key)"
        assert ExpressionAttributeNames == {"#key": "key"}
        with self.lock:
            if Item["key"] in self.items:
                error = {"Error": {"Code": "ConditionalCheckFailedException"}}
                raise botocore.exceptions.ClientError(error, "PutItem")
            self.items[Item["key"]] = Item

    def get_item(self, Key, ConsistentRead):  # noqa: N803
        assert ConsistentRead
        return {"Item": self.items[Key["key"]]}


def load(name, monkeypatch):
    spec = importlib.util.spec_from_file_location(name, ROOT / "sandbox" / name / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def table():
    return Table()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def charge(table, slept, monkeypatch):
    """Ask the processor to charge a card with this ending."""
    boto3 = SimpleNamespace(resource=lambda _: SimpleNamespace(Table=lambda _: table))
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setenv("CHARGES_TABLE", "charges")
    processor = load("processor", monkeypatch)
    monkeypatch.setattr(processor.time, "sleep", slept.append)

    def ask(ending, key="key", amount=5, **event):
        card = {"number": f"424242424242{ending}", "cvc": "123", "holder": "Ada"}
        body = json.dumps({"card": card, "amount": amount, "currency": "EUR"})
        headers = {"Idempotency-Key": key} if key else {}
        answer = processor.handler({"headers": headers, "body": body, **event}, None)
        return answer["statusCode"], json.loads(answer["body"])

    ask.module = processor
    return ask


def test_it_knows_the_same_cards_as_the_processor_of_the_steps(charge):
    module = charge.module
    assert (module.UNAVAILABLE, module.FLAKY, module.SLOW, module.DECLINED) == (
        cards.UNAVAILABLE,
        cards.FLAKY,
        cards.SLOW,
        cards.DECLINED,
    )
    assert module.SLOW_SECONDS == service.SLOW_SECONDS


def test_a_key_is_charged_once(charge):
    status, first = charge("4242")
    assert status == 200
    assert first["charge_id"].startswith("ch_")
    assert charge("4242") == (200, first)
    assert charge("4242", key="another")[1]["charge_id"] != first["charge_id"]


def test_without_a_key_each_is_a_charge_of_its_own(charge):
    assert charge("4242", key="")[1] != charge("4242", key="")[1]


def test_a_key_of_another_payment_is_refused(charge):
    charge("4242")
    assert charge("4242", amount=6)[0] == 422
    assert charge("1881")[0] == 422


def test_down_declined_and_nonsense(charge, table):
    assert charge("0119")[0] == charge("0119")[0] == 503
    assert charge("0002")[0] == 402
    assert charge("4242", body="no json")[0] == 400
    assert charge("4242", body=None)[0] == 400
    assert charge("4242", body='{"card": []}')[0] == 400
    assert table.items == {}


def test_one_card_fails_on_the_first_try_alone(charge):
    assert [charge("0259")[0] for _ in range(3)] == [503, 200, 200]


def test_one_card_is_slow_on_the_first_try_alone(charge, slept):
    first = charge("0341")
    assert slept == [3]
    assert charge("0341") == first
    assert slept == [3]


def test_a_body_in_base64_is_read(charge):
    body = {"card": {"number": "4242424242424242"}, "amount": 5, "currency": "EUR"}
    encoded = base64.b64encode(json.dumps(body).encode()).decode()
    assert charge("4242", body=encoded, isBase64Encoded=True)[0] == 200


def test_no_card_number_is_kept(charge, table):
    charge("4242")
    assert "4242424242424242" not in str(table.items)
    (item,) = table.items.values()
    assert set(item) == {"key", "purpose", "expires"}


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Release a file to the model's file system."""
    monkeypatch.setenv("MODEL_MOUNT", str(tmp_path))
    module = load("model_release", monkeypatch)
    context = SimpleNamespace(aws_request_id="request")

    def put(name, content, **event):
        encoded = base64.b64encode(content).decode()
        return module.handler({"name": name, "content": encoded, **event}, context)

    return put


def test_a_release_is_put_there_whole(release, tmp_path):
    (tmp_path / "current.txt").write_text("fraud-1.0.0.onnx")
    digest = hashlib.sha256(b"model").hexdigest()
    answer = release("fraud-2.0.0.onnx", b"model", sha256=digest)
    assert answer["files"] == ["current.txt", "fraud-2.0.0.onnx"]
    assert (tmp_path / "fraud-2.0.0.onnx").read_bytes() == b"model"
    release("current.txt", b"fraud-2.0.0.onnx")
    assert (tmp_path / "current.txt").read_bytes() == b"fraud-2.0.0.onnx"


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", ".hidden", "", "a/b"])
def test_nothing_is_written_elsewhere(release, tmp_path, name):
    with pytest.raises(ValueError, match="not a plain file name"):
        release(name, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_release_that_came_damaged_is_refused_and_leaves_the_old_one(release, tmp_path):
    release("model.onnx", b"old")
    with pytest.raises(ValueError, match=r"model\.onnx came as"):
        release("model.onnx", b"new", sha256="0" * 64)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == b"old"
