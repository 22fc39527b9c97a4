"""Promises that several steps make, and the words they say things in.

A step's `test_step.py` keeps its own test functions: their names and docstrings are what the
learner reads. Where a promise is that of the steps before, its body is one call of a function
here, which raises `Wrong` with the rule that the steps have in common.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workshop.course.private_data import find_private
from workshop.course.wrong import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workshop.course.sent import LogLine, Sent
    from workshop.course.traffic import Traffic
    from workshop.signals import DataPoint

NAMESPACE = "Workshop"
SERVICE = {"service": "payments"}

ERRORS = ("ERROR", "CRITICAL", "FATAL")
"""Levels of a log event that tells of a failure."""

STANDARD = ("level", "location", "message", "timestamp", "xray_trace_id")
"""Keys that a Logger puts on every log event: they say nothing of the payment."""

METRICS = "https://docs.aws.amazon.com/powertools/python/latest/core/metrics/"

_MOST_LEAKS = 3


# ------------------------------------------------------------------------------------------ words


def shortened(value: object, limit: int = 80) -> str:
    """Return a value as JSON of at most so many characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}…"


def number(value: float) -> str:
    """Return a number without the `.0` that a whole one does not need."""
    return f"{value:.10g}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Return names, sorted and each once, as text."""
    return ", ".join(sorted(set(names))) or "none"


# ---------------------------------------------------------------------------------------- signals


def charged(traffic: Traffic) -> tuple[Sent, ...]:
    """Return the payments that went well."""
    return (traffic.first, traffic.warm, traffic.planted, traffic.again)


def is_lambdas_error(line: LogLine) -> bool:
    """Whether Lambda wrote it, of an error that left the handler (LogFormat: JSON)."""
    return line.json is not None and "errorMessage" in line.json and "message" not in line.json


def is_structured(line: LogLine) -> bool:
    """Whether it is a log event of the function's own: JSON with a level, and no metric.

    A print for debugging is none, nor is what Lambda writes itself.
    """
    return (
        line.json is not None
        and bool(line.level)
        and not line.is_emf
        and not line.is_platform
        and not is_lambdas_error(line)
    )


def has_stack(line: LogLine) -> bool:
    """Whether a log event holds a stack trace, in whichever key."""
    return "Traceback (most recent call last)" in line.text or 'File \\"' in line.text


def dimensions(point: DataPoint) -> str:
    """Return a data point's dimensions as text."""
    return ", ".join(f"{key}={value}" for key, value in point.dimensions.items()) or "none"


def points(sent: Sent, name: str) -> list[DataPoint]:
    """Return the data points of one metric, in the workshop's namespace and by service alone."""
    return [
        point
        for point in sent.points
        if (point.name, point.namespace, point.dimensions) == (name, NAMESPACE, SERVICE)
    ]


def total(sent: Sent, name: str) -> float:
    """Return the Sum that CloudWatch would show of one metric for one invocation."""
    return sum(sum(point.values) for point in points(sent, name))


# --------------------------------------------------------------------------------------- promises


def caller_is_answered(
    traffic: Traffic, *, before_raising: str = "logged", key: str = "charge_id"
) -> None:
    """Hold that the caller gets the charge, and that a failure fails the invocation.

    Args:
        traffic: The five payments.
        before_raising: What is to be done with the error before it is raised again.
        key: A key that the response of a charge has.

    Raises:
        Wrong: `response-lost` or `failure-swallowed`.
    """
    for sent in charged(traffic):
        if not isinstance(sent.response, dict) or key not in sent.response:
            raise Wrong(
                "response-lost",
                "the caller no longer gets the charge back",
                saw=f"the response {shortened(sent.response)}",
                wanted="the dict that the handler returned before",
                look="the end of the handler in app.py: is every path through it still returning?",
            )
    if traffic.failed.succeeded:
        raise Wrong(
            "failure-swallowed",
            "the processor was unavailable, and the invocation succeeded",
            saw=f"the response {shortened(traffic.failed.response)}",
            wanted=f"the error {before_raising}, and then raised again, so that the invocation "
            "fails",
            look="the end of your except block in app.py: a bare `raise` lets the error go on",
        )


def nothing_private_is_logged(
    traffic: Traffic,
    *,
    picked: str = "the keys that are asked for, picked one by one",
    whole: str = "which line in app.py logs, or prints, `event` itself, or all its fields?",
) -> None:
    """Hold that no log event has card number, security code or holder, nor all of the event.

    Args:
        traffic: The five payments.
        picked: What is wanted in place of the whole event.
        whole: Where to look for what logs the whole event.

    Raises:
        Wrong: `whole-event-logged` or `private-data-logged`.
    """
    for sent in traffic:
        leaks = find_private(sent)
        if not leaks:
            continue
        saw = "\n".join(map(str, leaks[:_MOST_LEAKS]))
        ids = (sent.event[key] for key in ("payment_id", "customer_id", "correlation_id"))
        parts = (*ids, *sent.event["card"].values())
        if any(all(part in line.text for part in parts) for line in sent.own_logs):
            raise Wrong(
                "whole-event-logged",
                "the whole event is in the log, card included",
                saw=saw,
                wanted=picked,
                look=whole,
            )
        raise Wrong(
            "private-data-logged",
            "private data is in the log",
            saw=saw,
            wanted="neither card number, nor cvc, nor holder in any log event; a print is one too",
            look="which line in app.py logs, or prints, something of `event['card']`?",
        )


def nothing_private_is_shown(
    sent: Iterable[Sent],
    *,
    what: str = "private data is in the log",
    also: str = "a metric's dimensions and metadata are in the log, too",
    where: str = "app.py",
    look: str | None = None,
) -> None:
    """Hold that no signal has card number, security code or holder.

    Args:
        sent: The traffic, or any events sent.
        what: What is wrong, when it is.
        also: What the learner may not know to be a place where it shows.
        where: The files that the learner edits.
        look: Where to look, where there is more to say than that.

    Raises:
        Wrong: `private-data-shown`.
    """
    for one in sent:
        leaks = find_private(one)
        if leaks:
            raise Wrong(
                "private-data-shown",
                what,
                saw="\n".join(map(str, leaks[:_MOST_LEAKS])),
                wanted=f"neither card number, nor cvc, nor holder; {also}",
                look=look
                or f"which line in {where} gives away `event`, or something of `event['card']`?",
            )


def unknown_unit(sent: Sent) -> str | None:
    """Return what Powertools said of a unit that there is not; None when it is not about that.

    `unit="ms"` raises its own error, `MetricUnit.Cents` an enumeration's AttributeError.
    """
    kind, message = str(sent.error.get("errorType")), str(sent.error.get("errorMessage"))
    if kind == "MetricUnitError":
        return f"{kind}: {message.partition(', expected')[0]}"
    name = message.rpartition(" ")[2].strip("'")
    stack = "".join(map(str, sent.error.get("stackTrace") or ()))
    if kind == "AttributeError" and f"MetricUnit.{name}" in stack:
        return f"{kind}: MetricUnit has no {name}"
    return None


def dimensions_make_few_series(
    traffic: Traffic, wanted: str = "service=payments and nothing else"
) -> None:
    """Hold that no dimension has another value for every payment.

    Args:
        traffic: The five payments.
        wanted: What the dimensions should be.

    Raises:
        Wrong: `high-cardinality-dimension`.
    """
    for sent in traffic:
        response = sent.response if isinstance(sent.response, dict) else {}
        unique = {
            sent.invocation.request_id,
            *(str(value) for value in sent.event.values() if isinstance(value, str | int)),
            *sent.event["card"].values(),
            sent.event["card"]["number"][-4:],
            str(response.get("charge_id")),
        } - {sent.event["currency"], sent.event.get("campaign")}
        for point in sent.points:
            for key, value in point.dimensions.items():
                if value in unique:
                    raise Wrong(
                        "high-cardinality-dimension",
                        f"the dimension {key} is another for every payment",
                        saw=f"{point.name} by {dimensions(point)}",
                        wanted=f"{wanted}: each further value makes a "
                        "series of its own, and is billed as a metric of its own",
                        look="an id belongs in the log event, or in add_metadata, which makes no "
                        f"series. {METRICS}#adding-metadata",
                    )


def metrics_are_kept_by_service(traffic: Traffic, names: Iterable[str]) -> None:
    """Hold that metrics have the dimension service=payments, and have it alone.

    Args:
        traffic: The five payments.
        names: The metrics' names; those that are not there are no matter here.

    Raises:
        Wrong: `service-missing` or `series-split`.
    """
    for sent in traffic:
        for name in names:
            found = [point for point in sent.points if point.name == name]
            if not found or points(sent, name):
                continue
            if not any(SERVICE.items() <= dict(p.dimensions).items() for p in found):
                raise Wrong(
                    "service-missing",
                    f"{name} is not kept by service",
                    saw=f"its dimensions: {dimensions(found[0])}",
                    wanted="service=payments",
                    look=f"Metrics takes it by name, or from POWERTOOLS_SERVICE_NAME. {METRICS}",
                )
            raise Wrong(
                "series-split",
                f"{name} has a dimension too many",
                saw=f"its dimensions: {dimensions(found[0])}",
                wanted="service=payments alone: CloudWatch does not add series up, so that none "
                "would answer for the whole service",
                look="add_dimension, or default_dimensions of log_metrics, in app.py. "
                f"{METRICS}#creating-metrics",
            )


def payments_are_counted(traffic: Traffic) -> None:
    """Hold that the metrics of step 03 are still there, and right.

    Raises:
        Wrong: `metrics-lost`.
    """
    for sent in traffic:
        good = sent is not traffic.failed
        wanted = {
            "SuccessfulCharge": float(good),
            "ChargedAmount": float(sent.event["amount"] if good else 0),
            "FailedCharge": float(not good),
        }
        for name, value in wanted.items():
            if abs(total(sent, name) - value) > value * 1e-9:
                outcome = "went well" if good else "failed"
                split = [
                    f"{name} by {dimensions(point)}"
                    for point in sent.points
                    if point.name == name and point.dimensions != SERVICE
                ]
                there = split or sorted({point.name for point in sent.points})
                raise Wrong(
                    "metrics-lost",
                    f"{name} is not what it was in step 03",
                    saw=f"{name} {number(total(sent, name))} of a payment that {outcome}; its "
                    f"data points: {', '.join(there) or 'none'}",
                    wanted=f"{number(value)}: the metrics of step 03, beside what is new",
                    look="a dimension more makes another series: is add_dimension new in app.py?"
                    if split
                    else "what of step 03 is no longer in app.py, or no longer reached?",
                )
