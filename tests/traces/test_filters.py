"""Filter expressions: what they mean, and what is said of those that are none.

https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traces.conftest import payment, segment, trace_of
from workshop.traces.filters import InvalidFilter, parse_filter

GOOD = trace_of(payment())
FAILED = trace_of(payment({"fault": True}))
# The processor refused; the handler caught that and answered well.
SWALLOWED = trace_of(
    [
        *payment()[1:],
        payment({"error": True})[0] | {"error": False},
    ]
)
THROTTLED = trace_of(payment({"error": True, "throttle": True}))
WEB = trace_of(
    [
        segment(
            *("1", "shop.example", 0, 2),
            origin="AWS::EC2::Instance",
            http={
                "request": {
                    "method": "GET",
                    "url": "https://shop.example/v2/cart",
                    "user_agent": "Mozilla/5.0",
                    "client_ip": "192.0.2.7",
                },
                "response": {"status": 404},
            },
            error=True,
            aws={"ec2": {"instance_id": "i-01", "availability_zone": "eu-west-1a"}},
            annotations={"cart": "full", "request.id": "r1", "empty": ""},
        )
    ]
)


def matches(text, trace, groups=None):
    return parse_filter(text, groups).matches(trace)


@pytest.mark.parametrize(
    ("text", "trace", "expected"),
    [
        ("", GOOD, True),
        ("ok", GOOD, True),
        ("ok", FAILED, False),
        ("!ok", FAILED, True),
        ("ok = false", FAILED, True),
        ("ok != true", FAILED, True),
        ('fault = "true"', FAILED, True),
        ("FAULT", FAILED, True),
        ("error", FAILED, False),
        ("error", THROTTLED, True),
        ("throttle", THROTTLED, True),
        ("partial", GOOD, False),
        ("partial", trace_of(payment()[1:2]), True),
        ("inferred", GOOD, True),
        ("inferred", WEB, False),
        ("responsetime > 0.9", GOOD, True),
        ("responseTime > 1", GOOD, False),
        ("responsetime >= 1 AND responsetime <= 1 AND responsetime = 1", GOOD, True),
        ("duration < 1", GOOD, False),
        ("duration != 1", GOOD, False),
        ("http.status = 404", WEB, True),
        ("http.status != 200", WEB, True),
        ("http.status", trace_of(payment()[1:2]), False),
        ('http.url CONTAINS "/v2/"', WEB, True),
        ('http.url beginswith "https://shop"', WEB, True),
        ('http.url ENDSWITH "/"', WEB, False),
        ("http.url AND responseTime > 1", WEB, True),
        ("http.url", GOOD, False),  # only the processor's call has one, and that is not the root
        ('http.method = "GET" http.clientip = "192.0.2.7"', WEB, True),
        ('http.useragent CONTAINS "Mozilla"', WEB, True),
        ('user = "ada"', GOOD, True),
        ('user CONTAINS ""', GOOD, True),
        ('user CONTAINS ""', WEB, False),
        ('!user CONTAINS ""', WEB, True),
        ('instance.id = "i-01" and availabilityzone = "eu-west-1a"', WEB, True),
        ('resource.arn ENDSWITH ":function:payments"', GOOD, True),
    ],
)
def test_a_keyword_asks_about_the_trace(text, trace, expected):
    assert matches(text, trace) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("error", False),
        ("fault", False),
        ("service() { error }", True),
        ("service { error }", True),
        ('service("api.processor.example") { error }', True),
        ('service("payments") { error }', False),
        ('edge("payments", "api.processor.example") { error }', True),
        ('edge("payments", "customers") { error }', False),
    ],
)
def test_an_error_that_the_root_swallowed_is_found_by_service_alone(text, expected):
    assert matches(text, SWALLOWED) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('service("payments")', True),
        ('service("payment*")', False),
        ('service(id(name: "payments", type: "AWS::Lambda"))', True),
        ('service(id(type: "AWS::Lambda::Function")) { root }', False),
        ('service("payments") { root }', True),
        ('service(id(type: "AWS::DynamoDB::Table"))', True),
        ('service("customers") { inferred }', True),
        ('service("customers") { responsetime > 0.05 and responsetime < 0.15 }', True),
        ('service("payments") { responsetime < 0.95 AND annotation.amount > 1000 }', True),
        ('service("payments") { root AND annotation.amount > 1000 }', False),  # not one segment
        ('service(id(account.id: "123456789012"))', True),
        ('service(id(account.id: "210987654321"))', False),
        ('service(id(type: "client"))', True),
        ('service("payments") { name = payments and type = "AWS::Lambda" }', True),
        ('service("api.processor.example") { http.status = 200 }', True),
        ('service("api.processor.example") { http.url CONTAINS "/charges" }', True),
        ('edge("payments", "api.processor.example")', True),
        ('edge("api.processor.example", "payments")', False),
        ('edge(id(type: "AWS::Lambda"), id(type: "AWS::Lambda::Function"))', True),
        ('edge(id(type: "client"), "payments")', True),
        ('edge(id(type: "client"), "customers")', False),
        ("edge { responsetime > 5 }", False),
        ("edge { responsetime > 0.6 and http.status = 200 }", True),
        ("edge { source.annotation[amount] = 1299 }", True),
        ("edge { destination.annotation.amount = 1299 }", True),  # AWS::Lambda called the function
        ('edge("payments", "customers") { destination.annotation.amount }', False),
    ],
)
def test_braces_ask_about_one_segment_or_one_call(text, expected):
    assert matches(text, GOOD) is expected


def test_the_client_is_meant_by_its_type_alone_although_it_bears_the_roots_name():
    assert not matches('edge("shop.example", "shop.example")', WEB)
    assert matches('edge(id(name: "shop.example", type: "client"), "shop.example")', WEB)


@pytest.mark.parametrize(
    ("text", "trace", "expected"),
    [
        ("annotation.amount", GOOD, True),
        ("annotation.Amount", GOOD, False),
        ("Annotation[amount] = 1299", GOOD, True),
        ('annotation.amount = "1299"', GOOD, False),  # a number is no text
        ('annotation.amount != "1299"', GOOD, False),
        ("annotation.amount != 1", GOOD, True),
        ("annotation[amount] >= 1300", GOOD, False),
        ("annotation.ColdStart", GOOD, True),
        ("annotation.ColdStart = false", GOOD, False),
        ("annotation.ColdStart != false", GOOD, True),
        ("annotation.ColdStart = 1", GOOD, False),
        ("annotation.ColdStart", trace_of(payment(annotations={"ColdStart": False})), False),
        ('annotation["request.id"] = "r1"', WEB, True),
        ("annotation.request.id", WEB, True),
        ('annotation.cart BEGINSWITH "fu" annotation.cart ENDSWITH "l"', WEB, True),
        ("annotation.cart = full", WEB, True),
        ("!annotation.age", WEB, True),
        ('annotation.empty CONTAINS ""', WEB, True),
        ('annotation.amount CONTAINS ""', GOOD, True),
        ('annotation.cart > "a"', WEB, None),
    ],
)
def test_an_annotation_is_compared_by_its_type(text, trace, expected):
    if expected is None:
        with pytest.raises(InvalidFilter, match="text: compare it with"):
            parse_filter(text)
    else:
        assert matches(text, trace) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('rootcause.fault.service { name = "api.processor.example" and inferred and last }', True),
        ('rootcause.fault.service { first and type = "AWS::Lambda" }', True),
        ("rootcause.fault.service { index > 2 }", False),
        ("rootcause.fault.service { index = 2 }", True),
        ('rootcause.fault.entity { remote and name = "api.processor.example" }', True),
        ('rootcause.fault.exception { last and message CONTAINS "refused" }', True),
        ('rootcause.fault.exception { name = "KeyError" }', False),
        ("rootcause.error.service { first }", False),
        ("rootcause.responsetime.entity { last and coverage > 0.6 }", True),
        ("rootcause.responsetime.entity { last and coverage > 0.8 }", False),
        ("json", True),
        ('rootcause.json = #[{"Services": [{}, {}, {"Name": "api.processor.example"}]}]', True),
        ('rootcause.json != #[{"Services": [{}, {}, {"Name": "api.processor.example"}]}]', False),
        ('rootcause.json = #[{"Services": [{"Name": "payments"}]}]', False),
        ('json = #[{"ClientImpacting": true, "Services": [{"Inferred": false}, {}, {}]}]', True),
        ('json = #[{"ClientImpacting": 1}]', False),
    ],
)
def test_root_causes_are_asked_for_by_their_parts(text, expected):
    assert matches(text, FAILED) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fault OR ok AND error", False),  # AND binds tighter
        ("ok OR fault AND error", True),
        ("(ok OR fault) AND error", False),
        ("ok !partial duration <3", True),
        ("ok or error", True),
        ("!fault !error", True),
        ("!(fault or ok)", False),
        ("!!ok", True),
        ("!!!ok", False),
        ("(((ok)))", True),
        ("ok\n\tAND ok", True),
    ],
)
def test_terms_combine_as_documented(text, expected):
    assert matches(text, GOOD) is expected


def test_a_group_stands_for_its_expression():
    groups = {"slow": "responsetime > 0.5", "both": 'group.name = "slow" AND ok'}

    assert matches('group.name = "both" AND user = "ada"', GOOD, groups)
    assert not matches('group.name != "slow"', GOOD, groups)
    with pytest.raises(InvalidFilter, match='there is no trace group "fast"'):
        parse_filter('group.arn = "fast"', groups)
    with pytest.raises(InvalidFilter, match='trace group "turn" has no sound expression'):
        parse_filter('group.name = "turn"', {"turn": 'group.name = "turn"'})


@pytest.mark.parametrize(
    ("text", "start", "end", "what"),
    [
        ("ok AND", 6, 6, "a keyword"),
        ("ok)", 2, 3, 'the end of the expression is expected, not "\\)"'),
        ("(ok", 3, 3, "not the end"),
        ("fualt", 0, 5, "did you mean `fault`"),
        ("ok and or", 7, 9, "`or` stands between two terms"),
        ("not ok", 0, 3, "`not` is written !"),
        ("fault > true", 6, 7, "with = or !="),
        ("fault = yes", 8, 11, "true or false, not with yes"),
        ('duration > "a"', 11, 14, "with a number"),
        ("duration CONTAINS 2", 9, 17, "is a number"),
        ("http.status = 4xx", 14, 17, 'not "4xx"'),
        ("user = 12", 7, 9, "text in double quotes, not with 12"),
        ("http.url CONTAINS '/livez'", 18, 19, "text goes in double quotes"),
        ('user = "ada', 7, 8, "closing quote is missing"),
        ("user == 1", 6, 7, 'not "="'),
        ("service(payments)", 8, 16, "text in double quotes"),
        ('service("a") { }', 15, 16, "a keyword"),
        ('edge("a")', 8, 9, ", is expected"),
        ('service(id(title: "a"))', 11, 16, "knows name, type and account.id"),
        ('service(id(name: "a", name: "b"))', 22, 26, "there twice"),
        ('service("a") { service("b") }', 15, 22, "does not go within braces"),
        ("coverage > 1", 0, 8, "no keyword of a trace"),
        ("rootcause.fault.entity { coverage > 1 }", 25, 33, "no keyword of rootcause.fault.entity"),
        ("rootcause.responsetime.exception { first }", 0, 32, "no exceptions"),
        ("rootcause.fault.service { annotation.a }", 26, 38, "have no annotations"),
        ("rootcause.fault.service", 23, 23, "{ is expected"),
        ("annotation", 0, 10, "wants a key"),
        ("annotation[]", 0, 12, "the key of an annotation"),
        ("annotation[a-b]", 0, 15, "letters, digits, _ and dots"),
        ("source.annotation[a]", 0, 20, "within edge"),
        ("edge { annotation[a] }", 7, 20, "`source.annotation"),
        ("json = #[1]", 0, 4, "holds objects"),
        ("json = #[{", 10, 10, "} is expected|double quotes"),
        ("#", 0, 1, "a keyword"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, start, end, what):
    with pytest.raises(InvalidFilter, match=what) as caught:
        parse_filter(text)

    assert (caught.value.start, caught.value.end) == (start, end)
    assert f"position {start}:" in str(caught.value)


def test_nesting_is_bounded_and_negation_is_not():
    deep = "(" * 32 + "ok" + ")" * 32

    assert matches(deep, GOOD)
    with pytest.raises(InvalidFilter, match="brackets nest deeper than 32"):
        parse_filter(f"({deep})")
    with pytest.raises(InvalidFilter, match="brackets nest deeper than 32"):
        parse_filter("json = #" + "[" * 5000)
    assert matches("!" * 5000 + "ok", GOOD)
    assert matches("ok AND " * 2000 + "ok", GOOD)


WORDS = st.sampled_from(
    [
        *("ok", "!", "AND", "or", "(", ")", "{", "}", "=", "!=", "<", ">=", "CONTAINS", "true"),
        *("service", "service(", 'edge("a","b")', "annotation.k", "annotation[k]", '"a"', "1.5"),
        *("rootcause.fault.service {", "json", "#[", "{", "id(", "name", ":", ",", "type", "index"),
        *("group.name", "http.status", "responsetime", "user", "source.annotation[k]", "root"),
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_a_filter_or_told_why_not(text):
    outcome = parsed(text)

    if isinstance(outcome, InvalidFilter):
        assert 0 <= outcome.start <= outcome.end <= len(text)
    else:
        for trace in (GOOD, FAILED, WEB):
            assert outcome.matches(trace) in (True, False)


def parsed(text):
    try:
        return parse_filter(text)
    except InvalidFilter as error:
        return error
