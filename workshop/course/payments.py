"""Payments to send: the tour's customers, and the checks' traffic with private data planted in it.

Events are those of the course's function: amounts are in cents, and the card number's last four
digits decide how the stand-in processor behaves, as real processors' test cards do.
"""

from __future__ import annotations

from random import Random
from typing import Any, TypeAlias

from workshop.processor.cards import SLOW, UNAVAILABLE

Payment: TypeAlias = dict[str, Any]
"""One event: payment_id, customer_id, amount, currency, card, correlation_id, perhaps campaign."""

_CURRENCIES = ("USD", "EUR", "GBP")
_CAMPAIGNS = ("spring", "summer", "autumn", "winter")
_HOLDERS = (
    "Ada Lovelace",
    "Alan Turing",
    "Annie Easley",
    "Edsger Dijkstra",
    "Grace Hopper",
    "Katherine Johnson",
    "Radia Perlman",
    "Tony Hoare",
)
_SYLLABLES = ("bra", "dun", "fel", "gor", "hym", "kel", "lor", "mip", "nuv", "quo", "ryl", "zef")


def planted_card(random: Random, last4: str | None = None) -> dict[str, str]:
    """A card whose number, cvc and holder occur nowhere by chance, so that a leak can be found.

    Args:
        random: Where the values come from.
        last4: The last four digits, for a card that fails or crawls; else digits of one that works.
    """
    ordinary = [f"{number:04}" for number in (random.randrange(1000, 9999) for _ in range(3))]
    last4 = last4 or next(four for four in ordinary if four not in {UNAVAILABLE, SLOW})
    return {
        "number": f"4{random.randrange(10**10, 10**11)}{last4}",
        # Four digits, as some cards have: three would turn up in any duration or identifier.
        "cvc": "".join(random.choice("3456789") for _ in range(4)),
        "holder": " ".join(_invented_name(random) for _ in range(2)),
    }


def payment(random: Random, **overrides: object) -> Payment:
    """A random payment that succeeds, its private data planted (`planted_card`).

    Args:
        random: Where the values come from.
        overrides: Fields to set; one that is None is left out of the event, and `card` may hold
            only the card's fields to change.
    """
    event: Payment = {
        "payment_id": identifier(random, "pay"),
        "customer_id": identifier(random, "cus"),
        "amount": random.randrange(100, 3_000),
        "currency": random.choice(_CURRENCIES),
        "card": planted_card(random),
        "campaign": random.choice(_CAMPAIGNS),
        "correlation_id": identifier(random, "req"),
    }
    card = overrides.pop("card", {})
    if isinstance(card, dict):
        event["card"].update(card)
    else:
        event["card"] = card
    event.update(overrides)
    return {name: value for name, value in event.items() if value is not None}


def customers(seed: int, count: int) -> list[Payment]:
    """The tour's traffic: the same `count` payments for the same seed.

    A few customers pay often and most once or twice; amounts are log-normal, so that an average
    hides the large ones; about 4 in 100 meet an unavailable processor and 3 in 100 a crawling one.
    """
    random = Random(seed)  # Not a secret: reproducible traffic.
    people = [
        (
            identifier(random, "cus"),
            random.choice(_HOLDERS),
            f"4{random.randrange(10**10, 10**11)}",
        )
        for _ in range(max(8, count // 6))
    ]
    heaviness = [1 / (rank + 1) for rank in range(len(people))]
    payments = []
    for customer_id, holder, digits in random.choices(people, heaviness, k=count):
        fate = random.random()
        last4 = UNAVAILABLE if fate < 0.04 else SLOW if fate < 0.07 else "4242"  # noqa: PLR2004 (the shares above)
        event: Payment = {
            "payment_id": identifier(random, "pay"),
            "customer_id": customer_id,
            "amount": max(100, round(random.lognormvariate(7.3, 0.9))),
            "currency": "USD",
            "card": {
                "number": digits + last4,
                "cvc": f"{random.randrange(1000):03}",
                "holder": holder,
            },
            "correlation_id": identifier(random, "req"),
        }
        if random.random() < 0.4:  # noqa: PLR2004 (a campaign reaches some)
            event["campaign"] = random.choice(_CAMPAIGNS)
        payments.append(event)
    return payments


def identifier(random: Random, prefix: str) -> str:
    """A random id, such as `pay_` and twelve hexadecimal digits."""
    return f"{prefix}_{random.getrandbits(48):012x}"


def _invented_name(random: Random) -> str:
    syllables = "".join(random.sample(_SYLLABLES, 3))
    return f"{syllables}é".capitalize()  # The accent shows whether escapes are seen through.
