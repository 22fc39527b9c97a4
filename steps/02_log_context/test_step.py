"""What step 02 promises: each log event says which request it is of, and nothing of another's.

Also that the template says how long the log is kept. Debug log events are not judged.
"""

from workshop.course import promises
from workshop.course.promises import (
    ERRORS,
    STANDARD,
    charged,
    has_stack,
    is_structured,
    listed,
    shortened,
)
from workshop.course.wrong import Wrong
from workshop.processor.cards import UNAVAILABLE

FUNCTION = ("function_name", "function_memory_size", "function_arn")
"""Keys that are the same for every request."""

LOGGER = "https://docs.aws.amazon.com/powertools/python/latest/core/logger/"
RETENTION = (
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
    "API_PutRetentionPolicy.html"
)


def structured(sent):
    """Return the handler's log events: JSON with a level, after START (import may log too)."""
    started = [
        place
        for place, line in enumerate(sent.logs)
        if line.text.startswith("START ") or line.key("type") == "platform.start"
    ]
    first = started[0] if started else 0
    return [line for line in sent.logs[first:] if is_structured(line)]


def shown(line):
    """Return a log event as text that fits a line or two."""
    keys = ", ".join(key for key in line.json if key not in STANDARD + FUNCTION) or "none"
    message = shortened(line.key("message"), 60)
    return f"{line.level} {message}, its keys beside the standard ones: {keys}"


def test_the_caller_is_answered_as_before(traffic):
    """Logging changes nothing for the caller."""
    promises.caller_is_answered(traffic)


def test_nothing_private_is_logged(traffic):
    """Card number, security code and holder are in no log event."""
    whole = "log_event=True in app.py, or a line that logs or prints `event`, or all its fields?"
    promises.nothing_private_is_logged(traffic, whole=whole)


def test_every_payment_leaves_structured_log_events(traffic):
    """Every payment, also one that failed, is logged as JSON with a level."""
    for sent in traffic:
        if not structured(sent):
            outcome = "went well" if sent.succeeded else "failed"
            raise Wrong(
                "no-log-events",
                f"a payment that {outcome} leaves no structured log event",
                saw=f"{len(sent.own_logs) or 'no'} lines of text from the handler, and no JSON",
                wanted="the log events of step 01, with more keys",
                look="the logger and its level in app.py; workshop diff 02",
            )


def test_log_events_say_which_request(traffic):
    """Every log event of an invocation has its request id."""
    for sent in traffic:
        lines = structured(sent)
        bare = [line for line in lines if not line.key("function_request_id")]
        if bare:
            raise Wrong(
                "no-context",
                "the log events do not say which request they belong to",
                saw=f"{len(bare)} of {len(lines)} log events without the key function_request_id\n"
                + shown(bare[0]),
                wanted="function_request_id and cold_start on every one of them",
                look=f"a decorator for the handler: {LOGGER}#capturing-lambda-context-info",
            )
        for line in lines:
            if line.key("function_request_id") != sent.invocation.request_id:
                raise Wrong(
                    "request-id-stale",
                    "a log event carries the request id of another invocation",
                    saw=f'"function_request_id": {shortened(line.key("function_request_id"))}',
                    wanted=f'"{sent.invocation.request_id}", as in the START line before it',
                    look="where is the key set? It has to be on every invocation, from its context",
                )


def test_log_events_say_whether_it_was_a_cold_start(traffic):
    """cold_start is true on the first invocation of an environment, and on no other."""
    for sent in traffic:
        for line in structured(sent):
            cold = line.key("cold_start")
            if cold is None:
                raise Wrong(
                    "cold-start-missing",
                    "the log events do not say whether it was a cold start",
                    saw=shown(line),
                    wanted='a key "cold_start", true or false',
                    look=f"{LOGGER}#capturing-lambda-context-info",
                )
            if (str(cold).lower() == "true") is not sent.invocation.cold_start:
                what = "the first" if sent.invocation.cold_start else "a later"
                raise Wrong(
                    "cold-start-wrong",
                    f"cold_start is wrong on {what} invocation of an execution environment",
                    saw=f'"cold_start": {shortened(cold)}',
                    wanted="true on the first, false on every one after it",
                    look="the module is loaded once; the handler runs on every invocation",
                )


def test_log_events_have_the_callers_correlation_id(traffic):
    """Every log event has the correlation id that came with the event."""
    for sent in traffic:
        for line in structured(sent):
            found = line.key("correlation_id")
            if not found:
                raise Wrong(
                    "no-correlation-id",
                    "the caller's correlation id is not on the log events",
                    saw=shown(line),
                    wanted=f'"correlation_id": "{sent.event["correlation_id"]}"',
                    look="correlation_id_path says where in the event it is; here it is at the "
                    f"top. {LOGGER}#setting-a-correlation-id",
                )
            if found != sent.event["correlation_id"]:
                raise Wrong(
                    "correlation-id-wrong",
                    "correlation_id is not the caller's",
                    saw=f'"correlation_id": {shortened(found)}',
                    wanted=f'"{sent.event["correlation_id"]}", as in the event',
                    look="correlation_id_path says where in the event it is",
                )


def test_log_events_say_which_payment(traffic):
    """Payment and customer are on the log events, and stay there to the end of the invocation."""
    for sent in charged(traffic):
        lines = structured(sent)
        for key in ("payment_id", "customer_id"):
            have = [line.key(key) == sent.event[key] for line in lines]
            if not any(have) or not have[-1]:
                line = lines[-1] if any(have) else lines[0]
                raise Wrong(
                    "payment-missing",
                    f"{key} is not on {'every' if any(have) else 'any'} log event of a payment",
                    saw=shown(line),
                    wanted=f'"{key}": "{sent.event[key]}", from where it is known to the end',
                    look=f"logger.append_keys(…): {LOGGER}#append_keys-method",
                )
        for key in ("amount", "currency"):
            if not any(line.key(key) == sent.event[key] for line in lines):
                raise Wrong(
                    "payment-missing",
                    f"{key} is on no log event of a payment",
                    saw="\n".join(map(shown, lines[:3])),
                    wanted=f'"{key}": {shortened(sent.event[key])} on one of them, as in step 01',
                    look="the log event before the charge, or the one after it",
                )


def test_the_campaign_is_logged_when_there_is_one(traffic):
    """A payment that belongs to a campaign says so."""
    for sent in (traffic.first, traffic.planted):
        lines = structured(sent)
        if not any(line.key("campaign") == sent.event["campaign"] for line in lines):
            raise Wrong(
                "campaign-missing",
                "the campaign is not on the log events of a payment that has one",
                saw=shown(lines[-1]),
                wanted=f'"campaign": "{sent.event["campaign"]}"',
                look="logger.append_keys(campaign=…), if it is in the event",
            )


def test_a_failure_has_the_context_too(traffic):
    """The log event of a failure has its stack, its request and its payment."""
    errors = [line for line in structured(traffic.failed) if line.level in ERRORS]
    payment_id = traffic.failed.event["payment_id"]
    for line in errors:
        if has_stack(line) and line.key("payment_id") == payment_id:
            return
    raise Wrong(
        "error-without-context",
        "the failure's log event does not say all it should",
        saw=shown(errors[-1]) if errors else "no log event at level ERROR",
        wanted=f'the stack and "payment_id": "{payment_id}" on one log event at level ERROR',
        look="logger.exception(…), in the except block in app.py",
    )


def test_no_key_leaks_into_the_next_invocation(traffic, send, payment):
    """What one invocation appends is gone in the next, also after a failure."""
    card = payment()["card"]["number"][:-4] + UNAVAILABLE
    failed = send(payment(card={"number": card}), may_fail=True)
    after = send(payment(campaign=None))
    earlier = {}
    for sent in (*traffic, failed, after):
        own = identities(sent)
        for line in structured(sent):
            for key, value in line.json.items():
                if isinstance(value, str) and value in earlier and value not in own:
                    raise Wrong(
                        "key-leaks",
                        f"{key} leaks into the next invocation",
                        saw=f'"{key}": "{value}" on a payment that has nothing to do with it\n'
                        f"It belongs to the {earlier[value]}",
                        wanted="every invocation to start without the keys of those before it",
                        look=f"a logger outlives the invocation: {LOGGER}#clearing-all-state",
                    )
        outcome = "went well" if sent.succeeded else "failed"
        earlier |= dict.fromkeys(own, f"payment before, which {outcome}")


def identities(sent):
    """Return the values that belong to one invocation and to no other."""
    values = {sent.event[key] for key in ("payment_id", "customer_id", "correlation_id")}
    values |= {sent.event.get("campaign"), sent.invocation.request_id}
    if sent.succeeded:
        values.add(str(sent.response["charge_id"]))
    return values - {None}


def test_the_log_group_keeps_its_events_for_a_set_time(template):
    """The template declares the log group that the function writes to, and its retention."""
    function = template.function()
    if not template.log_groups:
        kinds = listed(str(one.get("Type")) for one in template.resources.values())
        raise Wrong(
            "no-log-group",
            "the template does not say how long the log is kept",
            saw=f"its resources: {kinds}\nLambda would make a log group that keeps everything for "
            "ever",
            wanted="one of the type AWS::Logs::LogGroup, with RetentionInDays",
            look="template.yaml; https://docs.aws.amazon.com/AWSCloudFormation/latest/"
            "TemplateReference/aws-resource-logs-loggroup.html",
        )
    group = template.log_groups.get(function.log_group)
    if group is None:
        raise Wrong(
            "other-log-group",
            "the function writes to a log group that the template does not declare",
            saw=f"declared: {', '.join(template.log_groups)}; the function's: {function.log_group}",
            wanted="the same log group in both places",
            look="LogGroupName, and the function's LoggingConfig, in template.yaml",
        )
    if group.retention_days is None:
        raise Wrong(
            "no-retention",
            "the log group keeps its events for ever",
            saw=f"{group.logical_id} without RetentionInDays",
            wanted="RetentionInDays: 30, or as long as you are prepared to pay for",
            look=f"template.yaml; {RETENTION}",
        )
