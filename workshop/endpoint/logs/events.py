"""Operations on log groups, streams and events.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
"""

# ruff: noqa: S608 - only names of our own are put into SQL; values are parameters

import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.logs import filter_pattern
from workshop.endpoint.logs.errors import group_not_found, invalid, stream_not_found
from workshop.endpoint.logs.groups import Created, Groups
from workshop.endpoint.logs.positions import Position, position
from workshop.endpoint.protocols import Operation
from workshop.signals import LogEvent
from workshop.store import Store

if TYPE_CHECKING:
    import duckdb

GROUP_NAME = r"[.\-_/#A-Za-z0-9]{1,512}"
STREAM_NAME = r"[^:*]{1,512}"

MAX_BATCH_BYTES = 1_048_576
"""Of a PutLogEvents batch and of a page of log events: the messages in UTF-8, and
`EVENT_OVERHEAD_BYTES` for each."""

MAX_BATCH_EVENTS = 10_000
EVENT_OVERHEAD_BYTES = 26

_HOUR_MS = 3_600_000
_TOO_NEW_MS = 2 * _HOUR_MS
_TOO_OLD_MS = 14 * 24 * _HOUR_MS
_SPAN_MS = 24 * _HOUR_MS
_PAGE = 50
_CHUNK = 1000
_CLASSES = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")
_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_ARN = r"arn:aws:logs:[a-z0-9-]*:\d*:log-group:([^:]+)(:\*)?"


@dataclass(frozen=True)
class _Stream:
    """A log stream, as its log events tell of it; times in milliseconds since the epoch."""

    name: str
    creation_time: int
    first: int | None = None
    last: int | None = None
    ingested: int | None = None


class Events:
    """The operations.

    Args:
        store: Where log events are.
        groups: The log groups created and declared.
        region: AWS region to be in.
        account_id: AWS account to be in.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        groups: Groups,
        *,
        region: str,
        account_id: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._groups = groups
        self._place = f"{region}:{account_id}"
        self._clock = clock

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "CreateLogGroup": self.create_log_group,
            "CreateLogStream": self.create_log_stream,
            "DeleteLogGroup": self.delete_log_group,
            "DescribeLogGroups": self.describe_log_groups,
            "DescribeLogStreams": self.describe_log_streams,
            "FilterLogEvents": self.filter_log_events,
            "GetLogEvents": self.get_log_events,
            "PutLogEvents": self.put_log_events,
            "PutRetentionPolicy": self.put_retention_policy,
        }

    # --------------------------------------------------------------------------- groups, streams

    def create_log_group(self, given: Arguments) -> None:
        """Create a log group."""
        name = given.required_text("logGroupName", pattern=GROUP_NAME)
        group_class = given.choice("logGroupClass", ("STANDARD",), "STANDARD")
        given.finish()
        if self.exists(name):
            message = "The specified log group already exists"
            raise ApiError("ResourceAlreadyExistsException", message)
        self._groups.create(name, self.now(), group_class)

    def create_log_stream(self, given: Arguments) -> None:
        """Create a log stream."""
        group = given.required_text("logGroupName", pattern=GROUP_NAME)
        stream = given.required_text("logStreamName", pattern=STREAM_NAME)
        given.finish()
        self.must_exist(group)
        if self._stream_exists(group, stream):
            message = "The specified log stream already exists"
            raise ApiError("ResourceAlreadyExistsException", message)
        self._groups.create_stream(group, stream, self.now())

    def put_retention_policy(self, given: Arguments) -> None:
        """Lay down how long log events are kept. Nothing is deleted on a laptop."""
        group = given.required_text("logGroupName", pattern=GROUP_NAME)
        days = given.integer("retentionInDays")
        given.finish()
        if days not in _RETENTIONS:
            raise invalid(f"retentionInDays must be one of {', '.join(map(str, _RETENTIONS))}")
        self.must_exist(group)
        self._groups.retain(group, days, self.now())

    def delete_log_group(self, given: Arguments) -> None:
        """Delete a log group and its log events, for good."""
        group = given.required_text("logGroupName", pattern=GROUP_NAME)
        given.finish()
        self.must_exist(group)
        self._store.delete(group)
        self._groups.delete(group)

    def describe_log_groups(self, given: Arguments) -> dict[str, Any]:
        """List log groups, in order of name."""
        prefix = given.text("logGroupNamePrefix", pattern=GROUP_NAME) or ""
        pattern = given.text("logGroupNamePattern", pattern=GROUP_NAME)
        group_class = given.choice("logGroupClass", _CLASSES, "") or None
        identifiers = given.texts("logGroupIdentifiers", most=50)
        limit = given.integer("limit", least=1, most=50) or _PAGE
        after = given.text("nextToken") or ""
        given.flag("includeLinkedAccounts")  # there is one account here
        given.finish()
        if prefix and pattern:
            raise invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive.")
        wanted = None if identifiers is None else {self.name_of(one) for one in identifiers}
        known = self.known()
        names = [
            name
            for name in sorted(known)
            if name.startswith(prefix)
            and (pattern or "").lower() in name.lower()
            and group_class in (None, known[name][0].group_class)
            and (wanted is None or name in wanted)
            and name > after
        ]
        page = [self._describe_group(name, *known[name]) for name in names[:limit]]
        return {"logGroups": page} | ({"nextToken": names[limit - 1]} if names[limit:] else {})

    def describe_log_streams(self, given: Arguments) -> dict[str, Any]:
        """List the log streams of a group."""
        group = self.group(given)
        prefix = given.text("logStreamNamePrefix", pattern=STREAM_NAME) or ""
        order = given.choice("orderBy", ("LogStreamName", "LastEventTime"), "LogStreamName")
        descending = given.flag("descending")
        limit = given.integer("limit", least=1, most=50) or _PAGE
        start = self._offset(given)
        given.finish()
        if prefix and order == "LastEventTime":
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        streams = [one for one in self._streams(group) if one.name.startswith(prefix)]
        streams.sort(key=lambda one: one.name)
        if order == "LastEventTime":
            streams.sort(key=lambda one: one.last or 0)
        if descending:
            streams.reverse()
        page = [self._describe_stream(group, one) for one in streams[start : start + limit]]
        more = {"nextToken": str(start + limit)} if streams[start + limit :] else {}
        return {"logStreams": page} | more

    # ------------------------------------------------------------------------------------ events

    def put_log_events(self, given: Arguments) -> dict[str, Any]:
        """Keep a batch of log events; on return they survive the end of this process."""
        group = given.required_text("logGroupName", pattern=GROUP_NAME)
        stream = given.required_text("logStreamName", pattern=STREAM_NAME)
        events = [_event(one) for one in given.items("logEvents") or []]
        given.text("sequenceToken")  # ignored by AWS since 2023
        if "entity" in given:
            raise invalid("the workshop endpoint does not offer: entity")
        given.finish()
        self.must_exist(group)
        if not self._stream_exists(group, stream):
            raise stream_not_found()
        _check_batch(events)
        now = self.now()
        too_old = sum(timestamp < now - _TOO_OLD_MS for timestamp, _ in events)
        too_new = sum(timestamp > now + _TOO_NEW_MS for timestamp, _ in events)
        kept = events[too_old : len(events) - too_new]
        self._store.append([LogEvent(group, stream, when, message) for when, message in kept])
        rejected = {}
        if too_old:
            rejected["tooOldLogEventEndIndex"] = too_old
        if too_new:
            rejected["tooNewLogEventStartIndex"] = len(events) - too_new
        return {"nextSequenceToken": "0"} | (
            {"rejectedLogEventsInfo": rejected} if rejected else {}
        )

    def get_log_events(self, given: Arguments) -> dict[str, Any]:
        """Read the log events of one stream, forwards or backwards, page by page."""
        group = self.group(given)
        stream = given.required_text("logStreamName", pattern=STREAM_NAME)
        start, end = given.milliseconds("startTime"), given.milliseconds("endTime")
        limit = given.integer("limit", least=1, most=MAX_BATCH_EVENTS) or MAX_BATCH_EVENTS
        from_head = given.flag("startFromHead")
        token = given.text("nextToken")
        given.flag("unmask")  # nothing is masked
        given.finish()
        if not self._stream_exists(group, stream):
            raise stream_not_found()
        conditions, parameters = _range(group, start, end)
        conditions.append("log_stream = ?")
        parameters.append(stream)
        forward = from_head
        if token is not None:
            if token[:2] not in ("f/", "b/"):
                raise invalid("The specified nextToken is invalid.")
            forward = token[0] == "f"
            conditions.append(f"(timestamp, id) {'>' if forward else '<'} (?, ?)")
            parameters += position(token[2:])
        with self._rows(conditions, parameters, forward=forward, most=limit) as rows:
            page = _page(rows, limit)
        if not forward:
            page.reverse()
        last = position(token[2:]) if token else Position(start or 0, 0)
        first_at = Position(page[0].timestamp, page[0].number) if page else last
        last_at = Position(page[-1].timestamp, page[-1].number) if page else last
        return {
            "events": [
                {
                    "timestamp": row.timestamp,
                    "message": row.message,
                    "ingestionTime": row.ingestion_time,
                }
                for row in page
            ],
            "nextForwardToken": f"f/{last_at}",
            "nextBackwardToken": f"b/{first_at}",
        }

    def filter_log_events(self, given: Arguments) -> dict[str, Any]:
        """Search the log events of a group, in order of time."""
        group = self.group(given)
        streams = given.texts("logStreamNames", most=100)
        prefix = given.text("logStreamNamePrefix", pattern=STREAM_NAME)
        start, end = given.milliseconds("startTime"), given.milliseconds("endTime")
        text = given.text("filterPattern", most=filter_pattern.MAX_CHARACTERS) or ""
        limit = given.integer("limit", least=1, most=MAX_BATCH_EVENTS) or MAX_BATCH_EVENTS
        token = given.text("nextToken")
        forward = given.flag("startFromHead", default=True)
        given.flag("interleaved")  # always so, by AWS since 2019
        given.flag("unmask")  # nothing is masked
        given.finish()
        try:
            pattern = filter_pattern.parse(text)
        except filter_pattern.InvalidFilterPatternError as error:
            raise invalid(f"Invalid filter pattern: {error}") from error
        conditions, parameters = _range(group, start, end)
        if streams is not None:
            if prefix is not None:
                raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive.")
            conditions.append("list_contains(?::VARCHAR[], log_stream)")
            parameters.append(streams)
        if prefix is not None:
            conditions.append("starts_with(log_stream, ?)")
            parameters.append(prefix)
        for needed in pattern.needed:
            conditions.append("contains(message, ?)")
            parameters.append(needed)
        if token is not None:
            conditions.append(f"(timestamp, id) {'>' if forward else '<'} (?, ?)")
            parameters += position(token)
        most = None if text.strip() else limit + 1
        with self._rows(conditions, parameters, forward=forward, most=most) as rows:
            page = _page((row for row in rows if pattern.matches(row.message)), limit)
            more = next(rows, None) is not None
        answer: dict[str, Any] = {
            "events": [
                {
                    "logStreamName": row.stream,
                    "timestamp": row.timestamp,
                    "message": row.message,
                    "ingestionTime": row.ingestion_time,
                    "eventId": str(Position(row.timestamp, row.number)),
                }
                for row in page
            ],
            "searchedLogStreams": [],
        }
        if more and page:
            answer["nextToken"] = str(Position(page[-1].timestamp, page[-1].number))
        return answer

    # --------------------------------------------------------------------------- for others, too

    def now(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return int(self._clock() * 1000)

    def known(self) -> dict[str, tuple[Created, int]]:
        """Return every log group there is: what was laid down of it, and bytes of messages."""
        rows = self._read(
            "SELECT log_group, min(ingestion_time), sum(strlen(message)) FROM log_events "
            "GROUP BY log_group"
        )
        found = {name: (created, 0) for name, created in self._groups.all().items()}
        for name, first, size in rows:
            created = found[name][0] if name in found else Created(first)
            found[name] = (created, int(size))
        return found

    def exists(self, group: str) -> bool:
        """Whether there is a log group of this name."""
        return self._groups.has(group) or bool(
            self._read("SELECT 1 FROM log_events WHERE log_group = ? LIMIT 1", [group])
        )

    def must_exist(self, group: str) -> None:
        """See to it that there is a log group of this name.

        Raises:
            ApiError: ResourceNotFoundException, when there is not.
        """
        if not self.exists(group):
            raise group_not_found()

    def name_of(self, identifier: str) -> str:
        """Return the name of a log group given by its name or its ARN."""
        match = re.fullmatch(_ARN, identifier)
        if match:
            return match[1]
        if not re.fullmatch(GROUP_NAME, identifier):
            raise invalid(f"{identifier[:100]!r} is neither a log group's name nor its ARN")
        return identifier

    def group(self, given: Arguments) -> str:
        """Take the log group that must be named, in one of the two ways."""
        name = given.text("logGroupName", pattern=GROUP_NAME)
        identifier = given.text("logGroupIdentifier", most=2048)
        if (name is None) == (identifier is None):
            raise invalid("Exactly one of logGroupName and logGroupIdentifier must be specified.")
        group = name if identifier is None else self.name_of(identifier)
        assert group is not None  # noqa: S101 - one of the two is there; for the type
        self.must_exist(group)
        return group

    def _offset(self, given: Arguments) -> int:
        token = given.text("nextToken") or "0"
        if not token.isascii() or not token.isdigit() or len(token) > 9:  # noqa: PLR2004
            raise invalid("The specified nextToken is invalid.")
        return int(token)

    def _stream_exists(self, group: str, stream: str) -> bool:
        return self._groups.has(group, stream) or bool(
            self._read(
                "SELECT 1 FROM log_events WHERE log_group = ? AND log_stream = ? LIMIT 1",
                [group, stream],
            )
        )

    def _streams(self, group: str) -> list[_Stream]:
        rows = self._read(
            "SELECT log_stream, min(ingestion_time), min(timestamp), max(timestamp), "
            "max(ingestion_time) FROM log_events WHERE log_group = ? GROUP BY log_stream",
            [group],
        )
        found = {row[0]: _Stream(*row) for row in rows}
        created = self._groups.all().get(group)
        for name, moment in (created.streams if created else {}).items():
            found.setdefault(name, _Stream(name, moment))
        return list(found.values())

    def _describe_group(self, name: str, created: Created, size: int) -> dict[str, Any]:
        arn = f"arn:aws:logs:{self._place}:log-group:{name}"
        described: dict[str, Any] = {
            "logGroupName": name,
            "creationTime": created.creation_time,
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "storedBytes": size,
            "logGroupClass": created.group_class,
            "logGroupArn": arn,
        }
        if created.retention_days is not None:
            described["retentionInDays"] = created.retention_days
        return described

    def _describe_stream(self, group: str, stream: _Stream) -> dict[str, Any]:
        described: dict[str, Any] = {
            "logStreamName": stream.name,
            "creationTime": stream.creation_time,
            "arn": f"arn:aws:logs:{self._place}:log-group:{group}:log-stream:{stream.name}",
            "storedBytes": 0,  # AWS too has said nothing else since 2019
        }
        if stream.last is not None:
            described |= {
                "firstEventTimestamp": stream.first,
                "lastEventTimestamp": stream.last,
                "lastIngestionTime": stream.ingested,
            }
        return described

    def _read(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._store.database() as connection:
            return connection.execute(query, parameters).fetchall()

    @contextmanager
    def _rows(
        self,
        conditions: Sequence[str],
        parameters: Sequence[object],
        *,
        forward: bool,
        most: int | None,
    ) -> "Iterator[Iterator[_Row]]":
        """Read log events in order, a chunk at a time, no more than `most`."""
        order = "timestamp, id" if forward else "timestamp DESC, id DESC"
        with self._store.database() as connection:
            found = connection.execute(
                "SELECT id, log_stream, timestamp, ingestion_time, message FROM log_events "
                f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?",
                [*parameters, most],
            )
            yield _chunks(found)


@dataclass(frozen=True, slots=True)
class _Row:
    """A log event, as the store has it."""

    number: int
    stream: str
    timestamp: int
    ingestion_time: int
    message: str

    @property
    def size(self) -> int:
        return len(self.message.encode()) + EVENT_OVERHEAD_BYTES


def _chunks(found: "duckdb.DuckDBPyConnection") -> Iterator[_Row]:
    while rows := found.fetchmany(_CHUNK):
        for row in rows:
            yield _Row(*row)


def _page(rows: Iterator[_Row], limit: int) -> list[_Row]:
    """Take rows until there are enough of them, or enough bytes."""
    page: list[_Row] = []
    size = 0
    for row in rows:
        size += row.size
        page.append(row)
        if len(page) >= limit or size >= MAX_BATCH_BYTES:
            break
    return page


def _range(group: str, start: int | None, end: int | None) -> tuple[list[str], list[object]]:
    """Give the conditions for a group and a range of time; its start is in it, its end is not."""
    conditions, parameters = ["log_group = ?"], [group]
    values: list[object] = [*parameters]
    if start is not None:
        conditions.append("timestamp >= ?")
        values.append(start)
    if end is not None:
        conditions.append("timestamp < ?")
        values.append(end)
    return conditions, values


def _event(given: object) -> tuple[int, str]:
    """Read a log event of a batch; by hand, as there may be ten thousand in one."""
    if isinstance(given, dict):
        timestamp, message = given.get("timestamp"), given.get("message")
        if (
            type(timestamp) is int
            and 0 <= timestamp < 2**53
            and isinstance(message, str)
            and message
            and len(given) == 2  # noqa: PLR2004 - no member but these two
        ):
            return timestamp, message
    raise invalid(
        "logEvents: each has a timestamp, in milliseconds, a message that is not empty, and no more"
    )


def _check_batch(events: Sequence[tuple[int, str]]) -> None:
    """See to it that a batch is one that CloudWatch Logs takes.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """
    if not 1 <= len(events) <= MAX_BATCH_EVENTS:
        raise invalid(f"logEvents must have 1 to {MAX_BATCH_EVENTS:,} members")
    sizes = [len(message.encode("utf-8", "replace")) for _, message in events]
    size = sum(sizes) + EVENT_OVERHEAD_BYTES * len(events)
    if size > MAX_BATCH_BYTES:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")
    if any(one[0] > other[0] for one, other in itertools.pairwise(events)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if events[-1][0] - events[0][0] > _SPAN_MS:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than"
            " 24 hours."
        )
