"""Questions to telemetry: logs, metrics and traces, each beside the least that could answer it."""

# ruff: noqa: S608 - only SQL of our own is put into SQL; values are parameters

import datetime as dt
import importlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import synthetic
from benchmarks.report import Section, aim
from workshop.endpoint.xray import PATIENCE_SECONDS
from workshop.insights import Scope, compile_query, parse, rows
from workshop.metrics.query import get_metric_data
from workshop.metrics.series import Catalogue
from workshop.metrics.statistics import percentile
from workshop.signals import LogEvent, SegmentDocument
from workshop.store import Store
from workshop.traces import assemble
from workshop.traces.filters import parse_filter
from workshop.traces.search import search

if TYPE_CHECKING:
    import duckdb

ROUNDS = 5
LOG_EVENTS = 1_000_000
DATA_POINTS = 100_000
TRACES = 100_000
BATCH = 1_000  # log events or traces of one append: what one PutLogEvents may well hold

MOST_TIMES = 1.3
MOST_SECONDS = 0.5
LEAST_INGESTED = 50_000
MOST_SECONDS_METRICS = 0.3
MOST_SECONDS_TRACES = 0.5

_BIN_MS = 300_000


@dataclass(frozen=True)
class _Question:
    """One question in both languages.

    Attributes:
        what: It asks for.
        query: In the language of Logs Insights.
        sql: By hand: the rows.
        matched: By hand: which events count as matched, where the rows do not tell.
    """

    what: str
    query: str
    sql: str
    matched: str = "true"


# The SQL is as one writes it who knows that the messages that begin with a brace are JSON, which
# the query language may not take for granted: there, JSON may stand within a text.
_JSON = "CASE WHEN starts_with(message, '{{') THEN json_extract_string(message, '$.{}') END"
_AMOUNT = f"try_cast({_JSON.format('amount')} AS DOUBLE)"
_SCOPE = "FROM log_events WHERE log_group = $log_group AND timestamp BETWEEN $first AND $last"
_STATISTICS = f"SELECT count(*) FILTER ({{}}), count(*), sum(size) {_SCOPE}"
_SLOW = r"regexp_matches(message, 'Duration: \d{3,}\.\d+ ms')"
QUESTIONS = (
    _Question(
        "count by level",
        "stats count(*) by level",
        f"SELECT {_JSON.format('level')} AS level, count(*) {_SCOPE} GROUP BY level",
    ),
    _Question(
        "p99 of a JSON field by bin(5m)",
        "filter ispresent(amount) | stats pct(amount, 99) by bin(5m)",
        f"SELECT timestamp - timestamp % {_BIN_MS} AS bin, quantile_cont(amount, 0.99) "
        f"FROM (SELECT timestamp, {_AMOUNT} AS amount {_SCOPE}) "
        "WHERE amount IS NOT NULL GROUP BY bin",
    ),
    _Question(
        "regex filter, sort, limit",
        r"fields @timestamp, @message | filter @message like /Duration: \d{3,}\.\d+ ms/ "
        "| sort @timestamp desc | limit 20",
        f"SELECT timestamp, message {_SCOPE} AND {_SLOW} ORDER BY timestamp DESC LIMIT 20",
        _SLOW,
    ),
    _Question(
        "parse glob, stats",
        'parse @message "Duration: * ms" as took | stats count(took), avg(took), max(took)',
        "SELECT count(took), avg(took), max(took) FROM (SELECT "
        "try_cast(nullif(regexp_extract(message, 'Duration: (.*?) ms', 1), '') AS DOUBLE) "
        f"AS took {_SCOPE})",
    ),
    _Question(
        "two chained stats",
        "filter ispresent(amount) | stats sum(amount) as spent by customer_id "
        "| stats count(*), avg(spent), max(spent)",
        "SELECT count(*), avg(spent), max(spent) FROM (SELECT "
        f"{_JSON.format('customer_id')} AS customer, sum({_AMOUNT}) AS spent {_SCOPE} "
        "GROUP BY customer) WHERE spent IS NOT NULL",
    ),
)


def ingest() -> Section:
    """Measure how fast log events are kept, and how fast they can be asked for."""
    events = synthetic.log_events(LOG_EVENTS)
    with _store() as store:
        begun = time.perf_counter()
        _fill(store, events)
        kept = time.perf_counter() - begun
        store.sync()
        absorbed = time.perf_counter() - begun
        found = store.count()
    shown = (
        ("appended: kept whatever becomes of this process", kept),
        ("absorbed: all of it in the database", absorbed),
    )
    rate = len(events) / absorbed
    lost = len(events) - found
    return Section(
        "Ingest",
        f"{len(events):,} log events of step 03's shape, {_megabytes(events)}, by `Store.append` "
        f"in batches of {BATCH:,}; meanwhile the store absorbs what is full. From the first "
        "append, in one run.",
        ("until", "s", "events/s"),
        tuple((what, f"{took:.1f}", f"{len(events) / took:,.0f}") for what, took in shown),
        (
            (
                f"{'✓' if rate >= LEAST_INGESTED else '✗'} ingest, absorbed: {rate:,.0f} "
                f"events/s (aim: at least {LEAST_INGESTED:,})"
            ),
            f"{'✗' if lost else '✓'} {lost} log events lost (aim: none)",
        ),
    )


def logs() -> Section:
    """Measure queries of logs beside SQL by hand, and two of them beside other tools."""
    events = synthetic.log_events(LOG_EVENTS)
    table: list[tuple[str, ...]] = []
    findings: list[str] = []
    slowest = 0.0
    with _store() as store:
        _fill(store, events)
        with store.database() as connection:
            for question in QUESTIONS:
                whole, by_hand, in_full = _beside(connection, question)
                ratios = (whole / by_hand, whole / in_full)
                table.append(
                    (
                        question.what,
                        *(f"{took:.3f}" for took in (whole, by_hand, in_full)),
                        *(f"{ratio:.2f}" for ratio in ratios),
                    )
                )
                slowest = max(slowest, whole)
                findings += [
                    aim(f"{question.what}, against SQL for the rows", ratios[0], MOST_TIMES),
                    aim(f"{question.what}, against SQL for both", ratios[1], MOST_TIMES),
                ]
    findings.append(aim("the slowest of them", slowest, MOST_SECONDS, "s"))
    findings += _others(events)
    return Section(
        "Log queries",
        f"{len(events):,} log events, {_megabytes(events)}, in the store. From the text of the "
        "query to its rows and the statistics that GetQueryResults gives (events matched, events "
        "and bytes scanned), beside SQL written by hand for the same table: for the rows alone, "
        f"and for rows and statistics. In turn, medians of {ROUNDS}. A Python loop has the events "
        "in memory, other tools have a file with one message a line; these are timed once. moto is "
        "not among them: of the query language, version 5.2 knows `fields`, `sort` and `limit`; it "
        "passes over every other command in silence, and so answers none of these questions.",
        ("s", "workshop", "SQL, rows", "SQL, both", "times", "times"),
        tuple(table),
        tuple(findings),
    )


def metrics() -> Section:
    """Measure GetMetricData."""
    points = synthetic.data_points(DATA_POINTS)
    queries = list(_metric_queries())
    cold: list[float] = []
    warm: list[float] = []
    series = 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        catalogue = Catalogue(points)
        answer = _metric_data(catalogue, queries)
        between = time.perf_counter()
        _metric_data(catalogue, queries)
        cold.append(between - begun)
        warm.append(time.perf_counter() - between)
        series = sum(bool(result["Values"]) for result in answer["MetricDataResults"])
    if series < len(queries):
        message = f"only {series} of {len(queries)} metric queries gave values"
        raise RuntimeError(message)
    first = percentile(cold, 50)
    return Section(
        "Metric data",
        f"{len(queries)} queries of metric math, and the {len(_METRICS)} metrics that they are "
        f"made of, over {len(points):,} data points of {synthetic.HOURS} hours, by minute: one "
        f"GetMetricData. Medians of {ROUNDS}.",
        ("from", "s"),
        (
            ("data points never asked for before", f"{first:.3f}"),
            ("the same once more", f"{percentile(warm, 50):.3f}"),
        ),
        (aim("metric data, first time", first, MOST_SECONDS_METRICS, "s"),),
    )


def traces() -> Section:
    """Measure GetTraceSummaries."""
    documents = synthetic.segments(TRACES)
    table: list[tuple[str, ...]] = []
    findings: list[str] = []
    with _store() as store:
        while batch := list(islice(documents, BATCH)):
            store.append((), [document for trace in batch for document in trace])
        with store.database() as connection:
            for expression in _FILTERS:
                found, looked_at, took = _searched(connection, expression)
                name = f"`{expression}`" if expression else "all"
                table.append((name, f"{found}", f"{looked_at:,}", f"{took:.3f}"))
                findings.append(aim(table[-1][0], took, MOST_SECONDS_TRACES, "s"))
            begun = time.perf_counter()
            found = _looped(connection, _FILTERS[1])
            took = time.perf_counter() - begun
    findings.append(
        f"a Python loop over a tenth of the documents, `{_FILTERS[1]}`: {took:.1f} s, {found} found"
    )
    return Section(
        "Trace search",
        f"{TRACES:,} traces of three documents each in the store: the first page of 200, newest "
        "first, from the text of the filter to traces. DuckDB looks for words in the documents and "
        "takes those apart that words do not tell of, as for `partial`. What neither tells, as the "
        "`coverage` of a root cause, is judged trace by trace: such a page ends after "
        f"{PATIENCE_SECONDS} s and says where the next begins. Medians of {ROUNDS}; the loop once.",
        ("filter", "traces", "of", "s"),
        tuple(table),
        tuple(findings),
    )


@contextmanager
def _store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        yield store


def _fill(store: Store, events: Sequence[LogEvent]) -> None:
    for start in range(0, len(events), BATCH):
        store.append(events[start : start + BATCH])


def _megabytes(events: tuple[LogEvent, ...]) -> str:
    return f"{synthetic.size(events) / 1e6:.0f} MB"


# Logs ---------------------------------------------------------------------------------------


def _beside(
    connection: "duckdb.DuckDBPyConnection", question: _Question
) -> tuple[float, float, float]:
    """Time the query, SQL for its rows, and SQL for rows and statistics, in turn.

    Raises:
        RuntimeError: When the query and the SQL do not give the same rows.
    """
    scope = Scope(
        log_groups=(synthetic.LOG_GROUP,),
        start_ms=synthetic.START_MS,
        end_ms=synthetic.END_MS,
        now_ms=synthetic.END_MS,
    )
    parameters = {
        "log_group": synthetic.LOG_GROUP,
        "first": synthetic.START_MS,
        "last": synthetic.END_MS,
    }

    statistics = _STATISTICS.format(question.matched)

    def whole() -> Sequence[Sequence[object]]:
        found = rows(compile_query(parse(question.query), scope), connection).rows
        return [[value for field, value in row if field != "@ptr"] for row in found]

    def by_hand() -> Sequence[Sequence[object]]:
        return connection.execute(question.sql, parameters).fetchall()

    def in_full() -> Sequence[Sequence[object]]:
        connection.execute(statistics, parameters).fetchall()
        return by_hand()

    if _comparable(whole()) != _comparable(by_hand()):
        message = f"{question.what}: the query and the SQL by hand say different things"
        raise RuntimeError(message)
    in_full()  # the first time of each is not counted
    times = [(timed(whole), timed(by_hand), timed(in_full)) for _ in range(ROUNDS)]
    first, second, third = (percentile(column, 50) for column in zip(*times, strict=True))
    return first, second, third


def _comparable(found: Sequence[Sequence[object]]) -> list[list[str]]:
    """Give rows in an order of their own, numbers rounded, times as milliseconds."""
    return sorted([_plain(value) for value in row if value is not None] for row in found)


def _plain(value: object) -> str:
    text = str(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", text):
        text = str(dt.datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)
    try:
        return f"{float(text):.2f}"
    except ValueError:
        return text


def timed(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def _others(events: Sequence[LogEvent]) -> list[str]:
    """Time what else could answer; what is not installed is left out."""
    took = timed(lambda: _python_count(events))
    said = [f"count by level, a Python loop: {took:.1f} s"]
    took = timed(lambda: _python_p99(events))
    said.append(f"p99 of a JSON field by bin(5m), a Python loop: {took:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "messages.txt"
        with file.open("w", encoding="utf-8") as out:
            out.writelines(event.message.replace("\n", " ") + "\n" for event in events)
        for name, count in (("jq", _jq_count), ("pandas", _pandas_count)):
            begun = time.perf_counter()
            if count(file):
                said.append(f"count by level, {name}: {time.perf_counter() - begun:.1f} s")
    return said


def _records(events: Iterable[LogEvent]) -> Iterator[tuple[LogEvent, dict[str, Any]]]:
    for event in events:
        if event.message.startswith("{"):
            yield event, json.loads(event.message)


def _python_count(events: Sequence[LogEvent]) -> Counter[str | None]:
    return Counter(record.get("level") for _, record in _records(events))


def _python_p99(events: Sequence[LogEvent]) -> dict[int, float]:
    bins: dict[int, list[float]] = {}
    for event, record in _records(events):
        if "amount" in record:
            moment = event.timestamp - event.timestamp % _BIN_MS
            bins.setdefault(moment, []).append(float(record["amount"]))
    return {moment: percentile(values, 99) for moment, values in bins.items()}


def _jq_count(file: Path) -> bool:
    if not shutil.which("jq"):
        return False
    program = "reduce (inputs | fromjson? | .level | tostring) as $level ({}; .[$level] += 1)"
    subprocess.run(["jq", "-nR", program, file], check=True, capture_output=True)
    return True


def _pandas_count(file: Path) -> bool:
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return False
    with file.open(encoding="utf-8") as lines:
        frame = pandas.DataFrame(json.loads(line) for line in lines if line.startswith("{"))
    return bool(len(frame["level"].value_counts(dropna=False)))


# Metrics ------------------------------------------------------------------------------------

_METRICS = {
    "charged": ("SuccessfulCharge", "Sum"),
    "failed": ("FailedCharge", "Sum"),
    "revenue": ("ChargedAmount", "Sum"),
    "mean": ("ChargedAmount", "Average"),
    "p50": ("ChargedAmount", "p50"),
    "p99": ("ChargedAmount", "p99"),
    "largest": ("ChargedAmount", "Maximum"),
    "trimmed": ("ChargedAmount", "tm90"),
}
_MATH = (
    "100 * FILL(failed, 0) / (charged + FILL(failed, 0))",
    "revenue / charged",
    "p99 / p50",
    "RATE(charged)",
    "RUNNING_SUM(revenue)",
    "SUM([charged, failed])",
    "AVG(METRICS())",
    "MAX([p99, largest])",
    "IF(p99 > 15000, p99, 0)",
    "mean - trimmed",
    "STDDEV([p50, p99])",
    "DIFF(revenue)",
    "DIFF_TIME(charged)",
    "CEIL(mean / 100)",
    "ABS(mean - p50)",
    "LOG10(revenue)",
    "PERIOD(charged) * RATE(charged)",
    "TIME_SERIES(MAX(revenue)) - revenue",
    "IF(HOUR(charged) >= 9 AND FILL(failed, 0) > 1, 1, 0)",
    "SEARCH('{Workshop,service} Charged', 'Sum', 60)",
)


def _metric_queries() -> Iterator[dict[str, Any]]:
    for id_, (name, statistic) in _METRICS.items():
        dimensions = [{"Name": "service", "Value": "payments"}]
        metric = {"Namespace": "Workshop", "MetricName": name, "Dimensions": dimensions}
        yield {"Id": id_, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}
    for number, expression in enumerate(_MATH):
        yield {"Id": f"e{number}", "Expression": expression}


def _metric_data(catalogue: Catalogue, queries: list[dict[str, Any]]) -> dict[str, Any]:
    start, end = synthetic.START_MS / 1000, synthetic.END_MS / 1000
    return get_metric_data(queries, catalogue, start, end, now=end)


# Traces -------------------------------------------------------------------------------------

_FILTERS = (
    "",
    "responsetime > 0.5",
    "fault = true AND responsetime < 0.01",
    'service("payments") { fault }',
    'annotation.customer_id = "cus_123"',
    "error = true",
    "partial",
    "!annotation.customer_id",
    'rootcause.responsetime.entity { name = "## charge" and coverage < 0.5 }',
)


def _searched(connection: "duckdb.DuckDBPyConnection", expression: str) -> tuple[int, int, float]:
    start, end = synthetic.START_MS / 1000, synthetic.END_MS / 1000
    found, looked_at = 0, 0
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        chosen = parse_filter(expression)
        page = search(connection, start, end, chosen=chosen, patience_seconds=PATIENCE_SECONDS)
        times.append(time.perf_counter() - begun)
        found, looked_at = len(page.traces), page.processed
    return found, looked_at, percentile(times, 50)


def _looped(connection: "duckdb.DuckDBPyConnection", expression: str) -> int:
    query = "SELECT document FROM segments ORDER BY number LIMIT ?"
    documents: list[SegmentDocument] = [
        json.loads(document)
        for (document,) in connection.execute(query, [3 * TRACES // 10]).fetchall()
    ]
    chosen = parse_filter(expression)
    return sum(chosen.matches(trace) for trace in assemble(documents))
