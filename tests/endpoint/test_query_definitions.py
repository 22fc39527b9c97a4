"""Saved queries by boto3. Answers fit botocore's shapes."""

import time
import uuid

import pytest

from tests.endpoint.conftest import TEMPLATE, client_of
from workshop.endpoint.app import Endpoint
from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.logs.errors import invalid
from workshop.endpoint.logs.query_definitions import MAX_DEFINITIONS, QueryDefinitions
from workshop.store import StoreError

DECLARED = """\
  SavedQuery:
    Type: AWS::Logs::QueryDefinition
    Properties:
      Name: payments/slow
      QueryString: stats pct(@duration, 99)
      LogGroupNames:
        - !Ref EchoLogs
"""


@pytest.fixture(scope="module")
def logs(aws):
    return aws("logs")


@pytest.fixture
def name():
    return f"saved/{uuid.uuid4().hex}"


def told(logs, prefix, **more):
    return logs.describe_query_definitions(queryDefinitionNamePrefix=prefix, **more)


def test_a_query_is_saved_told_of_and_deleted(logs, name):
    before = int(time.time() * 1000)
    placeholder = {"name": "level", "defaultValue": "ERROR", "description": "which"}
    number = logs.put_query_definition(
        name=name,
        queryString="filter level = '{{level}}'",
        logGroupNames=["/aws/lambda/one", "/aws/lambda/two"],
        parameters=[placeholder],
    )["queryDefinitionId"]

    (one,) = told(logs, name)["queryDefinitions"]
    assert one.pop("lastModified") >= before
    assert one == {
        "queryDefinitionId": number,
        "name": name,
        "queryString": "filter level = '{{level}}'",
        "queryLanguage": "CWLI",
        "logGroupNames": ["/aws/lambda/one", "/aws/lambda/two"],
        "parameters": [placeholder],
    }

    assert logs.delete_query_definition(queryDefinitionId=number)["success"] is True
    assert told(logs, name)["queryDefinitions"] == []


def test_an_update_keeps_nothing_of_what_was_saved(logs, name):
    number = logs.put_query_definition(name=name, queryString="limit 1", logGroupNames=["one"])
    number = number["queryDefinitionId"]

    logs.put_query_definition(name=f"{name}/b", queryString="limit 2", queryDefinitionId=number)

    (one,) = told(logs, name)["queryDefinitions"]
    assert (one["name"], one["queryString"]) == (f"{name}/b", "limit 2")
    assert "logGroupNames" not in one


def test_a_query_is_not_parsed_when_it_is_saved(logs, name):
    assert logs.put_query_definition(name=name, queryString="no such command")["queryDefinitionId"]


def test_a_request_that_is_sent_again_saves_no_second_query(logs, name):
    token = uuid.uuid4().hex + "-again"
    first, second = (
        logs.put_query_definition(name=name, queryString="limit 1", clientToken=token)
        for _ in range(2)
    )

    assert first["queryDefinitionId"] == second["queryDefinitionId"]
    assert len(told(logs, name)["queryDefinitions"]) == 1


def test_saved_queries_come_by_name_page_by_page(logs, name):
    for letter in "cab":
        logs.put_query_definition(name=name + letter, queryString="limit 1")
    logs.put_query_definition(name=f"{name}d", queryString="source x", queryLanguage="PPL")

    pages, more = [], {}
    while not pages or "nextToken" in pages[-1]:
        pages.append(told(logs, name, maxResults=2, **more))
        more = {"nextToken": pages[-1].get("nextToken")}

    names = [[one["name"][-1] for one in page["queryDefinitions"]] for page in pages]
    assert names == [["a", "b"], ["c", "d"]]
    (ppl,) = told(logs, name, queryLanguage="PPL")["queryDefinitions"]
    assert ppl["name"] == f"{name}d"
    with pytest.raises(logs.exceptions.InvalidParameterException, match="nextToken"):
        told(logs, name, nextToken="none")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"queryString": "x" * 10_001}, "longer than 10,000"),
        ({"name": "x" * 256}, "longer than 255"),
        ({"logGroupNames": ["a b"]}, "logGroupNames 'a b'"),
        ({"queryLanguage": "KQL"}, "queryLanguage"),
        ({"parameters": [{"name": "1st"}]}, "name '1st'"),
        ({"parameters": [{"name": "a"}] * 21}, "parameters has 21"),
        ({"parameters": [{"name": "a"}], "queryLanguage": "SQL"}, "CWLI alone"),
    ],
)
def test_what_aws_would_not_save_is_refused(logs, name, wrong, said):
    with pytest.raises(logs.exceptions.InvalidParameterException, match=said):
        logs.put_query_definition(**({"name": name, "queryString": "limit 1"} | wrong))


def test_what_is_not_there_is_not_found(logs):
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_query_definition(queryDefinitionId="none")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.put_query_definition(name="a", queryString="limit 1", queryDefinitionId="none")


def test_saved_queries_outlive_the_endpoint_and_those_of_the_template_are_told_of(tmp_path):
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE + DECLARED)
    with Endpoint(template, tmp_path / "data") as endpoint:
        logs = client_of("logs", endpoint)
        logs.put_query_definition(name="mine", queryString="limit 1")
        before = logs.describe_query_definitions()["queryDefinitions"]
        declared = before[1]["queryDefinitionId"]
        with pytest.raises(logs.exceptions.InvalidParameterException, match="of the template"):
            logs.delete_query_definition(queryDefinitionId=declared)
        logs.close()
    with Endpoint(template, tmp_path / "data") as endpoint:
        logs = client_of("logs", endpoint)
        after = logs.describe_query_definitions()["queryDefinitions"]
        logs.close()

    assert before == after
    assert [one["name"] for one in after] == ["mine", "payments/slow"]
    assert after[1]["logGroupNames"] == ["/aws/lambda/echo"]
    assert after[1]["queryString"] == "stats pct(@duration, 99)"


def test_a_file_that_is_none_of_ours_is_named(tmp_path):
    file = tmp_path / "query_definitions.json"
    for content in ("{", "[]", '{"a": 1}', '{"a": {"name": "x"}}'):
        file.write_text(content)
        with pytest.raises(StoreError, match="saved queries"):
            QueryDefinitions(file)


def test_there_is_a_limit_to_saved_queries():
    saved = QueryDefinitions(None)
    for number in range(MAX_DEFINITIONS):
        saved.put(Arguments({"name": str(number), "queryString": "limit 1"}, invalid))

    with pytest.raises(ApiError) as refused:
        saved.put(Arguments({"name": "more", "queryString": "limit 1"}, invalid))

    assert refused.value.code == "LimitExceededException"
