"""Payments are random or reproducible as wanted, and the tour's are uneven, as real ones are."""

from collections import Counter
from random import Random
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.course.payments import customers, payment, planted_card
from workshop.processor.cards import SLOW, UNAVAILABLE

FIELDS = {
    "payment_id",
    "customer_id",
    "amount",
    "currency",
    "card",
    "campaign",
    "correlation_id",
}
EVENT = payment(Random(1))
CARD = EVENT["card"]


def test_a_payment_has_every_field_and_the_same_seed_gives_the_same() -> None:
    assert set(EVENT) == FIELDS
    assert payment(Random(7)) == payment(Random(7)) != payment(Random(8))


def test_a_field_set_to_none_is_left_out_and_a_card_is_changed_in_part() -> None:
    event = payment(Random(1), campaign=None, amount=5, card={"number": "1"})
    assert "campaign" not in event
    assert event["amount"] == 5
    assert event["card"] == {**CARD, "number": "1"}


def test_a_payment_without_a_card_can_be_made() -> None:
    assert "card" not in payment(Random(1), card=None)


@given(st.integers())
def test_a_planted_card_works_unless_asked_otherwise(seed: int) -> None:
    assert planted_card(Random(seed))["number"][-4:] not in {UNAVAILABLE, SLOW}
    assert len(planted_card(Random(seed))["number"]) == 16
    assert planted_card(Random(seed), UNAVAILABLE)["number"].endswith(UNAVAILABLE)


def test_the_tours_customers_are_the_same_for_the_same_seed() -> None:
    assert customers(3, 50) == customers(3, 50) != customers(4, 50)


def test_some_of_the_tours_payments_fail_and_some_crawl() -> None:
    fates = Counter(event["card"]["number"][-4:] for event in customers(1, 5000))
    assert fates[UNAVAILABLE] / 5000 == pytest.approx(0.04, abs=0.01)
    assert fates[SLOW] / 5000 == pytest.approx(0.03, abs=0.01)


def test_the_tour_has_heavy_users_and_large_amounts() -> None:
    events = customers(1, 600)
    counts = [count for _, count in Counter(one["customer_id"] for one in events).most_common()]
    amounts = [one["amount"] for one in events]
    assert counts[0] > 10 * median(counts)
    assert mean(amounts) > 1.2 * median(amounts)
    assert len({one["payment_id"] for one in events}) == 600
    assert all(set(one) | {"campaign"} == FIELDS for one in events)
    assert 0 < sum("campaign" in one for one in events) < 600
