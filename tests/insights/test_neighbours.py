"""`accum`, `autoregress` and `filldown`, with answers worked out by hand."""

import pytest

from workshop.insights import MalformedQuery

VALUES = ['{"b":1,"x":"q"}', '{"b":2}', '{"x":"w"}', '{"b":"7.50","x":"e"}', '{"b":4}']


def test_accum_adds_up_from_row_to_row_in_the_order_of_the_sort_before(table):
    found = table("fields b | sort @timestamp | accum b as sum", *VALUES)
    assert [row.get("sum") for row in found] == ["1", "3", None, "10.5", "14.5"]
    assert [row.get("b") for row in found] == ["1", "2", None, "7.50", "4"]


def test_accum_without_sort_begins_with_the_newest_event(table):
    found = table("fields b | accum b as sum", *VALUES)
    assert [row.get("sum") for row in found] == ["4", "11.5", None, "13.5", "14.5"]


def test_accum_without_alias_takes_the_place_of_the_field_and_rows_keep_their_order(table):
    found = table("fields b | sort b desc | accum b", *VALUES)
    assert found == [{"b": "7.5"}, {"b": "11.5"}, {"b": "13.5"}, {"b": "14.5"}, {}]


def test_a_limit_before_accum_takes_effect_before_it_and_a_filter_after_it_after(table):
    found = table("fields b | sort @timestamp desc | limit 2 | accum b | filter b > 4", *VALUES)
    assert found == [{"b": "11.5"}]
    found = table("fields b | sort @timestamp | tail 2 | accum b", *VALUES)
    assert found == [{"b": "7.5"}, {"b": "11.5"}]


def test_a_sort_after_accum_sorts_what_it_gave(table):
    found = table("fields b | accum b | sort b desc | limit 1", *VALUES)
    assert found == [{"b": "14.5"}]


def test_accum_adds_up_what_stats_counted_under_the_name_as_written(table):
    found = table("stats count(*) by x | sort x | accum count(*) as so_far", *VALUES)
    assert found == [
        {"x": "e", "count(*)": "1", "so_far": "1"},
        {"x": "q", "count(*)": "1", "so_far": "2"},
        {"x": "w", "count(*)": "1", "so_far": "3"},
        {"count(*)": "2", "so_far": "5"},
    ]


def test_a_sort_before_accum_counts_though_stats_follows(table):
    found = table(
        "sort @timestamp | accum b as sum | filter x = 'e' | stats max(sum) as m", *VALUES
    )
    assert found == [{"m": "10.5"}]


def test_rows_of_accum_are_still_events(ask):
    result = ask("filter b > 1 | accum b", *VALUES)
    assert [row[-1][0] for row in result.rows] == ["@ptr"] * 3
    assert result.statistics.records_matched == 3


def test_autoregress_copies_from_rows_before_and_names_the_copies(table):
    found = table("fields b | sort @timestamp | autoregress b p=1-2 | display b_p1, b_p2", *VALUES)
    assert found == [
        {},
        {"b_p1": "1"},
        {"b_p1": "2", "b_p2": "1"},
        {"b_p2": "2"},
        {"b_p1": "7.50"},
    ]


@pytest.mark.parametrize(
    ("how", "name", "copies"),
    [
        ("autoregress b", "b_p1", [None, "1", "2", None, "7.50"]),
        ("autoregress b p=3", "b_p3", [None, None, None, "1", "2"]),
        ("autoregress b AS was p=4", "was", [None, None, None, None, "1"]),
        ("autoregress b as was", "was", [None, "1", "2", None, "7.50"]),
    ],
)
def test_one_copy_lags_one_row_unless_p_says_how_many(table, how, name, copies):
    found = table(f"fields b | sort @timestamp | {how}", *VALUES)
    assert [row.get(name) for row in found] == copies


def test_a_copy_can_be_reckoned_with(table):
    found = table(
        "fields b | sort @timestamp | autoregress b as was | fields b - was as more", *VALUES
    )
    assert [row.get("more") for row in found] == [None, "1", None, None, "-3.5"]


def test_filldown_carries_the_last_value_of_every_field_of_the_result(table):
    found = table("fields b, x | sort @timestamp | filldown", *VALUES)
    assert found == [
        {"b": "1", "x": "q"},
        {"b": "2", "x": "q"},
        {"b": "2", "x": "w"},
        {"b": "7.50", "x": "e"},
        {"b": "4", "x": "e"},
    ]


def test_filldown_fills_the_fields_that_are_named_or_match(table):
    texts = ['{"host":"h","cpu_user":1,"cpu_system":2,"mem":3}', "{}"]
    found = table(
        "fields host, cpu_user, cpu_system, mem | sort @timestamp | filldown host cpu*", *texts
    )
    assert found[1] == {"host": "h", "cpu_user": "1", "cpu_system": "2"}


def test_filldown_fills_a_field_that_is_not_in_the_result(table):
    found = table("fields b | sort @timestamp | filldown x | filter x = 'q'", *VALUES)
    assert found == [{"b": "1"}, {"b": "2"}]


def test_after_join_filldown_fills_the_fields_that_the_query_names(table):
    found = table(
        "join left=l right=r where l.k=r.k (SOURCE '/other') | sort l.k "
        "| filldown r.v* | display l.k, r.v1",
        '{"k":1}',
        '{"k":2}',
        ("/other", '{"k":1,"v1":"x"}'),
        ("/other", '{"k":2}'),
    )
    assert found == [{"l.k": "1", "r.v1": "x"}, {"l.k": "2", "r.v1": "x"}]


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("fields b | filldown no*", "no*", "no field that the query has named matches no*"),
        ("fields b | autoregress b p=0", "0", "p is how many rows to lag"),
        ("fields b | autoregress b p=4-1", "4-1", "p is how many rows to lag"),
        ("fields b | autoregress b p=1-101", "1-101", "at most 100"),
        ("fields b | autoregress b q=1", "q", "mismatched input 'q'"),
        ("autoregress b as x p=1-2", "autoregress b as x p=1-2", "as names one copy"),
        ("stats count(*) as n | accum b", "b", "Unknown symbols"),
        ("accum", "", "ends too early"),
        ("fields b | dedup b | accum b", "accum b", "only limit can come after dedup"),
    ],
)
def test_what_is_wrong_is_named_and_placed(ask, text, part, says):
    with pytest.raises(MalformedQuery) as caught:
        ask(text)
    assert says in caught.value.message
    assert text[caught.value.start : caught.value.end] == part
