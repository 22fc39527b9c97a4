"""Whatever a step asks, the first cause of a function that does not work is told, and its line.

Each program here is wrong in one way that every step's check must name.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.course.conftest import SOLUTION, START, STEP_TOML, TEMPLATE, MakeStep
from workshop.course.check import check_step
from workshop.course.function_errors import RULES
from workshop.course.verdict import Verdict
from workshop.course.wrong import Wrong

HANDLER = "def handler(event, context):\n"
DONE = HANDLER + '    return {"status": "charged"}\n'


def wrong_with(make_step: MakeStep, app: str = SOLUTION, template: str = TEMPLATE) -> Wrong:
    verdict = check_step(make_step(app=app, template=template))
    assert verdict.tool_failure is None
    assert verdict.exit_status == 1
    assert verdict.wrong is not None
    assert verdict.wrong.rule in RULES
    assert [check.outcome for check in verdict.checks] == ["waiting", "waiting"]
    return verdict.wrong


def test_a_right_program_has_no_fault(make_step: MakeStep) -> None:
    verdict = check_step(make_step(app=SOLUTION))
    assert verdict.passed, verdict
    assert len(verdict.sent) == 5
    assert [sent.invocation.cold_start for sent in verdict.sent] == [True, *[False] * 4]


def test_a_start_fails_for_the_steps_own_reason(make_step: MakeStep) -> None:
    verdict = check_step(make_step(app=START))
    assert verdict.wrong is not None
    assert verdict.wrong.rule == "not-charged"


@pytest.mark.parametrize(
    ("rule", "app", "look", "saw"),
    [
        ("syntax-error", "import os\ndef handler(event, context:\n", "app.py:2", "never closed"),
        ("syntax-error", HANDLER + "return 1\n", "app.py:2: return 1", "expected an indented"),
        ("syntax-error", HANDLER + "    a = 1\n\tb = 2\n", "app.py:3", "tabs"),
        (
            "import-error",
            "import json\nimport powertols\n" + DONE,
            "app.py:2: import powertols",
            "No module named 'powertols'",
        ),
        (
            "import-error",
            "from json import lodas\n" + DONE,
            "app.py:1: from json import lodas",
            "cannot import name 'lodas'",
        ),
        (
            "import-error",
            "import json\nfrom json import loads\nfrom json import lodas\n" + DONE,
            "app.py:3: from json import lodas",
            "cannot import name 'lodas'",
        ),
        (
            "import-error",
            "import os.pth as p\n" + DONE,
            "app.py:1: import os.pth as p",
            "No module named 'os.pth'",
        ),
        ("init-error", "limit = 10\nlimits['a'] = 3\n" + DONE, "app.py:2", "NameError"),
        (
            "init-error",
            "def load():\n    return {}['a']\nvalue = load()\n" + DONE,
            "app.py:2: return {}['a']",
            "KeyError",
        ),
        ("empty-file", "", "workshop reset 01", "no statement"),
        ("empty-file", "# to do\n\n", "workshop reset 01", "no statement"),
        ("handler-missing", DONE.replace("handler", "handle"), "app.py", "`handle`"),
        ("handler-missing", "x = 1\n", "app.py", "no function"),
        ("timed-out", HANDLER + "    print('here')\n    while True: pass\n", "app.py", "here"),
        (
            "timed-out",
            HANDLER + "    import time\n    time.sleep(60)\n",
            "app.py",
            "nothing logged",
        ),
        ("crashed", HANDLER + "    import os\n    os._exit(3)\n", "app.py", "exit status 3"),
        ("crashed", HANDLER + "    raise SystemExit(4)\n", "app.py", ""),
        (
            "crashed",
            HANDLER + "    import os\n    os.kill(os.getpid(), 11)\n",
            "app.py",
            "",
        ),
        ("out-of-memory", HANDLER + "    x = ['x' * 10**7 for _ in range(999)]\n", "app.py", ""),
        ("handler-raised", HANDLER + "    return event['amuont']\n", "app.py:2: return", "amuont"),
        (
            "handler-raised",
            "def pay(event):\n    return event.payment_id\n" + HANDLER + "    return pay(event)\n",
            "app.py:2: return event.payment_id",
            "AttributeError",
        ),
        ("response-too-large", HANDLER + "    return 'x' * 7_000_000\n", "return", "exceeded"),
        ("not-json", HANDLER + "    return {1, 2}\n", "return", "set"),
        ("not-json", HANDLER + "    return b'charged'\n", "return", "b'charged'"),
        ("handler-raised", "handler = 3\n", "app.py: is `handler` a function", "not callable"),
        ("handler-raised", "def handler(): pass\n", "takes `event` and `context`", "arguments"),
        ("not-json", HANDLER + "    return {'at': __import__('datetime').date.today()}\n", "", ""),
    ],
)
def test_a_wrong_program_is_told_what_is_wrong_and_where(
    make_step: MakeStep, rule: str, app: str, look: str, saw: str
) -> None:
    wrong = wrong_with(make_step, app)
    assert wrong.rule == rule
    assert look in wrong.look
    assert saw in wrong.saw
    for part in (wrong.what, wrong.saw, wrong.wanted, wrong.look):
        assert part.strip()
        assert "Traceback" not in part


@pytest.mark.parametrize(
    "line",
    ["from aws_lambda_powertools.utilities.idempotency import idempotent", "import boto3"],
)
def test_a_library_that_calls_aws_is_traced_to_the_line_that_brings_it_in(
    make_step: MakeStep, line: str
) -> None:
    """It is here, with the tools of those who develop this, and not with a learner's function."""
    app = f"""if not __name__:
    from aws_lambda_powertools import Logger
    {line}
raise ModuleNotFoundError("No module named 'boto3'")
"""
    wrong = wrong_with(make_step, app)
    assert wrong.rule == "import-error"
    assert wrong.look.startswith(f"app.py:3: {line}\nthat line brings in boto3, which calls AWS")


def test_a_call_that_goes_wrong_in_a_given_file_points_at_the_learners_line(
    make_step: MakeStep,
) -> None:
    app = f"import processor\n{HANDLER}    return processor.charge(None, 1, 'USD')\n"
    wrong = wrong_with(make_step, app)
    assert wrong.rule == "handler-raised"
    assert wrong.look == "app.py:3: return processor.charge(None, 1, 'USD')"


@pytest.mark.parametrize(
    ("app", "advice"),
    [
        (HANDLER + "    return time.time()\n", "is `import time` missing, at the top of app.py?"),
        ("start = time.time()\n" + DONE, "is `import time` missing, at the top of app.py?"),
        (HANDLER + "    return colect(event)\n", "is `colect` defined or imported above that line"),
        ("n = 1\n" + HANDLER + "    n = n + 1\n", "the function assigns `n` somewhere"),
        (
            "def pay(event):\n    event['amount']\n" + HANDLER + "    return pay(event)['a']\n",
            "a function that ends without `return` gives None",
        ),
        (
            "async def pay(event):\n    pass\n" + HANDLER + "    return pay(event)['a']\n",
            "an `async def` gives a coroutine",
        ),
    ],
    ids=["not imported", "not imported, at import", "mistyped", "hidden", "no return", "async"],
)
@pytest.mark.filterwarnings("ignore:coroutine")
def test_pythons_usual_messages_are_explained(make_step: MakeStep, app: str, advice: str) -> None:
    line, _, said = wrong_with(make_step, app).look.partition("\n")
    assert line.startswith("app.py:")
    assert said.startswith(advice)


def test_an_import_that_fails_in_another_file_of_the_learners_is_found_there(
    make_step: MakeStep,
) -> None:
    toml = STEP_TOML.replace('["app.py", ', '["app.py", "processor.py", ')
    step = make_step(app=SOLUTION, toml=toml)
    (step.folder / "processor.py").write_text("import tenacity\n", encoding="utf-8")
    wrong = check_step(step).wrong
    assert wrong is not None
    assert wrong.rule == "import-error"
    assert wrong.look.startswith("processor.py:1: import tenacity")


def test_a_slip_on_the_failure_path_is_told_even_though_a_failure_was_expected(
    make_step: MakeStep,
) -> None:
    app = f"""
import processor
{HANDLER}
    try:
        processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        loger.exception("failed")
        raise
    return {{"status": "charged"}}
"""
    wrong = wrong_with(make_step, app)
    assert wrong.rule == "handler-raised"
    assert "while it handled a payment that the processor refused" in wrong.what
    assert 'loger.exception("failed")' in wrong.look


def test_a_failure_that_is_not_raised_again_is_asked_for_its_raise(make_step: MakeStep) -> None:
    app = f"""
import processor
{HANDLER}
    try:
        charge = processor.charge(event["card"], event["amount"], event["currency"])
    except processor.ProcessorError:
        pass
    return {{"status": charge and "charged"}}
"""
    wrong = wrong_with(make_step, app)
    assert wrong.saw.startswith("UnboundLocalError")
    assert wrong.look.endswith("does the `except` block end in `raise`?")


def test_another_error_on_the_failure_path_is_the_learners_choice(make_step: MakeStep) -> None:
    app = SOLUTION.replace("    processor.charge", "    try: processor.charge").replace(
        "    return", "    except Exception as e: raise RuntimeError('no') from e\n    return"
    )
    assert check_step(make_step(app=app)).passed


@pytest.mark.parametrize(
    ("template", "look", "saw"),
    [
        ("Resources: [", "template.yaml:", ""),
        ("", "template.yaml", ""),
        ("Resources: {}\n", "template.yaml", ""),
        (TEMPLATE.replace("Timeout: 1", "Timeout: soon"), "template.yaml:11", "Timeout"),
    ],
)
def test_a_template_that_cannot_be_read_is_told_with_its_place(
    make_step: MakeStep, template: str, look: str, saw: str
) -> None:
    wrong = wrong_with(make_step, template=template)
    assert wrong.rule == "template-invalid"
    assert look in wrong.look
    assert saw in wrong.saw


@pytest.mark.parametrize("name", ["app.py", "template.yaml"])
def test_a_file_that_is_gone_is_named(make_step: MakeStep, name: str) -> None:
    step = make_step(app=SOLUTION)
    (step.folder / name).unlink()
    wrong = check_step(step).wrong
    assert wrong is not None
    assert wrong.rule == "file-missing"
    assert wrong.what == f"{name} is not there"
    assert "processor.py" in wrong.saw
    assert f"workshop reset {step.number:02}" in wrong.look


def test_a_handler_in_a_file_of_another_name_is_found_missing(make_step: MakeStep) -> None:
    wrong = wrong_with(make_step, template=TEMPLATE.replace("app.handler", "main.handler"))
    assert wrong.rule == "file-missing"
    assert wrong.what == "main.py is not there"


def test_a_handler_that_is_no_name_is_told(make_step: MakeStep) -> None:
    wrong = wrong_with(make_step, template=TEMPLATE.replace("app.handler", "handler"))
    assert wrong.rule == "template-invalid"
    assert "`Handler: handler`" in wrong.what


def test_a_function_that_lambda_would_not_invoke_is_told(make_step: MakeStep) -> None:
    template = TEMPLATE + "      ReservedConcurrentExecutions: 0\n"
    wrong = wrong_with(make_step, template=template)
    assert wrong.rule == "refused"
    assert "template.yaml" in wrong.look


def test_a_change_saved_within_the_same_second_counts(make_step: MakeStep) -> None:
    for _ in range(3):
        assert check_step(make_step(app=SOLUTION)).passed
        assert not check_step(make_step(app=SOLUTION.replace("charged", "chargeD"))).passed


def test_ctrl_c_during_traffic_goes_through_and_ends_every_process(
    make_step: MakeStep, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    app = f"""
import os, time
{HANDLER}
    open({str(pid)!r}, "w").write(str(os.getpid()))
    time.sleep(60)
"""
    make_step(app=app, template=TEMPLATE.replace("Timeout: 1", "Timeout: 60"))
    script = f"""
from pathlib import Path
from workshop.course.catalogue import Course
from workshop.course.check import check_step
try:
    check_step(Course.load(Path({str(tmp_path)!r})).find("1"))
except KeyboardInterrupt:
    raise SystemExit(42)
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    while not (pid.exists() and pid.read_text()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 42
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_event_that_went_wrong_is_the_last_one_sent(make_step: MakeStep) -> None:
    app = SOLUTION.replace("    processor", "    event['campaign']\n    processor")
    verdict = check_step(make_step(app=app))
    assert verdict.wrong is not None
    assert verdict.wrong.rule == "handler-raised"
    assert len(verdict.sent) == 2
    assert "campaign" not in verdict.sent[-1].event
    assert verdict.sent[-1].error["errorType"] == "KeyError"


EXPLAINING = """
from workshop.course.wrong import Wrong

def explain_exception(sent):
    if sent.error["errorType"] == "LookupError":
        raise Wrong("looked-up", "it looked up", saw="a", wanted="b", look="c")

def test_it(traffic):
    pass
"""


@pytest.mark.parametrize(
    "app",
    [HANDLER + "    raise LookupError\n", "raise LookupError\n" + DONE],
    ids=["in the handler", "at import"],
)
def test_a_step_can_say_more_of_an_exception_that_it_expects(make_step: MakeStep, app: str) -> None:
    wrong = check_step(make_step(app=app, test=EXPLAINING)).wrong
    assert wrong is not None
    assert wrong.rule == "looked-up"


def test_what_a_step_does_not_explain_is_told_as_ever(make_step: MakeStep) -> None:
    wrong = check_step(make_step(app=HANDLER + "    raise OSError\n", test=EXPLAINING)).wrong
    assert wrong is not None
    assert wrong.rule == "handler-raised"


def test_prints_for_debugging_change_nothing(make_step: MakeStep) -> None:
    app = SOLUTION.replace("    processor", "    print(event, '{', '\\n', end='')\n    processor")
    assert check_step(make_step(app=app)).passed


def test_no_process_is_left_behind(make_step: MakeStep, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    app = f"import os\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\n" + DONE
    check_step(make_step(app=app))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_no_file_is_left_in_the_learners_folder(make_step: MakeStep) -> None:
    step = make_step(app=SOLUTION)
    before = {path.name for path in step.folder.iterdir()}
    check_step(step)
    assert {path.name for path in step.folder.iterdir()} - before <= {"__pycache__"}


def test_a_read_only_folder_can_be_checked(make_step: MakeStep) -> None:
    step = make_step(app=SOLUTION)
    step.folder.chmod(0o555)
    try:
        assert check_step(step).passed
    finally:
        step.folder.chmod(0o755)


SENDING = """
from workshop.course.wrong import Wrong

def test_it(send, payment, traffic, template, step):
    extra = send(payment(amount=7, campaign=None))
    assert extra.response == {"status": "charged"}
    assert not extra.invocation.cold_start
    assert len({sent.invocation.environment_id for sent in (*traffic, extra)}) == 1
    assert template.function().name == "payments"
    assert step.name == "01_charge"
    assert not send(payment(card={"number": "4000000000000119"}), may_fail=True).succeeded
"""


def test_a_promise_can_send_further_events_to_the_same_environment(make_step: MakeStep) -> None:
    verdict = check_step(make_step(app=SOLUTION, test=SENDING))
    assert verdict.passed, verdict.wrong or verdict.tool_failure
    assert len(verdict.sent) == 7


def test_telemetry_is_on_the_verdict_and_duckdb_is_not_needed(
    make_step: MakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    verdict: Verdict = check_step(
        make_step(app=SOLUTION.replace("    return", "    print('hi')\n    return"))
    )
    first = verdict.sent[0]
    assert [line.text for line in first.own_logs] == ["hi"]
    assert [line.text.split()[0] for line in first.logs if line.is_platform] == [
        "INIT_START",
        "START",
        "END",
        "REPORT",
    ]
