"""`workshop traffic`: a crowd for a step's function, now or over the past."""

import json
import os
import re
import signal
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from workshop.cli import incidents
from workshop.errors import UsageError
from workshop.load import Incident, Scope, Window, arrivals
from workshop.store import Store

HOUR = Window(1_795_000_000, 1_795_003_600)


@pytest.fixture(autouse=True)
def put_away(checkout):
    """End whatever endpoint a test has left running."""
    yield
    with suppress(OSError, ValueError, KeyError):
        state = json.loads((checkout / ".workshop/endpoint.json").read_text())
        os.kill(state["pid"], signal.SIGKILL)


def kept(checkout):
    with Store.open(checkout / ".workshop/data") as store:
        return store.log_events(), store.data_points(), store.traces()


def sums(points):
    found = Counter()
    for point in points:
        found[point.name] += sum(point.values)
    return found


def test_a_past_is_filled_with_what_the_handler_said_and_that_is_told(workshop, checkout):
    done = workshop("traffic", "3", "--solution", "--backfill", "30m", "--rate", "4", "--seed", "5")

    assert done.status == 0, done.said
    assert "are shifted back" in done.said
    assert "30 minutes that are over" in done.said
    events, points, traces = kept(checkout)
    sent = int(re.search(r"sent ([\d,]+) payments", done.said)[1])
    assert sent == len(traces) == sums(points)["SuccessfulCharge"] + sums(points)["FailedCharge"]
    now = datetime.now(UTC).timestamp()
    assert now - 1870 < events[0].timestamp / 1000 < now - 1700
    assert events[-1].timestamp / 1000 < now
    assert f"{len(events):,} log events" in done.said


def test_the_same_seed_gives_the_same_figures(workshop, checkout):
    figures = []
    until = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:00:00+00:00")
    for _ in range(2):
        command = ["traffic", "3", "--solution", "--backfill", "20m", "--rate", "6"]
        incident = ["--incident", "failing:currency=EUR"]
        assert workshop(*command, "--seed", "11", "--until", until, *incident).status == 0
        events, points, _ = kept(checkout)
        said = [json.loads(one.message) for one in events if one.message.startswith("{")]
        figures.append(
            (
                sums(points),
                Counter((one.timestamp // 60_000, one.name, one.values) for one in points),
                Counter(
                    (one["message"], one["payment_id"], one.get("campaign"), one["level"])
                    for one in said
                    if "payment_id" in one
                ),
            )
        )
        (checkout / ".workshop/data").rename(checkout / f".workshop/data-{len(figures)}")

    assert figures[0] == figures[1]
    assert figures[0][0]["FailedCharge"] > 2


def test_without_a_seed_one_is_chosen_and_told(workshop):
    done = workshop("traffic", "0", "--solution", "--backfill", "2m", "--rate", "2")

    assert re.search(r"seed \d+", done.said)


def test_an_incident_shows_in_its_scope_and_time_alone(workshop, checkout):
    done = workshop(
        *("traffic", "3", "--solution", "--backfill", "30m", "--rate", "12", "--seed", "3"),
        *("--incident", "failing:currency=EUR@10m+10m"),
    )

    hit = int(re.search(r"hit ([\d,]+) payments", done.said)[1])
    assert "failing processor, currency EUR" in done.said
    events, points, _ = kept(checkout)
    began = min(event.timestamp for event in events) // 60_000 * 60_000
    minutes = Counter(
        (point.timestamp - began) // 60_000 for point in points if point.name == "FailedCharge"
    )
    during = sum(count for minute, count in minutes.items() if 10 <= minute <= 20)
    assert hit <= during
    assert sum(minutes.values()) - during < 8
    assert hit > 20


def test_a_planted_incident_is_not_told(workshop):
    done = workshop(
        *("traffic", "3", "--solution", "--backfill", "10m", "--rate", "3", "--seed", "3"),
        *("--incident", "planted"),
    )

    assert "one is planted" in done.said
    assert not re.search(r"failing|crawling|hit \d", done.said)


def test_after_an_hour_and_more_the_code_was_deployed_once(workshop, checkout):
    done = workshop("traffic", "3", "--solution", "--backfill", "2h", "--rate", "1", "--seed", "3")

    assert "so that cold starts follow" in done.said
    events, points, _ = kept(checkout)
    began = min(event.timestamp for event in events)
    cold = [(point.timestamp - began) / 60_000 for point in points if point.name == "ColdStart"]
    assert 1 < len(cold) <= 16
    assert any(59 < minute < 70 for minute in cold)


def test_live_traffic_takes_its_time_and_keeps_its_times(workshop, checkout):
    begun = datetime.now(UTC).timestamp()
    done = workshop("traffic", "1", "--solution", "--for", "1s", "--rate", "600", "--seed", "3")
    ended = datetime.now(UTC).timestamp()

    assert done.status == 0, done.said
    assert "as they were" in done.said
    assert "shifted" not in done.said
    events, _, _ = kept(checkout)
    assert begun - 1 < events[0].timestamp / 1000 < events[-1].timestamp / 1000 < ended + 1
    starts = [event.timestamp for event in events if event.message.startswith("START")]
    last = arrivals(3, Window(0, 1), 600)[-1]
    assert len(starts) == len(arrivals(3, Window(0, 1), 600))
    assert starts[-1] >= (begun + last) * 1000 - 1


def test_the_endpoint_that_runs_already_sees_it(workshop, checkout):
    assert workshop("up", "1", "--solution").status == 0

    done = workshop("traffic", "1", "--solution", "--backfill", "10m", "--rate", "6", "--seed", "1")

    assert "workshop up" not in done.said
    sent = int(re.search(r"sent ([\d,]+) payments", done.said)[1])
    asked = workshop("query", 'filter @type = "REPORT" | stats count(*) as sent', "--json")
    assert json.loads(asked.out)["results"][0]["sent"] == str(sent)
    workshop("down")


@pytest.mark.parametrize("past", [True, False])
def test_ctrl_c_ends_it_and_tells_what_is_kept(terminal, checkout, past):
    how = ["--backfill", "13d", "--rate", "20"] if past else ["--for", "1h", "--rate", "600"]
    running = terminal("traffic", "1", "--solution", "--seed", "1", *how)
    running.read_until("/")  # the progress
    for count in (" 20/", " 30/", " 40/"):
        if count in running.text:
            break
    running.read_until("20")
    running.interrupt()

    assert running.finish() == 130
    told = " ".join(running.text.split())
    count = int(re.search(r"sent ([\d,]+) of [\d,]+ in", told)[1].replace(",", ""))
    assert re.search(r"kept [\d,]+ log events", told)
    assert "stopped" in told
    assert "Traceback" not in told
    events, _, _ = kept(checkout)
    reports = sum(event.message.startswith("REPORT") for event in events)
    assert count <= reports <= count + 16


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_the_kind\n", "No module named 'nothing_of_the_kind'"),
        ("def handler(event, context)\n", "Syntax error"),
        ("def other(event, context): ...\n", "Handler 'handler' missing"),
        ("import time\ndef handler(event, context): time.sleep(9)\n", "time-out"),
    ],
)
def test_code_that_cannot_run_is_told_at_the_first_payment(workshop, checkout, code, said):
    (checkout / "steps/00_bare_handler/app.py").write_text(code)
    template = checkout / "steps/00_bare_handler/template.yaml"
    template.write_text(template.read_text().replace("Timeout: 5", "Timeout: 1"))

    done = workshop("traffic", "0", "--backfill", "1h")

    assert done.status == 1
    assert said in done.said
    assert "workshop check 00" in done.said


def test_a_handler_that_fails_always_is_traffic_all_the_same(workshop, checkout):
    (checkout / "steps/00_bare_handler/app.py").write_text(
        "def handler(event, context):\n    raise KeyError('x')\n"
    )

    done = workshop("traffic", "0", "--backfill", "2m", "--rate", "3", "--seed", "1")

    assert done.status == 0
    assert "(100.0%)" in done.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--backfill", "15d"), "two weeks"),
        (("--backfill", "3h", "--for", "1m"), "two commands"),
        (("--until", "2026-11-23T14:00"), "--backfill 3h"),
        (("--backfill", "1h", "--until", "2199-01-01"), "future"),
        (("--backfill", "1h", "--until", "tomorrow"), "no time such as"),
        (("--backfill", "yesterday"), "no length of time"),
        (("--rate", "0"), "whole number above 0"),
        (("--incident", "exploding"), "there is no incident “exploding”"),
        (("--incident", "failing:colour=red"), "cannot be about “colour=red”"),
        (("--incident", "failing:currency"), "cannot be about “currency”"),
        (("--incident", "failing:least=much"), "cannot be about “least=much”"),
        (("--incident", "failing:share=200%"), "cannot be about “share=200%”"),
        (("--incident", "failing@soon"), "no length of time"),
        (("--incident", "failing@2h", "--backfill", "1h"), "would begin after the traffic"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(workshop, arguments, said):
    done = workshop("traffic", "0", *arguments)

    assert done.status == 2
    assert said in done.said


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("failing", Incident(HOUR.part(2 / 3, 5 / 6))),
        ("crawling@10m", Incident(Window(HOUR.start + 600, HOUR.start + 1200), "crawling")),
        ("failing+5m", Incident(Window(HOUR.start + 2400, HOUR.start + 2700))),
        ("failing@0m+5m", Incident(Window(HOUR.start, HOUR.start + 300))),
        ("failing@50m+1h", Incident(Window(HOUR.start + 3000, HOUR.end))),
        (
            "failing:currency=eur,campaign=spring,customers=20%,least=100,most=900,share=5@1m+1m",
            Incident(
                Window(HOUR.start + 60, HOUR.start + 120),
                scope=Scope(0.2, "spring", "EUR", 100, 900),
                share=0.05,
            ),
        ),
    ],
)
def test_an_incident_as_it_is_typed(typed, meant):
    read = incidents.read(typed, HOUR, 1)

    assert (read.kind, read.scope, read.share) == (meant.kind, meant.scope, meant.share)
    assert read.window.start == pytest.approx(meant.window.start)
    assert read.window.end == pytest.approx(meant.window.end)


def test_an_incident_after_the_traffic_is_refused():
    with pytest.raises(UsageError):
        incidents.read("failing@1h", HOUR, 1)
