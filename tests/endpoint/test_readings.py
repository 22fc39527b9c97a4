"""The store read as metrics, while log events come and go."""

import json
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from workshop.endpoint.readings import Metrics
from workshop.metrics.series import Window
from workshop.signals import LogEvent
from workshop.store import Store

NOON = 1_700_049_600_000
HOUR = 3600
WINDOW = Window(NOON / 1000 - HOUR, NOON / 1000 + HOUR, NOON / 1000 + HOUR)
STATISTICS = ("SampleCount", "Sum", "Maximum", "p50")


def record(second, value, group="/aws/lambda/payments", stream="one"):
    """Make an EMF record of a metric `Charged`."""
    timestamp = NOON + second * 1000
    directive = {"Namespace": "Test", "Dimensions": [[]], "Metrics": [{"Name": "Charged"}]}
    root = {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}, "Charged": value}
    return LogEvent(group, stream, timestamp, json.dumps(root))


def invocation(second, duration, group="/aws/lambda/payments", stream="one"):
    """Make the log events of one invocation; times in seconds."""
    start, end = NOON + second * 1000, NOON + (second + duration) * 1000
    report = (
        f"REPORT RequestId: r{second}\tDuration: {duration * 1000}.00 ms\tBilled Duration: 1 ms\t"
        "Memory Size: 256 MB\tMax Memory Used: 67 MB\t"
    )
    return [
        LogEvent(group, stream, start, f"START RequestId: r{second} Version: $LATEST"),
        LogEvent(group, stream, end, report),
    ]


def metrics_of(store):
    return Metrics(store, dict)


def told(metrics):
    """Return what can be asked of the metrics: each series of each metric."""
    with metrics.catalogue() as catalogue:
        return {
            (metric, stat, period): dict(catalogue.series(metric, stat, period, WINDOW).points)
            for metric in catalogue.metrics()
            for stat in STATISTICS
            for period in (60, 300)
        }


def sums(metrics):
    """Return the sum of each metric without dimensions, by name."""
    return {
        metric.name: sum(points.values())
        for (metric, stat, period), points in told(metrics).items()
        if (stat, period) == ("Sum", 60) and not metric.dimensions
    }


class Counting:
    """A store that counts the rows of log events that are fetched from it."""

    def __init__(self, store):
        self._store = store
        self.rows = 0

    @contextmanager
    def database(self):
        with self._store.database() as self._connection:
            yield self

    def execute(self, query, parameters):
        self._found = self._connection.execute(query, parameters).fetchall()
        if "message" in query:
            self.rows += len(self._found)
        return self

    def fetchall(self):
        return self._found


def test_what_was_read_once_is_not_read_again():
    with Store.open(None) as store:
        counting = Counting(store)
        metrics = metrics_of(counting)
        store.append([record(n, 1) for n in range(100)] + invocation(0, 1))
        told(metrics)
        assert counting.rows == 102

        told(metrics)
        assert counting.rows == 102

        store.append([record(0, 1), LogEvent("/aws/lambda/payments", "one", NOON, "a print")])
        assert sums(metrics)["Charged"] == 101
        assert counting.rows == 103


def test_a_deletion_is_seen_whoever_deleted(tmp_path):
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        metrics = metrics_of(store)
        store.append([record(0, 1), record(0, 10, group="/aws/lambda/refunds")])
        assert sums(metrics) == {"Charged": 11}

        other.delete("/aws/lambda/refunds")
        assert sums(metrics) == {"Charged": 1}

        other.delete("/aws/lambda/payments")
        assert sums(metrics) == {}


def test_a_database_begun_anew_is_read_anew(tmp_path):
    ticks = iter(range(1000, 2000))
    with Store.open(tmp_path, clock=lambda: next(ticks)) as store:
        metrics = metrics_of(store)
        store.append([record(0, 1), record(1, 2)])
        assert sums(metrics) == {"Charged": 3}

        (tmp_path / "telemetry.duckdb").unlink()
        store.append([record(0, 10), record(1, 20)])  # as many as before, with the same ids
        assert sums(metrics) == {"Charged": 30}


def test_an_event_that_was_turned_away_is_counted_still_when_log_events_are_deleted():
    with Store.open(None) as store:
        metrics = metrics_of(store)
        store.append([record(0, 1)])
        told(metrics)
        metrics.throttled("payments")
        store.delete("/aws/lambda/payments")

        with metrics.catalogue() as catalogue:
            assert {metric.name for metric in catalogue.metrics()} == {"Throttles"}


GROUPS = st.sampled_from(["/aws/lambda/payments", "/aws/lambda/refunds"])
SECONDS = st.integers(-1200, 1200)
EVENTS = st.one_of(
    st.builds(lambda *of: [record(*of)], SECONDS, st.integers(0, 9), GROUPS),
    st.builds(invocation, SECONDS, st.sampled_from([0, 1, 59, 61, 400]), GROUPS, st.text("ab")),
)
STEPS = st.lists(
    st.one_of(
        st.lists(EVENTS, min_size=1, max_size=4),
        st.sampled_from(["/aws/lambda/payments", "/aws/lambda/refunds", "anew"]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=30)
@given(STEPS)
def test_read_bit_by_bit_the_metrics_are_what_they_are_read_at_once(steps):
    """Whether events come late, out of order, or go: with their group, or with the database."""
    with Store.open(None) as store:
        metrics = metrics_of(store)
        for step in steps:
            if step == "anew":
                store.close()  # which forgets what is in memory; the next use begins anew
            elif isinstance(step, str):
                store.delete(step)
            else:
                store.append([event for events in step for event in events])

            assert told(metrics) == told(metrics_of(store))
