"""A small client of the endpoint: the requests that any AWS client sends, without the SDK."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import Any

from workshop.endpoint.errors import ApiError
from workshop.errors import ToolError
from workshop.loopback import HOST

_TARGETS = {
    "logs": ("Logs_20140328", "application/x-amz-json-1.1"),
    "cloudwatch": ("GraniteServiceVersion20100801", "application/x-amz-json-1.0"),
}
_PATHS = {
    "BatchGetTraces": "/Traces",
    "GetServiceGraph": "/ServiceGraph",
    "GetTraceGraph": "/TraceGraph",
    "GetTraceSummaries": "/TraceSummaries",
    "PutTraceSegments": "/TraceSegments",
}
_SECONDS = 300.0
_SHOWN_BYTES = 200  # of an answer that is no JSON


class Client:
    """Calls operations of an endpoint, one after the other.

    Args:
        port: Where it listens, on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def call(self, service: str, operation: str, **members: object) -> dict[str, Any]:
        """Call an operation.

        Args:
            service: `logs`, `cloudwatch` or `xray`.
            operation: Its name, as in the API reference.
            members: The members of the request; those that are None are left out.

        Returns:
            The members of the answer.

        Raises:
            ApiError: The service refuses.
            ToolError: The endpoint does not answer.
        """
        body = json.dumps({name: value for name, value in members.items() if value is not None})
        if service in _TARGETS:
            target, content_type = _TARGETS[service]
            head = {"X-Amz-Target": f"{target}.{operation}", "Content-Type": content_type}
            path = "/"
        else:
            head, path = {"Content-Type": "application/json"}, _PATHS[operation]
        try:
            self._connection.request("POST", path, body.encode(), head)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            raise ToolError(
                f"the endpoint does not answer: {type(error).__name__}", "workshop status"
            ) from error
        try:
            answer = json.loads(content or b"{}")
        except ValueError as error:
            text = content[:_SHOWN_BYTES].decode(errors="replace")
            raise ToolError(
                f"the endpoint answered {response.status}: {text}", "workshop status"
            ) from error
        if response.status >= 300:  # noqa: PLR2004 - HTTP's own classes
            code = response.headers.get("x-amzn-ErrorType", "InternalFailure")
            message = answer.pop("message", "")
            raise ApiError(code, message, status=response.status, members=answer)
        return dict(answer)

    def pages(
        self,
        service: str,
        operation: str,
        items: str,
        next_name: str = "nextToken",
        **members: object,
    ) -> Iterator[Any]:
        """Call an operation as often as there are pages; yield what the pages hold.

        Args:
            service: As in `call`.
            operation: As in `call`.
            items: The member of the answer that holds the items.
            next_name: What the token of the next page is called.
            members: As in `call`.
        """
        following: str | None = None
        while True:
            answer = self.call(service, operation, **members, **{next_name: following})
            yield from answer.get(items, ())
            following = answer.get(next_name)
            if not following:
                return
