"""A scripted incident: from when to when, what goes wrong, and for whom. Pure.

It works by the card: its last four digits decide how the processor behaves, as with the test cards
of real processors. So nothing but the events tells the handlers of it, and a reader who sees only
the telemetry can find its cause, its scope and its start.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any, Literal, TypeAlias

from workshop.load.arrivals import Window
from workshop.processor.cards import SLOW, UNAVAILABLE

Kind: TypeAlias = Literal["failing", "crawling"]
KINDS: Mapping[Kind, str] = {"failing": UNAVAILABLE, "crawling": SLOW}
"""What can go wrong with the processor, and the cards that make it so."""

_LARGE_CENTS = 5_000
_SMALL_CENTS = 800


@dataclass(frozen=True, slots=True)
class Scope:
    """Which payments an incident is about: those for which all holds that is given.

    Attributes:
        customers: The share of customers, each wholly in it or wholly out of it.
        campaign: Only payments that name this campaign.
        currency: Only payments in this currency.
        least: Only payments of this amount or more, in cents.
        most: Only payments of this amount or less, in cents.
    """

    customers: float = 1.0
    campaign: str | None = None
    currency: str | None = None
    least: int | None = None
    most: int | None = None

    def holds(self, payment: Mapping[str, Any]) -> bool:
        """Whether a payment is in it."""
        amount = payment.get("amount", 0)
        return (
            self.campaign in (None, payment.get("campaign"))
            and self.currency in (None, payment.get("currency"))
            and (self.least is None or amount >= self.least)
            and (self.most is None or amount <= self.most)
            and (self.customers >= 1 or _share(str(payment.get("customer_id"))) < self.customers)
        )

    def __str__(self) -> str:
        said = [
            f"{self.customers:.0%} of the customers" if self.customers < 1 else "",
            f"campaign {self.campaign}" if self.campaign else "",
            f"currency {self.currency}" if self.currency else "",
            f"amounts from {self.least:,} cents" if self.least is not None else "",
            f"amounts up to {self.most:,} cents" if self.most is not None else "",
        ]
        return ", ".join(filter(None, said)) or "all payments"


@dataclass(frozen=True, slots=True)
class Incident:
    """The processor does not do its work for some payments, for some time.

    Attributes:
        window: From when to when.
        kind: `failing`: it is unavailable; `crawling`: it charges, late.
        scope: Which payments.
        share: How many of those, at random; 1 for all of them.
    """

    window: Window
    kind: Kind = "failing"
    scope: Scope = Scope()
    share: float = 1.0

    def strikes(self, payment: Mapping[str, Any], at: float) -> bool:
        """Whether it hits a payment that arrives at a time, in seconds since the epoch."""
        return (
            self.window.start <= at < self.window.end
            and self.scope.holds(payment)
            and (self.share >= 1 or _share(f"hit {payment.get('payment_id')}") < self.share)
        )

    def __str__(self) -> str:
        some = "" if self.share >= 1 else f"{self.share:.0%} of "
        return f"{self.kind} processor, {some}{self.scope}"


def struck(
    payment: dict[str, Any], at: float, incidents: Iterable[Incident]
) -> tuple[dict[str, Any], Incident | None]:
    """Let the first incident that hits a payment change its card.

    Args:
        payment: An event with `card.number`; it is not changed.
        at: When it arrives, in seconds since the epoch.
        incidents: What goes wrong.

    Returns:
        The payment to send, and the incident that hit it.
    """
    for incident in incidents:
        if incident.strikes(payment, at):
            card = payment["card"]
            number = f"{card['number'][:-4]}{KINDS[incident.kind]}"
            return {**payment, "card": {**card, "number": number}}, incident
    return payment, None


def planted(seed: int, window: Window) -> Incident:
    """Make up an incident for a reader to find: the same one for the same seed.

    Args:
        seed: Decides kind, scope, start and length.
        window: The traffic; the incident lies within its second half, on whole minutes from its
            start, and goes on to its end or stops before.
    """
    random = Random(f"incident {seed}")  # Not a secret: a puzzle that can be set again.
    scopes: tuple[Callable[[], Scope], ...] = (
        lambda: Scope(campaign=random.choice(("spring", "summer", "autumn", "winter"))),
        lambda: Scope(currency=random.choice(("EUR", "GBP"))),
        lambda: Scope(least=_LARGE_CENTS),
        lambda: Scope(most=_SMALL_CENTS),
        lambda: Scope(customers=random.choice((0.2, 0.3))),
    )
    kind = random.choice(tuple(KINDS))
    scope = random.choice(scopes)()
    minutes = int(window.seconds // 60)
    start = random.randrange(minutes // 2, max(minutes // 2 + 1, minutes * 3 // 4))
    length = max(1, round(minutes * random.choice((0.12, 0.16, 0.2))))
    begin = window.start + start * 60
    return Incident(Window(begin, min(window.end, begin + length * 60)), kind, scope)


def _share(text: str) -> float:
    """Return a number from 0 to 1 that a text always has: the same customers in every run."""
    return int.from_bytes(sha256(text.encode()).digest()[:6]) / 2**48
