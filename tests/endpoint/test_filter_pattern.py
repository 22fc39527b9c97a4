"""Filter patterns: which log events each means, and which patterns are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop.endpoint.logs.filter_pattern import InvalidFilterPatternError, parse

TEXT = "[ERROR] payment failed: card 4242 declined"
RECORD = json.dumps(
    {
        "level": "ERROR",
        "amount": 1299,
        "ok": True,
        "none": None,
        "card": {"brand": "visa", "a.b": 1},
        "items": [{"n": 1}, {"n": 2}],
        "path": "/pay/1/done",
    }
)


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("", True),
        ("payment", True),
        ("payment declined", True),
        ("payment refunded", False),
        ("Payment", False),
        ('"payment failed"', True),
        ('"failed payment"', False),
        ("payment -declined", False),
        ("payment -refunded", True),
        ("-refunded", True),
        ("?refunded ?declined", True),
        ("?refunded ?charged", False),
        ('"[ERROR]"', True),
        ('"a \\" b"', False),
    ],
)
def test_terms(pattern, meant):
    assert parse(pattern).matches(TEXT) is meant


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ('{ $.level = "ERROR" }', True),
        ("{$.level=ERROR}", True),
        ('{ $.level != "ERROR" }', False),
        ('{ $.level != "INFO" }', True),
        ('{ $.missing != "INFO" }', False),
        ('{ $.level = "ERR*" }', True),
        ('{ $.path = "/pay/*/done" }', True),
        ('{ $.path = "/pay/*/d*x" }', False),
        ('{ $.path = "*ay*" }', True),
        ('{ $.path = "/pay/1/done*/pay/1/done" }', False),
        ("{ $.amount = 1299 }", True),
        ("{ $.amount != 1299 }", False),
        ("{ $.amount > 1298 && $.amount < 1300 }", True),
        ("{ $.amount >= 1300 || $.amount <= 1299 }", True),
        ("{ $.level > 1 }", False),
        ("{ $.ok IS TRUE }", True),
        ("{ $.ok IS FALSE }", False),
        ("{ $.none IS NULL }", True),
        ("{ $.missing IS NULL }", False),
        ("{ $.missing NOT EXISTS }", True),
        ("{ $.none NOT EXISTS }", False),
        ('{ $.card.brand = "visa" }', True),
        ("{ $.card['a.b'] = 1 }", True),
        ("{ $.items[1].n = 2 }", True),
        ("{ $.items[2].n = 2 }", False),
        ("{ ($.amount = 1 || $.amount = 1299) && $.ok IS TRUE }", True),
        ("{ $.amount = 1299 || $.amount = 1 && $.ok IS FALSE }", True),
    ],
)
def test_json_patterns(pattern, meant):
    assert parse(pattern).matches(RECORD) is meant


def test_a_json_pattern_means_no_text():
    assert not parse("{ $.x NOT EXISTS }").matches(TEXT)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[ip, user]", "space-delimited"),
        ("%ERR.R%", "regular expressions"),
        ("{ $.level = %E% }", "regular expressions"),
        ("a.b", "quotation marks"),
        ('"open', "not closed"),
        ("?a b", "cannot be combined"),
        ("{ $.level = }", "at character"),
        ('{ $.level = "x" ', "at its end"),
        ('{ $.level > "ERROR" }', "compares numbers"),
        ("{ }", "at character"),
        ("{" + "(" * 5000, "Invalid JSON"),
    ],
)
def test_what_is_malformed_or_not_offered_is_refused(pattern, reason):
    with pytest.raises(InvalidFilterPatternError, match=reason):
        parse(pattern)


@given(st.text('{}()$.=<>&|"%[]?-* aA1', max_size=30), st.text(max_size=20))
def test_any_text_is_a_pattern_or_an_error(pattern, message):
    try:
        read = parse(pattern)
    except InvalidFilterPatternError:
        return
    if read.matches(message):
        assert all(needed in message for needed in read.needed)
