"""`workshop query`: a question to the log events, in Logs Insights QL."""

import argparse
import csv
import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

from workshop.cli.connection import connected
from workshop.cli.project import Project
from workshop.cli.render import query as drawing
from workshop.cli.render.screen import Screen
from workshop.endpoint.client import Client
from workshop.endpoint.errors import ApiError
from workshop.errors import ToolError, UsageError

_POLL_SECONDS = 0.02
_MOST_POLL_SECONDS = 0.5
_EXCERPT = 30

Row = dict[str, str]


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop query`."""
    form = "csv" if options.csv else "json" if options.json else "table"
    return query(
        project, screen, options.query, since=options.since, groups=options.group, form=form
    )


def query(
    project: Project,
    screen: Screen,
    text: str,
    *,
    since: int,
    groups: Sequence[str] | None,
    form: str,
) -> int:
    """Ask a question, and show the answer.

    Args:
        project: The checkout.
        screen: Where to draw.
        text: The query.
        since: How far back to look, in seconds.
        groups: The log groups to look in; None for all there are.
        form: `table`, `csv` or `json`.

    Returns:
        Exit status 0.
    """
    with connected(project) as client:
        rows, statistics = _ask(client, text, since=since, groups=groups)
    if form == "json":
        screen.json({"query": text, "results": rows, "statistics": statistics})
    elif form == "csv":
        screen.raw(_csv(rows))
    else:
        screen.show(*drawing.results(rows, statistics, screen.width))
    return 0


def _ask(
    client: Client, text: str, *, since: int, groups: Sequence[str] | None
) -> tuple[list[Row], Mapping[str, Any]]:
    names = groups
    if names is None and "source" not in text.lower():
        names = [
            one["logGroupName"] for one in client.pages("logs", "DescribeLogGroups", "logGroups")
        ]
        if not names:
            raise UsageError("there are no log events yet", "workshop run")
    now = int(time.time())
    try:
        started = client.call(
            "logs",
            "StartQuery",
            queryString=text,
            startTime=now - since,
            endTime=now + 1,
            logGroupNames=names or None,
        )
    except ApiError as error:
        if error.code == "MalformedQueryException":
            raise UsageError(_one_line(error.message), _place(text, error)) from error
        raise
    return _results(client, str(started["queryId"]))


def _results(client: Client, number: str) -> tuple[list[Row], Mapping[str, Any]]:
    pause = _POLL_SECONDS
    rows: list[Row] = []
    token: str | None = None
    try:
        while True:
            answer = client.call("logs", "GetQueryResults", queryId=number, nextToken=token)
            if answer["status"] in ("Scheduled", "Running"):
                time.sleep(pause)
                pause = min(2 * pause, _MOST_POLL_SECONDS)
                continue
            if answer["status"] != "Complete":
                raise ToolError(f"the query ended as {answer['status']}", ".workshop/endpoint.log")
            rows += [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]
            token = answer.get("nextToken")
            if token is None:
                return rows, answer["statistics"]
    except KeyboardInterrupt:
        client.close()  # it may be in the middle of an answer
        client.call("logs", "StopQuery", queryId=number)
        raise


def _csv(rows: Sequence[Row]) -> str:
    columns = drawing.columns(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _place(text: str, error: ApiError) -> str:
    """Show where in the query the error is."""
    compile_error = error.members.get("queryCompileError")
    if not isinstance(compile_error, dict):
        return ""
    start = int(compile_error.get("location", {}).get("startCharOffset", 0))
    before, after = text[max(0, start - _EXCERPT) : start], text[start : start + _EXCERPT]
    return f"at character {start}: {_one_line(before)} ▸ {_one_line(after) or '(its end)'}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
