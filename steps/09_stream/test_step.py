"""What step 09 promises: a bad record costs itself, and no other, and does not get lost."""

import pytest

from workshop.course import settlements, stream_traffic
from workshop.course.promises import is_structured, listed, number, plural, shortened
from workshop.course.wrong import Wrong

TELLING = ("WARNING", "ERROR", "CRITICAL", "FATAL")
MOST_SECONDS = 600
WAYS = {
    settlements.CUT_OFF: "its data is cut off, and no JSON",
    settlements.NO_AMOUNT: "it has no amount",
}
BATCH = "https://docs.aws.amazon.com/powertools/python/latest/utilities/batch/"
PARTIAL = "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html"
MAPPING = "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html"
DESTINATION = "https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html"


@pytest.fixture(scope="module")
def all_good(stream):
    """A batch in which every record can be booked."""
    return stream.send([settlements.good(stream.random) for _ in range(4)])


@pytest.fixture(scope="module")
def mixed(stream, all_good):
    """A batch with three bad records at random places, the first excepted."""
    count = stream.random.randint(7, 10)
    items = settlements.mixed(
        stream.random, count, 3, first_is_good=True, first_bad=settlements.NO_AMOUNT
    )
    return stream.send(items)


@pytest.fixture(scope="module")
def all_bad(stream, mixed):
    """A batch in which no record can be booked, and the first cannot even be read."""
    return stream.send(settlements.mixed(stream.random, 2, 2, first_bad=settlements.CUT_OFF))


@pytest.fixture(scope="module")
def run(stream, all_bad):
    """Two dozen records through the event source mapping, four of them bad."""
    return stream.run(settlements.mixed(stream.random, 24, 4))


@pytest.fixture(scope="module")
def poisoned(stream, run):
    """A stream with nothing but bad records."""
    return stream.run(settlements.mixed(stream.random, 3, 3))


def places(batch):
    """Return which records of a batch are bad, counted from 1."""
    *others, last = [str(place + 1) for place in batch.bad_places]
    return f"{', '.join(others)} and {last}" if others else last


def test_the_stream_invokes_the_function(stream):
    """An event source mapping reads the stream for the function."""
    if not stream.settings:
        raise Wrong(
            "mapping-missing",
            "nothing reads the stream",
            saw="no event of type Kinesis in the function's Events",
            wanted="the event Payments, type Kinesis, as the step began",
            look="Events of SettlementsFunction in template.yaml",
        )


def test_one_bad_record_does_not_fail_the_batch(all_good, mixed):
    """The handler returns, though some records of its batch cannot be booked."""
    if not mixed.sent.succeeded:
        error = mixed.sent.error
        look = "process_partial_response calls `settle` for each record."
        if error.get("errorMessage") in ("'messageId'", "'dynamodb'"):
            look = "whose key is that? The BatchProcessor's event_type says whose records they are."
        raise Wrong(
            "whole-batch-failed",
            "one bad record fails the whole batch",
            saw=f"{len(mixed.items)} records, of which {places(mixed)} cannot be booked: the "
            f"handler raised\n{error.get('errorType')}: {error.get('errorMessage')}",
            wanted="an answer that names the records that failed: a batch that raises is sent "
            "again as a whole, good records included",
            look=f"{look} {BATCH}",
        )


def test_good_records_are_not_reported(all_good):
    """A batch without a bad record is a success."""
    response = all_good.sent.response
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not failures:
        return
    errors = [line.key("exception") for line in all_good.sent.own_logs]
    last = [str(one).strip().splitlines()[-1] for one in errors if one]
    raise Wrong(
        "good-reported",
        "good records are reported as failed",
        saw=f"{len(all_good.items)} records that can be booked; {len(failures)} reported\n"
        + (f"the first error in the log: {last[0]}" if last else "the log holds no error"),
        wanted="each of them booked, and nothing reported",
        look="what does `settle` raise in app.py?",
    )


def test_what_is_reported_can_be_read(mixed):
    """The answer names records by itemIdentifier, in a list batchItemFailures."""
    response = mixed.sent.response
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if response is None or failures == [] or (isinstance(response, dict) and failures is None):
        raise swallowed(
            mixed, f"the handler returned {shortened(response)}: that is a success for Lambda"
        )
    readable = isinstance(failures, list) and all(
        isinstance(one, dict) and isinstance(one.get("itemIdentifier"), str) for one in failures
    )
    if not readable:
        raise Wrong(
            "failures-malformed",
            "Lambda cannot read which records failed",
            saw=f"the handler returned {shortened(response)}",
            wanted='{"batchItemFailures": [{"itemIdentifier": "<sequence number>"}]}, each of them '
            "text; anything else fails the whole batch",
            look=f"what the handler returns in app.py. {PARTIAL}",
        )
    known = {one.sequence_number for one in mixed.records}
    unknown = [one["itemIdentifier"] for one in failures if one["itemIdentifier"] not in known]
    if unknown:
        raise Wrong(
            "identifier-unknown",
            "what is reported is no record of the batch",
            saw=f"itemIdentifier {shortened(unknown[0])}{what_it_is(mixed, unknown[0])}",
            wanted="the sequence number of a record: record['kinesis']['sequenceNumber']; with "
            "any other, Lambda takes the whole batch for failed",
            look=f"what the handler returns in app.py. {PARTIAL}",
        )


def what_it_is(batch, identifier):
    """Say what was taken for a sequence number."""
    records = batch.sent.event["Records"]
    if identifier in {one["eventID"] for one in records}:
        return ": that is its eventID"
    if identifier in {one["kinesis"]["partitionKey"] for one in records}:
        return ": that is its partition key"
    if identifier in {one.payment["payment_id"] for one in batch.items}:
        return ": that is the payment's id"
    if identifier.isdecimal() and int(identifier) <= len(records):
        return ": that is its place in the batch"
    return ""


def test_what_is_reported_is_what_failed(mixed):
    """Lambda goes on from the first bad record, and from no good one before it."""
    first = mixed.bad_places[0]
    numbers = [one.sequence_number for one in mixed.records]
    reported = sorted(
        numbers.index(one["itemIdentifier"]) for one in mixed.sent.response["batchItemFailures"]
    )
    told = ", ".join(str(place + 1) for place in reported)
    if reported[0] < first:
        raise Wrong(
            "good-reported",
            "a good record is reported as failed",
            saw=f"of {len(numbers)} records, {places(mixed)} cannot be booked; reported: {told}",
            wanted=f"the lowest sequence number reported to be that of record {first + 1}: Lambda "
            "begins again at the lowest, and takes all before it for done",
            look=f"which records does app.py put into batchItemFailures? {PARTIAL}",
        )
    if reported[0] > first:
        raise swallowed(mixed, f"reported: {told}; Lambda takes all before that for done")


def swallowed(batch, saw):
    """Say what is wrong with a bad record that nobody hears of."""
    look = f"does the error leave `settle`, so that the processor sees it? {BATCH}"
    response = batch.sent.response
    if isinstance(response, dict) and response and "batchItemFailures" not in response:
        look = f"the key has to be batchItemFailures, to the letter, in the dict itself. {PARTIAL}"
    if response is None:
        look = f"is there a `return` before what says which records failed? {BATCH}"
    return Wrong(
        "bad-swallowed",
        "a bad record is lost without a word",
        saw=f"{len(batch.items)} records, of which {places(batch)} cannot be booked\n{saw}",
        wanted="each record that cannot be booked in batchItemFailures, by its sequence number",
        look=look,
    )


def test_bad_records_alone_are_not_taken_for_good(all_bad):
    """A batch of bad records only is a failure, by error or by report."""
    sent = all_bad.sent
    if not sent.succeeded:
        return
    response = sent.response
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    reported = [one.get("itemIdentifier") for one in failures or [] if isinstance(one, dict)]
    if all_bad.records[0].sequence_number not in reported:
        raise swallowed(all_bad, f"the handler returned {shortened(response)}")


def test_a_bad_record_is_told_of_in_the_log(mixed, all_bad):
    """A log event at WARNING or above names the record that could not be booked."""
    # The first bad one of each: a handler may stop there. It is bad in another way in each.
    for batch in (mixed, all_bad):
        numbers = [batch.records[place].sequence_number for place in batch.bad_places]
        lines = [line for line in batch.sent.own_logs if is_structured(line)]
        telling = [line for line in lines if line.level in TELLING]
        told = [any(number in line.text for line in telling) for number in numbers]
        if told[0]:
            continue
        if any(told):
            fault = batch.items[batch.bad_places[0]].fault
            raise Wrong(
                "rejection-not-logged",
                "nobody is told of a record that is bad in another way",
                saw=f"{plural(len(numbers), 'record')} could not be booked, and no log event at "
                f"WARNING or above names record {batch.bad_places[0] + 1}: {WAYS[fault]}",
                wanted="a log event at WARNING or above, with the record's sequence_number, of "
                "each: also of one whose data cannot be read",
                look="`settle` in app.py: does the `try` begin before the data is decoded, and "
                "does the `except` take every Exception?",
            )
        if not telling:
            raise Wrong(
                "rejection-not-logged",
                "nobody is told of a bad record",
                saw=f"{plural(len(batch.bad_places), 'record')} could not be booked; levels of "
                f"the log events: {listed(str(line.level) for line in lines)}",
                wanted="a log event at WARNING or above, with the record's sequence_number",
                look="`logger.exception` in `settle`, where the error is, before `raise`; if it is "
                "there, workshop run 09 --event only_poison shows what that line raised itself",
            )
        raise Wrong(
            "record-not-named",
            "the log does not say which record it was",
            saw=f"{telling[0].level} {shortened(telling[0].key('message'))}, with the keys "
            f"{listed(telling[0].json)}",
            wanted="the record's sequence number, such as the key sequence_number: it is all that "
            "a record has when its data cannot be read, and all that the on-failure queue is told",
            look="record['kinesis']['sequenceNumber'], as a key of the log event",
        )


def test_nothing_private_is_shown(all_good, mixed, all_bad):
    """The card's holder is in no signal, and neither is a record's data."""
    for batch in (all_good, mixed, all_bad):
        leaks = stream_traffic.find_private(batch.items, [batch.sent])
        look = "which line in app.py gives away the payment, or the record?"
        if all(leak.signal == "segment" and " error" in leak.where for leak in leaks):
            look = "the tracer keeps the exception, with the record in it: capture_error=False"
        if leaks:
            raise Wrong(
                "private-data-shown",
                "private data is in the log or in the trace",
                saw="\n".join(map(str, leaks[:3])),
                wanted="the record's sequence number, the payment's id: nothing that tells of a "
                "person. A record's data is readable, base64 or not",
                look=look,
            )


def test_lambda_reads_the_answer(stream):
    """The mapping has Lambda look at which records failed."""
    if not stream.settings[0].reports_items:
        raise Wrong(
            "response-types-missing",
            "Lambda does not read which records failed",
            saw="the handler names the records that failed; the mapping has no "
            "FunctionResponseTypes. So whatever it returns is a success, and the bad are lost",
            wanted="FunctionResponseTypes: [ReportBatchItemFailures]",
            look=f"Properties of the event Payments in template.yaml. {MAPPING}",
        )


def test_a_bad_record_is_given_up(run):
    """A record that fails and fails again is given up, so that those behind it get their turn."""
    if run.delivery.unfinished:
        raise Wrong(
            "endless-retries",
            "a bad record is tried for ever, and those behind it wait",
            saw=f"after {len(run.delivery.attempts)} invocations {len(run.delivery.unfinished)} of "
            f"{len(run.items)} records were still waiting; "
            + (
                "no MaximumRetryAttempts: Lambda goes on until the record expires, after a day"
                if run.settings.retry_attempts < 0
                else f"MaximumRetryAttempts: {run.settings.retry_attempts}"
            ),
            wanted="a few retries, such as MaximumRetryAttempts: 2",
            look=f"Properties of the event Payments in template.yaml. {MAPPING}",
        )


def test_good_records_are_not_given_up(run):
    """No good record is given up because it stood beside a bad one."""
    lost = [name for name in run.given_up if not run.item_of[name].fault]
    if lost:
        raise Wrong(
            "good-lost",
            "good records are given up together with a bad one",
            saw=f"of {len(run.items)} records {len(run.bad)} were bad; "
            f"given up: {len(run.given_up)}, of which {len(lost)} good ({run.given_up[lost[0]]})",
            wanted="the bad ones only. What is left of a batch is given up as one, so it has to be "
            "split until the bad record is alone: BisectBatchOnFunctionError: true",
            look=f"Properties of the event Payments in template.yaml. {PARTIAL}"
            "#streams-batchfailurereporting-bisect",
        )


def test_bad_records_end_where_they_can_be_found(run, poisoned):
    """Every record that was given up is named in a message to the on-failure destination."""
    for one in (run, poisoned):
        bad = [number for number, item in one.item_of.items() if item.fault]
        missing = [number for number in bad if number not in one.given_up]
        if missing:
            raise Wrong(
                "bad-swallowed",
                "a bad record is lost without a word",
                saw=f"of {plural(len(bad), 'bad record')}, {len(missing)} ended as a success: "
                "neither tried again nor given up",
                wanted="each of them reported by the function until Lambda gives it up",
                look="does the error leave `settle`, also when the record comes again, alone?",
            )
        if not one.told >= set(bad):
            raise Wrong(
                "no-destination",
                "what is given up is not kept anywhere",
                saw=f"{plural(len(one.given_up), 'record')} given up, and nobody told: there is no "
                "on-failure destination"
                if one.settings.on_failure_arn is None
                else f"{plural(len(one.given_up), 'record')} given up, "
                f"{plural(len(one.messages), 'message')} in {one.settings.destination}",
                wanted="DestinationConfig: OnFailure with the ARN of RejectedQueue",
                look=f"Properties of the event Payments in template.yaml. {DESTINATION}",
            )


def test_lambda_may_write_to_the_destination(template, run):
    """The function's role lets Lambda tell the on-failure destination."""
    function = template.function()
    properties = template.resources[function.logical_id].get("Properties") or {}
    arn = str(run.settings.on_failure_arn)
    service = arn.split(":")[2]
    event = next(one for one in function.events if one.name == run.settings.name)
    kind = event.properties["DestinationConfig"]["OnFailure"].get("Type")
    # A role of one's own, or a policy that speaks of the service, is not looked into.
    if kind == service.upper() or "Role" in properties:
        return
    if service in str(properties.get("Policies", "")).lower():
        return
    raise Wrong(
        "destination-not-allowed",
        "AWS would refuse the mapping: the function may not write to its on-failure destination",
        saw=f"OnFailure {f'of Type: {kind}' if kind else 'without a Type'}, and the destination "
        f"{arn}",
        wanted=f"Type: {service.upper()} beside the Destination: by it, SAM adds the permission "
        "to the function's role",
        look=f"OnFailure of the event {event.name} in template.yaml. {DESTINATION}",
    )


def test_good_records_do_not_wait_long(run):
    """Bad records hold up those behind them for minutes at most."""
    oldest = max((one.iterator_age_ms / 1000 for one in run.delivery.attempts), default=0)
    if oldest > MOST_SECONDS * len(run.bad):
        raise Wrong(
            "shard-held-up",
            "a bad record holds the shard up for too long",
            saw=f"{plural(len(run.bad), 'bad record')} among {len(run.items)}; IteratorAge rose "
            f"to {oldest / 60:.0f} minutes",
            wanted=f"at most {MOST_SECONDS // 60} minutes for each bad record: what failed three "
            "times fails the fourth time",
            look=f"MaximumRetryAttempts in template.yaml. {MAPPING}",
        )


def test_every_good_record_counts_once(run):
    """However often Lambda sends a record, SettledPayment counts it once."""
    counted, good = run.total("SettledPayment"), len(run.good)
    if counted == good:
        return
    sends = sum(len(one.records) for one in run.delivery.attempts)
    if counted > good:
        raise Wrong(
            "counted-twice",
            "good records are counted more than once",
            saw=f"SettledPayment {number(counted)}, and {good} payments settled. The mapping sent "
            f"{len(run.items)} records {sends} times: from the first bad one on, all come again",
            wanted=f"SettledPayment {good}: nothing counted for a payment that was booked before",
            look="what does ledger.book return?",
        )
    raise Wrong(
        "settlement-missing",
        "good records are not counted",
        saw=f"SettledPayment {number(counted)}, and {good} payments that can be settled",
        wanted=f"SettledPayment {good}: each of them booked, and counted when it is new",
        look="does every good record get as far as `count` in app.py?",
    )


def test_amounts_are_kept_by_currency(run):
    """SettledAmount sums to what was settled, for each currency."""
    found = dict(run.totals("SettledAmount", "currency"))
    wanted: dict[str, int] = {}
    for one in run.good:
        currency = one.payment["currency"]
        wanted[currency] = wanted.get(currency, 0) + one.payment["amount"]
    if found != wanted:
        raise Wrong(
            "amount-wrong",
            "SettledAmount is not what was settled",
            saw=f"by the dimension currency: {shortened(found)}",
            wanted=shortened(wanted),
            look="`count` in app.py: once for each new payment, its amount in cents",
        )
