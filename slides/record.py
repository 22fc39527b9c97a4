"""Records what the deck shows of each step: real output of its solution, from the local lab.

    .venv/bin/python slides/record.py          all steps, into slides/recorded/
    .venv/bin/python slides/record.py 03       one

A recording is JSON that the component `Recorded.vue` draws: `lines`, a `table`, `bars` or a
`waterfall`. Durations differ from run to run; `settled` takes them out, so that a test can hold
that all else is what the lab says today.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from workshop.cli import findings
from workshop.cli.render.attempts import attempts
from workshop.course import payments, stage, workspace
from workshop.course.catalogue import Course, Step
from workshop.course.learner_tests import run_learner_tests
from workshop.course.release import Release, Trouble, shares
from workshop.metrics import emf
from workshop.metrics.platform import read_report
from workshop.metrics.statistics import percentile
from workshop.sam import load_template
from workshop.signals import Invocation
from workshop.streams import deliver, read_mappings, records_of
from workshop.traces import assemble

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "slides" / "recorded"
SEED = 7
PAYMENTS = 300
MEASURED = ("value", "start", "end", "total", "ms")
"""Keys of what is measured: different in every run."""

Part: TypeAlias = dict[str, Any]
Draw: TypeAlias = Callable[[Step], Iterator[Part]]

_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FIGURE = re.compile(r"[\d.,]+ (ms|MB|s)\b")
_WIDTH = 80
_FAULTS = 6
_WARM = 20
_TROUBLES: tuple[tuple[Trouble, str], ...] = (
    ("crashes", "cannot start"),
    ("fails", "fails to charge"),
    ("crawls", "takes two seconds"),
)


def send(step: Step, *names: str) -> list[Invocation]:
    """Send the step's own example events to its solution, one after the other."""
    events = [json.loads((step.folder / "events" / f"{name}.json").read_text()) for name in names]
    return send_all(step, events)


def send_all(step: Step, events: Sequence[object]) -> list[Invocation]:
    """Send events to a step's solution, one after the other."""
    with workspace.solution(step) as folder, stage.open_lab(folder) as lab:
        return [lab.invoke(event) for event in events]


def records(invocations: Sequence[Invocation]) -> list[Mapping[str, Any]]:
    """Read the JSON log events that the function wrote."""
    return list(findings.records(event for one in invocations for event in one.log_events))


def lines(step: Step) -> Iterator[Part]:
    """Record all that a function without a logger leaves of two payments."""
    shown = []
    for invocation in send(step, "charge", "unavailable"):
        for event in invocation.log_events:
            first = event.message.partition("\n")[0].partition("\t")[0]
            text = re.sub(r"ch_\w+", "ch_…", _IDENTIFIER.sub("…", first))
            tone = "bad" if "ERROR" in text else "quiet" if "RequestId" in text else ""
            if not text.startswith("INIT_START"):
                shown.append({"text": text, "tone": tone})
    yield {"kind": "lines", "rows": shown}


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], tones: Sequence[str]) -> Part:
    """Make a table; a row has one tone."""
    return {
        "kind": "table",
        "columns": list(columns),
        "rows": [
            {"cells": [str(cell) for cell in row], "tone": tone}
            for row, tone in zip(rows, tones, strict=True)
        ],
    }


def logged(step: Step, keys: Sequence[str]) -> Iterator[Part]:
    """Record keys of log events of a payment that is charged and of one that fails."""
    found = records(send(step, "charge", "unavailable"))
    rows = [[one.get(key, "") for key in keys] for one in found]
    yield table(keys, rows, ["bad" if one["level"] == "ERROR" else "" for one in found])


def keys(step: Step) -> Iterator[Part]:
    """Record structured logs."""
    yield from logged(step, ("level", "message", "payment_id", "customer_id", "amount"))


def context(step: Step) -> Iterator[Part]:
    """Record the context of log events."""
    yield from logged(step, ("level", "message", "correlation_id", "cold_start", "service"))


def numbers(step: Step) -> Iterator[Part]:
    """Record metrics, summed over the tour's payments."""
    sent = send_all(step, payments.customers(SEED, PAYMENTS))
    points = [point for one in sent for event in one.log_events for point in emf.read(event).points]
    named = sorted({(point.name, point.unit) for point in points})
    rows = []
    for name, unit in named:
        values = [value for point in points if point.name == name for value in point.values]
        rows.append([name, unit, f"{len(values):,}", f"{sum(values):,.0f}"])
    tones = ["bad" if row[0] == "FailedCharge" else "" for row in rows]
    yield table(("metric", "unit", "SampleCount", "Sum"), rows, tones)


def edges(step: Step) -> Iterator[Part]:
    """Record the average of a latency beside its percentiles."""
    sent = send_all(step, payments.customers(SEED, PAYMENTS))
    values = [
        value
        for one in sent
        for event in one.log_events
        for point in emf.read(event).points
        if point.name == "ChargeDuration"
        for value in point.values
    ]
    shown = [("Average", sum(values) / len(values), "quiet")]
    shown += [(f"p{share}", percentile(values, share), "") for share in (50, 90, 99)]
    yield {
        "kind": "bars",
        "title": f"ChargeDuration of {len(values)} payments",
        "unit": "ms",
        "rows": [
            {"label": label, "value": round(value, 1), "tone": "bad" if label == "p99" else tone}
            for label, value, tone in shown
        ],
    }


def waterfall(step: Step, event: str, title: str, annotation: str = "") -> Iterator[Part]:
    """Record the trace of a warm payment; the title tells the value of an annotation."""
    (trace,) = assemble(send(step, "charge", event)[-1].segments)
    if annotation:
        (value,) = {
            span.annotations[annotation]
            for _, span in trace.flat()
            if annotation in span.annotations
        }
        title = f"{title}: annotation.{annotation} = {value}"
    rows = [
        {
            "label": span.name.removeprefix("## "),
            "depth": depth,
            "start": round((span.start_time - trace.start_time) * 1000, 1),
            "end": round(((span.end_time or trace.end_time) - trace.start_time) * 1000, 1),
            "tone": "bad" if span.error or span.fault else "",
        }
        for depth, span in trace.flat()
    ]
    total = round(trace.duration * 1000, 1)
    yield {"kind": "waterfall", "title": title, "unit": "ms", "total": total, "rows": rows}


def traced(step: Step) -> Iterator[Part]:
    """Record where the time of one payment went."""
    yield from waterfall(step, "slow", "One slow payment", "customer_id")


def depended(step: Step) -> Iterator[Part]:
    """Record a payment that is charged on the second try."""
    yield from waterfall(
        step, "flaky", "The processor (127.0.0.1) fails at the first try, and charges at the second"
    )


def answered(step: Step) -> Iterator[Part]:
    """Record what the callers of the API are told."""
    names = ("charge", "invalid", "declined", "unavailable")
    rows, tones = [], []
    for name, invocation in zip(names, send(step, *names), strict=True):
        answer = json.loads(invocation.payload)
        body = re.sub(r"ch_\w+", "ch_…", answer["body"])
        rows.append([name, answer["statusCode"], body])
        tones.append("bad" if answer["statusCode"] >= 500 else "")  # noqa: PLR2004
    yield table(("event", "status", "body"), rows, tones)


def tested(step: Step) -> Iterator[Part]:
    """Record which faults the tests of the start let through, and those of the solution."""
    with workspace.answer(step, step.start) as weak, workspace.solution(step) as finished:
        before, after = (run_learner_tests(step, one) for one in (weak, finished))
    faults = list(before.of_kind("fault"))
    shown = sorted(faults, key=lambda fault: len(fault.does))[:_FAULTS]
    rows = [
        [fault.does, *("noticed" if one.noticed(fault) else "missed" for one in (before, after))]
        for fault in faults
        if fault in shown
    ]
    counts = [len(faults) - len(one.missed()) for one in (before, after)]
    rows.append([f"noticed of {len(faults)} faults", *map(str, counts)])
    columns = ("a fault in the handler", "one test", "all tests")
    yield table(columns, rows, [""] * (len(rows) - 1) + ["good"])


def batched(step: Step) -> Iterator[Part]:
    """Record each attempt of a batch with a bad record in it."""
    event = json.loads((step.folder / "events" / "poison.json").read_text())
    with workspace.solution(step) as folder, stage.open_lab(folder) as lab:
        (settings,) = read_mappings(lab.template)
        delivery, _ = deliver(lab, settings, records_of(event))
    drawn = "\n".join(text.plain for text in attempts(settings, delivery, _WIDTH)).splitlines()
    rows = [
        {
            "text": text.rstrip(),
            "tone": "bad" if "✗" in text else "good" if "✓" in text else "quiet",
        }
        for text in drawn[1:]
        if text.strip() and "IteratorAge" not in text
    ]
    yield {"kind": "lines", "rows": rows}


def inferred(step: Step) -> Iterator[Part]:
    """Record what the first payment of an environment waits for, and what those after it do."""
    sent = send(step, *["charge"] * (_WARM + 1))
    reports = [
        line.report
        for invocation in sent
        for event in invocation.log_events
        if (line := read_report(event)) is not None
    ]
    (version,) = {one["model_version"] for one in records(sent) if "level" in one}
    cold = [one for one in reports if one.init_duration_ms is not None]
    warm = [one.duration_ms for one in reports if one.init_duration_ms is None]
    waits = [(one.init_duration_ms or 0) + one.duration_ms for one in cold]
    shown = [(f"{len(cold)} cold", percentile(waits, 50), "bad")]
    shown += [(f"{len(warm)} warm, p50", percentile(warm, 50), "")]
    shown += [(f"{len(warm)} warm, p99", percentile(warm, 99), "")]
    yield {
        "kind": "bars",
        "title": f"Init Duration + Duration of the REPORT lines: model_version = {version}",
        "unit": "ms",
        "rows": [
            {"label": label, "value": round(value, 1), "tone": tone} for label, value, tone in shown
        ],
    }


def shipped(step: Step) -> Iterator[Part]:
    """Record which alarm takes a bad release back, and when."""
    with workspace.solution(step) as folder:
        release = Release.read(load_template(folder / "template.yaml"))
    steps = shares(release.kind)
    rows, tones = [], []
    for trouble, does in _TROUBLES:
        told = release.told(trouble)
        alarm, minute = told or ("none", len(steps))
        share = steps[min(minute, len(steps) - 1)]
        rows.append([does, alarm, f"{minute} min", f"{share} %"])
        tones.append("" if told else "bad")
    good = release.told(None)
    rows.append(["is good", good[0] if good else "none", f"{len(steps)} min, then all", "100 %"])
    columns = ("a release that…", "is noticed by", "after", "had reached")
    yield table(columns, rows, [*tones, "good"])


DRAW: dict[str, Draw] = {
    "00_bare_handler": lines,
    "01_structured_logs": keys,
    "02_log_context": context,
    "03_custom_metrics": numbers,
    "04_percentiles": edges,
    "05_traces": traced,
    "06_dependencies": depended,
    "07_api": answered,
    "08_tests": tested,
    "09_stream": batched,
    "10_inference": inferred,
    "11_ship": shipped,
}


def record(step: Step) -> dict[str, Any]:
    """Record one step."""
    return {"step": step.name, "reveals": step.tour.reveals, "parts": list(DRAW[step.name](step))}


def settled(value: object) -> object:
    """Take out of a recording what is measured."""
    if isinstance(value, Mapping):
        return {key: "measured" if key in MEASURED else settled(one) for key, one in value.items()}
    if isinstance(value, list):
        return [settled(one) for one in value]
    return _FIGURE.sub(r"… \1", value) if isinstance(value, str) else value


def main(wanted: Sequence[str]) -> None:
    """Record the steps whose numbers are given, or all of them."""
    RECORDED.mkdir(exist_ok=True)
    for step in Course.load(ROOT).steps:
        if step.name in DRAW and (not wanted or f"{step.number:02}" in wanted):
            text = json.dumps(record(step), indent=1, ensure_ascii=False)
            (RECORDED / f"{step.number:02}.json").write_text(f"{text}\n", encoding="utf-8")
            print(step.name)


if __name__ == "__main__":
    main(sys.argv[1:])
