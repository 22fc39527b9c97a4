"""What step 06 promises: nobody waits for ever or pays twice, and the trace says whose fault."""

import pytest

from workshop.course import promises
from workshop.course.promises import charged, listed, plural, total
from workshop.course.spans import annotated, names, own_spans
from workshop.course.wrong import Wrong
from workshop.processor.cards import DECLINED, FLAKY, SLOW

BOUND_SECONDS = 2.0
ROOM_SECONDS = 0.6  # for a machine that is busy with something else
SLOW_SECONDS = 3.0
SOON_SECONDS = 0.15
MOST_TRIES = 5
UNPROCESSABLE = 422
ANNOTATED = ("customer_id", "payment_id")
TRACER = "https://docs.aws.amazon.com/powertools/python/latest/core/tracer/"
PRACTICES = "https://docs.aws.amazon.com/wellarchitected/latest/framework/"
TIME_OUTS = f"{PRACTICES}rel05-bp05.html"
LIMITED = f"{PRACTICES}rel05-bp03.html"
IDEMPOTENT = f"{PRACTICES}rel04-bp04.html"


@pytest.fixture(scope="module")
def paying(send, payment):
    """Return a function that sends a payment by a card with these last four digits."""

    def pay(last4=None, **overrides):
        number = payment()["card"]["number"]
        card = {"number": number[:-4] + (last4 or number[-4:])}
        return send(payment(card=card, **overrides), may_fail=True)

    return pay


@pytest.fixture(scope="module")
def declined(paying):
    """Send a payment by a card that is declined."""
    return paying(DECLINED)


def remote(sent):
    """Return the subsegments of calls that left the function."""
    return [one for one in own_spans(sent) if one.is_remote]


def book(processor, sent):
    """Return the charges that the processor made by a payment's card."""
    return processor.charges(sent.event["card"]["number"])


def tried(processor, sent):
    """Return the requests that reached the processor with a payment's card."""
    return processor.tries(sent.event["card"]["number"])


def seconds(sent):
    """Return how long an invocation took."""
    return sent.invocation.report.duration_ms / 1000


def told(sent):
    """Say how an invocation ended."""
    if sent.succeeded:
        return f"the response {promises.shortened(sent.response)}"
    return f"{sent.error.get('errorType')}: {sent.error.get('errorMessage')}"


def keys(tries):
    """Return the idempotency keys of requests as text."""
    return ", ".join(one.key or "none" for one in tries)


def test_the_processor_understands_the_payments(request, processor):
    """The processor is asked for charges, and each has a key of its own, if any."""
    try:
        request.getfixturevalue("traffic")
    except Wrong as wrong:
        if wrong.rule == "timed-out" and len(processor.tries()) > MOST_TRIES:
            raise too_many(len(processor.tries())) from None
        if wrong.rule != "handler-raised":
            raise
        refused = [one for one in processor.tries() if one.status == UNPROCESSABLE]
        if refused:
            raise shared(refused[-1].key) from None
        if processor.complaints():
            raise Wrong(
                "request-wrong",
                "the processor does not understand what it is asked",
                saw=processor.complaints()[-1],
                wanted="POST /charges, with card, amount and currency as JSON",
                look="processor.py: the address and the arguments of the call",
            ) from None
        if wrong.saw.startswith("ProcessorError") and not processor.tries():
            raise Wrong(
                "request-wrong",
                "no request has reached the processor",
                saw=wrong.saw,
                wanted="POST /charges, with card, amount and currency as JSON",
                look=f"{wrong.look}\nwhat requests itself said stands above it in the log: "
                "workshop run 06 shows the whole stack",
            ) from None
        raise


def shared(key):
    """Say what is wrong with a key that two payments have."""
    return Wrong(
        "key-shared",
        "two payments have the same idempotency key",
        saw=f"the key {key}, a second time, for another charge: the processor answered 422",
        wanted="another key for another payment: the customer wants to pay twice, for two things",
        look=f"what is the key made of, in app.py? {IDEMPOTENT}",
    )


def test_the_caller_is_answered_as_before(traffic):
    """A charge is returned, and a failure fails the invocation."""
    promises.caller_is_answered(traffic, before_raising="tried again, then counted")


def test_the_metrics_are_as_before(traffic):
    """Charges and failures are counted as in step 03, however often they were tried."""
    if traffic.failed.error.get("errorType") != "ProcessorError":
        counted(traffic.failed, "the processor answered 503")
    promises.payments_are_counted(traffic)


def test_nothing_private_is_shown(traffic):
    """Card number, security code and holder are in no log event, no metric and no segment."""
    promises.nothing_private_is_shown(
        traffic,
        what="private data is shown",
        also="nor on the trace, nor in an error's message",
        where="app.py or processor.py",
    )


def test_the_trace_is_as_before(traffic):
    """Handler and method are captured, and annotated for each payment."""
    for sent in traffic:
        spans = [one for one in own_spans(sent) if not one.is_remote]
        said = annotated(spans)
        lost = [key for key in ANNOTATED if said.get(key) != sent.event[key]]
        if lost or len(spans) < len(("handler", "method")):
            raise Wrong(
                "trace-lost",
                "the trace tells less than it did in step 05",
                saw=f"subsegments: {names(spans)}; annotations: {listed(said)}",
                wanted="the handler, the method within it, and both annotations on every trace",
                look="what of step 05 is no longer in app.py, or no longer reached?",
            )


def test_calls_of_the_processor_are_on_the_trace(traffic):
    """Each call of the processor is a subsegment of a remote service."""
    for sent in traffic:
        if not remote(sent):
            raise Wrong(
                "not-patched",
                "the trace does not say that your function called anybody",
                saw=f"your subsegments of a payment: {names(own_spans(sent))}; none of them remote",
                wanted="a subsegment for each call of the processor, namespace remote, with its "
                "HTTP status",
                look="the library that calls has to be patched: patch_modules names requests, and "
                f"auto_patch=False patches nothing. {TRACER}#patching-modules",
            )


def test_what_failed_is_marked_on_the_trace(traffic, declined):
    """The calls that were refused, and the function around them, are marked as failed."""
    for sent, refusal in ((traffic.failed, "503"), (declined, "402")):
        calls = remote(sent)
        around = [one for one in own_spans(sent) if one.depth > 1 and not one.is_remote]
        if any(one.failed for one in calls) and (not around or any(one.failed for one in around)):
            continue
        well = [one for one in [*around, *calls] if not one.failed]
        raise Wrong(
            "error-not-on-trace",
            "a payment failed, and the trace says that all went well within the handler",
            saw=f"the processor answered {refusal}; neither error nor fault: {names(well)}",
            wanted="fault or error on the call, and on the captured function around it",
            look="is the error caught inside the captured function, and something else returned?",
        )


def test_a_good_payment_takes_one_call(traffic, processor):
    """A payment that goes well asks the processor once."""
    for sent in charged(traffic):
        if len(book(processor, sent)) > 1:
            raise charged_twice(processor, sent, "a payment that went well at once")
        tries = tried(processor, sent)
        # One that follows late is a time-out's: this machine was busy with something else.
        if len(tries) > 1 and tries[1].at - tries[0].at < SOON_SECONDS:
            raise Wrong(
                "asked-twice",
                "the processor is asked again though it has answered",
                saw=f"{len(tries)} requests for a payment that was charged",
                wanted="1",
                look="processor.py: what ends the tries when the answer is good?",
            )


def test_a_declined_card_is_not_tried_again(declined, processor):
    """A card that is declined is tried once, and told apart from a processor that is down."""
    count = len(tried(processor, declined))
    if count > 1:
        raise Wrong(
            "declined-retried",
            "a declined card is tried again",
            saw=f"{plural(count, 'request')} for one payment, each answered 402",
            wanted="1: the answer will be the same, and some banks block a card for less",
            look=f"processor.py: which errors are tried again? {LIMITED}",
        )


def test_a_declined_card_is_told_apart(traffic, declined):
    """A declined card does not look like a processor that is down."""
    if declined.error.get("errorType") == traffic.failed.error.get("errorType"):
        raise Wrong(
            "declined-as-unavailable",
            "a declined card looks like a processor that is down",
            saw=f"{told(declined)}, and for a 503 {told(traffic.failed)}",
            wanted="CardDeclinedError for a 402, ProcessorError for a 503: the one is the "
            "customer's to solve, the other is yours",
            look="processor.py: what is raised, and what is it turned into on its way?",
        )


def test_a_failure_that_passes_is_tried_again(paying, processor):
    """A payment that is refused at first is charged at the second try."""
    sent = paying(FLAKY)
    if sent.succeeded and len(book(processor, sent)) == 1:
        return
    if len(book(processor, sent)) > 1:
        raise charged_twice(processor, sent, "a payment whose first try was answered 503")
    raise Wrong(
        "not-retried",
        "a failure that passes in a moment fails the payment",
        saw=f"{plural(len(tried(processor, sent)), 'request')} to the processor, the first "
        f"answered 503; then {told(sent)}",
        wanted="a second try, which would have been charged",
        look=f"processor.py. workshop run 06 --event flaky is such a payment. {LIMITED}",
    )


def test_tries_are_few(traffic, processor):
    """A processor that stays down is asked a few times, not for ever."""
    count = len(tried(processor, traffic.failed))
    if count > MOST_TRIES:
        raise too_many(count)


def too_many(count):
    """Say what is wrong with tries that do not end."""
    return Wrong(
        "too-many-tries",
        "a processor that is down is kept busy with your tries",
        saw=f"{count} requests for one payment, each answered 503",
        wanted=f"3, and no more than {MOST_TRIES}: all your payments at once do the same",
        look=f"processor.py: what ends the tries? {LIMITED}",
    )


def test_nobody_waits_for_a_slow_answer(paying, processor):
    """A payment whose answer takes 3 seconds ends within 2, and is charged once."""
    sent = paying(SLOW)
    if seconds(sent) >= SLOW_SECONDS and len(tried(processor, sent)) == 1:
        raise Wrong(
            "no-time-out",
            "the customer waits for as long as the processor likes",
            saw=f"{seconds(sent):.1f} s for a payment whose answer takes {SLOW_SECONDS:.0f} s",
            wanted="a time-out of half a second; requests has none unless it is told",
            look=f"processor.py: the arguments of requests.post; seconds, not ms. {TIME_OUTS}",
        )
    if len(book(processor, sent)) > 1:
        raise charged_twice(processor, sent, "a payment whose first answer did not come in time")
    if not sent.succeeded:
        raise Wrong(
            "slow-charge-lost",
            "the customer has paid, and is told that the payment failed",
            saw=f"{told(sent)}\nThe processor has charged the card, and had no time to say so",
            wanted="another try with the same idempotency key: the processor knows it, and answers "
            "at once with the charge it made",
            look=f"processor.py: is a time-out tried again? {IDEMPOTENT}",
        )
    bounded(sent, "a payment whose first answer takes 3 s")


def charged_twice(processor, sent, which):
    """Say what is wrong with a payment that is charged more than once."""
    made = book(processor, sent)
    look = "where is the key made, and is it a header of every try?"
    if not any(one.key for one in tried(processor, sent)):
        look = "is the key handed on to processor.charge, and from there to every try, as a header?"
    return Wrong(
        "charged-twice",
        "a customer is charged more than once",
        saw=f"{len(made)} charges in the processor's book for {which}\n"
        f"Idempotency-Key of its requests: {keys(tried(processor, sent))}",
        wanted="1 charge: every try with one and the same Idempotency-Key",
        look=f"{look} {IDEMPOTENT}",
    )


def bounded(sent, which):
    """Raise `Wrong` when an invocation took longer than a customer waits."""
    if seconds(sent) > BOUND_SECONDS + ROOM_SECONDS:
        raise Wrong(
            "no-bound",
            "time-outs and tries add up to more than a customer waits",
            saw=f"{seconds(sent):.1f} s for {which}",
            wanted=f"an end within {BOUND_SECONDS:.0f} s, whatever the processor does",
            look=f"how long is one try, how many are there, and what is between? {TIME_OUTS}",
        )


def test_the_same_payment_sent_again_is_not_charged_again(lab_with, paying, payment, processor):
    """A payment that is delivered twice, or sent again by its caller, is charged once."""
    sent = paying()
    asked_again = {**sent.event, "correlation_id": payment()["correlation_id"]}
    with lab_with(ProcessorUrl=processor.url) as elsewhere:
        for event, which, look in (
            (sent.event, "delivered twice", "is the key made of the payment, or of chance?"),
            (
                asked_again,
                "sent again by its caller, with another correlation_id,",
                "correlation_id names the request. Which fields name the payment?",
            ),
        ):
            again = elsewhere(event, may_fail=True)
            if len(book(processor, sent)) > 1:
                raise Wrong(
                    "charged-again",
                    f"a payment that is {which} is charged twice",
                    saw=f"{len(book(processor, sent))} charges in the processor's book\n"
                    f"Idempotency-Key of its requests: {keys(tried(processor, sent))}",
                    wanted="1 charge: the same payment has the same key, whoever sends it again, "
                    "and whichever execution environment gets it",
                    look=f"{look} {IDEMPOTENT}",
                )
            if not again.succeeded:
                raise Wrong(
                    "response-lost",
                    "the caller of a payment sent again does not get the charge",
                    saw=told(again),
                    wanted="the charge that was made, as the processor answers it",
                    look="what becomes of a charge that the processor has made before?",
                )


def test_another_payment_like_it_is_charged_too(paying, payment, send, processor):
    """Another payment is charged, also of the same customer, card and amount."""
    sent = paying()
    named = {key: payment()[key] for key in ("payment_id", "correlation_id")}
    send({**sent.event, **named}, may_fail=True)
    tries = tried(processor, sent)
    if tries[-1].status == UNPROCESSABLE:
        raise shared(tries[-1].key)
    if len(book(processor, sent)) == 1:
        raise Wrong(
            "key-shared",
            "two payments have the same idempotency key",
            saw=f"two payments that differ in payment_id; 1 charge in the processor's book\n"
            f"Idempotency-Key of their requests: {keys(tries)}",
            wanted="2 charges: the customer has bought the same thing again, and wants to pay "
            "for both",
            look=f"what is the key made of, in app.py? payment_id names the payment. {IDEMPOTENT}",
        )


def test_nobody_waits_for_an_answer_that_never_comes(paying, processor):
    """A processor that never answers, or does not listen, fails a payment within 2 seconds."""
    for mood, which in (
        (processor.silent, "a processor that never answers"),
        (processor.refusing, "a processor that does not listen"),
    ):
        with mood():
            try:
                sent = paying()
            except Wrong as wrong:
                if wrong.rule != "timed-out":
                    raise
                raise Wrong(
                    "no-bound",
                    "time-outs and tries add up to more than a customer waits",
                    saw=f"Lambda ended the function after 5 s: {which}",
                    wanted=f"an end within {BOUND_SECONDS:.0f} s, whatever the processor does",
                    look=f"how long is one try, how many are there, and what is between? "
                    f"{TIME_OUTS}",
                ) from None
        bounded(sent, which)
        counted(sent, which)


def counted(sent, which):
    """Raise `Wrong` when a failure was not counted, or did not fail the invocation."""
    if sent.succeeded:
        raise Wrong(
            "failure-swallowed",
            "nobody was charged, and the invocation succeeded",
            saw=f"{which}; {told(sent)}",
            wanted="the error counted, and then raised again, so that the invocation fails",
            look="the end of your except block in app.py: a bare `raise` lets the error go on",
        )
    if total(sent, "FailedCharge") != 1:
        raise Wrong(
            "failure-not-counted",
            "a payment failed, and is not counted as FailedCharge",
            saw=f"{which}: {told(sent)}",
            wanted="ProcessorError, which the handler counts, whatever went wrong on the way",
            look="processor.py: which exceptions of requests are caught? They have a base class",
        )


def test_a_processor_that_dies_in_mid_call_is_survived(paying, send, processor):
    """A processor that dies before it has answered fails the payment, and charges it once."""
    with processor.dying():
        sent = paying()
    counted(sent, "the processor died in the middle of its answer")
    bounded(sent, "a processor that died in the middle of its answer")
    again = send(sent.event, may_fail=True)
    if len(book(processor, sent)) > 1:
        raise charged_twice(processor, sent, "a payment sent again after the processor died")
    if not again.succeeded:
        raise Wrong(
            "not-recovered",
            "the processor is back, and payments still fail",
            saw=told(again),
            wanted="the charge",
            look="what outside the handler remembers that the processor was away?",
        )
