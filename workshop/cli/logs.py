"""`workshop logs`: log events as they came."""

import argparse
import time
from collections.abc import Iterator, Sequence
from typing import Any

from workshop.cli.connection import connected
from workshop.cli.project import Project
from workshop.cli.render import logs as drawing
from workshop.cli.render.screen import Screen
from workshop.endpoint.client import Client
from workshop.endpoint.logs import filter_pattern
from workshop.errors import UsageError

_POLL_SECONDS = 0.5
_OVERLAP_MS = 5000  # an event may arrive after others that happened later


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop logs`."""
    return logs(
        project,
        screen,
        since=options.since,
        group=options.group,
        pattern=options.filter,
        follow=options.follow,
    )


def logs(
    project: Project,
    screen: Screen,
    *,
    since: int,
    group: str | None,
    pattern: str,
    follow: bool,
) -> int:
    """Show log events, oldest first; wait for more if asked.

    Args:
        project: The checkout.
        screen: Where to draw.
        since: How far back to begin, in seconds.
        group: The log group; None for all there are.
        pattern: A CloudWatch filter pattern.
        follow: Whether to go on until Ctrl-C.

    Returns:
        Exit status 0.
    """
    try:
        filter_pattern.parse(pattern)
    except filter_pattern.InvalidFilterPatternError as error:
        raise UsageError(f"the filter pattern is wrong: {error}") from error
    with connected(project) as client:
        start = int((time.time() - since) * 1000)
        shown: dict[str, int] = {}
        while True:
            groups = [group] if group is not None else _groups(client)
            found = [
                event
                for event in _events(client, groups, start, pattern)
                if event["eventId"] + event["group"] not in shown
            ]
            for event in sorted(found, key=lambda event: int(event["timestamp"])):
                screen.show(*drawing.log_event(event["timestamp"], event["message"], screen.width))
                shown[event["eventId"] + event["group"]] = event["timestamp"]
            if not follow:
                if not found:
                    screen.show(drawing.nothing())
                return 0
            screen.flush()
            start = max([start, *(moment - _OVERLAP_MS for moment in shown.values())])
            shown = {key: moment for key, moment in shown.items() if moment >= start}
            time.sleep(_POLL_SECONDS)


def _groups(client: Client) -> list[str]:
    groups = client.pages("logs", "DescribeLogGroups", "logGroups")
    return [group["logGroupName"] for group in groups]


def _events(
    client: Client, groups: Sequence[str], start: int, pattern: str
) -> Iterator[dict[str, Any]]:
    for group in groups:
        for event in client.pages(
            "logs",
            "FilterLogEvents",
            "events",
            logGroupName=group,
            startTime=start,
            filterPattern=pattern,
        ):
            yield event | {"group": group}
