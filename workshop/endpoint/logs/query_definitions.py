"""Saved queries: put, told of and deleted; those of the template are told of, too.

A saved query is text: like AWS, whose PutQueryDefinition has no error for one that is malformed,
nobody parses it before StartQuery.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
"""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workshop.endpoint.arguments import Arguments
from workshop.endpoint.errors import ApiError
from workshop.endpoint.logs.errors import invalid, not_found
from workshop.endpoint.logs.events import GROUP_NAME
from workshop.endpoint.logs.kept import keep
from workshop.endpoint.protocols import Operation
from workshop.store import StoreError

RESOURCE_TYPE = "AWS::Logs::QueryDefinition"
LANGUAGES = ("CWLI", "SQL", "PPL")
MAX_DEFINITIONS = 1000
MAX_NAME = 255
MAX_QUERY = 10_000

_MAX_PARAMETERS = 20
_PAGE = 1000
_NAMESPACE = uuid.UUID("4b0b5ed4-6b0c-4d51-a9c1-0f3a5c7f5c5e")


class QueryDefinitions:
    """The operations. Thread-safe.

    Args:
        file: Where they are kept; None keeps them in memory.
        resources: Gives the template's resources by logical id, resolved.
        clock: Gives the time in seconds since the epoch.
    """

    def __init__(
        self,
        file: Path | None,
        resources: Callable[[], Mapping[str, Mapping[str, Any]]] = dict,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = file
        self._resources = resources
        self._clock = clock
        self._lock = threading.Lock()
        # By id: the members of a QueryDefinition, and the clientToken that it was made with.
        self._kept: dict[str, dict[str, Any]] = {}
        if file is not None and file.exists():
            self._kept = _read(file)

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations by name."""
        return {
            "DeleteQueryDefinition": self.delete,
            "DescribeQueryDefinitions": self.describe,
            "PutQueryDefinition": self.put,
        }

    def put(self, given: Arguments) -> dict[str, Any]:
        """Save a query, or put another in the place of one: nothing of that one is kept."""
        name = given.required_text("name", most=MAX_NAME)
        query = given.required_text("queryString", most=MAX_QUERY)
        language = given.choice("queryLanguage", LANGUAGES, "CWLI")
        groups = given.texts("logGroupNames")
        placeholders = given.structures("parameters", most=_MAX_PARAMETERS) or ()
        parameters = [_parameter(one) for one in placeholders]
        number = given.text("queryDefinitionId", most=256)
        token = given.text("clientToken", pattern=r"\S{36,128}")
        given.finish()
        for group in groups or ():
            if not re.fullmatch(GROUP_NAME, group):
                raise invalid(f"logGroupNames {group[:100]!r} does not match {GROUP_NAME}")
        if parameters and language != "CWLI":
            raise invalid("parameters go with the query language CWLI alone")
        definition: dict[str, Any] = {
            "name": name,
            "queryString": query,
            "queryLanguage": language,
            "lastModified": int(self._clock() * 1000),
            "clientToken": token,
        }
        if groups:
            definition["logGroupNames"] = groups
        if parameters:
            definition["parameters"] = parameters
        with self._lock:
            if number is not None:
                self._must_be_kept(number)
            else:
                number = self._made_with(token) or self._new()
            self._write(self._kept | {number: definition})
        return {"queryDefinitionId": number}

    def describe(self, given: Arguments) -> dict[str, Any]:
        """Tell of saved queries, in order of name."""
        prefix = given.text("queryDefinitionNamePrefix", most=MAX_NAME) or ""
        language = given.choice("queryLanguage", LANGUAGES, "") or None
        most = given.integer("maxResults", least=1, most=_PAGE) or _PAGE
        after = given.text("nextToken")
        given.finish()
        with self._lock:
            known = self._declared() | self._kept
        found = sorted(
            (
                {"queryDefinitionId": number}
                | {key: value for key, value in one.items() if key != "clientToken"}
                for number, one in known.items()
                if one["name"].startswith(prefix) and language in (None, one["queryLanguage"])
            ),
            key=lambda one: (one["name"], one["queryDefinitionId"]),
        )
        ids = [one["queryDefinitionId"] for one in found]
        if after is not None and after not in ids:
            raise invalid("The specified nextToken is invalid.")
        first = 0 if after is None else ids.index(after) + 1
        page = found[first : first + most]
        more = {"nextToken": page[-1]["queryDefinitionId"]} if found[first + most :] else {}
        return {"queryDefinitions": page} | more

    def delete(self, given: Arguments) -> dict[str, Any]:
        """Forget a saved query."""
        number = given.required_text("queryDefinitionId", most=256)
        given.finish()
        with self._lock:
            self._must_be_kept(number)
            self._write({key: one for key, one in self._kept.items() if key != number})
        return {"success": True}

    def _must_be_kept(self, number: str) -> None:
        if number in self._kept:
            return
        if number in self._declared():
            raise invalid("the query is of the template: it is changed and deleted there")
        raise not_found(f"There is no query definition {number[:100]}.")

    def _made_with(self, token: str | None) -> str | None:
        """Return which one a request has made that is now sent again."""
        made = (key for key, one in self._kept.items() if one["clientToken"] == token)
        return None if token is None else next(made, None)

    def _new(self) -> str:
        if len(self._kept) >= MAX_DEFINITIONS:
            raise ApiError("LimitExceededException", f"there are {MAX_DEFINITIONS} saved queries")
        return str(uuid.uuid4())

    def _declared(self) -> dict[str, dict[str, Any]]:
        """Return the saved queries of the template, by ids that stay the same."""
        found = {}
        for logical_id, resource in self._resources().items():
            said = resource.get("Properties")
            if resource.get("Type") != RESOURCE_TYPE or not isinstance(said, Mapping):
                continue
            name, query = said.get("Name"), said.get("QueryString")
            if not isinstance(name, str) or not isinstance(query, str):
                continue
            definition: dict[str, Any] = {
                "name": name,
                "queryString": query,
                "queryLanguage": str(said.get("QueryLanguage", "CWLI")),
            }
            groups = said.get("LogGroupNames")
            if isinstance(groups, list) and groups:
                definition["logGroupNames"] = [str(group) for group in groups]
            found[str(uuid.uuid5(_NAMESPACE, logical_id))] = definition
        return found

    def _write(self, kept: dict[str, dict[str, Any]]) -> None:
        if self._file is not None:
            keep(self._file, json.dumps(kept), "the saved query")
        self._kept = kept


def _parameter(given: Arguments) -> dict[str, str]:
    """Read a placeholder of a query: its name and, where they are told, what else there is."""
    name = given.required_text("name", most=128, pattern="[a-zA-Z_][a-zA-Z0-9_]*")
    told = {
        "defaultValue": given.text("defaultValue", most=1024),
        "description": given.text("description", most=512),
    }
    given.finish()
    return {"name": name} | {key: value for key, value in told.items() if value is not None}


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        needed = ("name", "queryString", "queryLanguage", "clientToken")
        return {number: one | {key: one[key] for key in needed} for number, one in content.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(
            f"the saved queries cannot be read: {error}", f"move {file} away to begin anew"
        ) from error
