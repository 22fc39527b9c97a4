"""What people do wrong in a hurry is answered by a message that leads to it, not past it."""

from pathlib import Path

import pytest

from workshop.course import workspace
from workshop.course.catalogue import Course
from workshop.course.check import check_step

COURSE = Course.load(Path(__file__).parents[2])


def told(number: str, tmp_path: Path, file: str, *changes: tuple[str, str]) -> tuple[str, ...]:
    """Change the solution of a step, and return the four parts of what its check says."""
    step = COURSE.find(number)
    for name in {*step.edit, file}:
        text = (step.solution / name).read_text(encoding="utf-8")
        for old, new in changes if name == file else ():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
    with workspace.answer(step, tmp_path) as folder:
        verdict = check_step(step, folder)
    assert verdict.tool_failure is None
    assert verdict.wrong is not None
    return tuple(text for _, text in verdict.wrong.parts(step))


@pytest.mark.parametrize(
    ("old", "new", "look"),
    [
        ("(enable_validation=True)", "()", "hands a payment on when it validates"),
        ("APIGatewayRestResolver", "APIGatewayHttpResolver", "This is a REST API"),
        ("payment.card.model_dump()", "payment.card", "that line of app.py"),
        ('"/payments")', '"/v1/payments")', "is it POST /payments, without the stage?"),
        ("resolve(event, context)", "resolve(event)", "app.resolve(event, context)"),
        (
            "(payment: Payment) -> dict:\n    logger",
            "(payment) -> dict:\n    logger",
            "query string",
        ),
        (
            "(payment: Payment) -> dict:\n    logger",
            "(payment: dict) -> dict:\n    logger",
            "the model is the type",
        ),
        (
            '@app.post("/payments")\n',
            '@app.post("/payments")\n@logger.inject_lambda_context\n@metrics.log_metrics\n',
            "stay with the handler",
        ),
    ],
    ids=[
        "no validation",
        "another resolver",
        "a model as JSON",
        "another path",
        "no context",
        "no type",
        "no model",
        "the handler's decorators",
    ],
)
def test_a_payment_that_step_07_cannot_charge_leads_to_why(tmp_path, old, new, look):
    assert look in told("07", tmp_path, "app.py", (old, new))[3]


@pytest.mark.parametrize(
    ("old", "new", "look"),
    [
        (
            'Response(status, "application/json", {"error": error})',
            '{"statusCode": status}',
            "is a Response",
        ),
        (
            "        raise\n    except processor.ProcessorError",
            "    except processor.ProcessorError",
            "a bare `raise`",
        ),
    ],
    ids=["a dict for an answer", "no raise"],
)
def test_an_error_that_step_07_does_not_answer_leads_to_why(tmp_path, old, new, look):
    assert look in told("07", tmp_path, "app.py", (old, new))[3]


def test_what_the_processor_of_step_07_complains_of_is_told(tmp_path):
    _, saw, _, look = told("07", tmp_path, "app.py", ("amount: int = Field(gt=0)", "amount: float"))
    assert "amount" in saw.splitlines()[-1]
    assert "a whole number" in look


def test_a_route_of_another_api_is_told_apart_from_an_api_without_access_log(tmp_path):
    reference = "            RestApiId: !Ref PaymentsApi\n"
    assert "RestApiId" in told("07", tmp_path, "template.yaml", (reference, ""))[3]


EXPRESSION = "          Expression: 100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(charged, 0))\n"
DURATION = 'metrics.add_metric("ChargeDuration", unit=MetricUnit.Milliseconds, value=took)'
AS_DIMENSION = 'metrics.add_dimension("ChargeDuration", str(took))'


@pytest.mark.parametrize(
    ("number", "file", "old", "new", "part", "said"),
    [
        ("02", "template.yaml", "AWS::Logs::L", "AWS::Log::L", 1, "its resources: AWS::Log::Log"),
        ("03", "app.py", '"ChargedAmount"', '"Amount"', 1, "a metric named Amount"),
        ("03", "app.py", "start_metric=", "start=", 3, "capture_cold_start_metric=True, written"),
        ("04", "app.py", '"ChargeDuration"', '"Took"', 1, "beside the metrics of step 03: Took"),
        ("04", "app.py", DURATION, AS_DIMENSION, 1, "SuccessfulCharge by ChargeDuration="),
        ("04", "template.yaml", EXPRESSION, "", 0, "error_rate of PaymentsFailing is neither"),
        ("05", "app.py", "capture_method", "capture_lambda_handler", 0, "as if it were the handle"),
    ],
)
def test_a_slip_of_a_beginner_is_named(tmp_path, number, file, old, new, part, said):
    assert said in told(number, tmp_path, file, (old, new))[part]


def test_a_log_event_without_level_and_message_is_said_to_have_neither(tmp_path):
    printing = "class logger: info = exception = lambda _, **keys: print(json.dumps(keys))"
    changes = [("from aws_lambda_powertools import Logger", "import json")]
    changes += [('logger = Logger(service="payments")', printing)]
    saw = told("01", tmp_path, "app.py", *changes)[1]
    assert saw.startswith("no level, no message; its keys")


def test_a_duration_by_two_clocks_is_below_zero(tmp_path):
    start = "start = time.perf_counter()"
    what, _, _, look = told("04", tmp_path, "app.py", (start, "start = time.time()"))
    assert what.endswith("ChargeDuration is below zero")
    assert "both of one clock" in look


def test_an_alarm_that_cloudwatch_refuses_is_told_with_its_line(tmp_path):
    told_of = told("04", tmp_path, "template.yaml", ("ExtendedStatistic: p99", "Statistic: p99"))
    lines = (tmp_path / "template.yaml").read_text(encoding="utf-8").splitlines()
    line = lines.index("  PaymentsSlow:") + 1
    assert told_of[3].startswith(f"template.yaml:{line}: PaymentsSlow")


def test_an_annotation_that_is_ignored_is_shown_as_the_log_has_it(tmp_path):
    saw = told("05", tmp_path, "app.py", ('"customer_id", payment', '"customer-id", payment'))[1]
    assert saw.startswith("in the log: ignoring")
    assert "'customer-id'" in saw


def test_an_error_that_step_06_does_not_make_its_own_is_named(tmp_path):
    _, saw, _, look = told(
        "06", tmp_path, "processor.py", ("requests.RequestException", "requests.Timeout")
    )
    assert "HTTPError" in saw
    assert look.startswith("processor.py")


def test_a_card_that_processor_py_gives_away_is_not_looked_for_in_app_py_alone(tmp_path):
    change = ("    tries = 0\n", "    tries = 0\n    print(body)\n")
    assert "app.py or processor.py" in told("06", tmp_path, "processor.py", change)[3]


@pytest.mark.parametrize(
    ("old", "new", "look"),
    [
        ("KinesisDataStreams", "SQS", "event_type"),
        (", capture_error=False", "", "capture_error=False"),
        (
            "return process_partial_response(event, settle, processor, context)",
            (
                "answer = process_partial_response(event, settle, processor, context)\n"
                "    return {'BatchItemFailures': answer['batchItemFailures']}"
            ),
            "the key has to be batchItemFailures",
        ),
    ],
    ids=["another event type", "the exception on the trace", "another key"],
)
def test_a_batch_that_step_09_refuses_leads_to_why(tmp_path, old, new, look):
    assert look in told("09", tmp_path, "app.py", (old, new))[3]


def test_a_key_that_step_06_does_not_hand_on_is_told_apart_from_one_made_anew(tmp_path):
    change = ("headers=headers, ", "")
    assert "handed on" in told("06", tmp_path, "processor.py", change)[3]


def test_a_test_of_step_08_without_the_fixture_is_led_to_it(tmp_path):
    change = ("counted_and_timed(pay, charge, written)", "counted_and_timed(pay, written)")
    assert "the fixture `charge`" in told("08", tmp_path, "test_app.py", change)[3]


def test_an_alarm_of_step_11_that_no_release_waits_for_is_named(tmp_path):
    change = (", !Ref PaymentsCrashing]", "]")
    look = told("11", tmp_path, "template.yaml", change)[3]
    assert "not among its Alarms: payments-crashing" in look


def test_a_log_call_of_step_09_that_raises_itself_is_shown_where_to_see_it(tmp_path):
    change = ('record["kinesis"]["sequenceNumber"]', 'record["sequenceNumber"]')
    assert "--event only_poison" in told("09", tmp_path, "app.py", change)[3]
