"""Step 09's traffic: records sent to its function, by hand or through its event source mapping."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workshop.course import private_data
from workshop.course.function_errors import template_invalid
from workshop.course.sent import Sent
from workshop.course.traffic import Sender
from workshop.course.wrong import Wrong
from workshop.errors import LearnerError
from workshop.streams import EventSourceMapping, Settings, Shard, read_mappings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

    from workshop.course.function_errors import Code, Explain
    from workshop.course.settlements import Item
    from workshop.lab import Lab
    from workshop.signals import Invocation
    from workshop.streams import Delivery, Record

MOST_INVOCATIONS = 300
"""After so many for one handful of records, nobody is waiting for the end."""

_TELLING = 40
"""Characters of base64 that are no coincidence."""

_ERROR_LINE = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit)\b.*$", re.MULTILINE)
"""The end of a stack trace."""

# What reading a bad record raises by itself: no slip of the learner's.
_NATURAL = frozenset({"KeyError", "TypeError", "IndexError"})


@dataclass(frozen=True)
class _Records:
    """Records of which some are bad.

    Attributes:
        items: What was sent or put into the stream, in order.
        records: The same, as records.
    """

    items: tuple[Item, ...]
    records: tuple[Record, ...]

    @property
    def good(self) -> tuple[Item, ...]:
        """Those that can be booked."""
        return tuple(one for one in self.items if not one.fault)

    @property
    def bad(self) -> tuple[Item, ...]:
        """Those that cannot."""
        return tuple(one for one in self.items if one.fault)


@dataclass(frozen=True)
class Batch(_Records):
    """Records sent to the function in one event, and what came of them.

    Attributes:
        sent: The event, the answer and every signal.
    """

    sent: Sent

    @property
    def bad_places(self) -> list[int]:
        """Where in the batch the bad ones are."""
        return [place for place, one in enumerate(self.items) if one.fault]


@dataclass(frozen=True)
class Run(_Records):
    """Records put into the stream, and all that the event source mapping did with them.

    Attributes:
        delivery: Every attempt, and what was given up.
        messages: What the on-failure destination got.
        sent: Each attempt's event, answer and signals.
        settings: The mapping's settings.
    """

    delivery: Delivery
    messages: tuple[dict[str, Any], ...]
    sent: tuple[Sent, ...]
    settings: Settings

    @cached_property
    def item_of(self) -> dict[str, Item]:
        """Sequence number to what was put."""
        pairs = zip(self.records, self.items, strict=True)
        return {record.sequence_number: item for record, item in pairs}

    @cached_property
    def given_up(self) -> dict[str, str]:
        """Sequence number of each record that was given up, to why."""
        return {
            record.sequence_number: discarded.condition
            for discarded in self.delivery.discarded
            for record in discarded.records
        }

    @cached_property
    def told(self) -> set[str]:
        """Sequence numbers of the records that the destination was told of."""
        ranges = [
            (int(info["startSequenceNumber"]), int(info["endSequenceNumber"]))
            for info in (message["KinesisBatchInfo"] for message in self.messages)
        ]
        return {
            one.sequence_number
            for one in self.records
            if any(start <= int(one.sequence_number) <= end for start, end in ranges)
        }

    def total(self, name: str) -> float:
        """The Sum of a metric over all attempts, whatever its dimensions."""
        return sum(sum(p.values) for one in self.sent for p in one.points if p.name == name)

    def totals(self, name: str, dimension: str) -> Counter[str]:
        """The Sum of a metric by one of its dimensions."""
        found: Counter[str] = Counter()
        for one in self.sent:
            for point in one.points:
                if point.name == name:
                    found[point.dimensions.get(dimension, "none")] += round(sum(point.values))
        return found


class Stream:
    """The function under check, fed with records.

    Args:
        lab: Runs it.
        code: The code under check.
        sent: Where everything sent is kept.
        random: Where random records come from.

    Attributes:
        random: The same.
    """

    def __init__(self, lab: Lab, code: Code, sent: list[Sent], random: Random) -> None:
        self.random = random
        self._lab = lab
        self._code = code
        self._sender = Sender(lab, code, sent)

    @cached_property
    def settings(self) -> tuple[Settings, ...]:
        """The template's event source mappings from Kinesis.

        Raises:
            Wrong: One of them cannot be read.
        """
        try:
            return read_mappings(self._lab.template)
        except LearnerError as error:
            raise template_invalid(error) from None

    def send(self, items: Sequence[Item]) -> Batch:
        """Send one event, past the mapping.

        Raises:
            Wrong: The function could not be loaded or did not end well, or a batch without a bad
                record failed.
        """
        records = tuple(_put(Shard(), items))
        event = {"Records": [one.event(self._arn) for one in records]}
        sent = self._invoke(event, may_fail=any(one.fault for one in items))
        return Batch(tuple(items), records, sent)

    def run(self, items: Sequence[Item], most: int = MOST_INVOCATIONS) -> Run:
        """Put records into an empty stream and let the mapping do what it does.

        What it sends is in the run's `sent`, and beside a verdict only when it went wrong.

        Raises:
            Wrong: As `send`.
        """
        shard = Shard()
        settings = self.settings[0]
        bad: set[str] = set()
        sent: list[Sent] = []

        def invoke(event: dict[str, Any]) -> Invocation:
            numbers = {one["kinesis"]["sequenceNumber"] for one in event["Records"]}
            sent.append(self._invoke(event, may_fail=bool(numbers & bad)))
            self._sender.sent.pop()  # hundreds at worst: a verdict shows what was sent by hand
            return sent[-1].invocation

        mapping = EventSourceMapping(settings, shard, invoke)
        records = tuple(_put(shard, items))
        bad |= {
            record.sequence_number
            for record, item in zip(records, items, strict=True)
            if item.fault
        }
        delivery = mapping.run(most)
        return Run(tuple(items), records, delivery, tuple(mapping.messages), tuple(sent), settings)

    @property
    def _arn(self) -> str:
        return self.settings[0].stream_arn

    def _invoke(self, event: dict[str, Any], *, may_fail: bool) -> Sent:
        sent = self._sender.unjudged(event)
        if not (may_fail and sent.error.get("errorType") in _NATURAL):
            self._sender.judge(sent, may_fail=may_fail, explain=self._explain(may_fail))
        return sent

    def _explain(self, may_fail: bool) -> Explain | None:  # noqa: FBT001 (of _invoke alone)
        """Say what failed for every record of a good batch: a BatchProcessor tells at length."""

        def explain(sent: Sent) -> None:
            said = str(sent.error.get("errorMessage", ""))
            found = _ERROR_LINE.search(said)
            if sent.error.get("errorType") != "BatchProcessingError" or found is None:
                return
            name = self._code.module.name
            places = re.findall(rf'[/\\"]{re.escape(name)}", line (\d+)', said[: found.start()])
            raise Wrong(
                "handler-raised",
                "every record of a batch without a bad one failed",
                saw=found[0],
                wanted="records that can be booked to be booked",
                look=f"{name}:{places[-1]}" if places else name,
                hint=False,
            )

        return None if may_fail else explain


def find_private(items: Iterable[Item], sent: Iterable[Sent]) -> list[private_data.Leak]:
    """Find what is private of records in the signals of the invocations that read them.

    A record's data is private as a whole, and base64 hides nothing.
    """
    leaks: list[private_data.Leak] = []
    private = [(one.payment, base64.b64encode(one.data).decode()[:_TELLING]) for one in items]
    for signal, value in _signals(sent):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for payment, data in private:
            if data in text:
                leaks.append(private_data.Leak(signal, "the record's data, in base64", "holder"))
            # Most signals hold no holder at all: a closer look at each would take too long.
            elif any(name[:6].lower() in text.lower() for name in _names(payment)):
                leaks.extend(private_data.find_private_in(value, payment, signal))
    return list(dict.fromkeys(leaks))


def _signals(sent: Iterable[Sent]) -> Iterator[tuple[str, object]]:
    for one in sent:
        for line in one.own_logs:
            yield "log event", line.text if line.json is None else line.json
        for point in one.points:
            yield "data point", dict(point.dimensions)
        for segment in one.segments:
            yield "segment", segment


def _names(payment: dict[str, Any]) -> list[str]:
    holder: str = payment["card"]["holder"]
    return holder.split()


def _put(shard: Shard, items: Sequence[Item]) -> Iterator[Record]:
    """Put items, all of them before the first is read."""
    for one in items:
        yield shard.put(one.data, one.payment["customer_id"])
