"""What step 09's stream holds: charged payments, and records that nobody can book.

A charged payment is what the payments function publishes once the card has been charged: with the
last four digits of the card and its holder, who is as private here as anywhere.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, cast

from workshop.account import ACCOUNT_ID, REGION
from workshop.course import payments
from workshop.load import Timed
from workshop.processor.cards import UNAVAILABLE
from workshop.streams import Clock, Shard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STREAM = "charged-payments"
CUT_OFF = "cut-off"
NO_AMOUNT = "no-amount"
POISON = (CUT_OFF, "not-utf-8", NO_AMOUNT, "amount-as-text", "negative", "unknown-currency")
"""The ways in which a record cannot be booked."""

_TRICKY = (NO_AMOUNT, CUT_OFF)
_BATCH = 10


@dataclass(frozen=True)
class Item:
    """Something to put into the stream.

    Attributes:
        data: The record's bytes.
        payment: The payment that it tells of, or would.
        fault: One of `POISON`; empty when it can be booked.
    """

    data: bytes
    payment: dict[str, Any]
    fault: str = ""


def charged(random: Random, **overrides: object) -> dict[str, Any]:
    """A random charged payment, as it is published; `overrides` as for `payments.payment`."""
    return published(payments.payment(random, **overrides), random)


def published(payment: payments.Payment, random: Random) -> dict[str, Any]:
    """What is published of a payment that has been charged."""
    card = payment["card"]
    return {
        **payment,
        "card": {"last4": card["number"][-4:], "holder": card["holder"]},
        "charge_id": f"ch_{random.getrandbits(64):016x}",
        "status": "charged",
    }


def good(random: Random) -> Item:
    """A record that can be booked."""
    payment = charged(random)
    return Item(json.dumps(payment).encode(), payment)


def poison(random: Random, fault: str | None = None) -> Item:
    """A record that cannot be booked, in the way named, or in any."""
    fault = fault or random.choice(POISON)
    payment = charged(random)
    return Item(_spoiled(payment, fault), payment, fault)


def _spoiled(payment: dict[str, Any], fault: str) -> bytes:
    if fault == CUT_OFF:
        return json.dumps(payment).encode()[:-20]
    if fault == "not-utf-8":
        return b"\x00\xe9\x80" + json.dumps(payment).encode()[3:]
    spoiled: dict[str, Any] = dict(payment)
    if fault == NO_AMOUNT:
        del spoiled["amount"]
    elif fault == "amount-as-text":
        spoiled["amount"] = f"{payment['amount'] / 100:.2f}"
    elif fault == "negative":
        spoiled["amount"] = -payment["amount"]
    else:
        spoiled["currency"] = "XTS"  # ISO 4217's code for tests
    return json.dumps(spoiled).encode()


def mixed(
    random: Random,
    count: int,
    bad: int,
    *,
    first_is_good: bool = False,
    first_bad: str | None = None,
) -> list[Item]:
    """So many records, so many of them bad, at random places and in different ways.

    Two ways are always among them, for they would be met least by chance: an error that is no
    ValueError, and one that holds the whole document.

    Args:
        random: Where the values, the places and the other ways come from.
        count: How many records.
        bad: How many of them cannot be booked.
        first_is_good: Whether the first record can be booked.
        first_bad: The way in which the first bad one is bad, one of those two; else any.
    """
    others = [fault for fault in POISON if fault not in _TRICKY]
    ways = [*_TRICKY, *random.sample(others, max(0, bad - len(_TRICKY)))][:bad]
    items = [poison(random, fault) for fault in ways]
    items += [good(random) for _ in range(count - bad)]
    random.shuffle(items)
    if first_is_good and items[0].fault:
        at = next(place for place, one in enumerate(items) if not one.fault)
        items[0], items[at] = items[at], items[0]
    if first_bad is not None:
        first = next(place for place, one in enumerate(items) if one.fault)
        at = next(place for place, one in enumerate(items) if one.fault == first_bad)
        items[first], items[at] = items[at], items[first]
    return items


def batches(timed: Iterable[Timed]) -> Iterator[Timed]:
    """Gather payments into events of Kinesis: a `workshop.course.crowd.Shape`.

    What cannot be charged is published all the same, by a mistake of the producer's, and spoiled:
    a record that cannot be booked. `crowd.records` takes them apart again, for a mapping.
    """
    shard = Shard(Clock(0.0))
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/{STREAM}"
    waiting = iter(timed)
    while batch := list(itertools.islice(waiting, _BATCH)):
        records = []
        for one in batch:
            shard.clock.wait_until(one.at)
            item = _told_of(cast("payments.Payment", one.event))
            records.append(shard.put(item.data, item.payment["customer_id"]).event(arn))
        yield Timed(batch[-1].at, {"Records": records})


def _told_of(payment: payments.Payment) -> Item:
    """Return the record of a payment, always the same."""
    random = Random(payment["payment_id"])  # Not a secret: reproducible traffic.
    told = published(payment, random)
    if not payment["card"]["number"].endswith(UNAVAILABLE):
        return Item(json.dumps(told).encode(), told)
    fault = random.choice(POISON)
    return Item(_spoiled(told, fault), told, fault)
