"""What step 10's check sends, from where its function reads the model, and what the model says.

A check has a mount of its own, so that nothing a learner has released, renamed or taken away
changes a verdict, and so that it can do all of that itself.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

from workshop.course.files import temporary_folder
from workshop.course.payments import identifier, planted_card
from workshop.errors import ToolError
from workshop.load import Timed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workshop.course.payments import Payment

PARAMETER = "ModelMount"
"""The parameter of a template whose function reads models from a shared mount."""

OLD, NEW = "1.0.0", "2.0.0"
"""The releases that there are."""

COUNTING = Path(__file__).with_name("counting.onnx")
"""Not a release: asked twice, a session of it never says the same (`models/counting.py`)."""

_CURRENT = "current.txt"
_LOW, _HIGH, _CLOSE = 0.3, 0.7, 0.05
_COUNTRIES = ("DE", "FR", "GB", "US")


@dataclass
class Mount:
    """A folder that stands for the shared mount of one function.

    Attributes:
        folder: Where it is mounted.
        releases: Folder that holds every release.
    """

    folder: Path
    releases: Path

    def release(self, version: str, random: Random) -> Path:
        """Lay out a release, as `lay_out` does."""
        return self.lay_out(self.releases / f"fraud-{version}.onnx", random)

    def lay_out(self, model: Path, random: Random) -> Path:
        """Copy a model under a name that does not tell which, and make it the current one.

        Returns:
            The copy.

        Raises:
            ToolError: The model is not there, or there is no room for it.
        """
        path = self.folder / f"model-{random.getrandbits(32):08x}.onnx"
        try:
            shutil.copy(model, path)
            (self.folder / _CURRENT).write_text(f"{path.name}\n", encoding="utf-8")
        except OSError as error:
            raise ToolError(f"{model.name} cannot be laid out: {error}", str(model)) from error
        return path

    def truncate(self, path: Path) -> None:
        """Leave half of a file, as a copy that was interrupted does."""
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])

    def unmount(self) -> None:
        """Take the whole mount away; what was read from it before is not touched."""
        self.folder.rename(self._unmounted)

    def mount_again(self) -> None:
        """Bring back what was taken away."""
        self._unmounted.rename(self.folder)

    @property
    def _unmounted(self) -> Path:
        return self.folder.with_name("unmounted")


@contextmanager
def mount(releases: Path) -> Iterator[Mount]:
    """Make a mount without a current release, for as long as it is wanted.

    Args:
        releases: Folder that holds every release.

    Raises:
        ToolError: A temporary folder cannot be made.
    """
    with temporary_folder() as parent:
        folder = parent / "models"
        folder.mkdir()
        yield Mount(folder, releases)


def payment(random: Random, **overrides: object) -> dict[str, Any]:
    """Make up a payment to score, its private data planted.

    Args:
        random: Where the values come from.
        overrides: Fields to set; one that is None is left out, and `card` may hold only the
            card's fields to change.
    """
    country = random.choice(_COUNTRIES)
    planted = planted_card(random)
    event: dict[str, Any] = {
        "payment_id": identifier(random, "pay"),
        "customer_id": identifier(random, "cus"),
        "amount": random.randrange(500, 20_000),
        "currency": random.choice(("EUR", "GBP", "USD")),
        "hour": random.randrange(8, 22),
        "country": country,
        "payments_last_hour": random.randrange(3),
        "card": {
            "number": planted["number"],
            "holder": planted["holder"],
            "country": country,
            "age_days": random.randrange(30, 900),
        },
        "correlation_id": identifier(random, "req"),
    }
    card = overrides.pop("card", {})
    event["card"].update(card)
    event.update(overrides)
    return {name: value for name, value in event.items() if value is not None}


def stolen(random: Random) -> dict[str, Any]:
    """Make up a payment with a stolen card: large, at night, from abroad. Both releases know it."""
    card = {"country": "US", "age_days": random.randrange(4)}
    amount, hour = random.randrange(40_000, 90_000), random.randrange(1, 5)
    return payment(random, amount=amount, hour=hour, country="FR", card=card)


def testing(random: Random) -> dict[str, Any]:
    """Make up a payment that tests a stolen number: small, one of many. Only the new one knows."""
    last_hour = random.randrange(8, 16)
    amount = random.randrange(100, 300)
    return payment(random, amount=amount, payments_last_hour=last_hour, card={"age_days": 0})


def undecided(random: Random, model: Oracle) -> dict[str, Any]:
    """Make up a payment that a model is unsure of, so that every feature makes a difference."""
    event = payment(random)
    while not _LOW < model.risk(event) < _HIGH or abs(model.risk(event) - 0.5) < _CLOSE:
        event = payment(
            random,
            amount=random.randrange(8_000, 60_000),
            hour=random.choice((5, 6, 7, 8, 20, 21, 22, 23)),
            country="FR",
            payments_last_hour=random.randrange(2, 5),
            card={"country": "US", "age_days": random.randrange(25, 60)},
        )
    return event


class Oracle:
    """A release, asked in the check's own process and without the learner's code."""

    def __init__(self, path: Path) -> None:
        """Read a release.

        Raises:
            ToolError: It cannot be read.
        """
        import onnxruntime  # type: ignore[import-untyped] # Heavy, too: no other step needs it.

        try:
            self._session = onnxruntime.InferenceSession(path)
        except Exception as error:  # the errors of onnxruntime have no other base
            raise ToolError(f"the model cannot be read: {error}", str(path)) from error

    def risk(self, event: dict[str, Any]) -> float:
        """Return the risk that a payment is fraud, 0 to 1."""
        import numpy as np

        card = event["card"]
        features = (
            event["amount"],
            event["hour"],
            event["country"] != card["country"],
            event.get("payments_last_hour", 0),
            card["age_days"],
        )
        row = np.array([features], dtype=np.float32)
        return float(self._session.run(None, {"features": row})[0][0][0])


def payments_to_score(timed: Iterable[Timed]) -> Iterator[Timed]:
    """Turn payments into what step 10 scores: a `workshop.course.crowd.Shape`.

    One in thirty is made with a stolen card, and one in thirty tests one.
    """
    for at, paid in timed:
        paid = cast("Payment", paid)
        random = Random(f"to score {paid['payment_id']}")
        make = random.choices((payment, stolen, testing), (28, 1, 1))[0]
        event = make(random)
        if make is payment:
            event["amount"] = paid["amount"]
        event |= {name: paid[name] for name in ("payment_id", "customer_id", "correlation_id")}
        event["card"] |= {name: paid["card"][name] for name in ("number", "holder")}
        yield Timed(at, event)
