"""CloudWatch Logs by boto3: groups, streams, events. Answers are held against botocore's shapes."""

import time
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.conftest import GROUP, client_of, eventually
from workshop.endpoint.app import Endpoint
from workshop.store import StoreError

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.fixture
def logs(aws):
    return aws("logs")


@pytest.fixture
def group(logs):
    """A log group of the test's own, with one stream."""
    name = f"/test/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    return name


def now():
    return int(time.time() * 1000)


def put(logs, group, *events, stream="one"):
    batch = [{"timestamp": when, "message": message} for when, message in events]
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)


def code(raised):
    return raised.value.response["Error"]["Code"]


def test_a_group_that_the_template_declares_is_there_before_anything_is_logged(logs):
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/echo")["logGroups"]

    assert [(one["logGroupName"], one["retentionInDays"]) for one in groups] == [(GROUP, 7)]


def test_a_group_is_created_once(logs, group):
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=group, logStreamName="one")


def test_retention_is_kept(logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=30)

    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == 30
    with pytest.raises(logs.exceptions.InvalidParameterException, match="must be one of"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=2)


def test_a_deleted_group_is_gone_with_its_events(logs, group):
    put(logs, group, (now(), "gone"))

    logs.delete_log_group(logGroupName=group)

    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName=group)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        put(logs, group, (now(), "late"))


def test_groups_come_in_pages(logs):
    prefix = f"/pages/{uuid.uuid4().hex}"
    for number in range(5):
        logs.create_log_group(logGroupName=f"{prefix}/{number}")

    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix=prefix, PaginationConfig={"PageSize": 2}
    )

    names = [[one["logGroupName"][-1] for one in page["logGroups"]] for page in pages]
    assert names == [["0", "1"], ["2", "3"], ["4"]]


def test_a_group_is_found_by_its_arn(logs, group):
    (described,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    put(logs, group, (now(), "x"))

    for arn in (described["arn"], described["logGroupArn"]):
        assert len(logs.filter_log_events(logGroupIdentifier=arn)["events"]) == 1


def test_streams_are_listed_by_name_or_by_last_event(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="two")
    moment = now()
    put(logs, group, (moment, "a"), stream="two")
    put(logs, group, (moment - MINUTE, "b"), (moment - 1000, "c"))

    by_name = logs.describe_log_streams(logGroupName=group)["logStreams"]
    latest = logs.describe_log_streams(
        logGroupName=group, orderBy="LastEventTime", descending=True, limit=1
    )

    assert [one["logStreamName"] for one in by_name] == ["one", "two"]
    assert by_name[0]["firstEventTimestamp"] == moment - MINUTE
    assert by_name[0]["lastEventTimestamp"] == moment - 1000
    assert [one["logStreamName"] for one in latest["logStreams"]] == ["two"]
    assert latest["nextToken"]


def test_events_are_read_forwards_and_backwards_page_by_page(logs, group):
    moment = now()
    put(logs, group, *((moment - 10 + number, str(number)) for number in range(5)))
    asked = {"logGroupName": group, "logStreamName": "one", "limit": 2}

    def read(**more):
        answer = logs.get_log_events(**asked, **more)
        return answer, "".join(event["message"] for event in answer["events"])

    tail, text = read()
    assert text == "34"
    head, text = read(startFromHead=True)
    assert text == "01"
    following, text = read(nextToken=head["nextForwardToken"])
    assert text == "23"
    last, text = read(nextToken=following["nextForwardToken"])
    assert text == "4"
    end, text = read(nextToken=last["nextForwardToken"])
    assert text == ""
    assert end["nextForwardToken"] == last["nextForwardToken"]
    _, text = read(nextToken=tail["nextBackwardToken"])
    assert text == "12"
    put(logs, group, (moment, "new"))
    assert read(nextToken=end["nextForwardToken"])[1] == "new"


def test_a_range_of_time_has_its_start_and_not_its_end(logs, group):
    moment = now()
    put(logs, group, *((moment - 10 + number, str(number)) for number in range(5)))

    found = logs.filter_log_events(logGroupName=group, startTime=moment - 9, endTime=moment - 7)

    assert [event["message"] for event in found["events"]] == ["1", "2"]


def test_a_filter_finds_events_of_all_streams_in_order_of_time_page_by_page(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="two")
    moment = now()
    put(logs, group, (moment - 5, "a ERROR"), (moment - 3, "b"), (moment - 1, "c ERROR"))
    put(logs, group, (moment - 4, "d ERROR"), (moment - 2, "e ERROR"), stream="two")

    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern="ERROR", PaginationConfig={"PageSize": 3}
    )

    found = [[event["message"][0] for event in page["events"]] for page in pages]
    assert [name for page in found for name in page] == ["a", "d", "e", "c"]
    assert len(found[0]) == 3
    only = logs.filter_log_events(logGroupName=group, logStreamNames=["two"])["events"]
    assert [event["message"][0] for event in only] == ["d", "e"]
    assert len({event["eventId"] for event in only}) == 2


def test_a_malformed_filter_pattern_is_refused(logs, group):
    with pytest.raises(logs.exceptions.InvalidParameterException, match="not offered"):
        logs.filter_log_events(logGroupName=group, filterPattern="[a, b]")


@pytest.mark.parametrize("nasty", ["'; DROP TABLE log_events; --", '"%_\\', "\x00", "é😀", "{{"])
def test_quotes_and_sql_in_a_message_come_back_as_they_were(logs, group, nasty):
    put(logs, group, (now(), nasty))

    (found,) = logs.filter_log_events(logGroupName=group)["events"]

    assert found["message"] == nasty


def test_a_page_ends_at_a_megabyte(logs, group):
    moment = now()
    for number in range(3):
        put(logs, group, (moment + number, "x" * 1_000_000))

    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group))

    assert [len(page["events"]) for page in pages] == [2, 1]


def test_events_too_old_and_too_new_are_rejected_and_the_others_kept(logs, group):
    moment = now()

    old = put(logs, group, (moment - 14 * DAY - HOUR, "a"), (moment - 14 * DAY + HOUR, "b"))
    new = put(logs, group, (moment, "c"), (moment + 3 * HOUR, "d"), (moment + 4 * HOUR, "e"))

    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert new["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    found = logs.filter_log_events(logGroupName=group)["events"]
    assert [event["message"] for event in found] == ["b", "c"]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([(0, "b"), (-1, "a")], "chronological"),
        ([(-25 * HOUR, "a"), (0, "b")], "24 hours"),
        ([(0, "x" * 1_048_576)], "Upload too large"),
        ([(0, "x" * 500_000), (0, "é" * 300_000)], "Upload too large"),
        ([(0, "x")] * 10_001, "10,000"),
    ],
)
def test_a_batch_that_breaks_the_rules_is_refused_whole(logs, group, events, reason):
    moment = now()
    with pytest.raises(logs.exceptions.InvalidParameterException, match=reason):
        put(logs, group, *((moment + offset, message) for offset, message in events))

    assert logs.filter_log_events(logGroupName=group)["events"] == []


def test_nothing_is_put_into_a_stream_that_is_not_there(logs, group):
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="log stream"):
        put(logs, group, (now(), "x"), stream="none")


def test_what_cannot_be_kept_is_not_acknowledged(logs, group, endpoint, monkeypatch):
    def fail(*_):
        raise StoreError("the telemetry could not be kept: no space left on device")

    monkeypatch.setattr(endpoint.store, "append", fail)

    with pytest.raises(logs.exceptions.ServiceUnavailableException, match="no space left"):
        put(logs, group, (now(), "x"))


def test_a_token_of_somebody_else_is_refused(logs, group):
    for token in ("f/abc", "x", f"f/{'9' * 56}"):
        with pytest.raises(ClientError) as raised:
            logs.get_log_events(logGroupName=group, logStreamName="one", nextToken=token)
        assert code(raised) == "InvalidParameterException"


def test_what_a_function_logs_is_there_once_it_has_answered(aws, logs):
    text = f"said {uuid.uuid4().hex}"

    aws("lambda").invoke(FunctionName="echo", Payload=f'{{"say": "{text}"}}')

    (found,) = logs.filter_log_events(logGroupName=GROUP, filterPattern=f'"{text}"')["events"]
    assert found["message"] == text


def test_log_groups_are_there_again_after_a_restart(function, tmp_path):
    with Endpoint(function / "template.yaml", tmp_path) as first:
        logs = client_of("logs", first)
        logs.create_log_group(logGroupName="/kept")
        logs.create_log_stream(logGroupName="/kept", logStreamName="one")
        put(logs, "/kept", (now(), "kept"))
        logs.close()
    with Endpoint(function / "template.yaml", tmp_path) as second:
        logs = client_of("logs", second)
        assert logs.filter_log_events(logGroupName="/kept")["events"][0]["message"] == "kept"
        put(logs, "/kept", (now(), "more"))
        logs.close()


def test_an_asynchronous_event_is_served_soon(aws, logs):
    text = f"later {uuid.uuid4().hex}"

    aws("lambda").invoke(
        FunctionName="echo", Payload=f'{{"say": "{text}"}}', InvocationType="Event"
    )

    def found():
        return logs.filter_log_events(logGroupName=GROUP, filterPattern=f'"{text}"')["events"]

    assert eventually(found)
