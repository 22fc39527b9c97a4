"""Measure everything, print the tables, and write docs/benchmarks.md."""

import datetime as dt
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import http_ingest, invocations, larger, load, queries, verdict
from benchmarks.emulator import find_binary
from benchmarks.report import Section

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PREFACE = """\
# Benchmarks

Written by `make bench`, all in one run, on {day}: {system} on {machine}, {cores} cores,
Python {python}. Aims are marked ✓ when met. A figure means little beyond the machine it was taken
on; the ratios travel better. Nothing that is timed is a test.
"""


def main() -> int:
    """Run all measurements."""
    binary = find_binary()
    if binary is None:
        print("· AWS's emulator is for Linux: measuring without it")
    measurements: tuple[tuple[str, Callable[[], Section]], ...] = (
        ("warm invocations", lambda: invocations.warm(binary)),
        ("cold starts", lambda: invocations.cold(binary)),
        ("save to verdict", verdict.save_to_verdict),
        (f"sustained load, {load.SECONDS:.0f} s", load.sustained),
        ("ingest", queries.ingest),
        ("ingest over HTTP", http_ingest.ingest),
        ("log queries", queries.logs),
        ("log queries on more", larger.larger),
        ("metric data", queries.metrics),
        ("trace search", queries.traces),
    )
    sections: list[Section] = []
    for what, measure in measurements:
        print(f"· measuring {what}", flush=True)
        section = measure()
        print(section.table(), *section.findings, "", sep="\n")
        sections.append(section)
    preface = PREFACE.format(
        day=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        system=platform.system(),
        machine=platform.machine(),
        cores=os.cpu_count(),
        python=platform.python_version(),
    )
    PAGE.write_text("\n".join([preface, *(f"{s.markdown()}\n" for s in sections)]), "utf-8")
    print(f"written to docs/{PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
