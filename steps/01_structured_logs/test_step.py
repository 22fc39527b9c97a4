"""What step 01 promises: the log says which charge it was, also when it failed, and no more."""

from workshop.course import promises
from workshop.course.promises import (
    ERRORS,
    STANDARD,
    charged,
    has_stack,
    is_structured,
    shortened,
)
from workshop.course.wrong import Wrong

KEYS = ("payment_id", "customer_id", "amount", "currency")
LOGGER = "https://docs.aws.amazon.com/powertools/python/latest/core/logger/"


def structured(sent):
    """Return the log events that are JSON and have a level: a print for debugging is neither."""
    return [line for line in sent.own_logs if is_structured(line)]


def shown(line):
    """Return a log event as text that fits a line or two."""
    if line.json is None:
        return f"the line {shortened(line.text)}"
    keys = ", ".join(key for key in line.json if key not in STANDARD) or "none"
    message = shortened(line.key("message"), 60) if "message" in line.json else "no message"
    level = line.level or "no level,"
    return f"{level} {message}; its keys beside the standard ones: {keys}"


def test_the_caller_is_answered_as_before(traffic):
    """Logging changes nothing for the caller."""
    promises.caller_is_answered(traffic)


def test_nothing_private_is_logged(traffic):
    """Card number, security code and holder are in no log event."""
    picked = f"the keys that are asked for, picked one by one: {', '.join(KEYS)}"
    promises.nothing_private_is_logged(traffic, picked=picked)


def test_a_payment_leaves_structured_log_events(traffic):
    """A payment that went well is logged as JSON with a level."""
    for sent in charged(traffic):
        if structured(sent):
            continue
        unlevelled = [line for line in sent.own_logs if line.json is not None and not line.is_emf]
        if unlevelled:
            raise Wrong(
                "level-missing",
                "the log events have no level",
                saw=shown(unlevelled[0]),
                wanted='a key "level", such as "INFO", on each',
                look=f"a logger adds it: logger.info(…). {LOGGER}",
            )
        if any(line.text.strip() == "{" for line in sent.own_logs):
            raise Wrong(
                "pretty-printed",
                "the JSON is cut: each of its lines has become a log event of its own",
                saw=f"{len(sent.own_logs)} log events of the handler's, none of them JSON\n"
                + "\n".join(shortened(line.text) for line in sent.own_logs[:3]),
                wanted="each log event on one line: CloudWatch cuts where a line ends",
                look="what indents it: indent=4, pprint, POWERTOOLS_DEV?",
            )
        if sent.own_logs and not structured(traffic.failed):
            raise Wrong(
                "print-only",
                "the log is prose: no log event is structured",
                saw=f"{len(sent.own_logs)} log events of the handler's, none of them JSON\n"
                + "\n".join(shortened(line.text) for line in sent.own_logs[:2]),
                wanted=f"JSON log events with a level and the keys {', '.join(KEYS)}",
                look=f"Logger, in place of print. {LOGGER}",
            )
        raise Wrong(
            "nothing-shows",
            "a payment that went well leaves no structured log event",
            saw=f"{len(sent.own_logs) or 'no'} lines of text from the handler, and no JSON",
            wanted=f"a log event at level INFO with the keys {', '.join(KEYS)}",
            look="which level do you log at, and which is shown? A Logger shows INFO and above",
        )


def test_a_payment_is_logged_with_its_keys(traffic):
    """One log event of each payment has all four keys, and this payment's values."""
    for sent in charged(traffic):
        lines = structured(sent)
        best = max(lines, key=lambda line: sum(key in line.json for key in KEYS))
        missing = [key for key in KEYS if key not in best.json]
        if missing:
            raise keys_missing(sent, lines, best, missing)
        for key in KEYS:
            if best.key(key) != sent.event[key]:
                raise Wrong(
                    "value-wrong",
                    f"{key} in the log event is not that of the payment",
                    saw=f'"{key}": {shortened(best.key(key))}',
                    wanted=f'"{key}": {shortened(sent.event[key])}, the value and the type as in '
                    "the event: text cannot be added up",
                    look=f"the log event {shortened(best.json.get('message'))} in app.py",
                )


def keys_missing(sent, lines, best, missing):
    """Say where the values are instead."""
    wanted = f"one log event with all of {', '.join(KEYS)} as keys"
    payment_id = sent.event["payment_id"]
    if "payment_id" not in best.json:
        for line in lines:
            inside = [key for key, value in line.json.items() if payment_id in held(value)]
            if inside:
                return Wrong(
                    "keys-nested",
                    "the keys are inside another key of the log event",
                    saw=f'"payment_id" inside "{inside[0]}"; at the top: {", ".join(line.json)}',
                    wanted=f"{wanted}, at its top",
                    look='keys are keyword arguments: logger.info("…", payment_id=…), or **payment',
                )
            if payment_id in str(line.json.get("message")):
                return Wrong(
                    "keys-in-sentence",
                    "the values are in the sentence, not in keys",
                    saw=shown(line),
                    wanted=f"{wanted}, and a message that is the same for every payment",
                    look='keys are keyword arguments: logger.info("…", payment_id=…)',
                )
    return Wrong(
        "key-missing",
        f"the log events of a payment lack {', '.join(missing)}",
        saw="\n".join(shown(line) for line in lines[:3]),
        wanted=wanted,
        look='keys are keyword arguments: logger.info("…", payment_id=…)',
    )


def held(value):
    """Return what an object holds at any depth; nothing for plain values."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return []
    return value + [inner for child in value for inner in held(child)]


def test_success_is_not_an_error(traffic):
    """A payment that went well logs nothing at level ERROR."""
    for sent in charged(traffic):
        for line in structured(sent):
            if line.level in ERRORS:
                raise Wrong(
                    "success-at-error",
                    "a payment that went well is logged as an error",
                    saw=shown(line),
                    wanted="INFO for what goes well: whoever is woken by errors should be able to "
                    "trust them",
                    look="logger.info(…) for this one in app.py",
                )


def test_log_events_name_their_service(traffic):
    """Many services write to one place: each log event says which it is from."""
    for sent in charged(traffic):
        for line in structured(sent):
            if "payment_id" in line.json and line.key("service") != "payments":
                raise Wrong(
                    "service-missing",
                    "the log events do not name the service",
                    saw=f'"service": {shortened(line.key("service"))}',
                    wanted='"service": "payments"',
                    look=f"Logger takes it by name, or from POWERTOOLS_SERVICE_NAME. {LOGGER}",
                )


def test_a_failure_is_logged_as_an_error(traffic):
    """A failed payment is logged at level ERROR, with its stack and its payment."""
    lines = structured(traffic.failed)
    errors = [line for line in lines if line.level in ERRORS]
    if not errors:
        usual = {str(line.key("message")) for sent in charged(traffic) for line in structured(sent)}
        others = [line for line in lines if str(line.key("message")) not in usual]
        if others:
            raise Wrong(
                "failure-not-error",
                "the failure is not logged as an error",
                saw=shown(others[-1]),
                wanted='"level": "ERROR", so that errors can be counted and found',
                look="logger.exception(…), in the except block in app.py",
            )
        raise Wrong(
            "failure-not-logged",
            "a failed payment leaves no error in your log events",
            saw="\n".join(map(shown, lines[:3])) or "no log event of the failed payment",
            wanted="a log event at level ERROR, with the stack and the payment_id",
            look=f"try and except around processor.charge in app.py. {LOGGER}#logging-exceptions",
        )
    with_stack = [line for line in errors if has_stack(line)]
    if not with_stack:
        raise Wrong(
            "error-without-stack",
            "the error has no stack: it says what, and not where",
            saw=shown(errors[0]),
            wanted="the stack of the exception in the log event",
            look=f"logger.exception(…) adds it. {LOGGER}#logging-exceptions",
        )
    payment_id = traffic.failed.event["payment_id"]
    if not any(line.key("payment_id") == payment_id for line in with_stack):
        raise Wrong(
            "error-without-payment",
            "the error does not say which payment it was",
            saw=shown(with_stack[0]),
            wanted=f'"payment_id": "{payment_id}" in the log event that has the stack',
            look="the keys that the other log events get, here too",
        )
