"""Lookup tables by boto3, and queries that name them. Answers fit botocore's shapes."""

import json
import time
import uuid

import pytest

from tests.endpoint.test_queries import ask, rows
from workshop.endpoint.logs import lookup_tables
from workshop.endpoint.logs.lookup_tables import LookupTables
from workshop.store import StoreError

BODY = "code,meaning\r\n402,declined\r\n503,unavailable\r\n"


@pytest.fixture(scope="module")
def logs(aws):
    return aws("logs")


@pytest.fixture
def name(logs):
    """A name that no table has; what is made under it is deleted."""
    name = f"table_{uuid.uuid4().hex}"
    yield name
    for about in logs.describe_lookup_tables(lookupTableNamePrefix=name)["lookupTables"]:
        logs.delete_lookup_table(lookupTableArn=about["lookupTableArn"])


def test_a_table_is_put_told_of_and_given_back(logs, name):
    before = int(time.time() * 1000)
    made = logs.create_lookup_table(lookupTableName=name, tableBody=BODY, description="why")

    assert made["createdAt"] >= before
    (about,) = logs.describe_lookup_tables(lookupTableNamePrefix=name)["lookupTables"]
    assert about["lookupTableArn"] == made["lookupTableArn"]
    assert (about["tableFields"], about["recordsCount"]) == (["code", "meaning"], 2)
    assert (about["sizeBytes"], about["description"]) == (len(BODY), "why")
    whole = logs.get_lookup_table(lookupTableArn=made["lookupTableArn"])
    assert (whole["tableBody"], whole["lookupTableName"]) == (BODY, name)


def test_a_query_uses_a_table_as_it_is_now(logs, name):
    group = f"/lookup/{name}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps({"status": 503})}
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])
    made = logs.create_lookup_table(lookupTableName=name, tableBody=BODY)
    text = f"lookup {name} code as status OUTPUT meaning | display meaning"

    def meaning():
        (row,) = rows(ask(logs, text, logGroupName=group))
        return row["meaning"]

    assert meaning() == "unavailable"
    logs.update_lookup_table(
        lookupTableArn=made["lookupTableArn"], tableBody="code,meaning\n503,later"
    )
    assert meaning() == "later"
    logs.delete_lookup_table(lookupTableArn=made["lookupTableArn"])
    with pytest.raises(logs.exceptions.MalformedQueryException, match="no lookup table"):
        ask(logs, text, logGroupName=group)


def test_a_table_that_is_there_already_or_is_not_there_is_told_so(logs, name):
    made = logs.create_lookup_table(lookupTableName=name, tableBody=BODY)
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_lookup_table(lookupTableName=name, tableBody=BODY)
    arn = made["lookupTableArn"] + "x"
    for operation in (logs.get_lookup_table, logs.delete_lookup_table):
        with pytest.raises(logs.exceptions.ResourceNotFoundException):
            operation(lookupTableArn=arn)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.update_lookup_table(lookupTableArn=arn, tableBody=BODY)


def test_a_body_that_is_no_table_or_too_large_is_refused_with_the_reason(logs, name, monkeypatch):
    refused = logs.exceptions.InvalidParameterException
    with pytest.raises(refused, match="line 3 has 1 values for 2 fields"):
        logs.create_lookup_table(lookupTableName=name, tableBody="a,b\n1,2\n3")
    with pytest.raises(refused, match="does not offer: queryId"):
        logs.create_lookup_table(lookupTableName=name, queryId="x", tableBody=BODY)
    monkeypatch.setattr(lookup_tables, "MAX_BYTES", 10)
    with pytest.raises(refused, match="more than 10"):
        logs.create_lookup_table(lookupTableName=name, tableBody=BODY)
    assert logs.describe_lookup_tables(lookupTableNamePrefix=name)["lookupTables"] == []


def test_tables_are_listed_by_name_page_by_page(logs, name):
    names = [f"{name}_{letter}" for letter in "bac"]
    for one in names:
        logs.create_lookup_table(lookupTableName=one, tableBody=BODY)

    pages, more = [], {}
    while not pages or more:
        answer = logs.describe_lookup_tables(lookupTableNamePrefix=name, maxResults=2, **more)
        pages.append([about["lookupTableName"] for about in answer["lookupTables"]])
        more = {"nextToken": answer["nextToken"]} if "nextToken" in answer else {}

    assert pages == [sorted(names)[:2], sorted(names)[2:]]


def test_there_are_no_more_tables_than_are_allowed(logs, name, monkeypatch):
    monkeypatch.setattr(lookup_tables, "MAX_TABLES", 0)
    with pytest.raises(logs.exceptions.LimitExceededException):
        logs.create_lookup_table(lookupTableName=name, tableBody=BODY)


def test_a_table_of_ten_megabytes_goes_through(logs, name):
    line = '"é, ""quoted""",x\n'
    body = "a,b\n" + line * ((lookup_tables.MAX_BYTES - 4) // len(line.encode()))
    made = logs.create_lookup_table(lookupTableName=name, tableBody=body)

    assert logs.get_lookup_table(lookupTableArn=made["lookupTableArn"])["tableBody"] == body


def test_tables_are_still_there_after_a_restart_and_names_tell_case_apart(tmp_path):
    from workshop.endpoint.arguments import Arguments
    from workshop.endpoint.logs.errors import invalid

    def opened():
        return LookupTables(tmp_path / "tables", region="r", account_id="1")

    first = opened()
    for name, value in (("T", "upper"), ("t", "lower")):
        body = f"a\n{value}\r\n"
        first.create(Arguments({"lookupTableName": name, "tableBody": body}, invalid))

    again = opened()
    assert [again.table(name).rows for name in "Tt"] == [(("upper",),), (("lower",),)]
    assert again.table("x") is None

    next((tmp_path / "tables").glob("*.csv")).write_text("not ours")
    with pytest.raises(StoreError, match="cannot be read"):
        opened()
