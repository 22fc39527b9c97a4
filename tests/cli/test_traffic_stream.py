"""`workshop traffic` for a stream: records through the event source mapping of the template."""

import re

import pytest

from workshop.store import Store


def kept(checkout):
    with Store.open(checkout / ".workshop/data") as store:
        return store.log_events(), store.data_points()


def figure(pattern, done):
    found = re.search(pattern, done.said)
    assert found, done.said
    return int(found[1].replace(",", ""))


def test_records_that_fail_are_tried_again_and_given_up_and_the_others_are_booked(
    workshop, checkout
):
    typed = ("--solution", "--backfill", "30m", "--rate", "30", "--incident", "failing:share=10%")
    done = workshop("traffic", "9", *typed, "--seed", "3")

    assert done.status == 0, done.said
    payments = figure(r"✓ sent ([\d,]+) payments", done)
    booked, given_up = figure(r"([\d,]+) done", done), figure(r"([\d,]+) given up", done)
    assert "told to rejected-settlements" in done.said
    assert booked + given_up == payments
    assert given_up > 0
    assert figure(r"in ([\d,]+) invocations", done) > 2 * given_up
    _, points = kept(checkout)
    assert sum(sum(one.values) for one in points if one.name == "SettledPayment") == booked
    assert max(max(one.values) for one in points if one.name == "IteratorAge") == pytest.approx(
        figure(r"IteratorAge Maximum ([\d,]+) ms", done), abs=1
    )


def test_one_bad_record_blocks_those_behind_it_where_the_mapping_never_gives_up(workshop):
    typed = ("--backfill", "30m", "--rate", "30", "--incident", "failing@5m+5m")
    done = workshop("traffic", "9", *typed, "--seed", "3")

    assert done.status == 0, done.said
    assert re.search(r"! sent [\d,]+ of [\d,]+ payments", done.said)
    waiting = figure(r"([\d,]+) still waiting, behind a batch that fails", done)
    assert waiting > 100
    assert figure(r"IteratorAge Maximum ([\d,]+) ms", done) > 600_000


def test_live_records_come_through_the_mapping_too(workshop, checkout):
    done = workshop("traffic", "9", "--solution", "--for", "1s", "--rate", "600", "--seed", "3")

    assert done.status == 0, done.said
    assert "mapping Payments: charged-payments to settlements, batches of 10" in done.said
    payments = figure(r"✓ sent ([\d,]+) payments", done)
    assert figure(r"([\d,]+) done", done) == payments
    _, points = kept(checkout)
    assert any(one.name == "IteratorAge" for one in points)


def test_a_mapping_that_is_not_enabled_is_passed_by(workshop, checkout):
    template = checkout / "steps/09_stream/template.yaml"
    enabled = template.read_text().replace("BatchSize:", "Enabled: false\n            BatchSize:")
    template.write_text(enabled)

    done = workshop("traffic", "9", "--backfill", "2m", "--rate", "30", "--seed", "3")

    assert done.status == 0, done.said
    assert re.search(r"sent [\d,]+ payments in [\d,]+ events", done.said)
    assert "mapping" not in done.said
