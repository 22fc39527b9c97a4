"""What step 07 promises: the caller sees what happened, and no more than concerns them."""

import re

import pytest

from workshop.api_gateway import UnsupportedApiError
from workshop.course import promises
from workshop.course.api_traffic import NOWHERE
from workshop.course.payments import planted_card
from workshop.course.private_data import find_private_in
from workshop.course.promises import listed, number, shortened, total
from workshop.course.wrong import Wrong
from workshop.processor.cards import DECLINED, UNAVAILABLE

PATH = "/payments"
CHARGE = ("payment_id", "charge_id", "amount", "currency", "status")
RESOLVER = "https://docs.aws.amazon.com/powertools/python/latest/core/event_handler/api_gateway/"
EVENT = (
    "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/"
    "sam-property-function-api.html"
)
API = (
    "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/"
    "sam-resource-api.html"
)
PROXY = (
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
    "set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format"
)
# What an exception says of the inside: its class, a place in a file, a host, a model's input.
INSIDE = re.compile(
    r"Traceback \(most recent|\w+\.py\b|HTTPConnectionPool|127\.0\.0\.1|input_value|"
    r"validation errors? for |"
    r"\b(?:Processor|CardDeclined|Key|Type|Value|Attribute|Index|JSONDecode|Connection|HTTP)Error\b"
    r"|\b(?:Read|Connect)Timeout\b"
)


@pytest.fixture(scope="module")
def good(call, payment):
    """Two payments that can be charged: on a cold start with every field, warm without one."""
    first, warm = payment(correlation_id=None), payment(correlation_id=None, campaign=None)
    return [
        call(PATH, first, what="a payment"),
        call(PATH, warm, what="a payment without the optional campaign"),
    ]


@pytest.fixture(scope="module")
def bad(call, payment):
    """Requests that no honest program sends, each with a card that could be charged."""

    def spoilt(what, change=None, body=None):
        about = payment(correlation_id=None)
        if body is None:
            body = {**about, "card": dict(about["card"])}
            change(body)
        return call(PATH, body, payment=about, what=what)

    return [
        spoilt("an amount below zero", lambda p: p.update(amount=-p["amount"])),
        spoilt("an amount of 0", lambda p: p.update(amount=0)),
        spoilt("no amount", lambda p: p.pop("amount")),
        spoilt("an amount that is text", lambda p: p.update(amount="much")),
        spoilt("a currency nobody has", lambda p: p.update(currency="XYZ")),
        spoilt("a letter in the card number", letter_in_number),
        spoilt("a cvc of two digits", lambda p: p["card"].update(cvc="12")),
        spoilt("no cvc", lambda p: p["card"].pop("cvc")),
        spoilt("no holder", lambda p: p["card"].pop("holder")),
        spoilt("no card", lambda p: p.pop("card")),
        spoilt("no customer_id", lambda p: p.pop("customer_id")),
        spoilt("no payment_id", lambda p: p.pop("payment_id")),
        spoilt("a body that is no JSON", body='{"payment_id": "pay_1", "amount": '),
        spoilt("a body that is a list", body="[1, 2]"),
        spoilt("no body", body=""),
    ]


def letter_in_number(payment):
    """Spoil a card number so that it is still to be recognised."""
    payment["card"]["number"] = f"{payment['card']['number'][:-1]}x"


@pytest.fixture(scope="module")
def declined(call, payment, seeded):
    """A card that the processor declines."""
    card = planted_card(seeded, DECLINED)
    return call(PATH, payment(correlation_id=None, card=card), what="a declined card")


@pytest.fixture(scope="module")
def unavailable(call, payment, seeded):
    """A payment for which the processor answers 503, however often it is tried."""
    card = planted_card(seeded, UNAVAILABLE)
    return call(PATH, payment(correlation_id=None, card=card), what="an unavailable processor")


@pytest.fixture(scope="module")
def every(good, bad, declined, unavailable):
    """All of them."""
    return [*good, *bad, declined, unavailable]


def described(called):
    """Say what was sent, and what came back."""
    said = f"{called.what}: answered {called.status} {called.text[:100]}".rstrip()
    if called.fault:
        return f"{said}\nthe handler raised {called.fault.saw[:160]}\n{called.fault.look}"
    return f"{said}\n{called.exchange.reason}".rstrip()


# ---------------------------------------------------------------------------------- the template


def test_the_template_has_an_api(call):
    """The template leads requests to the function."""
    try:
        _ = call.api
    except UnsupportedApiError as error:
        if error.what.startswith("no route"):
            raise Wrong(
                "no-api",
                "nothing on the web leads to the function",
                saw=error.what,
                wanted="under Events of PaymentsFunction an event of Type: Api, POST /payments",
                look=f"template.yaml, PaymentsFunction. {EVENT}",
            ) from None
        raise Wrong(
            "api-invalid",
            "API Gateway would not take the template, or the workshop cannot serve it",
            saw=error.what,
            wanted="an API that can be served",
            look=f"{error.look}\ntemplate.yaml. {API}".strip(),
        ) from None


def test_payments_have_a_route(call):
    """POST /payments leads to the function."""
    if call.api.find("POST", PATH) is None:
        routes = ", ".join(f"{one.method} {one.resource}" for one in call.api.routes)
        raise Wrong(
            "route-missing",
            "POST /payments leads nowhere: API Gateway answers 403",
            saw=f"the API's routes: {routes}",
            wanted="POST /payments",
            look=f"Path and Method of the event, in template.yaml. {EVENT}",
        )


def test_requests_are_logged(call, template):
    """Each request leaves a line in the access log, to be found by its id."""
    called = call(NOWHERE, method="GET", what="a path that is not there")
    log = call.api.access_log
    if log is None:
        look = f"the API in template.yaml. {API}#sam-api-accesslogsetting"
        if any("AccessLogSetting" in str(one) for one in template.resources.values()):
            look = (
                "PaymentsApi has it, and the route is not one of PaymentsApi: without RestApiId, "
                f"SAM makes another API for it. {EVENT}"
            )
        raise Wrong(
            "no-access-log",
            "requests leave no trace that do not reach the function",
            saw=f"GET {NOWHERE}, answered {called.status} by API Gateway: no log event anywhere",
            wanted="an access log: AccessLogSetting with DestinationArn and Format",
            look=look,
        )
    line = called.access_log[0].text
    if called.request_id not in line:
        raise Wrong(
            "access-log-uncorrelated",
            "the access log does not tell the request id",
            saw=f"a line of it: {line[:160]}",
            wanted="$context.requestId in the Format: the function's log events carry the same id",
            look="AccessLogSetting, in template.yaml",
        )
    if str(called.status) not in re.findall(r"(?<![\w-])\d{3}(?![\w-])", line):
        raise Wrong(
            "access-log-without-status",
            "the access log does not tell how a request was answered",
            saw=f"a line of it, of a request answered {called.status}: {line[:160]}",
            wanted="$context.status in the Format",
            look="AccessLogSetting, in template.yaml",
        )
    group = template.log_groups.get(log.group)
    if group is None or group.retention_days is None:
        saw = "is in the template, without RetentionInDays" if group else "is not in the template"
        raise Wrong(
            "access-log-kept-for-ever",
            "the access log is kept for ever, and paid for",
            saw=f"the log group {log.group} {saw}",
            wanted="a log group with RetentionInDays, as PaymentsLogGroup has it",
            look="AccessLogGroup, in template.yaml",
        )


def test_requests_are_traced_from_the_api_on(call):
    """The trace begins at API Gateway, where the caller's wait begins."""
    called = call(NOWHERE, method="GET", what="a path that is not there")
    if not called.exchange.segments:
        raise Wrong(
            "api-not-traced",
            "the trace begins in Lambda: what API Gateway does is not in it",
            saw="a request answered by API Gateway, and no segment of AWS::ApiGateway::Stage",
            wanted="TracingEnabled: true",
            look=f"the API in template.yaml. {API}#sam-api-tracingenabled",
        )


# --------------------------------------------------------------------------------- the responses


def where_refused(called):
    """Say where to look when a payment that can be charged is not."""
    if called.fault:
        return where_raised(called.fault.saw)
    if called.status in (400, 422) and "query" in called.text:
        return (
            "the resolver looked for the payment in the query string: it takes from the body what "
            f"has a model as its type, as in create_payment(payment: Payment). {RESOLVER}"
        )
    if called.status in (400, 422):
        return "does the model ask for more than the README, or for the optional campaign?"
    if called.status in (404, 405):
        return f"the route in app.py: is it POST /payments, without the stage? {RESOLVER}"
    return "what does app.py send to the processor? The amount is a whole number, the card a dict"


# What the handler raises for a payment that can be charged, and where to look then.
RAISED = (
    (
        r"^KeyError: 'http'",
        f"an HTTP API's event has that key. This is a REST API: APIGatewayRestResolver. {EVENT}",
    ),
    (r"resolve\(\) missing", f"the handler hands both on: app.resolve(event, context). {RESOLVER}"),
    (
        r"missing 2 required positional arguments: 'event' and 'context'",
        "the handler's decorators stay with the handler: a route has that of the resolver",
    ),
    (
        r"missing 1 required positional argument",
        f"the resolver hands a payment on when it validates: enable_validation. {RESOLVER}",
    ),
    (
        r"^(KeyError|TypeError: string indices)",
        f"what reads the payment from the event's body, in app.py? {RESOLVER}",
    ),
    (
        r"^AttributeError: 'dict'",
        f"the model is the type of what the route takes: (payment: Payment). {RESOLVER}",
    ),
    (r"", f"that line of app.py. A payment is a model now, with attributes. {RESOLVER}"),
)


def where_raised(raised):
    """Say where to look when the handler raised this for a payment that can be charged."""
    return next(look for pattern, look in RAISED if re.search(pattern, raised))


def test_a_payment_is_charged_and_answered_200(good, processor):
    """A payment is charged, and answered 200 with the charge as JSON."""
    for called in good:
        if called.sent is not None and called.sent.succeeded and called.status == 502:
            raise Wrong(
                "malformed-response",
                "API Gateway cannot read what the handler returns: the caller sees 502",
                saw=f"{called.exchange.reason}\nthe handler returned "
                f"{shortened(called.sent.response, 100)}",
                wanted="a dict with statusCode, headers and a body that is text: "
                '{"statusCode": 200, "headers": {…}, "body": "{…}"}',
                look=f"a resolver makes it for you; by hand: json.dumps. {PROXY}",
            )
        if called.status not in (200, 201):
            complaints = "".join(f"\n{one}" for one in processor.complaints()[-1:])
            raise Wrong(
                "good-payment-refused",
                "a payment that can be charged is not",
                saw=f"{described(called)}{complaints}",
                wanted="200 with the charge; the payment is JSON in the body of the event, and no "
                "longer the event itself",
                look=where_refused(called),
            )
        charge = called.json if isinstance(called.json, dict) else {}
        missing = [key for key in CHARGE if key not in charge]
        if missing or charge["amount"] != called.sent.event["amount"] or not called.charges:
            saw = f"the body {called.text[:120]}"
            if missing:
                saw = f"{saw}\nmissing: {', '.join(missing)}"
            elif not called.charges:
                saw = f"{saw}\nand the processor has charged nothing"
            raise Wrong(
                "response-lost",
                "the caller gets 200, and not the charge",
                saw=saw,
                wanted=f"a charge made, and JSON with {', '.join(CHARGE)}, as before",
                look="what your route returns, in app.py",
            )


def test_a_payment_sent_again_is_not_charged_again(good, call):
    """A payment that is sent again charges the card no second time."""
    payment = good[0].sent.event
    again = call(PATH, payment, what="the same payment again")
    if again.charges:
        raise Wrong(
            "charged-twice",
            "a payment that is sent again is charged again",
            saw=f"the same payment_id twice: charged as {good[0].charges[0].charge_id}, and as "
            f"{again.charges[0].charge_id}",
            wanted="one charge: callers are told to try again, and they will",
            look="the idempotency key in app.py: is it made of the payment, as in step 06?",
        )


def test_bad_input_charges_nobody(bad):
    """A request that is not valid reaches the processor in no way."""
    for called in bad:
        if called.charges:
            raise Wrong(
                "charged-before-validated",
                "a card was charged for a request that is not valid",
                saw=f"{described(called)}\n"
                f"the processor charged {called.charges[0].amount} {called.charges[0].currency}",
                wanted="400, and no charge: nothing happens before everything is validated",
                look="the order of things in app.py: is what is charged what was validated, and "
                "are all the rules of the README in the model?",
            )


def test_bad_input_is_the_callers_fault(bad):
    """A request that is not valid is answered 400, and never 5xx."""
    for called in bad:
        if called.status >= 500:
            raise Wrong(
                "bad-input-is-5xx",
                f"bad input is answered {called.status}, as if the fault were ours",
                saw=described(called),
                wanted="400: a caller's mistake; a 5xx makes callers try again, and wakes you up",
                look=where_unanswered(
                    called,
                    "what happens in app.py to a body that is not as it should be, or is none? "
                    f"{RESOLVER}#data-validation",
                ),
            )
        if called.status < 400:
            raise Wrong(
                "error-as-success",
                f"a request that is not valid is answered {called.status}",
                saw=described(called),
                wanted="400: clients, metrics and alarms look at the status, and not at the body",
                look="the status code of the answer, and the rules of the README, in app.py",
            )
        if called.status not in (400, 422):
            raise Wrong(
                "bad-input-status",
                f"bad input is answered {called.status}",
                saw=described(called),
                wanted="400: the request is not valid, whatever the card",
                look="the status code of the answer, in app.py",
            )


def test_a_declined_card_is_402(declined):
    """A declined card is answered 402: not our fault, and no use to try again."""
    if declined.status < 400:
        raise as_success(declined, "402")
    if declined.status != 402:
        raise Wrong(
            "declined-not-402",
            f"a declined card is answered {declined.status}",
            saw=described(declined),
            wanted="402: the request was right, the card is refused; trying again is no use",
            look=where_unanswered(
                declined,
                "processor.charge raises CardDeclinedError, which is a ProcessorError, too: which "
                "of the two is caught first?",
            ),
        )


def test_an_unavailable_processor_is_503(unavailable):
    """A processor that cannot be reached is answered 503: try again later."""
    if unavailable.status < 400:
        raise as_success(unavailable, "503")
    if unavailable.status != 503:
        raise Wrong(
            "unavailable-not-503",
            f"an unavailable processor is answered {unavailable.status}",
            saw=described(unavailable),
            wanted="503: the request was right, and may be sent again later",
            look=where_unanswered(
                unavailable,
                "what becomes of processor.ProcessorError, in app.py? An error that leaves the "
                "handler is 502, and says `Internal server error`",
            ),
        )


def where_unanswered(called, otherwise):
    """Say where to look when the way from an error to its answer raised another error."""
    raised = called.fault.saw if called.fault else ""
    if "has no attribute 'is_json'" in raised:
        return f"what an exception handler of the resolver returns is a Response. {RESOLVER}"
    if raised.startswith("UnboundLocalError"):
        return "the `except` before that line lets the error go on to its handler: a bare `raise`"
    return otherwise


def as_success(called, wanted):
    """Say what is wrong with an error that is answered 2xx."""
    return Wrong(
        "error-as-success",
        f"{called.what} is answered {called.status}",
        saw=described(called),
        wanted=f"{wanted}: clients, metrics and alarms look at the status, and not at the body",
        look="the status code of the answer, in app.py",
    )


# ---------------------------------------------------------------------- what is nobody's business


def test_answers_tell_nothing_private(every):
    """No answer has card number, security code or holder in it."""
    for called in every:
        about = called.sent.event if called.sent else {}
        said = called.text if called.json is None else called.json
        leaks = find_private_in(said, about, "response")
        if leaks:
            raise Wrong(
                "private-data-returned",
                "private data is in an answer",
                saw=f"{called.what}, answered {called.status}: {leaks[0]}",
                wanted="which field is wrong, and not what was in it",
                look="pydantic's errors hold the input (`input`, `input_value`, `ctx`); `loc` is "
                "the name of the field",
            )


def test_answers_tell_nothing_of_the_inside(every):
    """No answer has the text of an exception in it."""
    for called in every:
        found = INSIDE.search(called.text)
        if called.status >= 400 and found:
            raise Wrong(
                "exception-shown",
                "the caller is shown an exception of ours",
                saw=f"{called.what}, answered {called.status}: {shown(called.text, found[0])}",
                wanted="a sentence that the caller can act on; the exception is for the log",
                look="`str(error)` or `repr(error)` in an answer, or debug=True, in app.py?",
            )


def shown(text, found):
    """Quote an answer that tells of the inside."""
    if "most recent call" in text:
        return "a whole stack trace"
    return f"{text[:160]}\namong it: {found}"


def test_signals_tell_nothing_private(every):
    """No log event, metric or segment has card number, security code or holder in it."""
    promises.nothing_private_is_shown(
        [called.sent for called in every if called.sent],
        what="private data is in a signal",
        also="errors of pydantic hold the input, and the API's event holds the body",
        look="an error's text and its stack hold the input: log the names of the fields alone, "
        "`loc` of error.errors(). If it is no error: which line in app.py gives away the payment?",
    )


# ------------------------------------------------------------------------------- the correlation


def test_log_events_carry_the_api_request_id(every):
    """Each log event has the API request id as correlation_id."""
    for called in every:
        lines = [line for line in called.sent.own_logs if promises.is_structured(line)]
        if not lines and isinstance(called.json, dict) and called.json.get("statusCode") == 422:
            raise Wrong(
                "nothing-logged",
                "a request that is not valid leaves no log event",
                saw=f"{called.what}, answered 422 by the resolver itself, before your route",
                wanted="one that says what is wrong with it",
                look="@app.exception_handler(RequestValidationError) is where you log, count and "
                "answer 400. Import that error from Powertools: pydantic's is another one. "
                f"{RESOLVER}#data-validation",
            )
        if not lines:
            raise Wrong(
                "nothing-logged",
                "a request leaves no log event",
                saw=f"{called.what}, answered {called.status}: no log event of the function's own",
                wanted="at least one: what was asked, or what is wrong with it",
                look="logger, on the path that this request takes through app.py",
            )
        for line in lines:
            found = line.key("correlation_id")
            if found == called.request_id:
                continue
            if found is None:
                raise Wrong(
                    "no-correlation-id",
                    "a log event does not tell which request it belongs to",
                    saw=f"`{line.key('message')}`, with the keys {listed(line.json)}",
                    wanted=f"correlation_id {called.request_id}, as in the access log",
                    look="inject_lambda_context takes a correlation_id_path; correlation_paths "
                    "has that of an API's event",
                )
            raise Wrong(
                "correlation-id-wrong",
                "the correlation id is not the API request id",
                saw=f"correlation_id {found}",
                wanted=f"{called.request_id}: requestContext.requestId of the event",
                look="correlation_id_path, in app.py",
            )


def test_a_failure_is_still_logged(unavailable):
    """What the caller is not told of a failure is in the log, with its stack."""
    lines = [line for line in unavailable.sent.own_logs if line.level in promises.ERRORS]
    if not any(promises.has_stack(line) for line in lines):
        raise Wrong(
            "failure-not-logged",
            "a failure is answered, and nothing tells us why",
            saw="an unavailable processor, answered 503: "
            + ("an error without a stack" if lines else "no log event of level ERROR"),
            wanted="a log event of level ERROR with the stack, as before",
            look="logger.exception, where the error is caught",
        )


# ----------------------------------------------------------------------------------- the numbers


def test_payments_are_counted_as_before(good, unavailable):
    """What went well and what failed on our side is counted as before."""
    for called in (*good, unavailable):
        well = called is not unavailable
        wanted = {
            "SuccessfulCharge": float(well),
            "ChargedAmount": float(called.sent.event["amount"] if well else 0),
            "FailedCharge": float(not well),
        }
        for name, value in wanted.items():
            if total(called.sent, name) != pytest.approx(value):
                raise lost(called, name, number(total(called.sent, name)), number(value))
        if not promises.points(called.sent, "ChargeDuration"):
            raise lost(called, "ChargeDuration", "none", "a data point: how long the charge took")


def lost(called, name, saw, wanted):
    """Say that a metric of the steps before is gone."""
    names = listed(point.name for point in called.sent.points)
    return Wrong(
        "metrics-lost",
        f"{name} is not what it was",
        saw=f"{called.what}, answered {called.status}: {name} {saw}; its data points: {names}",
        wanted=wanted,
        look="what of the steps before is no longer in app.py, or no longer reached?",
    )


def test_a_declined_card_is_no_failure(declined):
    """A declined card counts as DeclinedCharge, so that nobody is woken up by it."""
    if total(declined.sent, "FailedCharge"):
        raise Wrong(
            "declined-counted-as-failed",
            "a declined card counts as FailedCharge",
            saw="FailedCharge 1 for a declined card: the alarm payments-failing would go off when "
            "customers have no money",
            wanted="DeclinedCharge 1, and no FailedCharge",
            look="CardDeclinedError is a ProcessorError: which `except` takes it?",
        )
    if total(declined.sent, "DeclinedCharge") != 1:
        raise not_counted(declined, "DeclinedCharge")


def test_bad_input_is_counted_and_is_no_failure(bad):
    """A request that is not valid counts as InvalidRequest, and as nothing else."""
    for called in bad:
        for name in ("FailedCharge", "DeclinedCharge", "SuccessfulCharge"):
            if total(called.sent, name):
                raise Wrong(
                    "invalid-counted-as-other",
                    f"a request that is not valid counts as {name}",
                    saw=f"{called.what}: {name} {number(total(called.sent, name))}",
                    wanted="InvalidRequest 1, and nothing else",
                    look="is the metric added before the request is known to be valid?",
                )
        if total(called.sent, "InvalidRequest") != 1:
            raise not_counted(called, "InvalidRequest")


def not_counted(called, name):
    """Say that an outcome is not counted."""
    found = total(called.sent, name)
    names = listed(point.name for point in called.sent.points)
    return Wrong(
        "outcome-not-counted",
        f"{name} does not count {called.what}",
        saw=f"{name} {number(found)}; data points: {names}",
        wanted=f"a data point {name} 1, unit Count, service=payments",
        look="add_metric on the path that this request takes through app.py, and what flushes?",
    )
