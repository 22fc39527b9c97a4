"""What step 04 promises: every payment is timed, and two alarms go off when, and only when, due.

The alarms are the template's own. They watch what the handler leaves behind in half an hour of
payments: a quiet quarter of an hour with one bad minute in it, then an incident, then calm.
"""

import difflib
import itertools
import statistics

import pytest

from workshop.course import half_hour as scene
from workshop.course import promises
from workshop.course.payments import planted_card
from workshop.course.promises import METRICS, NAMESPACE, listed, number, plural, points
from workshop.course.wrong import Wrong
from workshop.metrics.alarms import ALARM_TYPE, read_alarms
from workshop.metrics.errors import MetricQueryError
from workshop.processor.cards import SLOW

METRIC = "ChargeDuration"
KNOWN = {"SuccessfulCharge", "ChargedAmount", "FailedCharge", "ColdStart"}
SLOW_MS = 600
CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
MATH = f"{CLOUDWATCH}/using-metric-math.html"
MISSING = f"{CLOUDWATCH}/alarms-and-missing-data.html"
STATISTICS = f"{CLOUDWATCH}/Statistics-definitions.html"
ALARM = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-resource-cloudwatch-alarm.html"
)
MEANS = ("Average", "IQM", "tm", "wm", "TM(:", "WM(:", "TM(0%:", "WM(0%:", "p50")


def explain_exception(sent):
    """Say more of the errors that the metrics library raises."""
    if unit := promises.unknown_unit(sent):
        raise unit_unknown(unit)


def unit_unknown(saw):
    """Say what is wrong with a unit of one's own."""
    return Wrong(
        "unit-unknown",
        "CloudWatch does not know the unit of a metric",
        saw=saw,
        wanted="MetricUnit.Milliseconds, which is the word Milliseconds",
        look=f"add_metric, in app.py. {METRICS}#creating-metrics",
    )


def durations(sent):
    """Return every sample of ChargeDuration that an invocation left."""
    return [value for point in points(sent, METRIC) for value in point.values]


def ms(value):
    """Return milliseconds as text."""
    return f"{value:,.3g} ms" if value < 100 else f"{value:,.0f} ms"


def minute(half_hour, at):
    """Return a time as minutes since the half hour began, counted from 1."""
    return (at - half_hour.start) // 60 + 1


def test_the_caller_is_answered_as_before(traffic):
    """Measuring changes nothing for the caller."""
    promises.caller_is_answered(traffic)


def test_nothing_private_is_shown(traffic):
    """Card number, security code and holder are in no log event and in no metric."""
    promises.nothing_private_is_shown(traffic)


def test_dimensions_make_few_series(traffic):
    """The metrics are kept by service, and by nothing that differs from payment to payment."""
    for sent in traffic:
        for problem in sent.emf_problems:
            if "unit" in problem:
                raise unit_unknown(problem)
    promises.dimensions_make_few_series(traffic)


def test_the_metrics_of_before_are_still_there(traffic):
    """SuccessfulCharge, ChargedAmount and FailedCharge are what they were."""
    promises.payments_are_counted(traffic)


def test_every_payment_is_timed(traffic):
    """Every payment, also one that failed, leaves one ChargeDuration."""
    for sent in traffic:
        elsewhere = [p for p in sent.points if p.name == METRIC and p.namespace != NAMESPACE]
        if elsewhere:
            raise Wrong(
                "namespace-wrong",
                f"{METRIC} is in another namespace",
                saw=f"{METRIC} in the namespace {elsewhere[0].namespace}",
                wanted=f"the namespace {NAMESPACE}, where the other metrics are",
                look=f"Metrics, in app.py. {METRICS}#getting-started",
            )
    promises.metrics_are_kept_by_service(traffic, [METRIC])
    untimed = [sent for sent in traffic if not durations(sent)]
    if len(untimed) == len(traffic.all):
        new = {p.name for sent in traffic for p in sent.points} - KNOWN
        if new:
            raise Wrong(
                "duration-missing",
                f"no metric is called {METRIC}",
                saw=f"beside the metrics of step 03: {listed(new)}",
                wanted=f"{METRIC}, written just so: an alarm on it would wait for ever",
                look=f"add_metric, in app.py. {METRICS}#creating-metrics",
            )
        raise Wrong(
            "duration-missing",
            "no payment is timed",
            saw=f"data points: {listed(p.name for sent in traffic for p in sent.points)}",
            wanted=f"a data point {METRIC} of each payment, unit Milliseconds",
            look=f"a clock before processor.charge and after it, and add_metric. {METRICS}",
        )
    if untimed == [traffic.failed]:
        raise Wrong(
            "failure-not-timed",
            "a payment that failed is not timed",
            saw=f"data points of the failed payment: {listed(p.name for p in untimed[0].points)}",
            wanted=f"{METRIC} of it, too: what fails is often what takes longest",
            look="what runs in app.py when processor.charge raises? `finally` does, either way",
        )
    if untimed:
        raise Wrong(
            "duration-missing",
            "some payments are not timed",
            saw=f"{plural(len(untimed), 'payment')} of {len(traffic.all)} without {METRIC}",
            wanted=f"one {METRIC} of each",
            look="does every path through your handler come by add_metric?",
        )
    for sent in traffic:
        if len(durations(sent)) > 1:
            raise Wrong(
                "timed-twice",
                "a payment is timed more than once",
                saw=f"{METRIC} of one payment: {', '.join(map(ms, durations(sent)))}",
                wanted="one value: a percentile over payments needs each of them once",
                look="is add_metric reached twice, or is a list kept outside the handler?",
            )


def test_the_unit_is_milliseconds(traffic):
    """ChargeDuration says that it is in milliseconds."""
    for sent in traffic:
        for point in points(sent, METRIC):
            if point.unit != "Milliseconds":
                raise Wrong(
                    "unit-wrong",
                    f"{METRIC} has another unit",
                    saw=f"{METRIC} {number(point.values[0])}, unit {point.unit}",
                    wanted="unit Milliseconds, and the value in it",
                    look=f"the unit of add_metric in app.py. {METRICS}#creating-metrics",
                )


@pytest.fixture(scope="module")
def crawl(traffic, send, payment, seeded):
    """A payment with a card that crawls, and an ordinary one after it."""
    return (
        send(payment(card={"number": planted_card(seeded, SLOW)["number"]})),
        send(payment()),
    )


def test_a_duration_is_how_long_the_payment_took(traffic, crawl):
    """ChargeDuration is the time in processor.charge, in milliseconds, of this payment."""
    slow, after = crawl
    took, report = sum(durations(slow)), slow.invocation.report.duration_ms
    saw = f"{METRIC} {ms(took)} of a payment that took {ms(report)} in the handler (REPORT)"
    if took == pytest.approx(SLOW_MS / 1000, rel=0.2):
        raise Wrong(
            "seconds-as-milliseconds",
            f"{METRIC} is in seconds and says milliseconds",
            saw=saw,
            wanted=f"about {SLOW_MS}: a thousand times as much",
            look="time.perf_counter() and time.time() count seconds",
        )
    for sent in (*traffic, slow, after):
        value, whole = sum(durations(sent)), sent.invocation.report.duration_ms
        if value <= whole + 1:
            continue
        told = [sum(durations(one)) for one in (*traffic, slow, after)]
        saw = f"{METRIC} of 7 payments, one after the other: {', '.join(map(ms, told))}"
        if took < 0.9 * SLOW_MS:
            raise averaged(saw)
        if all(one < other for one, other in itertools.pairwise(told)):
            raise Wrong(
                "clock-started-once",
                f"{METRIC} grows from payment to payment",
                saw=saw,
                wanted="the time that this payment took: the clock starts anew for each",
                look="what is kept outside the handler in app.py? That runs once per execution "
                "environment",
            )
        raise Wrong(
            "duration-wrong",
            f"{METRIC} is longer than the payment took",
            saw=f"{ms(value)} of a payment that took {ms(whole)} in the handler (REPORT)",
            wanted="the time in processor.charge, in milliseconds",
            look="is it the difference of two readings of one clock, turned into milliseconds?",
        )
    if took < 0:
        raise Wrong(
            "duration-wrong",
            f"{METRIC} is below zero",
            saw=saw,
            wanted=f"about {SLOW_MS} ms: so long did processor.charge take",
            look="the second reading minus the first, and both of one clock: time.time counts from "
            "1970, perf_counter from a moment of its own",
        )
    if took < 0.9 * SLOW_MS:
        if sum(durations(after)) > 20 and took > 20:
            raise averaged(saw)
        raise Wrong(
            "duration-wrong",
            f"{METRIC} misses most of the payment",
            saw=saw,
            wanted=f"about {SLOW_MS} ms: so long did processor.charge take",
            look="what stands between the two readings of the clock in app.py? And which clock: "
            "process_time stands still while the handler waits",
        )
    failed = sum(durations(traffic.failed))
    if failed < 1:
        raise Wrong(
            "duration-wrong",
            f"{METRIC} misses most of a payment that failed",
            saw=f"{ms(failed)} of a payment that took "
            f"{ms(traffic.failed.invocation.report.duration_ms)} in the handler (REPORT)",
            wanted="the time until the processor refused",
            look="where in app.py is the second reading of the clock, when it raises?",
        )


def averaged(saw):
    """Say what is wrong with a value that is a mean of several payments."""
    return Wrong(
        "averaged-in-handler",
        f"{METRIC} is not of one payment: it is smoothed over several",
        saw=saw,
        wanted="the time of this payment, and of no other: CloudWatch computes averages and "
        "percentiles itself, over all execution environments",
        look="what does app.py keep outside the handler?",
    )


def place(template, name):
    """Return where a resource begins in the template, as far as that can be told."""
    lines = template.path.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if line.strip() == f"{name}:"]
    return f"template.yaml:{found[0]}: {name}" if found else "template.yaml"


@pytest.fixture(scope="module")
def alarms(template):
    """The template's alarms."""
    for name, resource in template.resources.items():
        kind = str(resource.get("Type"))
        if kind != ALARM_TYPE and difflib.get_close_matches(kind, [ALARM_TYPE], cutoff=0.9):
            raise Wrong(
                "alarm-invalid",
                f"{name} is of a type that there is not",
                saw=f"Type: {kind}",
                wanted=f"Type: {ALARM_TYPE}",
                look=f"{place(template, name)}. {ALARM}",
            )
        if kind == ALARM_TYPE:
            watches_what(template, name, resource)
    try:
        found = read_alarms(template.resources)
    except MetricQueryError as error:
        named = next((name for name in template.resources if f"alarm {name}:" in error.what), "")
        raise Wrong(
            "alarm-invalid",
            "CloudWatch would refuse an alarm of the template",
            saw=error.what,
            wanted="an alarm that can be made",
            look=f"{place(template, named)}. {ALARM}",
        ) from None
    if not found:
        kinds = listed(str(one.get("Type")) for one in template.resources.values())
        raise Wrong(
            "no-alarm",
            "the template has no alarm",
            saw=f"its resources: {kinds}",
            wanted="two of the type AWS::CloudWatch::Alarm",
            look=f"Resources, in template.yaml. {ALARM}",
        )
    names = [one.name for one in found]
    for one in found:
        if names.count(one.name) > 1:
            raise Wrong(
                "alarm-invalid",
                "two alarms have one name",
                saw=f"AlarmName: {one.name}, {names.count(one.name)} times",
                wanted="payments-failing and payments-slow: of two alarms with one name, "
                "CloudFormation would make none",
                look=f"AlarmName, in template.yaml. {ALARM}",
            )
    return found


def watches_what(template, name, resource):
    """Hold that each of an alarm's Metrics is a metric or an expression."""
    queries = (resource.get("Properties") or {}).get("Metrics")
    for query in queries if isinstance(queries, list) else []:
        if isinstance(query, dict) and not {"Expression", "MetricStat"} & set(query):
            raise Wrong(
                "alarm-invalid",
                f"{query.get('Id', 'one of the Metrics')} of {name} is neither a metric nor an "
                "expression",
                saw=f"its keys: {listed(map(str, query))}",
                wanted="Expression, which reckons with the Ids of the others; or MetricStat",
                look=f"{place(template, name)}. {MATH}",
            )


def about(alarms, names, what):
    """Return the alarms that watch one of some metrics, those by an expression first."""
    found = [one for one in alarms if any(m.name in names for m in one.metrics)]
    if not found:
        have = "\n".join(f"{one.name} watches {shown(one)}" for one in alarms[:4])
        raise Wrong(
            "alarm-missing",
            f"no alarm watches {what}",
            saw=have,
            wanted=f"one that stands on {names[0]}, written just so",
            look=f"Resources, in template.yaml. {ALARM}",
        )
    return sorted(found, key=lambda one: one.statistic is not None)


def shown(alarm):
    """Return what an alarm watches, as text."""
    return "; ".join(map(scene.described, alarm.metrics))


def test_there_is_an_alarm_for_each(alarms):
    """One alarm watches failed payments, and one how long they take."""
    about(alarms, scene.FAILURES, "failed payments")
    about(alarms, scene.DURATIONS, "how long payments take")


def first_wrong(candidates, judge):
    """Raise what is wrong with the first of some alarms, unless one of them is right."""
    wrongs = []
    for alarm in candidates:
        try:
            judge(alarm)
        except Wrong as wrong:
            wrongs.append(wrong)
        except MetricQueryError as error:
            wrongs.append(
                Wrong(
                    "alarm-invalid",
                    f"{alarm.name} cannot be evaluated",
                    saw=error.what,
                    wanted="an expression that gives one time series",
                    look=f"template.yaml; {MATH}",
                )
            )
        else:
            return
    raise wrongs[0]


def watches_something(half_hour, alarm):
    """Hold that the metrics an alarm stands on are there."""
    missing = half_hour.missing(alarm)
    if missing:
        there = [
            scene.described(metric)
            for metric in half_hour.catalogue.metrics()
            if metric.namespace == NAMESPACE
        ]
        raise Wrong(
            "alarm-watches-nothing",
            f"{alarm.name} watches a series that does not exist",
            saw=f"{missing}\nThe alarm stays as it is for ever; nobody is told",
            wanted="a series that the handler writes:\n" + "\n".join(there),
            look=f"Namespace, MetricName and Dimensions in template.yaml. {ALARM}",
        )


def test_the_error_rate_is_the_share_of_payments_that_failed(half_hour, alarms):
    """The expression gives failed payments of all payments, whatever the minute."""

    def judge(alarm):
        watches_something(half_hour, alarm)
        rate_is_right(half_hour, alarm)

    first_wrong(about(alarms, scene.FAILURES, "failed payments"), judge)


def rate_is_right(half_hour, alarm):
    """Compare what an alarm watches with the payments that truly failed."""
    outcomes, readings = half_hour.outcomes(alarm.period), half_hour.readings(alarm)
    pairs = [(outcomes[at], readings[at]) for at in outcomes if at in readings]

    def fits(truth):
        return bool(pairs) and all(
            reading == pytest.approx(truth(outcome), rel=0.005, abs=1e-9)
            for outcome, reading in pairs
        )

    right = [
        lambda one: 100 * one.rate,
        lambda one: one.rate,
        lambda one: 100 * (1 - one.rate),
        lambda one: 1 - one.rate,
    ]
    holes = [outcome for at, outcome in outcomes.items() if at not in readings]
    if any(map(fits, right)):
        if holes:
            raise no_value(alarm, holes, outcomes)
        return
    off = min((missed(truth, outcomes, readings) for truth in right), key=len)
    told = max(off, key=lambda at: (outcomes[at].charged > 0, outcomes[at].rate))
    outcome, reading = outcomes[told], readings.get(told)
    saw = (
        f"in minute {minute(half_hour, told)}, {outcome.failed} of {outcome.payments} payments "
        f"failed: {100 * outcome.rate:.3g} in 100\n{alarm.name} makes of it: "
        f"{'no value' if reading is None else f'{reading:.4g}'}"
    )
    wanted = "100 * failed / (failed + charged): what share of all payments failed"
    if any(stat in ("Average", "Maximum", "Minimum") for stat in scene.statistics(alarm)):
        raise Wrong(
            "average-of-counts",
            f"{alarm.name} takes the {scene.statistics(alarm)[0]} of what is to be counted",
            saw=saw,
            wanted="the statistic Sum for FailedCharge and SuccessfulCharge: each sample is a 1, "
            "so that their average is 1 however many there are",
            look=f"Stat, in template.yaml. {STATISTICS}",
        )
    if fits(lambda one: one.failed):
        raise Wrong(
            "count-not-rate",
            f"{alarm.name} counts failures, and does not set them against the payments",
            saw=f"{saw}\nIs that many? Of 16 payments it is; of 16,000 it is not",
            wanted=wanted,
            look=f"Metrics and Expression, in template.yaml. {MATH}",
        )
    with_charges = [(one, reading) for one, reading in pairs if one.charged]
    for scale in (1, 100):
        ratios = [scale * one.failed / one.charged for one, _ in with_charges]
        if ratios and [reading for _, reading in with_charges] == pytest.approx(ratios, rel=0.005):
            raise Wrong(
                "rate-of-charged",
                f"{alarm.name} divides by the payments that went well, and not by all",
                saw=f"{saw}\nWhere no payment goes well, it divides by 0: there is no value",
                wanted=wanted,
                look=f"Expression, in template.yaml. {MATH}",
            )
    if not pairs:
        raise no_value(alarm, holes, outcomes)
    raise Wrong(
        "rate-wrong",
        f"{alarm.name} does not give the share of payments that failed",
        saw=saw,
        wanted=wanted,
        look=f"Expression, in template.yaml. {MATH}",
    )


def missed(truth, outcomes, readings):
    """Return the periods in which an alarm watches something else than the truth."""
    return [
        at
        for at, outcome in outcomes.items()
        if readings.get(at) != pytest.approx(truth(outcome), rel=0.005, abs=1e-9)
    ]


def no_value(alarm, holes, outcomes):
    """Say what is wrong with an expression that has no value where there are payments."""
    all_failed = [one for one in holes if not one.charged]
    saw = f"no value in {len(holes)} of {plural(len(outcomes), 'minute')} with payments in them"
    if all_failed:
        saw += (
            f"\nIn {len(all_failed)} of those every payment failed: then there is no "
            "SuccessfulCharge"
        )
    return Wrong(
        "no-value",
        f"{alarm.name} has no value in some minutes",
        saw=saw,
        wanted="a value for every minute with payments in it: a metric that nobody wrote is "
        "missing, and where the condition of an IF is missing, so is its result",
        look=f"FILL(metric, 0), in the expression. {MATH}",
    )


def test_the_failing_alarm_goes_off_when_due(half_hour, alarms):
    """The alarm on failures is quiet before the incident, and in ALARM in it."""

    def judge(alarm):
        watches_something(half_hour, alarm)
        rate_is_right(half_hour, alarm)
        goes_off_when_due(half_hour, alarm)

    first_wrong(about(alarms, scene.FAILURES, "failed payments"), judge)


def test_the_slow_alarm_goes_off_when_due(half_hour, alarms):
    """The alarm on durations is quiet before the incident, and in ALARM in it."""

    def judge(alarm):
        watches_something(half_hour, alarm)
        hides_nothing(half_hour, alarm)
        goes_off_when_due(half_hour, alarm)
        bears_a_short_wait(half_hour, alarm)
        minds_one_of_many(half_hour, alarm)

    first_wrong(about(alarms, scene.DURATIONS, "how long payments take"), judge)


def hides_nothing(half_hour, alarm):
    """Hold that the slow payments show in what the alarm compares."""
    stat = next(iter(scene.statistics(alarm)), "")
    if not stat.startswith(MEANS):
        return
    span = range(half_hour.incident, half_hour.down)
    readings = [value for at, value in half_hour.readings(alarm).items() if at in span]
    raise Wrong(
        "average-hides-it",
        f"{alarm.name} watches a figure that hides the slow payments",
        saw=f"{stat} in the incident: {ms(max(readings, default=0))} at the most, while one "
        f"payment of eight took {SLOW_MS} ms\nMost payments take a few ms; they outvote the slow",
        wanted="p99: all but 1 payment of 100 are quicker than that",
        look=f"ExtendedStatistic: p99, in place of Statistic. {STATISTICS}",
    )


def bears_a_short_wait(half_hour, alarm):
    """Hold that payments which take a little longer, and far from half a second, wake nobody."""
    if half_hour.goes_off_when_unhurried(alarm):
        raise Wrong(
            "off-when-quiet",
            f"{alarm.name} goes off though nobody waits for long",
            saw=f"payments that take {ms(scene.UNHURRIED_MS)} each set it off; its threshold is "
            f"{number(alarm.threshold)}",
            wanted="quiet: half a second is what it should wake somebody for",
            look=f"Threshold of {alarm.name}, in template.yaml: in which unit is the metric? "
            f"{ALARM}",
        )


def minds_one_of_many(half_hour, alarm):
    """Hold that one slow payment of thousands wakes nobody."""
    if half_hour.goes_off_when_busy(alarm):
        raise Wrong(
            "one-slow-payment",
            f"{alarm.name} goes off for a single slow payment",
            saw=f"the {next(iter(scene.statistics(alarm)), 'alarm')} of a busy time, 2,000 "
            "payments a minute of which 1 is slow, sets it off",
            wanted="quiet: 1 of 2,000 is every day's business. p99 leaves 1 of 100 aside",
            look=f"ExtendedStatistic, in template.yaml. {STATISTICS}",
        )


def goes_off_when_due(half_hour, alarm):
    """Hold that an alarm is quiet before the incident and goes off soon after it began."""
    states = half_hour.states(alarm)
    off = [one for one in states if one.state == "ALARM"]
    night = [one for one in off if one.timestamp <= half_hour.start]
    if night:
        raise Wrong(
            "off-at-night",
            f"{alarm.name} goes off at night, when nobody pays",
            saw=f"ALARM without a single payment: {night[0].reason}",
            wanted="OK: no payments is no failure. Missing data should be notBreaching",
            look=f"TreatMissingData, in template.yaml. {MISSING}",
        )
    early = [one for one in off if one.timestamp <= half_hour.incident]
    if early:
        at = early[0].timestamp
        span = alarm.period * alarm.evaluation_periods
        if half_hour.bad_minute < at <= half_hour.bad_minute + 60 + span:
            raise Wrong(
                "one-bad-minute",
                f"{alarm.name} goes off after one bad minute",
                saw=f"one minute was bad, those around it were not, and the state was ALARM\n"
                f"{early[0].reason}",
                wanted="ALARM when 3 of the last 5 minutes are bad: somebody is woken by it",
                look=f"EvaluationPeriods and DatapointsToAlarm, in template.yaml. {ALARM}",
            )
        raise Wrong(
            "off-when-quiet",
            f"{alarm.name} goes off when all is well",
            saw=f"ALARM in minute {minute(half_hour, at)}; the incident begins in minute "
            f"{minute(half_hour, half_hour.incident)}\n{early[0].reason}",
            wanted="OK until something is wrong",
            look="Threshold and ComparisonOperator, in template.yaml: which figures does the "
            f"alarm compare? {ALARM}",
        )
    due = half_hour.incident + scene.SOON_MINUTES * 60
    if any(one.timestamp <= due for one in off):
        return
    needed = f"{plural(alarm.datapoints_to_alarm, 'bad period')} of {alarm.period} s"
    if off or alarm.period * alarm.datapoints_to_alarm > scene.SOON_MINUTES * 60:
        late = f"ALARM {(off[0].timestamp - half_hour.incident) // 60} minutes after" if off else ""
        raise Wrong(
            "alarm-late",
            f"{alarm.name} goes off late",
            saw=f"{late or 'no ALARM 17 minutes after'} the incident began; it wants {needed}, "
            f"beyond {number(alarm.threshold)}",
            wanted=f"ALARM within {scene.SOON_MINUTES} minutes; 3 bad minutes of 5 take 3 to 5",
            look=f"EvaluationPeriods, Period and Threshold, in template.yaml. {ALARM}",
        )
    raise Wrong(
        "threshold-never-reached",
        f"{alarm.name} stays quiet in the incident",
        saw=f"what it watches came to {extreme(half_hour, alarm)} in the incident; it wants "
        f"{needed}, beyond {number(alarm.threshold)}",
        wanted="ALARM: one payment of three fails and one of eight is slow, for 7 minutes, and "
        "then all fail",
        look="is the threshold in the unit of what it is compared with (percent or share, "
        "milliseconds or seconds)? And does the statistic notice one payment of eight?",
    )


def extreme(half_hour, alarm):
    """Return the figures that an alarm watches in the incident, as text."""
    span = range(half_hour.incident, half_hour.after)
    readings = [value for at, value in half_hour.readings(alarm).items() if at in span]
    if not readings:
        return "nothing"
    return f"{statistics.median(readings):.4g} (median), {max(readings):.4g} at the most"
