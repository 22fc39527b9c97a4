"""The emulated account: what is asked of it, and what is left in it at the end."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from workshop.account import REGION
from workshop.errors import ToolError
from workshop.rehearsal.sam import KEY, SECRET, STACK

BUCKET_STACK = "aws-sam-cli-managed-default"
"""What `sam deploy --resolve-s3` makes, once for an account, and `sam delete` leaves alone."""

_ANSWER_SECONDS = 30.0
_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody who calls the deployed application gets.

    Attributes:
        asked: What was asked, in words.
        status: The HTTP status, or 0 where there is none.
        body: The answer, as text.
        wanted: The status that was wanted.
    """

    asked: str
    status: int
    body: str
    wanted: int

    @property
    def is_right(self) -> bool:
        """Whether it is the answer that was wanted."""
        return self.status == self.wanted


class Account:
    """An account at an endpoint, by AWS's own client library.

    Args:
        url: The endpoint.
    """

    def __init__(self, url: str) -> None:
        import botocore.session  # type: ignore[import-untyped]  # a fifth of a second

        self._url = url
        self._session = botocore.session.Session(
            # No file of the user's own, whatever its environment says.
            session_vars={
                "config_file": (None, None, None, None),
                "credentials_file": (None, None, None, None),
                "profile": (None, None, None, None),
            }
        )
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:  # noqa: ANN401
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self._session.create_client(
                service,
                region_name=REGION,
                endpoint_url=self._url,
                aws_access_key_id=KEY,
                aws_secret_access_key=SECRET,
            )
        return self._clients[service]

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the deployed stack."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def count_resources(self) -> int:
        """Return how many resources the stack has."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return sum(len(page["StackResourceSummaries"]) for page in pages.paginate(StackName=STACK))

    def post(self, url: str, body: object, *, signed: bool = True) -> tuple[int, str]:
        """Call an API, signed as it wants it.

        Returns:
            Its status, and its body.
        """
        from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
        from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
        from botocore.credentials import Credentials  # type: ignore[import-untyped]

        payload = json.dumps(body).encode()
        request = AWSRequest("POST", url, {"content-type": "application/json"}, payload)
        if signed:
            SigV4Auth(Credentials(KEY, SECRET), "execute-api", REGION).add_auth(request)
        address = urlsplit(url)
        connection = HTTPConnection(
            address.hostname or "", address.port or 80, timeout=_ANSWER_SECONDS
        )
        try:
            connection.request("POST", address.path, payload, dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except OSError as error:
            raise ToolError(f"{url} did not answer: {error}") from error
        finally:
            connection.close()

    def invoke(self, function: str, event: object) -> tuple[int, str]:
        """Invoke a function by name and alias.

        Returns:
            200 and what it returned, or 500 and its error.
        """
        payload = json.dumps(event).encode()
        answer = self.client("lambda").invoke(FunctionName=function, Payload=payload)
        body = answer["Payload"].read().decode(errors="replace")
        return (500 if "FunctionError" in answer else 200), body

    def put_record(self, stream: str, document: object) -> None:
        """Put a record on a stream."""
        self.client("kinesis").put_record(
            StreamName=stream, Data=json.dumps(document).encode(), PartitionKey="rehearsal"
        )

    def logged(self, group: str, text: str) -> str | None:
        """Wait until a log group holds an event with a text in it, and return the event."""

        def look() -> str | None:
            events = self.client("logs").filter_log_events(logGroupName=group)["events"]
            return next((one["message"] for one in events if text in one["message"]), None)

        return _await(look)

    def delete_bucket_stack(self) -> str:
        """Delete the bucket of `sam deploy --resolve-s3`, and its stack; return its name."""
        client = self.client("s3")
        names = [one["Name"] for one in client.list_buckets()["Buckets"]]
        (name,) = [one for one in names if one.startswith(BUCKET_STACK)]
        versions = client.list_object_versions(Bucket=name)
        for one in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
            client.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
        self.client("cloudformation").delete_stack(StackName=BUCKET_STACK)
        _await(lambda: None if list(self._stacks()) else "gone")
        return str(name)

    def left(self) -> dict[str, list[str]]:
        """Return what the account holds: kind of resource to names; only kinds that there are."""
        found = {kind: list(names()) for kind, names in self._kinds().items()}
        return {kind: names for kind, names in found.items() if names}

    def _kinds(self) -> Mapping[str, Callable[[], Iterator[str]]]:
        def of(service: str, operation: str, key: str, name: str | None) -> Callable[[], Any]:
            def names() -> Iterator[str]:
                found = getattr(self.client(service), operation)().get(key, [])
                return (str(one[name]) if name else str(one) for one in found)

            return names

        return {
            "stacks": self._stacks,
            "functions": of("lambda", "list_functions", "Functions", "FunctionName"),
            "event source mappings": of(
                "lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"
            ),
            "log groups": of("logs", "describe_log_groups", "logGroups", "logGroupName"),
            "alarms": of("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
            "dashboards": of("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
            "APIs": of("apigateway", "get_rest_apis", "items", "name"),
            "streams": of("kinesis", "list_streams", "StreamNames", None),
            "queues": of("sqs", "list_queues", "QueueUrls", None),
            "tables": of("dynamodb", "list_tables", "TableNames", None),
            "topics": of("sns", "list_topics", "Topics", "TopicArn"),
            "roles": of("iam", "list_roles", "Roles", "RoleName"),
            "buckets": of("s3", "list_buckets", "Buckets", "Name"),
        }

    def _stacks(self) -> Iterator[str]:
        for one in self.client("cloudformation").list_stacks()["StackSummaries"]:
            if one["StackStatus"] != "DELETE_COMPLETE":
                yield one["StackName"]


def _await(look: Callable[[], str | None]) -> str | None:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return found
