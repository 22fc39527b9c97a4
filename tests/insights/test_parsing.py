"""The modes of `parse` beside glob and regular expression, and `json`, worked out by hand."""

import pytest

from workshop.insights import MalformedQuery


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("1,two,3.5", ["1", "two", "3.5"]),
        ("a", ["a", None, None]),
        ("a,b,c,d", ["a", "b", "c"]),
        (",,", ["", "", ""]),
        ("", ["", None, None]),
        ('"a, b","say ""hi""",c', ["a, b", 'say "hi"', "c"]),
        ('"two\nlines",b,', ["two\nlines", "b", ""]),
        ("a , b,c", ["a ", " b", "c"]),
        ('"",x,"open', ["", "x", '"open']),
    ],
)
def test_csv_gives_each_value_its_name(table, line, values):
    (row,) = table("parse @message csv as a, b, c | display a, b, c", line)
    assert [row.get(name) for name in "abc"] == values


def test_values_of_csv_are_numbers_where_they_look_like_one(table):
    found = table("parse csv as host, ms | filter ms > 9 | stats avg(ms) by host", "h,10", "h,5")
    assert found == [{"host": "h", "avg(ms)": "10"}]


def test_csv_reads_a_field_and_a_later_parse_fills_what_an_earlier_one_left(table):
    found = table("parse a csv as x, y | parse b csv as x, y | display x, y", '{"a":"1","b":"2,3"}')
    assert found == [{"x": "2", "y": "3"}]


def test_the_names_of_the_modes_can_be_fields(table):
    found = table(
        "parse csv 'x=*' as a | parse logfmt 'y=*' as b | fields csv, logfmt as multi, a, b",
        '{"csv":"x=1","logfmt":"y=2"}',
    )
    assert found == [{"csv": "x=1", "multi": "y=2", "a": "1", "b": "2"}]


def test_multi_names_groups_by_as(table):
    text = r"parse @message /(\d+)=(\w)/ as number, letter multi | display letter, number"
    found = table(f"{text} | sort number", "1=a 2=b")
    assert found == [{"letter": "a", "number": "1"}, {"letter": "b", "number": "2"}]


def test_logfmt_reads_the_message_when_no_field_is_named(table):
    assert table("parse logfmt as m | display m.level", "level=info") == [{"m.level": "info"}]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ('{"payload":{"user":{"name":"Ada"}}}', {"who": "Ada"}),
        ('{"payload":"{\\"user\\":{\\"name\\":\\"Ada\\"}}"}', {"who": "Ada"}),
        ('{"payload":{"user":{"name":{"first":"A"}}}}', {"who": '{"first":"A"}'}),
        ('{"payload":{"user":[]}}', {}),
        ('{"payload":"no json"}', {}),
        ("{}", {}),
    ],
)
def test_json_reads_a_path_of_keys_in_a_field(table, message, shown):
    assert table('json field=payload "user.name" as who | display who', message) == [shown]


def test_json_reads_what_parse_found_and_items_of_lists(table):
    found = table(
        r"parse @message /(?<payload>\{.*\})/ | json field=payload 'ids.1' as id "
        "| stats sum(id) as s",
        'INFO got {"ids":[1,20]}',
    )
    assert found == [{"s": "20"}]
    assert table("fields jsonParse(a) as m | json field=m 'b' as c | display c", '{"a":"{}"}') == [
        {}
    ]


@pytest.mark.parametrize(
    "made",
    [
        "parse s csv as a, n | filter n = 2",
        "parse s logfmt as m | filter m.n = 2",
        "json field=j 'n' as n | filter n = 2",
        r"parse s /n=(?<n>\d)/ multi | filter n = 2",
        r"parse s /n=(\d)/ as n multi | filter n = 2",
        "fields jsonParse(j) as l | unnest l into one | filter one.n = 2",
    ],
)
def test_what_is_made_of_outputs_of_stats_can_be_filtered(table, made):
    found = table(
        f"stats latest(s) as s, latest(j) as j by k | {made} | display k",
        '{"k":1,"s":"n=2 ,2","j":{"n":2}}',
        '{"k":3,"s":"n=3 ,3","j":{"n":3}}',
    )
    assert found == [{"k": "1"}]


def test_a_regular_expression_may_go_on_over_a_line_break(table):
    text = "parse @message /a=(?<a>.*?),\n  b=(?<b>x|y)/ | display a, b"
    assert table(text, "a=1,\n  b=y", "a=1, b=y") == [{}, {"a": "1", "b": "y"}]


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("filter a like /x\n| filter b like /y/", "/", "mismatched input '/'"),
        ("filter a like /x |\nfilter b like /y/", "/", "mismatched input '/'"),
        ("filter a like /x\n# or /y/\n| limit 1", "/", "mismatched input '/'"),
        ("filter a like /x\n  and b like /y/", "/x\n  and b like /", "closing '/' missing?"),
        (r"parse /(\d)(\d)/ as a multi", r"parse /(\d)(\d)/ as a multi", "2 groups for 1 names"),
        (
            "parse @message csv",
            "csv",
            "expecting {'(', a /regular expression/, a text in quotes, csv as …",
        ),
        ("parse @message xml '//a' as a", "xml", "the mode xml of parse is not offered offline"),
        ("json 'a' as b", "", "expecting {field=}"),
        ("json field=a as b", "as", "expecting {a text in quotes}"),
    ],
)
def test_what_is_wrong_is_named_and_placed(ask, text, part, says):
    with pytest.raises(MalformedQuery) as caught:
        ask(text)
    assert says in caught.value.message
    if part:
        assert text[caught.value.start : caught.value.end].strip("'") == part.strip("'")
