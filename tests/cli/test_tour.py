"""`workshop tour`: real traffic, what each step reveals, every figure from the telemetry."""

import re
import subprocess
import sys

import pytest

from workshop.cli.render.tour import logs
from workshop.cli.render.tour.telemetry import Telemetry
from workshop.cli.tour import VIEWS
from workshop.course.catalogue import Course
from workshop.course.payments import customers
from workshop.processor.cards import SLOW, UNAVAILABLE
from workshop.signals import LogEvent


def tour(folder, *typed):
    """What a tour says, in a process of its own, whose output is a pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "workshop.cli", "tour", *typed],
        capture_output=True,
        check=False,
        cwd=folder,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """One tour, for all that is asked of it here."""
    return tour(tmp_path_factory.mktemp("tour"), "--seed", "11", "--count", "120")


@pytest.fixture(scope="module")
def lonely(tmp_path_factory):
    """A tour on the only payment there is, which goes well."""
    return tour(tmp_path_factory.mktemp("tour"), "--count", "1")


@pytest.fixture(scope="module")
def traffic():
    return customers(11, 120)


def part(said, number):
    """What is drawn of a step."""
    return said.split(f"━━ {number:02} ")[1].split("\n━━ ")[0]


def failed(traffic):
    return [one for one in traffic if one["card"]["number"].endswith(UNAVAILABLE)]


def test_every_step_has_its_question_and_what_it_reveals(said, checkout):
    for step in Course.load(checkout).steps:
        words = " ".join(part(said, step.number).split())
        assert step.question in words
        assert step.tour.reveals in words


def test_raw_lines_do_not_say_whose_charges_failed(said, traffic):
    count = len(failed(traffic))
    assert count > 0
    assert f"{count} of them errors. Whose charges failed? 0 of {count} say." in " ".join(
        part(said, 0).split()
    )


def raw(*messages):
    """What is drawn of raw log events, each written as its stream and its message."""
    events = [LogEvent("/g", stream, at, text) for at, (stream, text) in enumerate(messages)]
    return [str(line) for line in logs.lines(Telemetry(events, (), ()), 80)]


def test_raw_lines_hold_a_failed_request_from_start_to_end():
    quiet = [("a", "payment charged")] * 40
    other = [("b", "collecting payment"), ("b", "payment charged")]
    failed = [("a", "START RequestId: 1 Version: $LATEST"), other[0], ("a", "[ERROR] no"), other[1]]
    shown = raw(*quiet, *failed, ("a", "END RequestId: 1"), *quiet)
    assert {"START RequestId: 1 Version: $LATEST", "[ERROR] no", "END RequestId: 1"} <= set(shown)


def test_raw_lines_hold_an_error_when_no_failed_request_fits():
    crowd = [("b", "payment charged")] * 40
    started, ended = ("a", "START RequestId: 1"), ("a", "END RequestId: 1")
    assert "[ERROR] no" in raw(started, *crowd, ("a", "[ERROR] no"), *crowd, ended)


def test_where_the_time_went_is_told_of_a_cold_start_too(lonely):
    shown = part(lonely, 5)
    spans = dict(re.findall(r"(Initialization|app.collect_payment) +[·█]+ +([\d.]+) ms", shown))
    told = re.search(r"(Initialization|app.collect_payment) took (\d+) of \d+ ms", shown)
    assert spans["Initialization"]
    assert int(told[2]) == pytest.approx(float(spans[told[1]]), abs=1)


def test_keys_name_the_failed_charges(said, traffic):
    shown = set(re.findall(r"(pay_\w+)  (cus_\w+) +(\d+)  ProcessorError", part(said, 1)))
    sent = {(p["payment_id"], p["customer_id"], str(p["amount"])) for p in failed(traffic)}
    assert shown
    assert shown <= sent


def test_context_follows_one_failed_request_and_counts_cold_starts(said, traffic):
    (correlation_id,) = re.findall(r'correlation_id = "(req_\w+)"', part(said, 2))
    assert correlation_id in {one["correlation_id"] for one in failed(traffic)}
    cold, all_of_them = map(int, re.findall(r"(\d+) of (\d+) invocations met", part(said, 2))[0])
    assert all_of_them == len(traffic)
    assert 1 <= cold <= 10
    assert "RetentionInDays = 30" in part(said, 2)


def test_numbers_are_those_of_the_traffic(said, traffic):
    sums = dict(
        re.findall(r"^(\w+) +(?:None|Count) +[\d,]+ +([\d,]+)$", part(said, 3), re.MULTILINE)
    )
    good = [one for one in traffic if one not in failed(traffic)]
    assert sums["SuccessfulCharge"] == str(len(good))
    assert sums["FailedCharge"] == str(len(failed(traffic)))
    assert sums["ChargedAmount"] == f"{sum(one['amount'] for one in good):,}"


def test_the_edges_show_who_waits_and_the_average_does_not(said, traffic):
    figures = {
        name: float(value.replace(",", ""))
        for name, value in re.findall(r"(Average|p50|p90|p99) +([\d.,]+)  ", part(said, 3))
    }
    slow = sum(one["card"]["number"].endswith(SLOW) for one in traffic)
    assert slow >= 2
    assert figures["p50"] < figures["Average"] < figures["p99"] / 2
    counts = re.findall(r"(?:to|over) \d+ +([\d,]+)", part(said, 3))
    assert sum(int(count) for count in counts) == len(traffic)


def test_the_stream_names_its_bad_records_and_counts_the_good_ones_once(said, traffic):
    shown = " ".join(part(said, 9).split())
    bad, good = len(failed(traffic)), len(traffic) - len(failed(traffic))
    assert f"{len(traffic)} records came" in shown
    assert f"{bad} given up, {bad} of them told to rejected-settlements" in shown
    assert f"SettledPayment {good}." in shown
    assert "✗ BatchProcessingError given up" in shown


def test_the_slowest_trace_is_a_waterfall_that_says_where_the_time_went(said, traffic):
    shown = part(said, 5)
    (payment_id,) = re.findall(r'annotation.payment_id = "(pay_\w+)"', shown)
    (slow,) = [one for one in traffic if one["payment_id"] == payment_id]
    assert slow["card"]["number"].endswith(SLOW)
    (waited,) = re.findall(r"## app.collect_payment +[·█]+ +([\d.]+) ms", shown)
    (told,) = re.findall(r"app.collect_payment took (\d+) of \d+ ms", " ".join(shown.split()))
    assert 600 <= int(told) == pytest.approx(float(waited), abs=1)


def test_calls_of_the_processor_are_those_that_the_cards_make(said, traffic):
    slow = sum(one["card"]["number"].endswith(SLOW) for one in traffic)
    (timed_out,) = re.findall(r"ReadTimeout +(\d+)", part(said, 6))
    assert int(timed_out) >= slow  # on a busy machine another call may be slow, too


def test_the_alarms_of_step_04_go_off(said):
    assert len(re.findall(r"ALARM for \d+ min", part(said, 4))) == 2


def test_it_ends_with_what_to_type(said):
    assert "workshop watch 00" in said.splitlines()[-1]


def test_nothing_private_is_shown(said, traffic):
    for one in traffic:
        assert one["card"]["number"] not in said
        assert one["card"]["holder"] not in said


def test_traffic_in_which_nothing_fails_is_shown_too(lonely):
    assert "0 of them errors" in lonely


def test_every_step_names_a_view_that_there_is(checkout):
    assert {step.tour.view for step in Course.load(checkout).steps} <= set(VIEWS)


def test_a_step_that_names_another_view_is_told(workshop, checkout):
    toml = checkout / "steps/00_bare_handler/step.toml"
    toml.write_text(toml.read_text().replace('view = "lines"', 'view = "clouds"'))
    done = workshop("tour", "--count", "1")
    assert done.status == 3
    assert "clouds" in done.err


def test_a_narrow_terminal_gets_a_progress_bar_and_no_line_that_is_too_wide(terminal):
    screen = terminal("tour", "--count", "30", columns=60)
    assert screen.finish() == 0
    assert "30/30" in screen.text
    assert max(map(len, re.split(r"[\r\n]+", screen.text))) <= 60


def test_a_pipe_gets_no_progress_bar(said):
    assert "120/120" not in said
