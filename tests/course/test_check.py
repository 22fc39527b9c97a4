"""A check runs a step's promises apart from everything around it, and blames nobody wrongly."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.course.conftest import STEP_TOML, TEMPLATE, MakeStep
from workshop.course.check import check_step
from workshop.errors import ToolError

PROMISES = '''
from workshop.course.wrong import Wrong


def test_the_first_holds():
    """The first holds."""


def test_the_second_holds():
    raise Wrong("not-second", "no second", saw="none", wanted="one", look="here")


def test_the_third_holds():
    """The third holds.

    With more said about it.
    """
'''


def test_the_first_broken_promise_is_told_and_the_rest_wait(make_step: MakeStep) -> None:
    verdict = check_step(make_step(test=PROMISES))
    assert not verdict.passed
    assert verdict.exit_status == 1
    assert verdict.wrong is not None
    assert verdict.wrong.rule == "not-second"
    assert [(check.title, check.outcome) for check in verdict.checks] == [
        ("The first holds", "passed"),
        ("the second holds", "failed"),
        ("The third holds", "waiting"),
    ]


def test_of_code_that_does_not_run_no_promise_is_said_to_be_broken(make_step: MakeStep) -> None:
    test = (
        'def test_one(traffic):\n    """The first."""\n'
        'def test_two(traffic):\n    """The second."""\n'
    )
    verdict = check_step(make_step(app="import nowhere\n", test=test))
    assert verdict.wrong is not None
    assert verdict.wrong.rule == "import-error"
    assert not verdict.passed
    assert [check.outcome for check in verdict.checks] == ["waiting", "waiting"]


def test_a_step_whose_promises_hold_passes(make_step: MakeStep) -> None:
    verdict = check_step(make_step(test="def test_it():\n    assert True"))
    assert verdict.passed
    assert verdict.exit_status == 0
    assert verdict.wrong is None
    assert verdict.seconds > 0


def test_a_plain_assertion_is_a_broken_promise_and_says_what_was_there(
    make_step: MakeStep,
) -> None:
    test = 'def test_two():\n    """There are two."""\n    assert len([1]) == 2'
    verdict = check_step(make_step(test=test))
    assert verdict.wrong is not None
    assert verdict.wrong.rule == "promise-broken"
    assert verdict.wrong.wanted == "There are two"
    assert "1 = len([1])" in verdict.wrong.saw


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("def test_it():\n    1 / 0", "ZeroDivisionError: division by zero (test_step.py:2)"),
        ("def test_it(nonsense): ...", "FixtureLookupError: ('nonsense'"),
        ("import nonsense", "No module named 'nonsense'"),
        ("def test_it(:", "SyntaxError"),
        ("", "could not be run"),
        ("import pytest\ndef test_it(): pytest.skip('no')", "could not be run"),
        ("def test_it():\n    raise SystemExit(3)", "SystemExit: 3"),
        (
            "import workshop.errors as e\ndef test_it(): raise e.ToolError('the disk is full')",
            "the disk is full",
        ),
        (
            "import pytest\n@pytest.fixture\ndef f():\n    yield\n    1 / 0\ndef test_it(f): ...",
            "ZeroDivisionError",
        ),
    ],
)
def test_a_failure_of_the_check_is_the_tools_and_never_the_learners(
    make_step: MakeStep, test: str, said: str
) -> None:
    verdict = check_step(make_step(test=test))
    assert verdict.wrong is None
    assert not verdict.passed
    assert verdict.exit_status == 3
    assert isinstance(verdict.tool_failure, ToolError)
    assert said in verdict.tool_failure.what
    assert "failed" not in {check.outcome for check in verdict.checks}


def test_the_exception_behind_a_failure_of_the_check_is_kept(make_step: MakeStep) -> None:
    verdict = check_step(make_step(test="def test_it():\n    1 / 0"))
    assert verdict.tool_failure is not None
    assert isinstance(verdict.tool_failure.__cause__, ZeroDivisionError)


def test_a_broken_promise_outweighs_nothing_once_the_tool_has_failed(make_step: MakeStep) -> None:
    test = (
        "import pytest\n@pytest.fixture\ndef f():\n    yield\n    1 / 0\ndef test_it(f): assert 0"
    )
    verdict = check_step(make_step(test=test))
    assert verdict.tool_failure is not None
    assert verdict.wrong is None


def test_two_steps_in_one_process_run_their_own_promises(make_step: MakeStep) -> None:
    one = make_step("01_one", test="def test_one(): ...")
    two = make_step("02_two", test="def test_two(): ...")
    titles = [check_step(step).checks[0].title for step in (one, two, one)]
    assert titles == ["one", "two", "one"]


def test_an_edited_test_file_is_run_as_it_is_now(make_step: MakeStep) -> None:
    step = make_step(test="def test_one(): ...")
    assert check_step(step).checks[0].title == "one"
    (step.folder / "test_step.py").write_text("def test_other_one(): assert False")
    assert check_step(step).checks[0].title == "other one"


def test_a_check_leaves_the_process_as_it_was(
    make_step: MakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "not_there")
    step = make_step(test="def test_one(): ...")
    check_step(step)  # Imports what it needs once.
    before = (dict(os.environ), list(sys.path), set(sys.modules), list(sys.meta_path), Path.cwd())
    streams = (sys.stdout, sys.stderr, sys.unraisablehook, sys.excepthook)
    assert check_step(step).passed
    after = (dict(os.environ), list(sys.path), set(sys.modules), list(sys.meta_path), Path.cwd())
    assert after == before
    assert streams == (sys.stdout, sys.stderr, sys.unraisablehook, sys.excepthook)


def test_a_check_prints_nothing(make_step: MakeStep, capfd: pytest.CaptureFixture[str]) -> None:
    for test in (PROMISES, "def test_it():\n    1 / 0", "import nonsense", ""):
        check_step(make_step(test=test))
    assert capfd.readouterr() == ("", "")


def test_configuration_and_conftest_files_around_a_step_do_not_count(
    make_step: MakeStep, tmp_path: Path
) -> None:
    step = make_step(test="def test_one(): ...")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (step.folder / "conftest.py").write_text("1 / 0")
    assert check_step(step).passed


def test_random_values_are_fresh_and_a_seed_repeats_them(make_step: MakeStep) -> None:
    test = "def test_it(payment):\n    assert 0, payment()['payment_id']"
    step = make_step(test=test)
    first, second = check_step(step), check_step(step)
    again = check_step(step, seed=first.seed)
    assert first.wrong is not None
    assert second.wrong is not None
    assert again.wrong is not None
    assert first.wrong.saw != second.wrong.saw
    assert first.wrong.saw == again.wrong.saw


def test_ctrl_c_goes_through(make_step: MakeStep) -> None:
    with pytest.raises(KeyboardInterrupt):
        check_step(make_step(test="def test_it():\n    raise KeyboardInterrupt"))


@pytest.fixture
def plain_pytest(tmp_path: Path):
    """Run plain pytest in a process of its own on a step: `plain_pytest(step, *arguments)`."""

    def run(step, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, step.folder],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        return done.stdout + done.stderr

    return run


def test_plain_pytest_tells_the_same_without_a_traceback(make_step: MakeStep, plain_pytest) -> None:
    output = plain_pytest(make_step(test=PROMISES), "-rs")
    assert (
        dedent("""
        ✗ 01_charge · no second
          saw     none
          wanted  one
          look    here   workshop hint 01
        """)
        in output
    )
    assert "waits for: the second holds" in output
    assert "1 failed, 1 passed, 1 skipped" in output
    assert "Wrong" not in output
    assert "Traceback" not in output


def test_plain_pytest_tells_a_failure_of_the_check_from_the_learners(
    make_step: MakeStep, plain_pytest
) -> None:
    step = make_step(test="def helper():\n    1 / 0\ndef test_it():\n    helper()")
    output = plain_pytest(step)
    assert "! 01_charge · the check itself failed: ZeroDivisionError" in output
    assert "not about your code" in output
    assert "def helper" not in output
    assert "def helper" in plain_pytest(step, "--tb=long")


def test_plain_pytest_lets_each_step_have_its_own_first(
    make_step: MakeStep, tmp_path: Path, plain_pytest
) -> None:
    make_step("01_one", test=PROMISES)
    two = make_step("02_two", test=PROMISES)
    output = plain_pytest(two, "--import-mode=importlib", str(tmp_path / "steps" / "01_one"))
    assert "✗ 01_one · no second" in output
    assert "✗ 02_two · no second" in output
    assert "2 failed, 2 passed, 2 skipped" in output


def test_the_plugin_leaves_other_test_files_alone(tmp_path: Path, plain_pytest) -> None:
    (tmp_path / "test_step.py").write_text(  # No step.toml beside it.
        dedent("""
        import sys

        def test_a(): assert 0, "as ever"
        def test_b(): assert not [name for name in sys.modules if name.startswith((
            "workshop.lab", "workshop.store", "workshop.sam", "workshop.course.traffic", "duckdb"))]
        """)
    )

    class Elsewhere:
        folder = tmp_path

    output = plain_pytest(Elsewhere)
    assert "1 failed, 1 passed" in output
    assert "AssertionError: as ever" in output


def test_a_broken_step_toml_is_named_in_plain_pytest(make_step: MakeStep, plain_pytest) -> None:
    step = make_step(test="def test_it(step): ...")
    (step.folder / "step.toml").write_text(STEP_TOML.replace("minutes = 5", ""))
    output = plain_pytest(step)
    assert "01_charge/step.toml: 'minutes' is missing" in output
    assert "Traceback" not in output


SENDING = """
def test_nothing_has_been_sent(lab, sender, processor):
    assert processor is None
    assert sender.sent == []
    event = {"card": {"number": "4242"}, "amount": 1, "currency": "USD"}
    assert sender(event).invocation.cold_start
    assert lab.template.function().name == "payments"
"""


def test_a_step_may_send_its_own_events_first(make_step: MakeStep) -> None:
    verdict = check_step(make_step(test=SENDING))
    assert verdict.passed, verdict
    assert len(verdict.sent) == 1


def test_a_step_may_read_the_book_of_the_processor_it_asks_for(make_step: MakeStep) -> None:
    asking = "Parameters: {ProcessorUrl: {Type: String}}\n"
    test = "def test_it(lab, processor):\n    assert processor.charges() == ()"
    assert check_step(make_step(template=asking + TEMPLATE.strip("\n"), test=test)).passed
