"""What step 05 promises: where the time went and whose payment it was; nothing private."""

import re

import pytest

from workshop.course import promises
from workshop.course.private_data import find_private
from workshop.course.promises import charged, listed
from workshop.course.spans import annotated, metadata, names, own_spans
from workshop.course.wrong import Wrong
from workshop.processor.cards import SLOW

SERVICE = "payments"
ASKED = ("customer_id", "payment_id")
LONG_SECONDS = 0.5  # the processor takes 0.6 s for the slow card
TRACER = "https://docs.aws.amazon.com/powertools/python/latest/core/tracer/"


def explain_exception(sent):
    """Say more of the errors that the tracer makes when it is put in the wrong place."""
    kind, message = str(sent.error.get("errorType")), str(sent.error.get("errorMessage"))
    if kind == "TypeError" and message.endswith("argument: 'context'"):
        raise Wrong(
            "method-not-captured",
            "a function that is called without a context is captured as if it were the handler",
            saw=f"{kind}: {message}",
            wanted="capture_lambda_handler on the handler alone, and on any other function the "
            "decorator for functions",
            look=f"which decorator is for a function of your own? {TRACER}#synchronous-functions",
        )
    if kind in {"FacadeSegmentMutationException", "SegmentNotFoundException"}:
        raise Wrong(
            "handler-not-captured",
            "something is put on the trace where no subsegment of yours is open",
            saw=f"{kind}: {message}",
            wanted="a subsegment of your own around the handler: Lambda's own cannot be written to",
            look=f"which decorator opens one around the handler? {TRACER}#lambda-handler",
        )


@pytest.fixture(scope="module")
def slow(send, payment):
    """Send a payment for which the processor crawls."""
    number = payment()["card"]["number"]
    return send(payment(card={"number": number[:-4] + SLOW}))


def within(spans):
    """Return the subsegments that are within another one of the function's own."""
    return [one for one in spans if one.depth > 1]


def test_the_caller_is_answered_as_before(traffic):
    """Tracing changes nothing for the caller."""
    promises.caller_is_answered(traffic, before_raising="put on the trace")


def test_the_metrics_are_as_before(traffic):
    """Charges and failures are counted as in step 03."""
    promises.payments_are_counted(traffic)


def test_nothing_private_is_shown(traffic):
    """Card number, security code and holder are in no log event, no metric and no segment."""
    for sent in traffic:
        for leak in find_private(sent):
            if leak.signal != "segment":
                continue
            if re.search(r"(^|\.)annotations\.", leak.where):
                raise Wrong(
                    "private-data-annotated",
                    "private data is in an annotation",
                    saw=str(leak),
                    wanted="neither card number, nor cvc, nor holder: annotations are indexed, "
                    "and whoever may see traces can search for them",
                    look="put_annotation in app.py: which value comes from `event['card']`?",
                )
            if re.search(r"(^|\.)metadata\..* response(\.|$)", leak.where):
                raise Wrong(
                    "private-response-captured",
                    "private data is in the trace: a captured function returned it",
                    saw=str(leak),
                    wanted="neither card number, nor cvc, nor holder in any segment",
                    look="what a captured function returns is kept as metadata, unless "
                    f"capture_response says otherwise. {TRACER}#disabling-response-auto-capture",
                )
    promises.nothing_private_is_shown(
        traffic,
        what="private data is shown",
        also="an exception's message and put_metadata are on the trace, too",
    )


def test_requests_are_traced(traffic, template):
    """Lambda samples requests, and your code adds to their traces."""
    function = template.function()
    if not function.tracing or not traffic.warm.segments:
        raise Wrong(
            "tracing-off",
            "Lambda traces no request of this function",
            saw=f"{len(traffic.warm.segments)} segments of a payment; "
            f"Tracing in template.yaml is {'' if function.tracing else 'not '}Active",
            wanted="Tracing: Active, as the step's template.yaml has it",
            look="template.yaml: Tracing   workshop reset 05 brings it back",
        )
    if any(own_spans(sent) for sent in traffic):
        return
    off = function.environment.get("POWERTOOLS_TRACE_DISABLED", "").lower()
    if off in {"1", "true", "t", "yes", "y", "on"}:
        raise Wrong(
            "tracer-disabled",
            "the tracer is switched off",
            saw=f"POWERTOOLS_TRACE_DISABLED: {off} in template.yaml, and no subsegment",
            wanted="a tracer that traces: that variable is for tests outside Lambda",
            look=f"template.yaml: Environment. {TRACER}#getting-started",
        )
    raise Wrong(
        "no-trace",
        "your code adds nothing to the trace",
        saw=f"{len(traffic.warm.segments)} segments, both of Lambda itself: they tell how long an "
        "invocation took, and not where the time went",
        wanted="a subsegment around the handler, and within it one around the call of the "
        "processor",
        look="a Tracer's decorators open one around each function they are put on; one that is "
        f"disabled opens none. {TRACER}",
    )


def test_the_handler_is_captured(traffic, template):
    """A subsegment of your own spans the whole handler."""
    if not own_spans(traffic.failed) and all(own_spans(sent) for sent in charged(traffic)):
        raise Wrong(
            "subsegment-not-ended",
            "of the payment that failed, nothing of yours is on the trace",
            saw=f"your subsegments of a payment that went well: {names(own_spans(traffic.warm))}; "
            "of the one that failed: none",
            wanted="the same ones: a trace is sent when the last subsegment has been ended",
            look="a subsegment that was begun has to be ended also when the processor raises: "
            "open it by `with`, or end it in a `finally`",
        )
    handler = template.function().handler.rpartition(".")[2]
    for sent in traffic:
        spans = own_spans(sent)
        top = [one for one in spans if one.depth == 1]
        known = {handler, f"## {handler}"}
        if within(spans) or any("ColdStart" in annotated([one]) for one in top):
            continue
        if any(one.span.name in known for one in top):
            continue
        raise Wrong(
            "handler-not-captured",
            "no subsegment spans the handler",
            saw=f"your subsegments of a payment: {names(spans)}; none is within another",
            wanted="one around the handler, with all others within it",
            look=f"which decorator is for the handler? {TRACER}#lambda-handler",
        )


def test_the_time_is_where_it_was_spent(traffic, request):
    """A subsegment within the handler's spans the call of the processor."""
    if not any(within(own_spans(sent)) for sent in traffic):
        raise Wrong(
            "method-not-captured",
            "the handler is one block: what it spends its time on cannot be seen",
            saw=f"your subsegments of a payment: {names(own_spans(traffic.warm))}",
            wanted="one within it, around the call of the processor",
            look=f"a function of its own can be captured by a decorator. {TRACER}"
            "#synchronous-functions",
        )
    slow = request.getfixturevalue("slow")
    inner = within(own_spans(slow))
    if not any(one.seconds >= LONG_SECONDS for one in inner):
        raise Wrong(
            "time-elsewhere",
            "the time was spent outside what you captured within the handler",
            saw=f"a slow payment: {names(own_spans(slow))}",
            wanted="the 0.6 seconds of the processor in a subsegment within the handler's",
            look="where in app.py is processor.charge called, and what is captured around it?",
        )


def test_the_service_is_named(traffic):
    """The handler's subsegment says which service it belongs to."""
    for sent in traffic:
        found = annotated(own_spans(sent))
        # Powertools' decorator puts both; a subsegment opened by hand has neither.
        if "ColdStart" not in found or found.get("Service") == SERVICE:
            continue
        saw = f"the annotation Service={found['Service']}" if "Service" in found else "no Service"
        raise Wrong(
            "service-wrong",
            "the trace belongs to another service, or to none",
            saw=f"{saw}; annotations: {listed(found)}",
            wanted=f"Service={SERVICE}, as the logs and the metrics have it",
            look=f"Tracer takes it by name, or from POWERTOOLS_SERVICE_NAME. {TRACER}",
        )


def test_a_payment_can_be_searched_for(traffic):
    """Annotations say whose payment it was, and which."""
    for key in ASKED:
        have = [key in annotated(own_spans(sent)) for sent in traffic]
        if not any(have):
            nowhere(traffic, key)
        good = [key in annotated(own_spans(sent)) for sent in charged(traffic)]
        if all(good):
            continue
        if good == [True, False, False, False]:
            raise Wrong(
                "annotated-once",
                f"{key} is annotated for the first payment alone",
                saw=f"{key} on 1 trace of 4 payments that went well: on the first",
                wanted=f"{key} on every trace",
                look="is it put on the trace where every payment comes by?",
            )
        without = next(sent for sent in charged(traffic) if key not in found(sent))
        optional = "" if "campaign" in without.event else "; its event has no campaign"
        raise Wrong(
            "annotation-missing",
            f"{key} is missing on some traces",
            saw=f"annotations of one of these: {listed(found(without))}{optional}",
            wanted=f"{key} on every trace",
            look="does every path through your code come by put_annotation?",
        )
    wrong_values(traffic)


def found(sent):
    """Return the annotations of a payment's trace."""
    return annotated(own_spans(sent))


def nowhere(traffic, key):
    """Raise the `Wrong` of an annotation that is on no trace."""
    sent = traffic.warm
    spans, value = own_spans(sent), sent.event[key]
    refused = [line.text for line in sent.own_logs if "in key" in line.text]
    for other, said in found(sent).items():
        if said == value:
            raise Wrong(
                "annotation-misnamed",
                f"{key} is annotated by another name",
                saw=f"{other}={said}",
                wanted=f"{key}={value}, written just so: a search for it would find nothing",
                look=f"put_annotation in app.py. {TRACER}#annotations-metadata",
            )
    for other, said in metadata(spans):
        if other == key or said == value:
            raise Wrong(
                "metadata-not-annotation",
                f"{key} is metadata, and metadata cannot be searched for",
                saw=f"metadata {other}; annotations: {listed(found(sent))}",
                wanted=f"an annotation {key}={value}: annotations are indexed",
                look=f"put_metadata, or put_annotation? {TRACER}#annotations-metadata",
            )
    if refused:
        line = " ".join(refused[0].split())
        raise Wrong(
            "annotation-misnamed",
            f"{key} is annotated by a name that X-Ray does not take",
            saw=f"in the log: {line[max(0, line.find('ignoring')) :][:160]}",
            wanted=f"{key}: letters, digits and _",
            look=f"put_annotation in app.py. {TRACER}#annotations-metadata",
        )
    raise Wrong(
        "annotation-missing",
        f"no trace can be found by {key}",
        saw=f"annotations of a payment: {listed(found(sent))}",
        wanted=f"an annotation {key}={value} on a subsegment of yours",
        look="put_annotation writes to the subsegment that is open when it is called: none is "
        f"outside the handler. {TRACER}#annotations-metadata",
    )


def wrong_values(traffic):
    """Raise the `Wrong` of annotations that are not those of the payment."""
    others = [
        (key, sent, found(sent)[key])
        for sent in traffic
        for key in ASKED
        if found(sent).get(key, sent.event[key]) != sent.event[key]
    ]
    for key, sent, said in others:
        earlier = traffic.all[: traffic.all.index(sent)]
        if any(said == one.event[key] for one in earlier):
            raise Wrong(
                "annotation-stale",
                f"{key} is that of an earlier payment",
                saw=f"{key}={said} on the trace of {sent.event[key]}",
                wanted=f"{key}={sent.event[key]}",
                look="what outside the handler remembers the payments before?",
            )
    for key, sent, said in others:
        raise Wrong(
            "annotation-wrong",
            f"{key} is not that of the payment",
            saw=f"{key}={said}",
            wanted=f"{key}={sent.event[key]}, the value in the event",
            look="the second argument of put_annotation in app.py",
        )


def test_a_failed_payment_can_be_searched_for_too(traffic):
    """The payment that failed, which is the one to look for, has its annotations."""
    for key in ASKED:
        if key not in found(traffic.failed):
            raise Wrong(
                "annotation-lost",
                f"{key} is not on the trace of the payment that failed",
                saw=f"its annotations: {listed(found(traffic.failed))}",
                wanted=f"{key}={traffic.failed.event[key]}: the failed ones are those you look for",
                look="is put_annotation reached before the processor is called?",
            )


def test_the_failure_is_on_the_trace(traffic, slow):
    """The subsegment in which the processor refused is marked as failed."""
    calling = {one.span.name for one in within(own_spans(slow)) if one.seconds >= LONG_SECONDS}
    inner = within(own_spans(traffic.failed))
    called = [one for one in inner if one.span.name in calling] or inner
    if called and not any(one.failed for one in called):
        raise Wrong(
            "error-not-on-trace",
            "the processor refused, and the trace says that its call went well",
            saw=f"{names(called)}: neither error nor fault",
            wanted="fault or error on it: an exception that passes through a subsegment marks it",
            look="is the error caught inside the captured function, and something else returned?",
        )
