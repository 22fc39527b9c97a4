"""Typing errors are told in one sentence, with a way on."""

from importlib import metadata

import pytest

from workshop.cli.project import DISTRIBUTION

COMMANDS = (
    "tour list run check watch hint diff solution reset doctor".split()  # noqa: SIM905 (a list)
)


def test_help_names_every_command(workshop):
    done = workshop("--help")
    assert done.status == 0
    assert all(f"\n    {command} " in done.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(workshop, command):
    done = workshop(command, "--help")
    assert done.status == 0
    assert done.out.startswith(f"usage: workshop {command}")


@pytest.mark.parametrize(
    ("typed", "meant"), [("chek", "check"), ("Watch", "watch"), ("solutions", "solution")]
)
def test_a_mistyped_command_gets_a_suggestion(workshop, typed, meant):
    done = workshop(typed)
    assert done.status == 2
    assert f"did you mean: workshop {meant}" in done.said


def test_a_command_like_no_other_is_told_where_they_are_listed(workshop):
    done = workshop("qqqqqq")
    assert done.status == 2
    assert "workshop --help" in done.said


def test_a_mistyped_step_gets_a_suggestion(workshop):
    done = workshop("hint", "03_custom_metric_")
    assert done.status == 2
    assert "03_custom_metrics" in done.said


@pytest.mark.parametrize("typed", [("run", "1", "--evnt", "x"), ("run", "1", "2"), ("list", "1")])
def test_what_a_command_does_not_take_leads_to_that_commands_own_help(workshop, typed):
    done = workshop(*typed)
    assert f"unrecognized arguments: {' '.join(typed[2:] or typed[1:])}" in done.said
    assert f"workshop {typed[0]} --help" in done.said


@pytest.mark.parametrize(
    "typed",
    [
        ("reset",),
        ("run", "0", "--count", "0"),
        ("run", "0", "--count", "two"),
        ("run", "0", "--nonsense"),
        ("check", "1", "--all"),
        ("tour", "--seed", "x"),
        ("list", "1"),
        ("hint", "99"),
        ("--nonsense",),
    ],
)
def test_wrong_usage_is_status_2_and_on_standard_error(workshop, typed):
    done = workshop(*typed)
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("✗ ")
    assert "Traceback" not in done.err


def test_a_step_may_be_named_by_number_or_name(workshop):
    said = {workshop("diff", name).out for name in ("3", "03", "metrics", "03_custom_metrics")}
    assert len(said) == 1


def test_the_version_is_that_of_the_installed_package(workshop):
    done = workshop("--version")
    assert done.status == 0
    assert done.out == f"workshop {metadata.version(DISTRIBUTION)}\n"
