"""Logs Insights queries by boto3. Answers are held against botocore's shapes."""

import base64
import json
import threading
import time
import uuid

import pytest

from tests.endpoint.conftest import eventually
from workshop.endpoint.logs import queries

QUERY = "stats count(*) as n by level | sort level"


@pytest.fixture(scope="module")
def logs(aws):
    return aws("logs")


@pytest.fixture(scope="module")
def group(logs):
    """A log group with 30 JSON records, the last minute."""
    name = f"/queries/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    moment = int(time.time() * 1000) - 60_000
    records = [
        {
            "timestamp": moment + number,
            "message": json.dumps({"level": ("INFO", "WARN", "ERROR")[number % 3], "n": number}),
        }
        for number in range(30)
    ]
    logs.put_log_events(logGroupName=name, logStreamName="one", logEvents=records)
    return name


def span(**more):
    now = int(time.time())
    return {"startTime": now - 3600, "endTime": now} | more


def results(logs, number, **more):
    def over():
        answer = logs.get_query_results(queryId=number, **more)
        return answer if answer["status"] not in ("Scheduled", "Running") else None

    return eventually(over, 10)


def ask(logs, text, **more):
    return results(logs, logs.start_query(queryString=text, **span(**more))["queryId"])


def rows(answer):
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]


def test_a_query_gives_rows_and_statistics(logs, group):
    answer = ask(logs, f"filter n >= 3 | {QUERY}", logGroupName=group)

    assert answer["status"] == "Complete"
    assert rows(answer) == [{"level": level, "n": "9"} for level in ("ERROR", "INFO", "WARN")]
    statistics = answer["statistics"]
    assert (statistics["recordsMatched"], statistics["recordsScanned"]) == (27, 30)
    assert (statistics["resultCount"], statistics["logGroupsScanned"]) == (3, 1)


@pytest.mark.parametrize("way", ["logGroupNames", "logGroupIdentifiers", "SOURCE"])
def test_log_groups_are_named_in_each_of_the_ways(logs, group, way):
    if way == "SOURCE":
        answer = ask(logs, f"SOURCE '{group}' | {QUERY}")
    else:
        answer = ask(logs, QUERY, **{way: [group]})

    assert len(answer["results"]) == 3


def test_no_log_group_or_two_ways_of_naming_it_are_refused(logs, group):
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Exactly one"):
        ask(logs, QUERY)
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Exactly one"):
        ask(logs, QUERY, logGroupName=group, logGroupNames=[group])


def test_a_log_group_that_does_not_exist_is_named(logs):
    message = "Log group '/none' does not exist for account ID '123456789012'"
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match=message):
        ask(logs, QUERY, logGroupName="/none")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match=message):
        ask(logs, "SOURCE '/none' | stats count(*)")


@pytest.mark.parametrize(
    "text",
    [
        "filter level in (SOURCE '/none' | fields level)",
        "stats count(*) as n by level in (SOURCE '/none' | fields level)",
        "join left=a right=b where a.level = b.level (SOURCE '/none')",
        "appendcols (SOURCE '/none' | fields level)",
    ],
)
def test_a_log_group_of_a_subquery_that_does_not_exist_is_named(logs, group, text):
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="Log group '/none' does"):
        ask(logs, text, logGroupName=group)


def test_a_malformed_query_is_refused_at_once_with_its_place(logs, group):
    with pytest.raises(logs.exceptions.MalformedQueryException) as raised:
        ask(logs, "stats count(*", logGroupName=group)

    error = raised.value.response["queryCompileError"]
    assert error["location"]["startCharOffset"] in (12, 13)
    assert error["message"] == raised.value.response["Error"]["Message"]


def test_another_query_language_is_refused_by_name(logs, group):
    with pytest.raises(logs.exceptions.InvalidParameterException, match="PPL"):
        ask(logs, QUERY, logGroupName=group, queryLanguage="PPL")


def test_the_last_second_is_in_the_range_whole(logs, group):
    second = int(time.time()) - 30
    logs.put_log_events(
        logGroupName=group,
        logStreamName="one",
        logEvents=[
            {"timestamp": second * 1000 + 999, "message": "edge"},
            {"timestamp": second * 1000 + 1000, "message": "edge"},
        ],
    )
    text = "filter @message = 'edge' | stats count(*) as n"

    def count(start, end):
        started = logs.start_query(
            queryString=text, logGroupName=group, startTime=start, endTime=end
        )
        return rows(results(logs, started["queryId"]))

    assert count(second, second) == [{"n": "1"}]
    assert count(second * 1000, second * 1000 + 1000) == [{"n": "2"}]


def test_results_come_in_pages(logs, group):
    started = logs.start_query(
        queryString="filter ispresent(n) | fields n | sort n",
        **span(logGroupName=group, limit=25),
    )
    pages = [results(logs, started["queryId"], maxItems=10)]
    while token := pages[-1].get("nextToken"):
        pages.append(results(logs, started["queryId"], maxItems=10, nextToken=token))

    assert [len(page["results"]) for page in pages] == [10, 10, 5]
    assert [row["n"] for page in pages for row in rows(page)] == list(map(str, range(25)))


def test_a_pointer_leads_to_the_whole_record(logs, group):
    (row,) = rows(ask(logs, "filter n = 7 | fields n", logGroupName=group))

    record = logs.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]

    assert record["n"] == "7"
    assert record["level"] == "WARN"
    assert record["@logStream"] == "one"
    beyond = base64.b64encode(b"log_events/" + b"1" * 50).decode()  # any database's numbers
    for pointer in ("x", "", "bG9nX2V2ZW50cy85OTk5OTk5", beyond):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.get_log_record(logRecordPointer=pointer)


def test_fields_of_a_group_are_told_with_how_many_events_have_them(logs, group):
    found = logs.get_log_group_fields(logGroupName=group)["logGroupFields"]

    percents = {one["name"]: one["percent"] for one in found}
    assert percents["@message"] == 100
    assert 80 <= percents["level"] <= 100


def test_queries_are_listed_newest_first(logs, group):
    number = logs.start_query(queryString=QUERY, **span(logGroupName=group))["queryId"]
    results(logs, number)

    listed = logs.describe_queries(logGroupName=group, status="Complete", maxResults=1)["queries"]

    assert [one["queryId"] for one in listed] == [number]
    assert listed[0]["queryString"].startswith(f'SOURCE "{group}" START=')
    assert listed[0]["queryString"].endswith(QUERY)


def slow_group(logs, endpoint):
    """A log group, and a query of it that is far more work than there is time for."""
    name = f"/slow/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    with endpoint.store.database() as connection:
        connection.execute(
            "INSERT INTO log_events SELECT 1000000 + i, 0, ?, 's', ? + i % 1000, "
            "repeat(i::VARCHAR, 20), 0 FROM range(400000) t(i)",
            [name, int(time.time() * 1000) - 60_000],
        )
    text = "filter @message like /(1+2?3?)+x/ | stats count(*) by sha256(@message) | sort @message"
    return name, text


def test_a_query_can_be_stopped_while_it_runs(logs, endpoint):
    name, text = slow_group(logs, endpoint)
    number = logs.start_query(queryString=text, **span(logGroupName=name))["queryId"]
    status = eventually(
        lambda: logs.get_query_results(queryId=number)["status"] in ("Running", "Complete")
    )
    assert status

    assert logs.stop_query(queryId=number)["success"]

    assert logs.get_query_results(queryId=number)["status"] == "Cancelled"
    with pytest.raises(logs.exceptions.InvalidParameterException, match="already ended"):
        logs.stop_query(queryId=number)
    logs.delete_log_group(logGroupName=name)


def test_a_query_that_takes_too_long_is_ended(logs, endpoint, monkeypatch):
    monkeypatch.setattr(queries, "MAX_SECONDS", 0.05)
    name, text = slow_group(logs, endpoint)

    answer = ask(logs, text, logGroupName=name)

    assert (answer["status"], answer["results"]) == ("Timeout", [])
    monkeypatch.undo()
    assert ask(logs, "stats count(*)", logGroupName=name)["status"] == "Complete"
    logs.delete_log_group(logGroupName=name)


def test_a_query_that_would_return_too_much_fails(logs, group, monkeypatch, caplog):
    monkeypatch.setattr(queries, "MAX_CHARACTERS", 500)

    assert ask(logs, "fields @message", logGroupName=group)["status"] == "Failed"
    assert "more than 500 characters" in caplog.text
    assert ask(logs, QUERY, logGroupName=group)["status"] == "Complete"


def test_a_query_that_cannot_be_answered_for_whatever_reason_ends(logs, group, monkeypatch, caplog):
    def rows(*_args, **_options):
        raise MemoryError

    monkeypatch.setattr("workshop.insights.rows", rows)

    assert ask(logs, QUERY, logGroupName=group)["status"] == "Failed"
    assert "MemoryError" in caplog.text


def test_results_that_are_too_large_to_be_kept_all_are_forgotten_oldest_first(
    logs, group, monkeypatch
):
    monkeypatch.setattr(queries, "MAX_CHARACTERS_KEPT", 1)
    text = "fields @message | limit 3"
    first = logs.start_query(queryString=text, **span(logGroupName=group))["queryId"]
    assert len(results(logs, first)["results"]) == 3

    second = logs.start_query(queryString=text, **span(logGroupName=group))["queryId"]
    assert len(results(logs, second)["results"]) == 3
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        results(logs, first)


def test_more_than_ten_thousand_rows_come_when_they_are_asked_for(logs, endpoint):
    name = f"/many/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    with endpoint.store.database() as connection:
        connection.execute(
            "INSERT INTO log_events SELECT 2000000 + i, 0, ?, 's', ?, i::VARCHAR, 0 "
            "FROM range(12000) t(i)",
            [name, int(time.time() * 1000) - 60_000],
        )

    def numbers(text):
        query = logs.start_query(queryString=text, **span(logGroupName=name))["queryId"]
        pages = [results(logs, query)]
        while token := pages[-1].get("nextToken"):
            pages.append(results(logs, query, nextToken=token))
        return [[row["@message"] for row in rows(page)] for page in pages]

    assert [len(page) for page in numbers("fields @message")] == [10_000]
    pages = numbers("fields @message | sort @message | limit 11000")
    assert [len(page) for page in pages] == [10_000, 1_000]
    assert [int(number) for page in pages for number in page] == list(range(11_000))
    with pytest.raises(logs.exceptions.MalformedQueryException, match="at most 100000"):
        numbers("limit 100001")
    logs.delete_log_group(logGroupName=name)


def test_a_query_that_is_not_there_is_not_found(logs):
    for operation in (logs.get_query_results, logs.stop_query):
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            operation(queryId="none")


def test_queries_during_ingest_see_every_acknowledged_event(logs):
    name = f"/ingest/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    acknowledged = 0
    stop = threading.Event()

    def ingest():
        nonlocal acknowledged
        while not stop.is_set():
            batch = [{"timestamp": int(time.time() * 1000), "message": "x"}] * 100
            logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=batch)
            acknowledged += 100

    thread = threading.Thread(target=ingest)
    thread.start()
    try:
        for _ in range(5):
            before = acknowledged
            found = rows(ask(logs, "stats count(*) as n", logGroupName=name, endTime=2**33))
            assert int(found[0]["n"] if found else 0) >= before
    finally:
        stop.set()
        thread.join()
    assert acknowledged
