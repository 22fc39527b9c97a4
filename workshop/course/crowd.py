"""A crowd that pays: the traffic of `workshop traffic`, of notebooks and of checks on alarms.

    crowd.payments(seed=7, window=Window(start, end), per_minute=20, incidents=[…])

gives payments with the times at which they arrive. A step whose event is not a payment says in
`SHAPES` how payments become its events.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, TypeAlias, cast

from workshop.course.payments import Payment, identifier
from workshop.load import FLAT, Incident, Timed, Window, arrivals, struck
from workshop.processor.cards import SLOW, UNAVAILABLE
from workshop.streams import records_of

if TYPE_CHECKING:
    from datetime import tzinfo

    from workshop.course.catalogue import Step
    from workshop.lab import Lab
    from workshop.load import Target
    from workshop.signals import Sink
    from workshop.streams import Record

Shape: TypeAlias = Callable[[Iterable[Timed]], Iterator[Timed]]
"""Payments, each with its time, to a step's events, each with its time: it may wrap each, or gather
some into one event. It draws on nothing but what it is given, so that a seed decides all."""

SHAPES: dict[str, str] = {
    "06_dependencies": "workshop.course.api_crowd:with_flaky_cards",
    "07_api": "workshop.course.api_crowd:with_flaky_cards",
    "09_stream": "workshop.course.settlements:batches",
    "10_inference": "workshop.course.inference:payments_to_score",
}
"""Step to `module:function`, a `Shape`; payments as they are for any other step."""

_REQUESTS = "workshop.course.api_crowd:bodies"

_PEOPLE = 400
_CURRENCIES = {"USD": 6, "EUR": 3, "GBP": 1}
_CAMPAIGNS = ("spring", "summer", "autumn", "winter")
_CAMPAIGN_SHARE = 0.4
_HOLDERS = ("Ada Lovelace", "Alan Turing", "Annie Easley", "Edsger Dijkstra", "Grace Hopper")

FAILING = 0.006
"""The share of payments that always meet an unavailable processor."""

CRAWLING = 0.002
"""The share of payments that always meet a crawling one: so few that an alarm on the p99 of a
minute, which of 20 payments is the slowest, stays quiet on most days."""


def payments(
    seed: int,
    window: Window,
    per_minute: float,
    *,
    incidents: Sequence[Incident] = (),
    rhythm: Sequence[float] = FLAT,
    zone: tzinfo | None = None,
    failing: float = FAILING,
    crawling: float = CRAWLING,
) -> Iterator[Timed]:
    """Make payments over a window, in the order in which they arrive.

    A few customers pay often and most once in a while; each has one currency; amounts are
    log-normal, so that an average hides the large ones; four in ten name a campaign.

    Args:
        seed: The same seed gives the same payments.
        window: When they arrive.
        per_minute: How many a minute, on average over the window.
        incidents: What goes wrong in it.
        rhythm: A factor for each of 24 local hours (`workshop.load.DAILY`), or `FLAT`.
        zone: The time zone of those hours; None for the machine's own.
        failing: The share that fails in good times too.
        crawling: The share that is slow in good times too; each takes 0.6 s of real time.

    Yields:
        Each payment with its time.
    """
    times = arrivals(seed, window, per_minute, rhythm=rhythm, zone=zone)
    for at, payment in zip(times, endless(seed, failing, crawling), strict=False):
        yield Timed(at, struck(payment, at, incidents)[0])


def endless(seed: int, failing: float = FAILING, crawling: float = CRAWLING) -> Iterator[Payment]:
    """Make the payments of a crowd, one after the other, without end."""
    random = Random(f"crowd {seed}")  # Not a secret: reproducible traffic.
    people = [
        (
            identifier(random, "cus"),
            random.choice(_HOLDERS),
            f"4{random.randrange(10**10, 10**11)}",
            random.choices(tuple(_CURRENCIES), tuple(_CURRENCIES.values()))[0],
        )
        for _ in range(_PEOPLE)
    ]
    heaviness = [1 / (rank + 4) for rank in range(_PEOPLE)]
    while True:
        # Every payment draws as often as any other, so that one change moves no other payment.
        customer_id, holder, digits, currency = random.choices(people, heaviness)[0]
        fate, amount = random.random(), random.lognormvariate(7.3, 0.9)
        campaign = random.choice(_CAMPAIGNS) if random.random() < _CAMPAIGN_SHARE else None
        last4 = "4242"
        if fate < failing:
            last4 = UNAVAILABLE
        elif fate < failing + crawling:
            last4 = SLOW
        payment: Payment = {
            "payment_id": identifier(random, "pay"),
            "customer_id": customer_id,
            "amount": max(100, round(amount)),
            "currency": currency,
            "card": {
                "number": digits + last4,
                "cvc": f"{random.randrange(1000):03}",
                "holder": holder,
            },
            "correlation_id": identifier(random, "req"),
        }
        if campaign:
            payment["campaign"] = campaign
        yield payment


def events(step: Step, timed: Iterable[Timed]) -> Iterator[Timed]:
    """Turn payments into a step's events, as `SHAPES` says.

    Args:
        step: Whose events.
        timed: Payments, each with its time.
    """
    return _shaped(SHAPES.get(step.name), timed)


def records(step: Step, timed: Iterable[Timed]) -> Iterator[Record]:
    """Turn payments into the records that a step's stream gets, each with its time of arrival."""
    return (record for one in events(step, timed) for record in records_of(one.event))


def at_the_door(
    step: Step, lab: Lab, timed: Iterable[Timed], sink: Sink | None = None
) -> tuple[Target, Iterator[Timed]]:
    """Return what to send to, and what to send: to the API where a template has one.

    Args:
        step: Whose events.
        lab: Has its function.
        timed: Payments, each with its time.
        sink: Where the API's own telemetry goes; None where the invocations are kept.

    Raises:
        UnsupportedApiError: The template has an API that cannot be served.
    """
    if not any(
        event.type == "Api" for one in lab.template.functions.values() for event in one.events
    ):
        return lab, events(step, timed)
    from workshop.course.api_crowd import ThroughApi  # API Gateway, for the few steps that have it

    return ThroughApi(lab, sink), _shaped(_REQUESTS, timed)


def _shaped(named: str | None, timed: Iterable[Timed]) -> Iterator[Timed]:
    if named is None:
        return iter(timed)
    module, _, function = named.partition(":")
    shape = cast("Shape", getattr(importlib.import_module(module), function))
    return shape(timed)
