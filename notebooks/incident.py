"""The incident of notebook 05: made up from a seed; what you find of it is judged here.

No answer is written down anywhere: `plan` draws one from the seed, `Case` draws it again and holds
your findings against the payments themselves. This file tells how, and not what.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from numbers import Real
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from workshop_errors import Stop
from workshop_values import Past, Where

if TYPE_CHECKING:
    from collections.abc import Callable

    from workshop.load import Incident

MINUTE = 60
BEGINS = (13, 5)
"""Hour and minute, UTC, at which the hour of payments begins; when it ends, customers complain."""

MINUTES = 60
PER_MINUTE = 20
INNOCENT = 0.25
"""The share of incidents that no deployment is to blame for."""

_WHERE = ("api", "function", "processor")
_HOW = ("fails", "slow")
_KINDS = {"failing": "fails", "crawling": "slow"}
_ENOUGH = 0.95


def plan(seed: int) -> Past:
    """Make up an hour of payments with an incident in it: the same one for the same seed."""
    random = Random(f"notebook 05, seed {seed}")  # No secret: a puzzle that can be set again.
    deploys = (random.randint(12, 17), random.randint(25, 34), random.randint(42, 46))
    starts = random.choice(deploys)
    if random.random() < INNOCENT:
        # Cold starts of a deployment go on for three minutes or so: clear of those.
        clear = [at for at in range(19, 47) if all(abs(at - deploy) > 4 for deploy in deploys)]
        starts = random.choice(clear)
    kind = random.choice(tuple(_KINDS))
    which = random.choice(("campaign", "currency", "least", "most"))
    value = random.choice(
        {
            "campaign": ("spring", "summer", "autumn", "winter"),
            "currency": ("EUR", "GBP"),
            "least": (2500, 3000, 3500),
            "most": (600, 700, 800),
        }[which]
    )
    return Past(
        "07_api",
        seed,
        begins=BEGINS,
        hours=MINUTES / 60,
        per_minute=PER_MINUTE,
        incidents=(f"{kind}:{which}={value}@{starts}m+{MINUTES - starts}m",),
        deploys=deploys,
    )


class Verdict(NamedTuple):
    """What a checkpoint makes of a finding.

    Attributes:
        right: Whether it is so.
        says: In a few words.
        saw: What that rests on.
        wanted: What is asked for.
    """

    right: bool
    says: str
    saw: str = ""
    wanted: str = ""


class Case:
    """Judges findings about one incident, and has hints.

    Args:
        seed: Which incident.
        here: Whom the notebook talks to, and about which hour: what `begin` has returned.

    Raises:
        Stop: It is not the lab: no incident has been played there.
    """

    def __init__(self, seed: int, here: Where) -> None:
        if not here.is_lab:
            raise Stop(
                "this incident is played in the lab alone; your account knows nothing of it",
                "start without AWS_PROFILE: make notebooks",
            )
        from workshop.cli import incidents
        from workshop.course import crowd
        from workshop.load import Window

        self._start = here.start.timestamp()
        self._plan = plan(seed)
        window = Window(self._start, self._start + MINUTES * MINUTE)
        self._true: Incident = incidents.read(self._plan.incidents[0], window, seed)
        self._payments = list(crowd.payments(seed, window, PER_MINUTE))
        self._hit = [one for one in self._payments if self._true.strikes(one.event, one.at)]
        self._hinted: dict[int, int] = {}
        self.solved: set[int] = set()

    def since(self, found: object) -> None:
        """Checkpoint 1: since when? The minute, `"HH:MM"`, UTC."""
        self._judge(1, "since when", found, self._since)

    def broke(self, where: object, how: object) -> None:
        """Checkpoint 2: what broke? `"api"`, `"function"`, `"processor"`; `"fails"` or `"slow"`."""
        found = ... if ... in (where, how) else (where, how)
        self._judge(2, "what broke", found, self._broke)

    def whom(self, found: object) -> None:
        """Checkpoint 3: for whom? `{"currency": "USD"}`, or `{"amount_from": 9000}` in cents."""
        self._judge(3, "for whom", found, self._whom)

    def roll_back(self, found: object) -> None:
        """Checkpoint 4: which deployment to roll back? Its minute, `"HH:MM"`, UTC; None: none."""
        self._judge(4, "what to roll back", found, self._roll_back)

    def hint(self, checkpoint: int) -> None:
        """Print a hint; each further call prints the next."""
        hints = HINTS[checkpoint]
        number = min(self._hinted.get(checkpoint, 0) + 1, len(hints))
        self._hinted[checkpoint] = number
        print(f"hint {number} of {len(hints)}: {hints[number - 1]}")

    def _judge(
        self, number: int, what: str, found: object, judge: Callable[[Any], Verdict]
    ) -> None:
        if found is ...:
            print(f"○ {number} · {what}: put what you find in place of the dots.")
            print(f"  look    case.hint({number})")
            return
        verdict = judge(found)
        print(f"{'✓' if verdict.right else '✗'} {number} · {what}: {verdict.says}")
        for label, text in (("saw", verdict.saw), ("wanted", verdict.wanted)):
            if text:
                print(f"  {label:<7} {text}")
        if not verdict.right:
            self.solved.discard(number)
            print(f"  look    case.hint({number})")
            return
        self.solved.add(number)
        if self.solved == set(HINTS):
            print("\nAll four, by evidence. Now write the message for the incident channel.")

    def _since(self, found: object) -> Verdict:
        minute = self._minute(found)
        if minute is None:
            return _not_a_minute()
        first = self._minute_of(self._hit[0].at)
        spared = [
            self._minute_of(one.at)
            for one in self._payments
            if self._true.scope.holds(one.event) and one.at < self._hit[0].at
        ]
        # Between those two the telemetry knows nothing: any minute there is as good as another.
        if min(spared[-1], self._begins) <= minute <= first:
            return Verdict(True, "yes", "such payments went well before it, and none did after it")
        if minute < first:
            well = sum(minute <= at for at in spared)
            return Verdict(
                False,
                "too early",
                f"after that minute, {well} payments of the kind in question still went well",
                "the minute from which on they do not",
            )
        already = sum(self._minute_of(one.at) < minute for one in self._hit)
        return Verdict(
            False,
            "too late",
            f"{already} payments had been hit by then",
            "the minute before which none was, but for the odd one that every day has",
        )

    def _broke(self, found: tuple[object, object]) -> Verdict:
        where, how = found
        if where not in _WHERE or how not in _HOW:
            wanted = f"first {', '.join(_WHERE[:-1])} or {_WHERE[-1]}; then {' or '.join(_HOW)}"
            return Verdict(False, "that is not one of the answers", wanted=wanted)
        if where != "processor":
            return Verdict(
                False,
                "it suffers, and does not cause",
                "where it is in trouble, something that it had called was in trouble before",
                "the last one in the chain of calls that is not well",
            )
        if how != _KINDS[self._true.kind]:
            return Verdict(
                False,
                "the right place, and another way to be unwell",
                f"you say: {how}",
                "did those who called it get an answer that says no, or none in time?",
            )
        return Verdict(True, "yes", "all who call it are well until they do")

    def _whom(self, found: object) -> Verdict:
        named = _kind(found)
        if named is None:
            return Verdict(
                False,
                "that names no kind of payment",
                wanted="a dict of campaign, currency, customer_id, amount_from, amount_to (cents)",
            )
        since = [one for one in self._payments if one.at >= self._true.window.start]
        yours = [one for one in since if named(one.event)]
        both = sum(self._true.scope.holds(one.event) for one in yours)
        holds_all = both >= _ENOUGH * len(self._hit)
        holds_no_others = bool(yours) and both >= _ENOUGH * len(yours)
        saw = (
            f"since it began, {len(yours)} payments are of the kind you name, and {both} of them "
            f"were hit; {len(self._hit)} were hit in all"
        )
        if holds_all and holds_no_others:
            return Verdict(True, "yes", saw)
        if holds_all:
            return Verdict(False, "too wide", saw, "a kind of which nearly all were hit")
        if holds_no_others:
            return Verdict(False, "too narrow", saw, "a kind that has nearly all that were hit")
        return Verdict(
            False, "something else sets them apart", saw, "a kind that has those, and no others"
        )

    def _roll_back(self, found: object) -> Verdict:
        guilty = self._begins if self._begins in self._plan.deploys else None
        if found is None:
            if guilty is None:
                saw = "nothing was deployed when it began: a rollback would heal nothing"
                return Verdict(True, "yes, nothing", saw)
            return Verdict(
                False,
                "there is something",
                "a deployment, when it began",
                "the minute of that deployment",
            )
        minute = self._minute(found)
        if minute is None:
            return _not_a_minute()
        near = [at for at in self._plan.deploys if abs(at - minute) <= 1]
        if not near:
            return Verdict(
                False,
                "nothing was deployed then",
                wanted="a minute in which execution environments started anew; or None",
            )
        if guilty not in near:
            return Verdict(
                False,
                "a deployment, and not to blame",
                "after it such payments still went well; or they were hit before it",
                "a deployment in the minute when it began; None if there was none",
            )
        return Verdict(
            True, "yes", "it began with that deployment: reason enough to undo it, and no proof"
        )

    @property
    def _begins(self) -> int:
        return self._minute_of(self._true.window.start)

    def _minute_of(self, at: float) -> int:
        return int((at - self._start) // MINUTE)

    def _minute(self, found: object) -> int | None:
        if isinstance(found, datetime):  # of a table; or of boto3, in the reader's own zone
            found = f"{found.astimezone(UTC) if found.tzinfo else found:%H:%M}"
        said = re.fullmatch(r"\s*(\d{1,2}):(\d\d)(?::\d\d)?\s*", str(found))
        if said is None:
            return None
        minute = (int(said[1]) - BEGINS[0]) * 60 + int(said[2]) - BEGINS[1]
        return minute if 0 <= minute <= MINUTES else None


def _not_a_minute() -> Verdict:
    return Verdict(False, "that is no minute of the hour", wanted='such as "13:07", in UTC')


def _kind(found: object) -> Callable[[dict[str, Any]], bool] | None:
    """Return whether a payment is of the kind named; None when nothing is named that can be."""
    known = {"campaign", "currency", "customer_id", "amount_from", "amount_to"}
    if not isinstance(found, dict) or not found or not found.keys() <= known:
        return None
    if not all(isinstance(found.get(name, 0), Real) for name in ("amount_from", "amount_to")):
        return None

    def holds(payment: dict[str, Any]) -> bool:
        words = found.keys() - {"amount_from", "amount_to"}
        return (
            all(str(payment.get(name)).lower() == str(found[name]).lower() for name in words)
            and payment["amount"] >= found.get("amount_from", 0)
            and payment["amount"] <= found.get("amount_to", float("inf"))
        )

    return holds


_HINTS = {
    1: """\
begin with what callers get. The API's access log has a status and a latency for each request:
count the one and measure the other, by the minute.

two pictures suffice: how many answers were 500 and above, and how many took longer than 400 ms, each
by minute. One of them has a step, and what comes after the step stays.

`stats sum(status >= 500) as failed, sum(latency_ms > 400) as slow by bin(1m)`. A slow minute or two
that pass are cold starts, after a deployment.""",
    2: """\
a trace tells who was waiting for whom. Take one payment that went badly, and read its spans from
the outside in.

find("fault = true", start=…) or find("responsetime > 0.4", start=…), from the minute when it began:
here.start.replace(minute=…). Then nb.waterfall(spans(…), "…").

follow what is not well, or takes long, to the innermost span that is so. Who is called there? With
which status does it answer, if it does, and after how long?""",
    3: """\
make one row for each payment since the beginning, and a column `bad`: that it failed, or that it
took long, as you have found in 2.

payments.groupby("currency")["bad"].agg(["mean", "count"]), and the same by campaign. For amounts:
payments.groupby(pd.qcut(payments["cents"], 10))["bad"].mean().

of some value nearly all are bad, and of the others one in a hundred: that is it. For an amount,
sort the bad ones by `cents`: where does their row begin, or end? One or two stray from it.""",
    4: """\
a deployment ends every execution environment. The next payments meet new ones, which start cold.

draw the metric ColdStart by the minute. Of its four groups, the first is the beginning of the hour.
Does one of the others lie where it began?

if one begins in the minute when it began, or the one before: that one. If none does, there is
nothing to roll back; the answer is None, and a call to whoever runs what broke.""",
}
HINTS = {number: tuple(text.split("\n\n")) for number, text in _HINTS.items()}
"""For each checkpoint, from a nudge to nearly the answer."""
