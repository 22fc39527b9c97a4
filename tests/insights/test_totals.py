"""`addtotals`, `outlier`, `countFrequent` and `fillmissing`, with answers worked out by hand."""

import pytest

from tests.insights.conftest import NOON
from workshop.insights import MalformedQuery, TooMuch

ORDERS = [
    '{"price":10,"tax":2.5,"qty":3,"paid":true,"who":"a"}',
    '{"price":"1.50","who":"7"}',
    '{"who":"b"}',
]
MINUTE = {"start_ms": NOON, "end_ms": NOON + 59_999}


def test_addtotals_sums_the_numeric_fields_of_the_result_in_each_row(table):
    found = table("fields price, tax, paid | sort @timestamp | addtotals", *ORDERS)
    assert [row.get("Total") for row in found] == ["12.5", "1.5", None]


def test_addtotals_sums_the_fields_that_are_named_under_the_name_that_is_given(table):
    found = table(
        "fields price, tax, qty | sort @timestamp | addtotals fieldname=Due price, tax", *ORDERS
    )
    assert found[0] == {"price": "10", "tax": "2.5", "qty": "3", "Due": "12.5"}


def test_addtotals_adds_a_row_of_sums_at_the_bottom(table):
    found = table("fields price | sort price | addtotals col=true price", *ORDERS)
    assert found == [
        {"price": "1.50", "Total": "1.5"},
        {"price": "10", "Total": "10"},
        {},
        {"price": "11.5", "Total": "11.5"},
    ]


def test_the_row_of_sums_has_no_pointer_and_needs_no_column_of_sums(ask):
    result = ask("fields price | limit 2 | addtotals row=false col=true", *ORDERS)
    assert [[name for name, _ in row] for row in result.rows] == [
        ["@ptr"],
        ["price", "@ptr"],
        ["price"],
    ]
    assert result.rows[-1] == [("price", "1.5")]
    assert result.statistics.records_matched == 3


def test_totals_of_what_stats_gave(table):
    found = table(
        "stats sum(price) as price, count(*) as n by who | sort who | addtotals col=true", *ORDERS
    )
    assert found == [
        {"who": "a", "price": "10", "n": "1", "Total": "11"},
        {"who": "b", "n": "1", "Total": "1"},
        {"who": "7", "price": "1.5", "n": "1", "Total": "9.5"},
        {"who": "7", "price": "11.5", "n": "3", "Total": "21.5"},
    ]


def test_totals_of_nothing_are_missing(table):
    assert table("stats count(*) as n by who | addtotals col=true") == [{}]
    assert table("addtotals", "{}") == [{"@timestamp": "2025-10-09 12:00:00.000", "@message": "{}"}]


SPREAD = [f'{{"v":{value}}}' for value in (10, 11, 12, 13, 14, 100, -90)]
# Quartiles of -90, 10, 11, 12, 13, 14, 100: 10.5 and 13.5, so the range between them is 3.


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("", ["10", "11", "12", "13", "14", "21", "-90"]),
        ("param=1.5", ["10", "11", "12", "13", "14", "18", "-90"]),
        ("action=transform param=1.5 uselower=true", ["10", "11", "12", "13", "14", "18", "6"]),
        ("uselower=true action=remove", ["10", "11", "12", "13", "14"]),
        ("action=remove", ["10", "11", "12", "13", "14", "-90"]),
        ("param=40", ["10", "11", "12", "13", "14", "100", "-90"]),
    ],
)
def test_outlier_brings_values_to_the_bound_or_removes_their_rows(table, options, values):
    found = table(f"fields v | sort @timestamp | outlier {options} v", *SPREAD)
    assert [row["v"] for row in found] == values


def test_outlier_marks_by_the_values_that_there_were(table):
    found = table(
        "fields v | sort @timestamp | outlier mark=true uselower=true v no", *SPREAD, "{}"
    )
    assert [row.get("v_outlier") for row in found] == ["0"] * 5 + ["1", "1", "0"]
    assert {row.get("no_outlier") for row in found} == {"0"}


def test_a_row_goes_when_any_of_the_fields_is_an_outlier(table):
    rows = [f'{{"a":{n % 3},"b":{n % 4}}}' for n in range(12)] + ['{"a":99}', '{"b":99}']
    assert len(table("fields a, b | outlier action=remove a b", *rows)) == 12


def test_count_frequent_counts_combinations_the_most_frequent_first(table):
    requests = ['{"m":"GET","s":200}'] * 2 + ['{"m":"PUT","s":200}', '{"s":500}']
    counted = [
        {"m": "GET", "s": "200", "_approxcount": "2"},
        {"m": "PUT", "s": "200", "_approxcount": "1"},
        {"s": "500", "_approxcount": "1"},
    ]
    assert table("fields m, s | countFrequent m, s", *requests) == counted
    assert table("count_frequent m, s | limit 1", *requests) == counted[:1]
    assert table("countfrequent s | sort s desc | fields s", *requests) == [
        {"s": "500"},
        {"s": "200"},
    ]


def test_fillmissing_adds_the_bins_of_the_time_range_that_have_no_rows(table):
    found = table(
        "stats count(*) as n, max(v) as most by bin(20s) | fillmissing with 0 for n "
        "| sort bin(20s)",
        '{"v":5}',
        **MINUTE,
    )
    assert found == [
        {"bin(20s)": "2025-10-09 12:00:00.000", "n": "1", "most": "5"},
        {"bin(20s)": "2025-10-09 12:00:20.000", "n": "0"},
        {"bin(20s)": "2025-10-09 12:00:40.000", "n": "0"},
    ]


def test_fillmissing_fills_several_fields_also_by_what_was_written_and_with_texts(table):
    found = table(
        "stats count(*), latest(v) as v by bin(30s) as at "
        "| fillmissing with -1 for count(*), 'none' for v",
        '{"v":5}',
        **MINUTE,
    )
    assert found == [
        {"at": "2025-10-09 12:00:30.000", "count(*)": "-1", "v": "none"},
        {"at": "2025-10-09 12:00:00.000", "count(*)": "1", "v": "5"},
    ]


def test_fillmissing_gives_every_combination_of_the_other_keys_all_bins(table):
    found = table(
        "stats count(*) as n by bin(30s) as at, k | fillmissing with 0 for n | sort at, k",
        '{"k":"a"}',
        "{}",
        **MINUTE,
    )
    assert [(row["at"][-6:], row.get("k"), row["n"]) for row in found] == [
        ("00.000", "a", "1"),
        ("00.000", None, "1"),
        ("30.000", "a", "0"),
        ("30.000", None, "0"),
    ]


def test_fillmissing_knows_months_moved_bins_and_rows_that_are_none(table):
    year = {"start_ms": NOON - 100 * 86_400_000, "end_ms": NOON}
    found = table("stats count(*) as n by bin(1mo) as m | fillmissing | fields m", **year)
    assert [row["m"][:10] for row in found] == [
        "2025-10-01",
        "2025-09-01",
        "2025-08-01",
        "2025-07-01",
    ]
    moved = table(
        "stats count(*) as n by bin(30s) as at offset 10s | fillmissing with 0 for n | sort at",
        "{}",
        **MINUTE,
    )
    assert [(row["at"][14:19], row["n"]) for row in moved] == [
        ("59:40", "1"),
        ("00:10", "0"),
        ("00:40", "0"),
    ]


def test_fillmissing_makes_no_more_rows_than_limit_can_ask_for(table, monkeypatch):
    monkeypatch.setattr("workshop.insights.stages.statistics.MAX_LIMIT", 6)
    text = "stats count(*) as n by bin(20s), k | fillmissing"
    messages = ['{"k":"a"}', '{"k":"b"}']
    assert len(table(text, *messages, **MINUTE)) == 6
    with pytest.raises(TooMuch, match="fillmissing would make too many rows"):
        table(text, *messages, '{"k":"c"}', **MINUTE)


@pytest.mark.parametrize("added", ["fillmissing with 0 for n", "addtotals col=true"])
def test_rows_that_were_added_where_nothing_matched_say_that_nothing_matched(ask, added):
    text = f"filter v = 9 | stats count(*) as n by bin(30s) | {added}"
    result = ask(text, '{"v":5}', **MINUTE)
    assert result.rows
    assert (result.statistics.records_matched, result.statistics.records_scanned) == (0, 1)


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("addtotals col=maybe", "col=maybe", "col is true or false"),
        ("addtotals total=x", "total=x", "no option total, expecting {fieldname, row, col}"),
        ("addtotals col=true col=true", "col=true", "col is there twice"),
        ("stats count(*) as n | addtotals x", "x", "Unknown symbols"),
        ("outlier", "", "ends too early"),
        ("outlier action=drop v", "action=drop", "action is remove or transform"),
        ("outlier param=-1 v", "param=-1", "param is a number"),
        ("outlier @timestamp", "@timestamp", "outlier takes numbers"),
        ("countFrequent", "", "ends too early"),
        ("fillmissing", "fillmissing", "comes after stats … by bin(…)"),
        ("stats count(*) by k | fillmissing", "fillmissing", "comes after stats … by bin(…)"),
        ("stats count(*) as n by bin(1s) | fillmissing", "fillmissing", "more than 100000 bins"),
        ("stats count(*) by bin(30d) | fillmissing with 0 for x", "x", "nothing that stats"),
        (
            "stats count(*) by bin(30d) as t | fillmissing with 0 for t",
            "t",
            "nothing that stats computed",
        ),
        (
            "stats count(*) as n by bin(30d) | fillmissing with 0 for n, 1 for n",
            "n",
            "n is filled twice",
        ),
    ],
)
def test_what_is_wrong_is_named_and_placed(ask, text, part, says):
    with pytest.raises(MalformedQuery) as caught:
        ask(text)
    assert says in caught.value.message
    assert text[caught.value.start : caught.value.end] == part
