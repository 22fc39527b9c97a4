"""Step 07 in the tour: what the callers saw, and one of them followed from the access log on."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.text import Text

from workshop.cli import findings
from workshop.cli.render.table import Column, table
from workshop.cli.render.text import asked, printable
from workshop.metrics.gateway_metrics import NAMESPACE
from workshop.metrics.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workshop.cli.render.tour.telemetry import Telemetry
    from workshop.signals import DataPoint, LogEvent

_MEANINGS = {
    200: ("charged", "SuccessfulCharge"),
    400: ("the request was not valid", "InvalidRequest"),
    402: ("the card was declined", "DeclinedCharge"),
    503: ("the processor was unavailable", "FailedCharge"),
}
_OURS = 500
_THEIRS = 400
_MOST_ROWS = 6


def api(telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw the answers by status, the API's own metrics, and one refused request in both logs."""
    lines = list(_access_log(telemetry.log_events))
    statuses = Counter(int(line["status"]) for line in lines)
    yield asked("access log", "stats count(*) by status")
    columns = (
        Column("status", "right", least=6),
        Column("requests", "right", least=8),
        Column("which means", least=12),
        Column("metric", least=14),
        Column("Sum", "right", least=3),
    )
    yield table(columns, [_row(*one, telemetry.points) for one in sorted(statuses.items())], width)
    yield Text()
    yield from _metrics(telemetry.points)
    refused = next((one for one in lines if int(one["status"]) == _THEIRS), None)
    if refused is not None:
        yield Text()
        yield from _followed(refused["request_id"], telemetry, width)


def _row(status: int, count: int, points: Sequence[DataPoint]) -> tuple[str | Text, ...]:
    """Return the row of one status: how many were answered so, and what the function counted."""
    meaning, metric = _MEANINGS.get(status, ("", ""))
    counted = sum(
        sum(one.values) for one in points if (one.name, one.namespace) == (metric, "Workshop")
    )
    shown = Text(f"{status}", "bad" if status >= _OURS else "")
    return shown, f"{count:,}", meaning, metric, f"{counted:,.0f}" if metric else ""


def _metrics(points: Sequence[DataPoint]) -> Iterator[Text]:
    """Draw what API Gateway measured: rates of errors, and what callers waited."""
    values: dict[str, list[float]] = {}
    for point in points:
        if point.namespace == NAMESPACE and set(point.dimensions) == {"ApiName"}:
            values.setdefault(point.name, []).extend(point.values)
    if not values.get("Count"):
        return
    yield asked("AWS/ApiGateway", "what the callers saw, whoever answered")
    for name, whose in (("4XXError", "theirs"), ("5XXError", "ours")):
        found = values.get(name, [])
        yield Text(f"{name:<18} Average {sum(found) / max(1, len(found)):>8.1%}   {whose}")
    for name in ("Latency", "IntegrationLatency"):
        found = values.get(name, [])
        if found:
            edges = "   ".join(f"p{rank} {percentile(found, rank):>7,.1f} ms" for rank in (50, 99))
            yield Text(f"{name:<18} {edges}")


def _followed(request_id: str, telemetry: Telemetry, width: int) -> Iterator[Text]:
    """Draw what the function logged of a request that the access log names."""
    yield asked("where", f'correlation_id = "{printable(request_id)}"', width)
    columns = (
        Column("level", least=5),
        Column("message", least=15),
        Column("invalid_fields", least=14, keep=False),
        Column("payment_id", least=12, keep=False),
    )
    rows = [
        (
            str(one["level"]),
            printable(str(one.get("message", ""))),
            printable(", ".join(map(str, one.get("invalid_fields") or ()))),
            printable(str(one.get("payment_id", ""))),
        )
        for one in findings.records(telemetry.log_events)
        if one.get("correlation_id") == request_id
    ]
    yield table(columns, rows[:_MOST_ROWS], width)


def _access_log(events: Sequence[LogEvent]) -> Iterator[dict[str, Any]]:
    """Read the access log: JSON with a request id and a status, and no level."""
    for event in events:
        if '"request_id"' not in event.message or '"status"' not in event.message:
            continue
        try:
            line = json.loads(event.message)
        except ValueError:
            continue
        if isinstance(line, dict) and "level" not in line and str(line.get("status")).isdecimal():
            yield line
