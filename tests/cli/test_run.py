"""`workshop run`: what comes back, what is left behind, and what is kept of it."""

import json
import time

import pytest

from workshop.store import Store


@pytest.fixture
def solved(checkout):
    """Step 03 as its solution has it, in the learner's place."""
    solution = checkout / "solutions/03_custom_metrics/app.py"
    app = checkout / "steps/03_custom_metrics/app.py"
    app.write_text(solution.read_text())
    return app


def test_a_run_shows_response_log_events_data_points_and_trace(workshop, solved):
    done = workshop("run", "3")
    assert done.status == 0
    for part in (
        "✓ success",
        '"status": "charged"',
        "START RequestId: ",
        '"message":"payment charged"',
        "REPORT RequestId: ",
        "SuccessfulCharge",
        "service=payments",
        "Invocation",
    ):
        assert part in done.out


def test_the_default_event_is_a_charge_and_the_default_code_the_learners(workshop):
    done = workshop("run", "0")
    assert "your code, event charge" in done.out
    assert "null" in done.out
    assert "charged" in workshop("run", "0", "--solution").out


def test_an_invocation_that_fails_is_shown_and_is_status_1(workshop, solved):
    done = workshop("run", "3", "--event", "unavailable")
    assert done.status == 1
    assert "✗ error" in done.out
    assert "ProcessorError: processor unavailable" in done.out
    assert "FailedCharge" in done.out


def test_bytes_that_are_no_json_are_shown_as_they_are(workshop, solved):
    solved.write_text("def handler(event, context):\n    return b'plain text'\n")
    assert "response plain text log events" in workshop("run", "3").said


def test_a_syntax_error_is_shown_as_lambda_tells_it(workshop, solved):
    solved.write_text("def handler(event, context:\n")
    done = workshop("run", "3")
    assert done.status == 1
    assert "Runtime.UserCodeSyntaxError" in done.out


def test_an_endless_loop_is_ended_by_the_time_out(workshop, solved):
    solved.write_text("def handler(event, context):\n    while True: pass\n")
    template = solved.with_name("template.yaml")
    template.write_text(template.read_text().replace("Timeout: 5", "Timeout: 1"))
    done = workshop("run", "3")
    assert done.status == 1
    assert "✗ timed out" in done.out
    assert "Task timed out after 1.00 seconds" in done.said


def test_a_log_event_cannot_act_on_the_terminal(workshop, solved):
    solved.write_text("def handler(event, context):\n    print('\\x1b[2Jgone\\x07')\n")
    done = workshop("run", "3")
    assert "\\x1b[2Jgone\\x07" in done.out
    assert "\x1b" not in done.out


def test_a_huge_log_is_shown_in_part_and_counted_whole(workshop, solved):
    solved.write_text(
        "def handler(event, context):\n"
        "    for number in range(500): print(number)\n"
        "    print('x' * 100_000)\n"
    )
    done = workshop("run", "3")
    assert done.status == 0
    assert "505 in /aws/lambda/payments" in done.out
    assert "more log events" in done.out
    assert "98,000 more characters" in done.out
    assert len(done.out) < 20_000


def test_a_broken_template_is_told_with_its_place(workshop, solved):
    solved.with_name("template.yaml").write_text("Resources: [")
    done = workshop("run", "3")
    assert done.status == 1
    assert "template.yaml:2:1" in done.said


def test_many_are_sent_one_after_the_other_and_summed_up(workshop, solved):
    done = workshop("run", "3", "--count", "4")
    assert done.status == 0
    assert "4 success · 1 cold" in done.out
    assert "p99" in done.out


@pytest.mark.parametrize(("count", "shown"), [("1", 1), ("3", 3), ("4", 1)])
def test_of_a_few_invocations_all_log_events_are_shown(workshop, solved, count, shown):
    """So that what the first logged, of a cold start, can be compared with the next."""
    done = workshop("run", "3", "--count", count)
    assert done.out.count("START RequestId: ") == shown
    assert done.out.count("INIT_START") == 1
    assert ("invocation 3  ✓ success" in done.out) == (shown == 3)


def test_what_was_run_is_kept_across_runs(workshop, solved, checkout):
    workshop("run", "3")
    workshop("run", "3")
    with Store.open(checkout / ".workshop/data") as store:
        assert len([p for p in store.data_points() if p.name == "SuccessfulCharge"]) == 2
        assert len(store.traces()) == 2


def test_where_nothing_can_be_kept_the_run_is_shown_all_the_same(workshop, solved, checkout):
    (checkout / ".workshop").write_text("a file in the folder's place")
    done = workshop("run", "3")
    assert done.status == 0
    assert "✓ success" in done.out
    assert "! the telemetry of this run is not kept" in done.said


def test_json_holds_the_whole_of_it_in_the_documented_shape(workshop, solved):
    done = workshop("run", "3", "--json", "--count", "2")
    assert done.status == 0
    document = json.loads(done.out)
    assert set(document) == {"version", "step", "code", "event", "invocations"}
    assert (document["version"], document["step"], document["code"]) == (
        1,
        "03_custom_metrics",
        "yours",
    )
    cold, warm = document["invocations"]
    assert set(cold) == {
        "request_id",
        "function_name",
        "trace_id",
        "status",
        "function_error",
        "cold_start",
        "environment_id",
        "response",
        "report",
        "log_events",
        "dropped_log_events",
        "data_points",
        "emf_problems",
        "segments",
    }
    assert (cold["cold_start"], warm["cold_start"]) == (True, False)
    assert cold["response"]["status"] == "charged"
    assert {point["name"] for point in warm["data_points"]} == {"SuccessfulCharge", "ChargedAmount"}
    assert {segment["trace_id"] for segment in warm["segments"]} == {warm["trace_id"]}


def test_an_event_may_be_piped_in(process, checkout):
    done = process("run", "0", "--event", "-")
    assert done.status == 2
    assert "it is empty" in " ".join(done.err.split())


@pytest.mark.parametrize("columns", ["60", "80", "100"])
def test_no_row_of_a_run_is_wider_than_the_terminal(workshop, solved, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = workshop("run", "3", "--event", "unavailable", "--count", "3")
    assert max(map(len, done.out.splitlines())) <= int(columns)


def test_a_terminal_is_asked_for_the_event_that_it_is_to_give(terminal):
    screen = terminal("run", "0", "--event", "-")
    screen.read_until("Ctrl-D ends it")
    time.sleep(0.5)  # it reads by then: Python misses a signal that comes just before it waits
    screen.interrupt()
    assert screen.finish() == 130
