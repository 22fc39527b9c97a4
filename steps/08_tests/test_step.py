"""What step 08 promises: your tests pass on the handler as it is, and on no faulty form of it.

They run on the app.py that the step gives, and on forms of it with one thing changed: a line of
faults.toml each.
"""

from workshop.course.learner_tests import REVERSED, shown_names
from workshop.course.wrong import Wrong

DOCS = "https://docs.aws.amazon.com/lambda/latest/dg/testing-guide.html"
MOST = 5


def place(tests, failure):
    """Return where a test failed: `test_app.py:12: assert …`."""
    if failure.line is None:
        return tests.file
    return f"{tests.file}:{failure.line}: {failure.text}".removesuffix(": ")


def said(failure):
    """Return what a failed test said, on a few lines."""
    lines = [line for line in failure.message.splitlines() if line.strip()]
    text = "\n".join(line[:120] for line in lines[:MOST])
    return f"{failure.name}\n{text}" if failure.name else text


def outcomes(run):
    """Return how many tests there are, by outcome."""
    counts = {one: list(run.tests.values()).count(one) for one in ("passed", "failed", "skipped")}
    return ", ".join(f"{count} {one}" for one, count in counts.items() if count) or "no test"


def test_your_tests_can_be_imported(learner_tests):
    """pytest can read your test file and finds tests in it."""
    run = learner_tests.good
    if run.unreadable is not None:
        raise Wrong(
            "import-error",
            f"{learner_tests.file} cannot be imported",
            saw=said(run.unreadable),
            wanted="a test file that pytest can import: app, processor, and what is installed",
            look=place(learner_tests, run.unreadable),
            hint=False,
        )
    if run.ended is None and run.hung is None and not run.tests:
        raise Wrong(
            "no-tests",
            f"there is no test in {learner_tests.file}",
            saw="pytest collected nothing",
            wanted="functions whose names begin with test_, or methods of that name in a class "
            "whose name begins with Test",
            look=f"{learner_tests.file}: how are your functions called?",
        )


def test_your_tests_come_to_an_end(learner_tests):
    """Your tests come to an end, all of them."""
    run = learner_tests.good
    if run.hung is not None:
        running = run.hung or "the import of the file"
        raise Wrong(
            "tests-hang",
            f"your tests did not end within {run.seconds:g} s",
            saw=f"the one that was running then: {running}",
            wanted="tests that take a moment: they are to be run after every change",
            look="a loop without an end, a sleep, or a wait for what never comes?",
        )
    exits = [one for one in run.failures if one.message.startswith("SystemExit")]
    if run.ended is not None or exits:
        how = run.ended or said(exits[0])
        raise Wrong(
            "tests-exit",
            "your tests end the whole run",
            saw=f"{how}; so far: {outcomes(run)}",
            wanted="tests that return, or fail by an assert: whoever runs them goes on then",
            look=f"{learner_tests.file}: sys.exit, os._exit, exit() or pytest.exit?",
            hint=False,
        )


def test_your_tests_stay_on_this_machine(learner_tests):
    """Your tests call nobody: neither the internet nor the real processor."""
    run = learner_tests.good
    away = [one for one in run.connections if not one.startswith(("127.", "::1", "localhost"))]
    if away:
        raise Wrong(
            "network-used",
            "a test wants to go to the internet",
            saw=f"a connection to {shown_names(away)}, which the check does not let through",
            wanted="tests that fake what is far away: else they fail with it, and on a train",
            look=f"{learner_tests.file}: which call leaves this machine?",
        )
    if not run.passed and "127.0.0.1:9" in run.connections:
        failure = run.failures[0] if run.failures else None
        raise Wrong(
            "processor-not-faked",
            "a test calls the real processor",
            saw="a connection to 127.0.0.1:9, the PROCESSOR_URL of conftest.py; "
            + (f"failed then: {failure.name}" if failure else outcomes(run)),
            wanted="a fake in its place, which answers at once and remembers how it was asked",
            look="does that test ask for the fixture `charge`? By hand it is "
            'monkeypatch.setattr(processor, "charge", …), before the handler is called'
            + (f"\n{place(learner_tests, failure)}" if failure else ""),
        )


def test_your_tests_pass_on_the_handler_as_it_is(learner_tests):
    """Your tests pass on the handler as it is."""
    run = learner_tests.good
    if run.rewritten:
        raise Wrong(
            "app-rewritten",
            f"your tests write over {shown_names(run.rewritten)}",
            saw="the file says something else after your tests than before (it was a copy)",
            wanted="tests that leave the code as they find it: they judge what will be deployed",
            look="monkeypatch changes a function for one test, and puts it back afterwards",
        )
    if run.failures:
        failure = run.failures[0]
        more = len(run.failures) - 1
        raise Wrong(
            "fails-on-good",
            "a test fails, though the handler is right",
            saw=said(failure) + (f"\n(and {more} more)" if more else ""),
            wanted="every test to pass on the app.py that is given",
            look=place(learner_tests, failure)
            + f"\nthe same by hand: pytest steps/08_tests/{learner_tests.file}",
        )
    if not run.passed:
        raise Wrong(
            "no-tests",
            "no test has run to its end",
            saw=outcomes(run) if run.tests else f"pytest ended with status {run.status}",
            wanted="tests that run: a skipped one notices nothing",
            look=f"{learner_tests.file}: skip, skipif or xfail?",
        )


def test_your_tests_pass_in_any_order(learner_tests):
    """Your tests pass in any order."""
    run = learner_tests.runs[REVERSED]
    if not run.passed:
        failure = run.failures[0] if run.failures else None
        raise Wrong(
            "order-dependent",
            "your tests need one another",
            saw="all pass as they stand; with the last one first:\n"
            + (said(failure) if failure else outcomes(run)),
            wanted="tests that each make what they need, so that one can be run alone",
            look=(f"{place(learner_tests, failure)}\n" if failure else "")
            + "what does it find that another test has left? A fixture makes it anew",
        )


def test_your_tests_look(learner_tests):
    """Your tests call the handler, and assert something of it."""
    for change in learner_tests.of_kind("probe"):
        if not learner_tests.noticed(change):
            called = change.rule != "handler-not-called"
            raise Wrong(
                change.rule,
                "your tests assert nothing" if called else "your tests never call the handler",
                saw=f"they pass ({outcomes(learner_tests.runs[change.rule])}) when {change.does}",
                wanted="tests that send a payment, and fail when it is not charged",
                look=change.look,
            )


def test_your_tests_do_not_mind_what_nobody_notices(learner_tests):
    """Your tests do not mind a change that no user would notice."""
    for change in learner_tests.of_kind("harmless"):
        run = learner_tests.runs[change.rule]
        if not run.passed:
            failure = run.failures[0] if run.failures else None
            pinned = "the log's exact words" if change.rule == "asserts-exact-text" else "the clock"
            raise Wrong(
                change.rule,
                f"a test holds fast to {pinned}",
                saw=f"{change.does}. It fails then:\n"
                + (said(failure) if failure else outcomes(run)),
                wanted="tests that fail when users would mind, and only then: nobody believes the "
                "others for long",
                look=(f"{place(learner_tests, failure)}\n" if failure else "") + change.look,
            )


def test_the_wrong_amount_or_two_charges_would_be_noticed(learner_tests):
    """They notice a wrong amount, a second charge, and a charge that was refused."""
    if len(learner_tests.missed()) == len(list(learner_tests.of_kind("fault"))):
        raise Wrong(
            "passes-on-every-fault",
            "your tests pass on every faulty handler, too",
            saw=f"{outcomes(learner_tests.good)}, on {len(learner_tests.missed())} of "
            f"{len(learner_tests.missed())} faulty ones. In one of them, "
            f"{learner_tests.missed()[0].does}. {learner_tests.missed()[0].users}",
            wanted="a test for each promise in the table of README.md, which fails without it",
            look=f"{learner_tests.missed()[0].look}\n{DOCS}",
        )
    notice(
        learner_tests,
        "amount-in-dollars",
        "key-new-on-each-try",
        "refused-yet-charged",
    )


def test_a_wrong_answer_would_be_noticed(learner_tests):
    """They notice an answer that misleads the caller."""
    notice(
        learner_tests,
        "failure-answered-as-success",
        "bad-request-as-500",
        "decline-as-503",
    )


def test_wrong_numbers_would_be_noticed(learner_tests):
    """They notice metrics that are missing or wrong."""
    notice(
        learner_tests,
        "metrics-never-flushed",
        "failure-counted-as-success",
        "decline-counted-as-failure",
        "unit-wrong",
    )


def test_a_wrong_log_would_be_noticed(learner_tests):
    """They notice a log that tells too much, or too little."""
    notice(learner_tests, "card-number-logged", "correlation-id-missing")


def notice(learner_tests, *rules):
    """Raise `Wrong` for the first of these faults that the tests let through."""
    faults = list(learner_tests.of_kind("fault"))
    missed = learner_tests.missed()
    for fault in missed:
        if fault.rule in rules:
            raise Wrong(
                fault.rule,
                f"this would have reached users: {fault.does}",
                saw=f"your tests pass on it ({len(faults) - len(missed)} of {len(faults)} faults "
                f"noticed)\nwhat is changed: {fault.shown}",
                wanted=f"a test that fails on it, because: {fault.users}",
                look=fault.look,
            )
