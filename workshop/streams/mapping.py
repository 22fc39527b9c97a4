"""The event source mapping: reads a shard in batches, invokes the function, and tries again.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html

Where the service's pages leave something open, this does what loses the least:

- A batch that got smaller, by a checkpoint or by a split, begins its retries anew.
- With both `BisectBatchOnFunctionError` and `ReportBatchItemFailures`, a batch is cut at the
  sequence number that was reported; where that is its first record, it is cut in two.
- Each discarded batch is a message of its own, where the service may put neighbours into one.
- The wait between two tries is 1 s at first, doubled each time, up to a minute.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from workshop.metrics.platform_metrics import iterator_age
from workshop.signals import DataPoint, Invocation
from workshop.streams.clock import Clock
from workshop.streams.on_failure import Condition, Discarded, message
from workshop.streams.responses import Answer, read_answer
from workshop.streams.settings import FOR_EVER, Settings
from workshop.streams.shard import Record, Shard

Invoke: TypeAlias = Callable[[dict[str, Any]], Invocation]
"""Sends an event to the function and waits for what comes of it."""

Then: TypeAlias = Literal["done", "again", "from-checkpoint", "split", "discarded"]
"""What became of a batch after an attempt."""

MAX_EVENT_BYTES = 6 * 1024 * 1024
_RECORD_OVERHEAD = 700
"""Bytes of a record's entry in the event, without its data and its partition key."""

_MAX_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One batch, sent once.

    Attributes:
        records: The batch.
        tries: How often just this batch has been sent, this time included.
        invocation: What came of it.
        failed_from: Place of the first record that is to be tried again; None for a success.
        reason: Why, in a few words.
        then: What became of the batch.
        at: When it was sent, in seconds since the epoch by the mapping's clock.
        iterator_age_ms: How old the last record of the batch was when it was sent.
    """

    records: tuple[Record, ...]
    tries: int
    invocation: Invocation
    failed_from: int | None
    reason: str
    then: Then
    at: float
    iterator_age_ms: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one run of a mapping came to.

    Attributes:
        attempts: In the order sent, lane by lane.
        discarded: What was given up.
        unfinished: Records still to be tried when the run was ended by its budget.
        points: The function's IteratorAge.
    """

    attempts: tuple[Attempt, ...]
    discarded: tuple[Discarded, ...]
    unfinished: tuple[Record, ...]
    points: tuple[DataPoint, ...]


@dataclass(slots=True)
class _Work:
    """A batch to be sent, and how often it has been."""

    records: tuple[Record, ...]
    tries: int = 0
    last: Invocation | None = None


@dataclass(slots=True)
class _Run:
    """When a mapping stops trying, and what is left then."""

    budget: int | None = None
    until: float = math.inf
    sent: int = 0
    unfinished: list[Record] = field(default_factory=list)

    def over(self, again_at: float) -> bool:
        """Whether nothing may be sent any more, at that time."""
        spent = self.budget is not None and self.sent >= self.budget
        return spent or bool(self.unfinished) or again_at > self.until


class EventSourceMapping:
    """Reads one shard for one function.

    Batches of one shard are sent one after the other, so that their order is kept, also while one
    is tried again; with a parallelization factor, so are the batches of a partition key.

    Args:
        settings: Its settings.
        shard: What it reads.
        invoke: Sends an event to the function, such as `lambda event: lab.invoke(event, name)`.

    Attributes:
        settings: Its settings.
        messages: What the on-failure destination got, in order.
        discarded: What was given up, in order.
    """

    def __init__(self, settings: Settings, shard: Shard, invoke: Invoke) -> None:
        self.settings = settings
        self.messages: list[dict[str, Any]] = []
        self.discarded: list[Discarded] = []
        self._shard = shard
        self._invoke = invoke
        self._position = 0
        if settings.starting_position == "LATEST":
            self._position = len(shard.records)
        elif settings.starting_position == "AT_TIMESTAMP":
            self._position = sum(one.arrived < settings.starting_timestamp for one in shard.records)

    def run(self, most: int | None = None) -> Delivery:
        """Send what the shard holds and has not been sent, until all is done or given up.

        Args:
            most: End after so many invocations, whatever is left: without a limit of retries
                there are very many. What is left is begun anew by the next run.

        Raises:
            LearnerError: Lambda would not invoke the function.
        """
        if not self.settings.enabled:
            return Delivery((), (), (), ())
        run = _Run(most)
        given_up_before = len(self.discarded)
        attempts: list[Attempt] = []
        pending = self._shard.records[self._position :]
        clocks = []
        for lane in self._lanes(pending):
            clock = self._shard.clock.copy()
            clocks.append(clock)
            for batch in self._batches(lane, clock):
                attempts.extend(self._deliver(batch, clock, run))
        for clock in clocks:
            self._shard.clock.wait_until(clock.now())
        left = {one.sequence_number for one in run.unfinished}
        done = next(
            (at for at, one in enumerate(pending) if one.sequence_number in left), len(pending)
        )
        self._position += done
        points = [
            point
            for one in attempts
            for point in iterator_age(
                self.settings.function, int(one.at * 1000), one.iterator_age_ms
            )
        ]
        given_up = self.discarded[given_up_before:]
        return Delivery(tuple(attempts), tuple(given_up), tuple(run.unfinished), tuple(points))

    def follow(self, records: Iterable[Record], until: float) -> Iterator[Attempt]:
        """Send records as they arrive: what the shard holds, and has been sent, is left alone.

        Batches go one after the other, as they do without a parallelization factor. While one is
        tried again all records behind it wait, and where it still fails at the end they are left.

        Args:
            records: In order, each with the time at which it arrives; the next is asked for only
                when it is needed.
            until: When the mapping stops trying again, in seconds since the epoch.

        Yields:
            Each attempt, as soon as it is made; what was given up is in `discarded`.

        Raises:
            LearnerError: Lambda would not invoke the function.
        """
        run = _Run(until=until)
        clock = self._shard.clock
        for batch in self._batches(records, clock):
            yield from self._deliver(batch, clock, run)
            if run.unfinished:
                return

    def _lanes(self, records: Sequence[Record]) -> list[list[Record]]:
        """Share records out, all of one partition key to the same lane."""
        lanes: list[list[Record]] = [[] for _ in range(self.settings.parallelization)]
        for one in records:
            lanes[zlib.crc32(one.partition_key.encode()) % len(lanes)].append(one)
        return lanes

    def _batches(self, records: Iterable[Record], clock: Clock) -> Iterator[tuple[Record, ...]]:
        """Gather batches: full, as large as an event may be, or all that the window brought."""
        coming = iter(records)
        following = next(coming, None)
        while following is not None:
            clock.wait_until(following.arrived)
            deadline = clock.now() + self.settings.batching_window_seconds
            batch: list[Record] = []
            room = MAX_EVENT_BYTES
            while len(batch) < self.settings.batch_size:
                if following is None or following.arrived > max(deadline, clock.now()):
                    clock.wait_until(deadline)
                    break
                room -= _size(following)
                if batch and room < 0:
                    break
                clock.wait_until(following.arrived)
                batch.append(following)
                following = next(coming, None)
            yield tuple(batch)

    def _deliver(self, batch: tuple[Record, ...], clock: Clock, run: _Run) -> Iterator[Attempt]:
        """Send a batch, and what it is split into, until nothing of it is left."""
        waiting = [_Work(batch)]
        while waiting:
            work = waiting.pop()
            wait = min(2.0 ** (work.tries - 1), _MAX_WAIT_SECONDS) if work.tries else 0.0
            if run.over(clock.now() + wait if work.tries else -math.inf):
                run.unfinished += work.records
                continue
            clock.wait(wait)
            self._drop_old(work, clock)
            if not work.records:
                continue
            attempt, following = self._attempt(work, clock)
            run.sent += 1
            waiting += following
            yield attempt

    def _attempt(self, work: _Work, clock: Clock) -> tuple[Attempt, list[_Work]]:
        """Send a batch once; return what is to be sent after it, too, the last first."""
        sent = clock.now()
        age = max(0.0, (sent - work.records[-1].arrived) * 1000)
        event = {
            "Records": [one.event(self.settings.stream_arn, self._shard.id) for one in work.records]
        }
        work.last = self._invoke(event)
        work.tries += 1
        answer = read_answer(work.last, work.records, reports_items=self.settings.reports_items)
        then, following = self._follow(work, answer)
        if then == "discarded":
            self._discard(work, work.records, "RetryAttemptsExhausted", clock)
        attempt = Attempt(
            work.records, work.tries, work.last, answer.failed_from, answer.reason, then, sent, age
        )
        return attempt, following

    def _follow(self, work: _Work, answer: Answer) -> tuple[Then, list[_Work]]:
        """Decide what comes after an answer."""
        if answer.failed_from is None:
            return "done", []
        if answer.failed_from > 0:
            return "from-checkpoint", [_Work(work.records[answer.failed_from :])]
        if self.settings.bisect and len(work.records) > 1:
            half = len(work.records) // 2
            return "split", [_Work(work.records[half:]), _Work(work.records[:half])]
        limit = self.settings.retry_attempts
        if limit != FOR_EVER and work.tries > limit:
            return "discarded", []
        return "again", [work]

    def _drop_old(self, work: _Work, clock: Clock) -> None:
        """Give up the records that have grown too old; the younger ones stay to be sent."""
        limits: list[tuple[float, Condition]] = [(self.settings.retention_seconds, "Expired")]
        if self.settings.record_age_seconds != FOR_EVER:
            limits.insert(0, (self.settings.record_age_seconds, "RecordAgeExceeded"))
        for seconds, condition in limits:
            old = tuple(one for one in work.records if clock.now() - one.arrived > seconds)
            if old:
                self._discard(work, old, condition, clock)
                work.records = work.records[len(old) :]

    def _discard(
        self,
        work: _Work,
        records: tuple[Record, ...],
        condition: Condition,
        clock: Clock,
    ) -> None:
        told = None
        if self.settings.on_failure_arn is not None and condition != "Expired":
            told = message(
                self.settings,
                self._shard.id,
                records,
                condition,
                last=work.last,
                invocations=work.tries,
                now=clock.now(),
            )
            self.messages.append(told)
        self.discarded.append(Discarded(records, condition, work.tries, told))


def _size(record: Record) -> int:
    """Return how many bytes a record takes in an event, or somewhat more."""
    return len(record.data) * 4 // 3 + len(record.partition_key) + _RECORD_OVERHEAD
