"""A check's traffic: events sent to one lab, one by one, or as the five payments of most steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workshop.course import function_errors
from workshop.course.payments import payment, planted_card
from workshop.course.sent import Sent
from workshop.errors import LearnerError
from workshop.processor.cards import UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from workshop.lab import Lab


class Sender:
    """Sends events to one lab and tells what is wrong in general, whatever the step asks.

    Attributes:
        sent: All that was sent, in order, the event that went wrong included.
    """

    def __init__(
        self,
        lab: Lab,
        code: function_errors.Code,
        sent: list[Sent],
        explain: function_errors.Explain | None = None,
    ) -> None:
        self._lab = lab
        self._code = code
        self.sent = sent
        self._explain = explain

    def __call__(self, event: dict[str, Any], *, may_fail: bool = False) -> Sent:
        """Send one event.

        Args:
            event: The event.
            may_fail: Whether the handler may raise. Else that is wrong.

        Raises:
            Wrong: The function could not be loaded, did not end well, or raised and should not.
        """
        sent = self.unjudged(event)
        self.judge(sent, may_fail=may_fail, explain=self._explain)
        return sent

    def judge(self, sent: Sent, *, may_fail: bool, explain: function_errors.Explain | None) -> None:
        """Raise the `Wrong` that an event sent shows, if any; see `function_errors.judge`."""
        if not sent.succeeded:
            function_errors.judge(sent, self._code, may_fail=may_fail, explain=explain)
            return
        try:
            _ = sent.response
        except (ValueError, RecursionError):  # Lambda hands on bytes, too, that are no JSON.
            raise function_errors.unreadable(sent, self._code) from None

    def unjudged(self, event: dict[str, Any]) -> Sent:
        """Send one event to a function that may fail in any way, in its init phase too.

        Raises:
            Wrong: Lambda would not invoke the function.
        """
        try:
            sent = Sent(event, self._lab.invoke(event))
        except LearnerError as error:
            raise function_errors.refused(error) from None
        self.sent.append(sent)
        return sent


@dataclass(frozen=True)
class Traffic:
    """Five payments with random values, through one fresh execution environment, in this order.

    Attributes:
        first: On a cold start, with every field.
        warm: In the same environment, without the optional `campaign`.
        failed: The processor is unavailable; the invocation is expected to fail.
        planted: The one to search for private data (though all events carry planted cards).
        again: A plain one after the failure.
    """

    first: Sent
    warm: Sent
    failed: Sent
    planted: Sent
    again: Sent

    @classmethod
    def through(cls, send: Sender, random: Random) -> Traffic:
        """Send the five.

        Raises:
            Wrong: As `Sender` does, on the first event that shows something wrong.
        """
        return cls(
            first=send(payment(random)),
            warm=send(payment(random, campaign=None)),
            failed=send(payment(random, card={"number": _failing(random)}), may_fail=True),
            planted=send(payment(random)),
            again=send(payment(random, campaign=None)),
        )

    @property
    def all(self) -> tuple[Sent, ...]:
        """The five, in order."""
        return (self.first, self.warm, self.failed, self.planted, self.again)

    def __iter__(self) -> Iterator[Sent]:
        return iter(self.all)


def _failing(random: Random) -> str:
    return planted_card(random, UNAVAILABLE)["number"]
