"""What step 03 promises: the numbers are right, cost nothing to send, and tell nothing private."""

import difflib

import pytest

from workshop.course import promises
from workshop.course.promises import (
    METRICS,
    NAMESPACE,
    charged,
    number,
    plural,
    points,
    total,
)
from workshop.course.wrong import Wrong
from workshop.metrics import emf

UNITS = {"SuccessfulCharge": "Count", "FailedCharge": "Count", "ChargedAmount": "None"}
FORMAT = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
    "CloudWatch_Embedded_Metric_Format_Specification.html"
)


def explain_exception(sent):
    """Say more of the errors that the metrics library raises, and of a call to AWS."""
    kind = str(sent.error.get("errorType"))
    said = f"{kind}: {sent.error.get('errorMessage')}"
    saw = f"{said[:200]}…" if len(said) > 200 else said
    if unit := promises.unknown_unit(sent):
        raise unit_unknown(unit)
    if kind == "MetricValueError":
        raise not_a_number(saw)
    if kind == "SchemaValidationError" and "namespace" in said:
        raise no_namespace(saw)
    calls = ("boto3", "botocore", "EndpointConnectionError", "PutMetricData", "credentials")
    if any(word in said for word in calls):
        raise blocking_call(saw)


def blocking_call(saw):
    """Say what is wrong with sending a metric by an API call."""
    return Wrong(
        "blocking-call",
        "the handler wants to send a metric by an API call",
        saw=f"{saw}\nAt home nobody takes the call; on AWS the customer waits for it",
        wanted="the metric as a log event (EMF), which CloudWatch reads after the handler is done",
        look=f"Metrics and add_metric, in place of a client: {METRICS}",
    )


def unit_unknown(saw):
    """Say what is wrong with a unit of one's own."""
    return Wrong(
        "unit-unknown",
        "CloudWatch does not know the unit of a metric",
        saw=saw,
        wanted="Count for the charges; no unit for the amount: cents are none of CloudWatch's",
        look=f"MetricUnit lists them, NoUnit included. {METRICS}#creating-metrics",
    )


def not_a_number(saw):
    """Say what is wrong with a value that is text."""
    return Wrong(
        "value-not-a-number",
        "the value of a metric is not a number",
        saw=saw,
        wanted="a number and not text: 1 for a charge, the amount in cents for ChargedAmount",
        look=f"the value of add_metric in app.py. {METRICS}#creating-metrics",
    )


def no_namespace(saw):
    """Say what is wrong with metrics that have no home."""
    return Wrong(
        "no-namespace",
        "the metrics have no namespace",
        saw=saw,
        wanted=f'the namespace "{NAMESPACE}"',
        look=f"Metrics takes it by name, or from POWERTOOLS_METRICS_NAMESPACE. {METRICS}",
    )


def test_no_call_keeps_the_customer_waiting(request):
    """The handler calls no AWS API to send its metrics."""
    try:
        request.getfixturevalue("traffic")
    except Wrong as wrong:
        if wrong.rule == "import-error" and "boto" in wrong.saw:
            raise blocking_call(wrong.saw) from None
        raise


def test_the_caller_is_answered_as_before(traffic):
    """Counting changes nothing for the caller."""
    promises.caller_is_answered(traffic, before_raising="counted")


def test_nothing_private_is_shown(traffic):
    """Card number, security code and holder are in no log event and in no metric."""
    promises.nothing_private_is_shown(traffic)


def test_metrics_are_emitted(traffic):
    """Log events in the embedded metric format are there, and CloudWatch can read them."""
    problems = [problem for sent in traffic for problem in sent.emf_problems]
    if problems:
        saw = problems[0]
        if "unit" in saw:
            raise unit_unknown(saw)
        if "for a value" in saw:
            raise not_a_number(saw)
        if "Namespace" in saw:
            raise no_namespace(saw)
        raise Wrong(
            "emf-malformed",
            "a log event means to be EMF, and CloudWatch would not read it",
            saw=saw,
            wanted="a log event as the specification says",
            look=f"Metrics writes it for you; by hand: {FORMAT}",
        )
    if not any(sent.points for sent in traffic):
        lines = traffic.warm.own_logs
        misplaced = [said for line in lines if (said := emf.misplaced(line.event))]
        raise Wrong(
            "no-metrics",
            "no metric was emitted",
            saw=misplaced[0]
            if misplaced
            else "the handler returned normally; its log holds "
            f"{plural(len(lines), 'log event')} and no EMF record",
            wanted="a data point SuccessfulCharge, unit Count, dimension service=payments",
            look="metrics are buffered until something flushes them: what does, in your handler?",
        )


def test_the_namespace_is_the_workshops(traffic):
    """The metrics are where one would look for them."""
    for sent in traffic:
        for point in sent.points:
            if point.name in UNITS and point.namespace != NAMESPACE:
                raise Wrong(
                    "namespace-wrong",
                    "the metrics are in another namespace",
                    saw=f"{point.name} in the namespace {point.namespace}",
                    wanted=f"the namespace {NAMESPACE}, written just so",
                    look=f"Metrics, in app.py. {METRICS}#getting-started",
                )


def test_a_payment_leaves_its_metrics(traffic):
    """Every payment that went well leaves SuccessfulCharge and ChargedAmount."""
    for sent in charged(traffic):
        names = {point.name for point in sent.points}
        for name in ("SuccessfulCharge", "ChargedAmount"):
            if name in names:
                continue
            mistyped(name, names)
            renamed(sent, name, sent.event["amount"] if name == "ChargedAmount" else 1)
            if sent is not traffic.first and all(
                name not in {point.name for point in later.points} for later in charged(traffic)[1:]
            ):
                added_at_import(traffic, name)
            without = [one for one in charged(traffic) if name not in {p.name for p in one.points}]
            raise Wrong(
                "metric-missing",
                f"{name} is missing",
                saw=f"{plural(len(without), 'payment')} of {len(charged(traffic))} that went well "
                f"without it\n{describe(without[0])}",
                wanted=f"a data point {name} for each of them",
                look="does every path through your handler come by add_metric?",
            )


def describe(sent):
    """Say what data points an invocation left, and whether its event lacked a field."""
    names = ", ".join(sorted({point.name for point in sent.points})) or "none"
    optional = "" if "campaign" in sent.event else " (its event has no campaign)"
    return f"data points of one of these{optional}: {names}"


def mistyped(name, names):
    """Raise `Wrong` when one of the names is nearly the name."""
    others = {one.lower().replace("_", ""): one for one in names - {*UNITS, "ColdStart"}}
    close = difflib.get_close_matches(name.lower(), others, n=1, cutoff=0.75)
    if close:
        raise Wrong(
            "name-mistyped",
            f"{name} has another name",
            saw=f"a metric named {others[close[0]]}",
            wanted=f"{name}, written just so: an alarm on it would wait for ever",
            look=f"add_metric, in app.py. {METRICS}#creating-metrics",
        )


def renamed(sent, name, value):
    """Raise `Wrong` when a metric that nobody asked for has the value of the missing one."""
    for point in sent.points:
        if point.name not in {*UNITS, "ColdStart"} and sum(point.values) == value:
            raise Wrong(
                "name-mistyped",
                f"{name} is missing, and its value has another name",
                saw=f"a metric named {point.name}, with the value {number(value)}",
                wanted=f"{name}, written just so: an alarm on it would wait for ever",
                look=f"add_metric, in app.py. {METRICS}#creating-metrics",
            )


def added_at_import(traffic, name):
    """Raise `Wrong`: what the first invocation of the environment left, those after it did not."""
    sums = [total(sent, name) for sent in charged(traffic)]
    amounts = name == "ChargedAmount"
    wanted = [sent.event["amount"] if amounts else 1 for sent in charged(traffic)]
    raise Wrong(
        "added-at-import",
        f"{name} is added when the module is imported",
        saw=f"{name} of 4 payments, the first on a cold start: {', '.join(map(number, sums))}",
        wanted=f"{', '.join(map(number, wanted))}: the handler runs for every payment, the "
        "module's top level once per execution environment",
        look="add_metric outside the handler in app.py?",
    )


def test_dimensions_make_few_series(traffic):
    """The metrics are kept by service, and by nothing that differs from payment to payment."""
    promises.dimensions_make_few_series(traffic)


def test_metrics_are_kept_by_service(traffic):
    """Each metric is there with the dimension service=payments alone."""
    promises.metrics_are_kept_by_service(traffic, UNITS)


def test_units_say_what_is_counted(traffic):
    """Charges are counts; money has no unit that CloudWatch knows."""
    for sent in traffic:
        for name, unit in UNITS.items():
            for point in points(sent, name):
                if point.unit == unit:
                    continue
                if name == "ChargedAmount" and point.unit == "Count":
                    raise Wrong(
                        "money-as-count",
                        "ChargedAmount has the unit Count",
                        saw=f"ChargedAmount {number(sum(point.values))}, unit Count: so many "
                        "things happened?",
                        wanted="no unit (NoUnit): cents are not among CloudWatch's",
                        look=f"the unit of add_metric in app.py. {METRICS}#creating-metrics",
                    )
                raise Wrong(
                    "unit-wrong",
                    f"{name} has another unit",
                    saw=f"{name}, unit {point.unit}",
                    wanted="no unit (NoUnit)" if unit == "None" else f"unit {unit}",
                    look=f"the unit of add_metric in app.py. {METRICS}#creating-metrics",
                )


def test_every_payment_counts_once(traffic):
    """SuccessfulCharge sums to the number of payments that went well."""
    sums = [total(sent, "SuccessfulCharge") for sent in charged(traffic)]
    if sums[0] != 1 and sums[1:] == [1, 1, 1]:
        added_at_import(traffic, "SuccessfulCharge")
    if any(one > 1 for one in sums):
        raise Wrong(
            "counted-twice",
            "a payment is counted more than once",
            saw=f"SuccessfulCharge of 4 payments, one after the other: "
            f"{', '.join(map(number, sums))}",
            wanted="1, 1, 1, 1",
            look="is it added twice, or flushed twice, or does something outside the handler "
            "remember the payments before?",
        )
    if any(one != 1 for one in sums):
        raise Wrong(
            "metric-missing",
            "SuccessfulCharge does not count a payment",
            saw=f"SuccessfulCharge of 4 payments, one after the other: "
            f"{', '.join(map(number, sums))}",
            wanted="1, 1, 1, 1",
            look="the value of add_metric in app.py: one payment counts 1",
        )


def test_the_amounts_are_right(traffic):
    """ChargedAmount sums to what was charged, in cents."""
    sums = [total(sent, "ChargedAmount") for sent in charged(traffic)]
    amounts = [sent.event["amount"] for sent in charged(traffic)]
    if sums == pytest.approx(amounts):
        return
    if sums[0] != amounts[0] and sums[1:] == amounts[1:]:
        added_at_import(traffic, "ChargedAmount")
    pairs = list(zip(sums, amounts, strict=True))
    if any(one > amount and one in running(amounts) for one, amount in pairs[1:]):
        raise Wrong(
            "counted-twice",
            "ChargedAmount holds the payments before, too",
            saw=f"ChargedAmount of 4 payments: {', '.join(map(number, sums))}",
            wanted=f"the amount of each: {', '.join(map(number, amounts))}",
            look="what outside the handler remembers the payments before?",
        )
    one, amount = next((one, amount) for one, amount in pairs if one != amount)
    raise Wrong(
        "amount-wrong",
        "ChargedAmount is not what was charged",
        saw=f"{number(one)} for a payment of {amount} cents",
        wanted=f"{amount}: cents, as in the event",
        look="the value of add_metric in app.py",
    )


def running(amounts):
    """Return every sum of neighbouring amounts."""
    return {
        sum(amounts[start:end])
        for start in range(len(amounts))
        for end in range(start + 2, len(amounts) + 1)
    }


def test_a_failure_is_counted(traffic):
    """A failed payment leaves FailedCharge with its own invocation."""
    count = total(traffic.failed, "FailedCharge")
    if count == 1:
        return
    if not count:
        mistyped("FailedCharge", {point.name for point in traffic.failed.points})
        renamed(traffic.failed, "FailedCharge", 1)
    if count > 1:
        raise Wrong(
            "counted-twice",
            "a failed payment is counted more than once",
            saw=f"FailedCharge {number(count)} for one failed payment",
            wanted="1",
            look="is it added twice, or flushed twice?",
        )
    names = ", ".join(sorted({point.name for point in traffic.failed.points})) or "none"
    late = ""
    if total(traffic.planted, "FailedCharge"):
        late = "\nIt came with the next invocation, which may be hours later, or never"
    raise Wrong(
        "failure-not-counted",
        "the failed payment is not counted",
        saw=f"data points of the failed payment: {names}{late}",
        wanted="a data point FailedCharge 1, unit Count, before the error leaves the handler",
        look="is add_metric reached before `raise`, and what flushes when the handler raises?",
    )


def test_success_and_failure_are_kept_apart(traffic):
    """A failed payment charges nothing; one that went well fails nothing."""
    for name in ("SuccessfulCharge", "ChargedAmount"):
        if total(traffic.failed, name):
            raise Wrong(
                "failure-counted-as-success",
                "a failed payment counts as charged",
                saw=f"{name} {number(total(traffic.failed, name))} for a payment that the "
                "processor refused",
                wanted=f"no {name} for it, or 0",
                look="is it added before processor.charge has returned?",
            )
    for sent in charged(traffic):
        if total(sent, "FailedCharge"):
            raise Wrong(
                "success-counted-as-failure",
                "a payment that went well counts as failed",
                saw=f"FailedCharge {number(total(sent, 'FailedCharge'))} for a payment that was "
                "charged",
                wanted="no FailedCharge for it, or 0",
                look="is it added in the except block, and only there?",
            )


def test_cold_starts_are_counted(traffic):
    """A new execution environment leaves ColdStart, and a warm one does not."""
    sums = [
        sum(sum(p.values) for p in sent.points if (p.namespace, p.name) == (NAMESPACE, "ColdStart"))
        for sent in traffic
    ]
    if not any(sums):
        raise Wrong(
            "no-cold-start",
            "the cold start is not counted",
            saw="5 payments, the first of them on a cold start, and no data point ColdStart",
            wanted="ColdStart 1, unit Count, with the first invocation of an environment",
            look="log_metrics can do it: capture_cold_start_metric=True, written just so, for it "
            f"passes over what it does not know. {METRICS}#capturing-cold-start-metric",
        )
    if sums != [1, 0, 0, 0, 0]:
        raise Wrong(
            "cold-start-every-time",
            "ColdStart is not 1 on the cold start and absent after it",
            saw=f"ColdStart of 5 payments in one environment: {', '.join(map(number, sums))}",
            wanted="1, 0, 0, 0, 0",
            look=f"log_metrics can tell them apart. {METRICS}#capturing-cold-start-metric",
        )
