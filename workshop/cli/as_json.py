"""The shapes behind `--json`: stable, so that a script or an editor may rely on them.

Every document is one JSON object with `version` (1; a field may be added within a version, none
goes or changes its meaning) and either what the command found or `error`.

`workshop run --json`::

    {"version": 1, "step": "01_structured_logs", "code": "yours" | "solution",
     "event": <what was sent>,
     "invocations": [{
        "request_id": str, "function_name": str, "trace_id": str,
        "status": "success" | "error" | "timeout", "function_error": str | null,
        "cold_start": bool, "environment_id": str,
        "response": <the payload's JSON, or its text when it is none>,
        "report": {"duration_ms": float, "billed_duration_ms": int, "memory_size_mb": int,
                   "max_memory_used_mb": int, "init_duration_ms": float | null},
        "log_events": [{"log_group": str, "log_stream": str, "timestamp": int, "message": str}],
        "dropped_log_events": int,
        "data_points": [{"namespace": str, "name": str, "dimensions": {str: str},
                         "timestamp": int, "values": [float], "unit": str,
                         "storage_resolution": int}],
        "emf_problems": [str],
        "segments": [<X-Ray segment documents>]}],
     "stream": {                      <only where an event source mapping sent the event>
        "attempts": [{"request_id": str, "sequence_numbers": [str], "try": int, "then": str,
                      "answer": str, "iterator_age_ms": float}],
        "given_up": [{"sequence_numbers": [str], "condition": str, "message": {...} | null}],
        "waiting": [<sequence number>]}}

`workshop check --json`::

    {"version": 1, "passed": bool,
     "steps": [{
        "step": "01_structured_logs", "code": "yours" | "solution", "passed": bool,
        "seconds": float, "seed": int,
        "promises": [{"title": str, "outcome": "passed" | "failed" | "waiting"}],
        "wrong": {"rule": str, "what": str, "saw": str, "wanted": str, "look": str} | null,
        "progress_saved": bool}]}

`workshop query --json`::

    {"version": 1, "query": str,
     "results": [{<field>: str}],     <a row leaves out the fields that it lacks>
     "statistics": {"recordsMatched": float, "recordsScanned": float, "bytesScanned": float, ...}}

An error, with the exit status it comes with::

    {"version": 1, "error": {"what": str, "look": str, "exit_status": 1 | 2 | 3}}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workshop.errors import WorkshopError
from workshop.signals import Invocation

if TYPE_CHECKING:
    from workshop.course.verdict import Verdict
    from workshop.metrics.emf import EmfReading
    from workshop.streams import Delivery, Record

_VERSION = 1


def text(document: Mapping[str, Any]) -> str:
    """Write a document as text: indented, and ASCII so that any pipe takes it."""
    return json.dumps({"version": _VERSION, **document}, indent=2) + "\n"


def error(reason: WorkshopError) -> dict[str, Any]:
    """Return what is said when a command cannot be done."""
    return {
        "error": {
            "what": reason.what,
            "look": reason.look,
            "exit_status": reason.exit_status,
        }
    }


def invocation(what: Invocation, readings: "Sequence[EmfReading]") -> dict[str, Any]:
    """Return one invocation with all that it left behind.

    Args:
        what: The invocation.
        readings: Its log events read as EMF.
    """
    document = asdict(what)
    payload = document.pop("payload").decode("utf-8", "replace")
    try:
        document["response"] = json.loads(payload)
    except ValueError:
        document["response"] = payload
    document["data_points"] = [asdict(point) for one in readings for point in one.points]
    document["emf_problems"] = [problem for one in readings for problem in one.problems]
    return document


def delivery(what: "Delivery") -> dict[str, Any]:
    """Return what an event source mapping did with a batch."""

    def numbers(records: "Sequence[Record]") -> list[str]:
        return [one.sequence_number for one in records]

    return {
        "attempts": [
            {
                "request_id": one.invocation.request_id,
                "sequence_numbers": numbers(one.records),
                "try": one.tries,
                "then": one.then,
                "answer": "success" if one.failed_from is None else one.reason,
                "iterator_age_ms": round(one.iterator_age_ms, 3),
            }
            for one in what.attempts
        ],
        "given_up": [
            {
                "sequence_numbers": numbers(one.records),
                "condition": one.condition,
                "message": one.message,
            }
            for one in what.discarded
        ],
        "waiting": numbers(what.unfinished),
    }


def verdict(what: "Verdict", *, code: str, progress_saved: bool) -> dict[str, Any]:
    """Return what a check found.

    Args:
        what: The verdict.
        code: `yours` or `solution`.
        progress_saved: Whether it is kept in the learner's progress.
    """
    wrong = None
    if what.wrong is not None:
        parts = ("rule", "what", "saw", "wanted", "look")
        wrong = {part: getattr(what.wrong, part) for part in parts}
    return {
        "step": what.step.name,
        "code": code,
        "passed": what.passed,
        "seconds": round(what.seconds, 3),
        "seed": what.seed,
        "promises": [asdict(one) for one in what.checks],
        "wrong": wrong,
        "progress_saved": progress_saved,
    }
