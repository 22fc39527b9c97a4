"""The values that the notebooks' modules speak of: traffic to be laid, and hours to be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Past:
    """Traffic of some hours of a day, always the same.

    Attributes:
        step: Whose solution takes the payments.
        seed: Decides the payments and when they arrive.
        begins: Hour and minute, UTC.
        hours: How long it goes on.
        per_minute: Payments a minute, on average.
        incidents: What goes wrong, as `workshop traffic --incident` reads it.
        deploys: When new code was deployed, in minutes after the beginning.
    """

    step: str
    seed: int
    begins: tuple[int, int] = (12, 0)
    hours: float = 3.0
    per_minute: float = 12.0
    incidents: tuple[str, ...] = ()
    deploys: tuple[int, ...] = ()


@dataclass(frozen=True)
class Where:
    """Whom the notebook talks to, and about which hours: `start` to `end`, in UTC."""

    start: datetime
    end: datetime
    is_lab: bool
    region: str
