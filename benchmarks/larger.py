"""Ten times as many log events: does a question take ten times as long, and how much memory?

The questions are asked by a process of their own, so that its memory is theirs. As a script:
`python -m benchmarks.larger FOLDER LAST_MS` asks them of the store there, up to a time, and prints
seconds for each, and the most memory that was resident.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import synthetic
from benchmarks.queries import BATCH, LOG_EVENTS, QUESTIONS, timed
from benchmarks.report import Section, aim
from workshop.insights import Scope, compile_query, parse, rows
from workshop.metrics.statistics import percentile
from workshop.store import Store

TIMES = 10
MOST_GROWTH = 1.1  # linear, and a tenth for what else the machine does
MOST_MEGABYTES = 2500
_ROUNDS = 3
_SPAN_MS = synthetic.END_MS - synthetic.START_MS
_KIBIBYTE = 1 if sys.platform == "darwin" else 1024  # what `ru_maxrss` counts


def larger() -> Section:
    """Measure log queries on ten times the log events."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store.open(folder) as store:
            events = synthetic.log_events(LOG_EVENTS)
            for start in range(0, len(events), BATCH):
                store.append(events[start : start + BATCH])
            store.sync()
        before = _asked(folder, synthetic.END_MS)
        _multiply(folder)
        after = _asked(folder, synthetic.START_MS + TIMES * _SPAN_MS)
    table = []
    findings = []
    for question in QUESTIONS:
        one, many = before["seconds"][question.what], after["seconds"][question.what]
        growth = many / one / TIMES
        table.append((question.what, f"{one:.2f}", f"{many:.2f}", f"{growth:.2f}"))
        findings.append(aim(f"{question.what}: time for each event", growth, MOST_GROWTH))
    table.append(("most memory, MB", f"{before['megabytes']:.0f}", f"{after['megabytes']:.0f}", ""))
    findings.append(aim("most memory", after["megabytes"], MOST_MEGABYTES, "MB"))
    return Section(
        f"Log queries, {TIMES} times as many events",
        f"{LOG_EVENTS:,} log events, and {TIMES * LOG_EVENTS:,}: the same {TIMES} times over, "
        f"{TIMES * synthetic.HOURS} hours in all. Seconds from the text of the query to rows and "
        f"statistics, medians of {_ROUNDS} after a first time, in a process that does nothing "
        "else; its memory is what was resident at most. Growth is the time for each event, "
        "against that with fewer.",
        ("s", f"{LOG_EVENTS:,}", f"{TIMES * LOG_EVENTS:,}", "growth"),
        tuple(table),
        tuple(findings),
    )


def _multiply(folder: Path) -> None:
    """Lay the log events down again, later and later: by SQL, for they have been ingested once."""
    with Store.open(folder) as store, store.database() as connection:
        for number in range(1, TIMES):
            connection.execute(
                "INSERT INTO log_events SELECT id + ?, ingestion_time, log_group, log_stream, "
                "timestamp + ?, message, size FROM log_events WHERE id <= ?",
                [number * LOG_EVENTS, number * _SPAN_MS, LOG_EVENTS],
            )


def _asked(folder: Path, last_ms: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.larger", str(folder), str(last_ms)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _ask(folder: Path, last_ms: int) -> dict[str, Any]:
    scope = Scope((synthetic.LOG_GROUP,), synthetic.START_MS, last_ms, last_ms)
    seconds = {}
    with Store.open(folder) as store, store.database() as connection:
        for question in QUESTIONS:

            def whole(query: str = question.query) -> object:
                return rows(compile_query(parse(query), scope), connection)

            whole()
            seconds[question.what] = percentile([timed(whole) for _ in range(_ROUNDS)], 50)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE
    return {"seconds": seconds, "megabytes": peak / 1e6}


if __name__ == "__main__":
    print(json.dumps(_ask(Path(sys.argv[1]), int(sys.argv[2]))))
