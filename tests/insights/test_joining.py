"""`appendcols` and `cidrlookup`, with answers worked out by hand."""

import pytest

from workshop.insights import MalformedQuery, read_table

SERVICES = [f'{{"svc":"{name}","ms":{ms}}}' for name, ms in (("a", 1), ("a", 3), ("b", 9))]
OTHERS = [("/other", f'{{"svc":"{name}","ms":{ms}}}') for name, ms in (("a", 70), ("c", 50))]


def test_appendcols_puts_rows_of_another_query_beside_these_by_their_place(table):
    found = table(
        "stats count(*) as n by svc | sort svc "
        "| appendcols ( SOURCE '/other' | stats avg(ms) as avg by svc | sort svc )",
        *SERVICES,
        *OTHERS,
    )
    assert found == [
        {"svc": "a", "n": "2", "avg": "70"},
        {"svc": "b", "n": "1", "avg": "50"},
    ]


def test_appendcols_overwrites_what_is_there_when_told_to(table):
    found = table(
        "stats count(*) as n by svc | sort svc "
        "| appendcols override=true ( SOURCE '/other' | stats avg(ms) as avg by svc | sort svc )",
        *SERVICES,
        *OTHERS,
    )
    assert [row["svc"] for row in found] == ["a", "c"]


def test_appendcols_takes_at_most_so_many_rows_and_leaves_out_what_has_no_row_here(table):
    query = "fields ms | sort ms | appendcols max={} ( fields ms * 2 as twice | sort twice desc )"
    found = table(query.format(2), *SERVICES)
    assert found == [{"ms": "1", "twice": "18"}, {"ms": "3", "twice": "6"}, {"ms": "9"}]
    found = table(query.format(9).replace("sort ms", "sort ms | limit 1", 1), *SERVICES)
    assert found == [{"ms": "1", "twice": "18"}]


def test_a_value_that_only_one_query_has_stands_in_either_case(table):
    for override in ("true", "false"):
        found = table(
            f"fields k, v | sort k | appendcols override={override} ( fields w as v | sort k )",
            '{"k":1,"v":"mine"}',
            '{"k":2,"w":"theirs"}',
        )
        assert [row["v"] for row in found] == ["mine", "theirs"]


def test_rows_beside_which_columns_stand_are_still_events_and_can_be_filtered(ask):
    result = ask(
        "filter ms > 1 | appendcols ( stats count(*) as n ) | filter ispresent(n)", *SERVICES
    )
    assert [[name for name, _ in row] for row in result.rows] == [
        ["@timestamp", "@message", "n", "@ptr"]
    ]


NETS = read_table(
    "cidr,region,owner\n"
    "10.0.0.0/8,wide,x\n"
    "10.1.0.0/16,narrow,y\n"
    "10.1.0.0/16,second,z\n"
    "192.0.2.7,one,o\n"
    "fd00::/8,six,s\n"
    "nonsense,never,n\n"
)
HOSTS = [
    '{"ip":"10.1.2.3"}',
    '{"ip":"10.2.2.3","region":"own"}',
    '{"ip":"192.0.2.7","region":""}',
    '{"ip":"FD00::1"}',
    '{"ip":"9.9.9.9","region":"kept"}',
    '{"ip":"nonsense"}',
    "{}",
]


def look_up(table, query):
    found = table(f"fields ip | sort @timestamp | {query}", *HOSTS, lookup_table={"n": NETS}.get)
    return [row.get("region") for row in found]


def test_cidrlookup_takes_the_narrowest_range_that_an_address_is_in(table):
    found = look_up(table, "cidrlookup n ip AS cidr OUTPUT region")
    assert found == ["narrow", "wide", "one", "six", "kept", None, None]


def test_outputnew_fills_only_what_is_empty(table):
    found = look_up(table, "cidrlookup n ip as cidr outputnew region")
    assert found == ["narrow", "own", "one", "six", "kept", None, None]


def test_cidrlookup_gives_fields_other_names(table):
    found = table(
        "cidrlookup n host as cidr OUTPUT owner as region, region as `the region` "
        "| display region, `the region`",
        '{"host":"10.9.9.9"}',
        lookup_table={"n": NETS}.get,
    )
    assert found == [{"region": "x", "the region": "wide"}]


def test_without_as_the_ranges_are_in_the_column_with_the_name_of_the_field(table):
    found = table(
        "cidrlookup n cidr OUTPUT owner | stats count(*) by owner",
        '{"cidr":"10.1.1.1"}',
        lookup_table={"n": NETS}.get,
    )
    assert found == [{"owner": "y", "count(*)": "1"}]


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("appendcols max=0 ( fields x )", "max=0", "max is 1 to 100000"),
        ("appendcols max=100001 ( fields x )", "max=100001", "max is 1 to 100000"),
        ("appendcols override=1 ( fields x )", "override=1", "override is true or false"),
        ("appendcols top=1 ( fields x )", "top=1", "expecting {override, max}"),
        ("appendcols fields x", "fields", "expecting {'(', an option}"),
        ("appendcols ( stats count(*) as n | stats max(q) )", "q", "Unknown"),
        ("cidrlookup no ip OUTPUT a", "cidrlookup no ip OUTPUT a", "no lookup table no"),
        ("cidrlookup n ip OUTPUT region", "cidrlookup n ip OUTPUT region", "no field ip"),
        ("cidrlookup n ip as cidr OUTPUT x", "cidrlookup n ip as cidr OUTPUT x", "no field x"),
        ("cidrlookup n ip as cidr region", "region", "expecting {output, outputnew}"),
    ],
)
def test_what_is_wrong_is_named_and_placed(ask, text, part, says):
    with pytest.raises(MalformedQuery) as caught:
        ask(text, lookup_table={"n": NETS}.get)
    assert says in caught.value.message
    assert text[caught.value.start : caught.value.end] == part
