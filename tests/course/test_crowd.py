"""The crowd's payments: reproducible, and with a quiet ordinary day."""

import json
import sys
from collections import Counter
from datetime import datetime
from itertools import islice
from types import ModuleType, SimpleNamespace

import pytest

from workshop.course import api_crowd, crowd
from workshop.lab import Lab
from workshop.load import Incident, Scope, Timed, Window, backfill
from workshop.processor.cards import SLOW, UNAVAILABLE
from workshop.traces import assemble

DAY = Window(1_795_000_000, 1_795_086_400)


def ending(payment):
    return payment["card"]["number"][-4:]


def test_a_seed_gives_the_same_payments_and_another_seed_others():
    first, again, other = (list(crowd.payments(seed, DAY, 1)) for seed in (7, 7, 8))

    assert first == again
    assert first != other


def test_in_good_times_few_fail_and_few_are_slow():
    endings = Counter(ending(one) for one in islice(crowd.endless(7), 20_000))

    assert endings[UNAVAILABLE] / 20_000 == pytest.approx(crowd.FAILING, abs=0.002)
    assert endings[SLOW] / 20_000 == pytest.approx(crowd.CRAWLING, abs=0.002)
    assert set(endings) == {"4242", UNAVAILABLE, SLOW}


def test_an_alarm_on_three_slow_minutes_of_five_stays_quiet_on_most_days():
    past = Window(DAY.start, DAY.start + 3 * 3600)
    went_off = 0
    for seed in range(40):
        slow = {
            int(at - past.start) // 60
            for at, payment in crowd.payments(seed, past, 20)
            if ending(payment) == SLOW
        }
        went_off += any(len(slow & set(range(minute, minute + 5))) >= 3 for minute in range(3 * 60))

    assert went_off <= 3


def test_a_few_customers_pay_often_and_each_in_one_currency():
    payments = list(islice(crowd.endless(7), 5_000))
    often = Counter(one["customer_id"] for one in payments)
    currencies = {(one["customer_id"], one["currency"]) for one in payments}

    assert often.most_common(1)[0][1] > 100
    assert len(often) > 300
    assert len(currencies) == len(often)
    assert {currency for _, currency in currencies} == {"USD", "EUR", "GBP"}


def test_an_incident_changes_the_cards_in_its_scope_and_moves_no_other_payment():
    incident = Incident(DAY.part(0.5, 0.6), "failing", Scope(currency="EUR"))

    quiet = list(crowd.payments(7, DAY, 1))
    struck = list(crowd.payments(7, DAY, 1, incidents=[incident]))

    assert len(quiet) == len(struck)
    for before, after in zip(quiet, struck, strict=True):
        assert before.at == after.at
        hit = incident.strikes(before.event, before.at)
        assert (ending(after.event) == UNAVAILABLE) == (hit or ending(before.event) == UNAVAILABLE)
        if not hit:
            assert before == after


def in_pairs(timed):
    some = list(timed)
    for first, second in zip(some[::2], some[1::2], strict=True):
        yield Timed(second.at, [first.event, second.event])


def test_a_step_gets_payments_unless_it_says_otherwise(step, monkeypatch):
    timed = [Timed(1.0, {"a": 1}), Timed(2.0, {"a": 2})]
    assert list(crowd.events(step, timed)) == timed

    module = ModuleType("a_shape")
    module.in_pairs = in_pairs
    monkeypatch.setitem(sys.modules, "a_shape", module)
    monkeypatch.setitem(crowd.SHAPES, step.name, "a_shape:in_pairs")
    assert list(crowd.events(step, timed)) == [Timed(2.0, [{"a": 1}, {"a": 2}])]


API = """
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: payments
      CodeUri: .
      Handler: app.handler
      Runtime: python3.13
      Tracing: Active
      Events:
        Charge: {Type: Api, Properties: {Path: /charges, Method: post, RestApiId: !Ref Api}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      TracingEnabled: true
      MethodSettings: [{ResourcePath: /*, HttpMethod: "*", ThrottlingBurstLimit: 1}]
      AccessLogSetting:
        DestinationArn: arn:aws:logs:us-east-1:123456789012:log-group:/access
        Format: $context.requestTime $context.status $context.path $context.requestId
"""

BEHIND_THE_API = """
import json

def handler(event, context):
    amount = json.loads(event["body"])["amount"]
    if amount % 5 == 0:
        raise ValueError(amount)
    return {"statusCode": 402 if amount % 2 else 200, "body": str(amount)}
"""


@pytest.fixture
def behind_an_api(tmp_path):
    (tmp_path / "template.yaml").write_text(API)
    (tmp_path / "app.py").write_text(BEHIND_THE_API)
    with Lab.open(tmp_path / "template.yaml") as lab:
        yield lab


def test_where_a_template_has_an_api_the_crowd_goes_through_it(step, behind_an_api):
    past = Window(DAY.start, DAY.start + 600)

    target, events = crowd.at_the_door(step, behind_an_api, crowd.payments(7, past, 6))
    made = list(backfill(target, events, concurrency=4))

    amounts = [one.event["amount"] for one in crowd.payments(7, past, 6)]
    assert len(made) == len(amounts) > 40
    for invocation, amount in zip(made, amounts, strict=True):
        (line,) = (one.message for one in invocation.log_events if one.log_group == "/access")
        access = line.split()
        wanted = 502 if amount % 5 == 0 else 402 if amount % 2 else 200
        assert access[2:4] == [str(wanted), "/v1/charges"]
        if wanted == 502:
            assert invocation.function_error
        else:
            assert json.loads(invocation.payload) == {"statusCode": wanted, "body": str(amount)}
        # The API and the function are one trace, and the access log tells the laid time.
        (trace,) = assemble(invocation.segments)
        origins = [span.origin for _, span in trace.flat()]
        assert "AWS::ApiGateway::Stage" in origins
        assert "AWS::Lambda::Function" in origins
        told = datetime.strptime(" ".join(access[:2]), "%d/%b/%Y:%H:%M:%S %z").timestamp()
        assert past.start - 2 <= told <= past.end + 2
    assert any(one.function_error for one in made)


def test_a_template_without_an_api_is_met_directly(step):
    with Lab.open(step.folder / "template.yaml") as lab:
        target, events = crowd.at_the_door(step, lab, [Timed(1.0, {"a": 1})])

        assert (target, list(events)) == (lab, [Timed(1.0, {"a": 1})])


def test_api_traffic_has_declined_and_invalid_payments_and_no_correlation_id():
    made = [one.event for one in api_crowd.bodies(crowd.payments(7, DAY, 3))]

    declined = sum(bool(one["card"]) and ending(one) == "0002" for one in made)
    invalid = sum(
        one["card"] is None or one["amount"] < 0 or one["currency"] == "usd" for one in made
    )
    assert declined / len(made) == pytest.approx(0.008, abs=0.004)
    assert invalid / len(made) == pytest.approx(0.006, abs=0.004)
    assert not any("correlation_id" in one for one in made)


@pytest.mark.parametrize("name", crowd.SHAPES)
def test_every_shape_is_there_and_keeps_to_the_order_of_time(name):
    step = SimpleNamespace(name=name)

    made = list(crowd.events(step, crowd.payments(7, Window(DAY.start, DAY.start + 600), 20)))

    assert made
    assert [one.at for one in made] == sorted(one.at for one in made)
