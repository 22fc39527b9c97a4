"""`workshop traces`: a list of traces, or the waterfall of one."""

import argparse
import json
import re
import time

from workshop.cli.connection import connected
from workshop.cli.project import Project
from workshop.cli.render import traces as drawing
from workshop.cli.render.screen import Screen
from workshop.errors import UsageError
from workshop.traces import assemble

_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")


def command(project: Project, screen: Screen, options: argparse.Namespace) -> int:
    """Read the arguments of `workshop traces`."""
    if _TRACE_ID.fullmatch(options.filter):
        return one(project, screen, options.filter)
    return traces(project, screen, options.filter, since=options.since)


def traces(project: Project, screen: Screen, expression: str, *, since: int) -> int:
    """List traces, newest first.

    Args:
        project: The checkout.
        screen: Where to draw.
        expression: An X-Ray filter expression; empty for all.
        since: How far back to look, in seconds.

    Returns:
        Exit status 0.
    """
    now = time.time()
    with connected(project) as client:
        found = list(
            client.pages(
                "xray",
                "GetTraceSummaries",
                "TraceSummaries",
                "NextToken",
                StartTime=now - since,
                EndTime=now + 1,
                FilterExpression=expression or None,
            )
        )
    found.sort(key=lambda summary: float(summary["StartTime"]), reverse=True)
    screen.show(*drawing.listed(found, screen.width))
    return 0


def one(project: Project, screen: Screen, trace_id: str) -> int:
    """Draw one trace as a waterfall.

    Returns:
        Exit status 0.
    """
    with connected(project) as client:
        found = client.call("xray", "BatchGetTraces", TraceIds=[trace_id])["Traces"]
    documents = [json.loads(segment["Document"]) for one in found for segment in one["Segments"]]
    assembled = assemble(documents)
    if not assembled:
        raise UsageError(f"there is no trace {trace_id}", "workshop traces lists those there are")
    screen.show(*drawing.whole(assembled[0], screen.width))
    return 0
