"""Queries with answers worked out by hand."""

from typing import get_args

import pytest

from workshop.insights import (
    InvalidTable,
    LookupTable,
    MalformedQuery,
    discovered,
    event_id,
    read_table,
    syntax,
)
from workshop.insights.stages import STAGES

REQUEST = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
START = f"START RequestId: {REQUEST} Version: $LATEST"
END = f"END RequestId: {REQUEST}"
REPORT = (
    f"REPORT RequestId: {REQUEST}\tDuration: 14.97 ms\tBilled Duration: 15 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 67 MB\t"
)
COLD = REPORT + "Init Duration: 120.5 ms\tXRAY TraceId: 1-5bef4de7-ad49b0e8\tSegmentId: 4b6c\t"


# Rows


def test_without_fields_a_row_is_timestamp_message_and_pointer(ask):
    (row,) = ask("filter @message like 'b'", "a", "b\n").rows
    assert row[:2] == [("@timestamp", "2025-10-09 12:00:01.000"), ("@message", "b\n")]
    assert row[2][0] == "@ptr"
    assert event_id(row[2][1]) == 2


def test_rows_of_stats_have_no_pointer_and_keys_come_first(ask):
    result = ask("stats count(*) as n, max(v) by level", '{"level":"INFO","v":3}')
    assert result.rows == [[("level", "INFO"), ("n", "1"), ("max(v)", "3")]]


def test_events_come_newest_first_and_sort_turns_them_round(table):
    assert [row["@message"] for row in table("fields @message", "a", "b", "c")] == ["c", "b", "a"]
    assert [row["@message"] for row in table("fields @message | sort @timestamp", "a", "b")] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "cba"),
        ("| sort @timestamp desc", "cba"),
        ("| sort @timestamp", "abc"),
        ("| sort same, @timestamp asc", "abc"),
        ("| sort @timestamp, same", "cba"),
    ],
)
def test_events_of_one_millisecond_come_as_they_arrived_where_time_goes_upwards(table, sort, order):
    found = table(f"fields @message {sort}", "a", "b", "c", apart=0)
    assert "".join(row["@message"] for row in found) == order


def test_a_missing_field_is_left_out_of_its_row(ask):
    (row,) = ask("fields a, b, c", '{"b": 1}').rows
    assert [name for name, _ in row] == ["b", "@ptr"]


def test_columns_are_named_as_written_or_by_alias(table):
    (row,) = table("stats count( * ), avg(v) as `Mean %`, max(v)/2", '{"v": 4}')
    assert row == {"count( * )": "1", "Mean %": "4", "max(v)/2": "2"}


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("10 / 4", "2.5"),
        ("2 / 3", "0.6667"),
        ("1 / 0", None),
        ("5 % 0", None),
        ("2 ^ 10", "1024"),
        ("-3 + 1", "-2"),
        ("0.00001 * 1", "0"),
        ("1e6 * 1", "1000000"),
        ("'5' * '4'", "20"),
        ("'five' * 4", None),
        ("missing + 1", None),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("7 - 2 - 1", "4"),
        ("1 = 1.0", "1"),
        ("'10' > '9'", "1"),
        ("'b10' > 'b9'", "0"),
        ("'a' = 'A'", "0"),
        ("missing = 1", "0"),
        ("missing != 1", "1"),
        ("not missing = 1", "1"),
        ("null = null", "0"),
        ("flag = true", "1"),
        ("flag = 1", "1"),
        ("flag = 'true'", "1"),
        ("flag = false", "0"),
        ("!flag", "0"),
        ("number = '200'", "1"),
        ("number in ['200', 404]", "1"),
        ("text in ['hel']", "0"),
        ("text not in ['x']", "1"),
        ("text like 'ell'", "1"),
        ("text like 'ELL'", "0"),
        ("text like '%ell%'", "0"),
        ("text like /(?i)ELL/", "1"),
        ("text =~ /^h.*o$/", "1"),
        ("text not like /^h/", "0"),
        ("missing like /x/", "0"),
        ("missing not like /x/", "1"),
        ("true and false or true", "1"),
        ("true or false and false", "1"),
        ("@timestamp", "2025-10-09 12:00:00.000"),
        ("@timestamp + 9h", "2025-10-09 21:00:00.000"),
        ("@timestamp - 60000", "2025-10-09 11:59:00.000"),
        ("@timestamp - @timestamp", "0"),
        ("@timestamp = '2025-10-09 12:00:00.000'", "0"),
        ("concat(@timestamp, '|')", "1760011200000|"),
        ("concat(1 + 1.5, text)", "2.5hello"),
        ("bin(5m)", "2025-10-09 12:00:00.000"),
        ("bin(1d)", "2025-10-09 00:00:00.000"),
        ("bin(1w)", "2025-10-06 00:00:00.000"),
        ("bin(1mo)", "2025-10-01 00:00:00.000"),
        ("bin(1q)", "2025-10-01 00:00:00.000"),
        ("bin(1y)", "2025-01-01 00:00:00.000"),
        ("datefloor(@timestamp + 59s, 300s)", "2025-10-09 12:00:00.000"),
        ("dateceil(@timestamp + 1s, 5m)", "2025-10-09 12:05:00.000"),
        ("dateceil(@timestamp, 5m)", "2025-10-09 12:00:00.000"),
        ("toMillis(@timestamp)", "1760011200000"),
        ("fromMillis(0)", "1970-01-01 00:00:00.000"),
        ("fromMillis(1e300)", None),
        ("now()", "1760011200"),
        ("formatDate(@timestamp, '%Y/%m/%d %H:%M', 'Asia/Tokyo')", "2025/10/09 21:00"),
        ("abs(-2.5)", "2.5"),
        ("ceil(1.2)", "2"),
        ("floor(-1.2)", "-2"),
        ("round(2.345, 2)", "2.35"),
        ("greatest(1, '30', 4)", "30"),
        ("least(1, 30)", "1"),
        ("sqrt(9)", "3"),
        ("sqrt(-1)", None),
        ("log(1)", "0"),
        ("log(0)", None),
        ("toInt('12.9')", "12"),
        ("toInt(3000000000)", None),
        ("isPresent(text)", "1"),
        ("ISPRESENT(missing)", "0"),
        ("coalesce(missing, text)", "hello"),
        ("if(number = 200, 'ok', 'no')", "ok"),
        ("if(missing = 1, 1, null)", None),
        ("case(number > 400, 'a', number > 100, 'b', 'c')", "b"),
        ("isNumeric(number)", "1"),
        ("isNumeric(text)", "0"),
        ("jsonParse(inner).k", "v"),
        ("jsonParse(inner).l[1]", "2"),
        ("jsonParse(text)", None),
        ("jsonArraySize(jsonParse('[1,2,3]'))", "3"),
        ("isValidIpV4('10.1.2.3')", "1"),
        ("isValidIpV4('10.1.2.300')", "0"),
        ("isIpv4InSubnet('10.1.2.3', '10.0.0.0/8')", "1"),
        ("isIpv4InSubnet('11.1.2.3', '10.0.0.0/8')", "0"),
        ("isempty(missing)", "1"),
        ("isempty('')", "1"),
        ("isblank('  ')", "1"),
        ("isblank(text)", "0"),
        ("trim('  a ')", "a"),
        ("trim('xyaxy', 'yx')", "a"),
        ("ltrim('xxa ', 'x')", "a "),
        ("strlen('naïve')", "5"),
        ("toupper(text)", "HELLO"),
        ("substr(text, 1)", "ello"),
        ("substr(text, 1, 2)", "el"),
        ("replace(text, 'l', 'L')", "heLLo"),
        ("strcontains(text, 'ell')", "1"),
        ("startsWith(text, 'he')", "1"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("base64decode(base64encode('ü'))", "ü"),
        ("urldecode('a%20b')", "a b"),
        ("split('a,b', ',')[1]", "b"),
        ("`dashed-name`", "7"),
        ("deep.list.1.key", "x"),
        ("dotted.key", "3"),
        ('deep."odd key"', "9"),
        ("@@at", "5"),
        ("@unknown", None),
        ("@log", "123456789012:/aws/lambda/payments"),
    ],
)
def test_an_expression_is_worth_what_cloudwatch_says(table, expression, shown):
    message = (
        '{"text": "hello", "number": 200, "flag": true, "dashed-name": 7, "dotted.key": 3, '
        '"deep": {"list": [1, {"key": "x"}], "odd key": 9}, "@at": 5, '
        r'"inner": "{\"k\": \"v\", \"l\": [1, 2]}"}'
    )
    (row,) = table(f"fields {expression} as x", message)
    assert row.get("x") == shown


# Discovered fields


def test_fields_of_a_report_line_are_written_as_java_writes_doubles(table):
    (row,) = table(
        "filter @type = 'REPORT' | fields @requestId, @duration, @billedDuration, @memorySize, "
        "@maxMemoryUsed, @initDuration, @xrayTraceId, @xraySegmentId",
        START,
        COLD,
        END,
    )
    assert row == {
        "@requestId": REQUEST,
        "@duration": "14.97",
        "@billedDuration": "15.0",
        "@memorySize": "1.28E8",
        "@maxMemoryUsed": "6.7E7",
        "@initDuration": "120.5",
        "@xrayTraceId": "1-5bef4de7-ad49b0e8",
        "@xraySegmentId": "4b6c",
    }


def test_cold_starts_are_the_reports_with_an_init_duration(table):
    (row,) = table(
        "filter @type = 'REPORT' | stats count(*) as n, count(@initDuration) as cold, "
        "max(@memorySize / 1000 / 1000) as size, max(@maxMemoryUsed/1000/1000) as used, "
        "size - used as over, "
        "sum(strcontains(@message, 'Init Duration')) / count(*) * 100 as share",
        COLD,
        REPORT,
        REPORT,
        "Duration: 1 ms",
    )
    assert row == {
        "n": "3",
        "cold": "1",
        "size": "128",
        "used": "67",
        "over": "61",
        "share": "33.3333",
    }


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ('{"a": "x"}', "x"),
        ('{"a": "x"}\n', "x"),
        ('[INFO]\t2025-10-09T12:00:00.000Z\tid\t{"a": "x"}\n', "x"),
        ('INFO {"a": "x"} and {"a": "y"}', "x"),
        ('INFO {"b": {"c": "}"}, "a": "x"} tail {', "x"),
        ('{"a": 1.5}', "1.5"),
        ('{"a": null}', None),
        ('{"a": broken', None),
        ('{"b": 1}', None),
        ("a", None),
        ("", None),
        ("{", None),
        ("}{", None),
    ],
)
def test_json_is_read_wherever_it_stands_and_broken_json_is_no_error(table, message, value):
    (row,) = table("fields a", message)
    assert row.get("a") == value


# Filters, and the order of stages


def test_filters_are_all_asked(table):
    found = table("filter v > 1 | where v < 4 | fields v", *(f'{{"v": {v}}}' for v in range(6)))
    assert [row["v"] for row in found] == ["3", "2"]


def test_a_limit_before_the_sort_takes_effect_after_it(table):
    found = table("fields v | limit 2 | sort v desc", *(f'{{"v": {v}}}' for v in (3, 9, 5, 1)))
    assert [row["v"] for row in found] == ["9", "5"]


def test_head_is_limit_and_tail_takes_from_the_end(table):
    messages = ["a", "b", "c"]
    assert [r["@message"] for r in table("fields @message | head 1", *messages)] == ["c"]
    assert [r["@message"] for r in table("fields @message | tail 2", *messages)] == ["b", "a"]


def test_a_filter_after_stats_on_a_field_of_events_moves_before_it(table):
    messages = ['{"k": "a", "stream": "stderr"}', '{"k": "a", "stream": "stdout"}', '{"k": "b"}']
    assert table("stats count(*) as n by k | filter stream = 'stderr'", *messages) == [
        {"k": "a", "n": "1"}
    ]


def test_a_filter_after_stats_on_its_outputs_filters_the_groups(table):
    messages = ['{"k": "a"}', '{"k": "a"}', '{"k": "b"}']
    assert table("stats count(*) by k | filter count(*) > 1", *messages) == [
        {"k": "a", "count(*)": "2"}
    ]


def test_a_field_listed_before_the_parse_that_makes_it_shows_the_parsed_value(table):
    assert table('fields @user | parse @message "user=*," as @user', "user=ann, x") == [
        {"@user": "ann"}
    ]


def test_display_replaces_the_fields_and_the_last_one_wins(table):
    assert table("fields a | display b | display c, a", '{"a": 1, "b": 2, "c": 3}') == [
        {"c": "3", "a": "1"}
    ]


def test_a_later_item_can_use_an_earlier_alias(table):
    assert table("fields a * 2 as twice, twice + 1 as more", '{"a": 4}') == [
        {"twice": "8", "more": "9"}
    ]


def test_dedup_keeps_the_newest_of_each_key_and_all_without_key(table):
    found = table(
        "fields k, v | dedup k",
        '{"k": "a", "v": 1}',
        '{"v": 2}',
        '{"k": "a", "v": 3}',
        '{"v": 4}',
    )
    assert [row["v"] for row in found] == ["4", "3", "2"]


def test_dedup_goes_by_the_sort_before_it(table):
    found = table(
        "fields k, v | sort v | dedup k | limit 1", '{"k": "a", "v": 1}', '{"k": "a", "v": 3}'
    )
    assert found == [{"k": "a", "v": "1"}]


def test_comments_count_for_nothing_wherever_they_stand(table):
    text = """# first | filter x
    fields a, # one
      # two
      b  # three '
    | filter a = '#' # four
    # | limit 1
    """
    assert table(text, '{"a": "#", "b": 2}') == [{"a": "#", "b": "2"}]


def test_words_of_the_language_can_be_names(table):
    found = table(
        "fields limit, source as filter | filter count = 3 | sort count desc, by",
        '{"limit": 1, "source": 2, "count": 3}',
    )
    assert found == [{"limit": "1", "filter": "2"}]


# Parse


def test_a_glob_takes_as_little_as_it_can_and_the_last_star_the_rest(table):
    found = table(
        'parse @message "[*] * (*)*" as a, b, c, d | fields a, b, c, d', "x [1] 2 3 (4) 5 (6)"
    )
    assert found == [{"a": "1", "b": "2 3", "c": "4", "d": " 5 (6)"}]


def test_where_a_pattern_does_not_match_its_names_are_missing(table):
    found = table("parse 'user=*' as user | fields user", "user=", "nobody")
    assert found == [{}, {"user": ""}]


def test_a_glob_without_stars_is_present_where_the_text_is(table):
    found = table("parse @message 'ok' as @ok | stats count(@ok) as n", "ok", "bad", "so ok")
    assert found == [{"n": "2"}]


def test_groups_of_a_regular_expression_may_be_named_with_an_at(table):
    (row,) = table(
        r"parse @message /(?<@kind>\w+Error): (?:the )?(?<what>[^()]*)(\(.*\))?/ "
        "| fields @kind, what",
        "ValueError: the end (x)",
    )
    assert row == {"@kind": "ValueError", "what": "end "}


def test_what_an_earlier_parse_found_stays_where_a_later_one_finds_nothing(table):
    found = table(
        'parse "a=*;" as x | parse "b=*;" as x | fields x | sort @timestamp',
        "a=1;",
        "b=2;",
        "a=1;b=2;",
    )
    assert [row["x"] for row in found] == ["1", "2", "2"]


def test_parsed_values_act_as_numbers(table):
    found = table(
        'parse "took * ms" as ms | filter ms > 9 | stats sum(ms) as t',
        "took 10 ms",
        "took 9 ms",
        "took 200 ms",
    )
    assert found == [{"t": "210"}]


# Stats


def test_every_classic_aggregate(table):
    messages = [f'{{"v": {v}, "k": "{k}"}}' for v, k in ((1, "a"), (2, "b"), (3, "a"), (6, "c"))]
    (row,) = table(
        "stats count() as n, count(k) as ks, count_distinct(k) as kinds, sum(v) as s, avg(v) as a, "
        "min(v) as lo, max(v) as hi, max(k) as last, pct(v, 50) as p50, median(v) as med, "
        "stddev(v) as sd, "
        "variance(v) as var, earliest(k) as e, latest(v) as l, latest(@timestamp) as t, "
        "sortsFirst(k) as f, values(k) as all",
        *messages,
        "no json",
    )
    assert row == {
        "n": "5",
        "ks": "4",
        "kinds": "3",
        "s": "12",
        "a": "3",
        "lo": "1",
        "hi": "6",
        "last": "c",
        "p50": "2.5",
        "med": "2.5",
        "sd": "1.8708",
        "var": "3.5",
        "e": "a",
        "l": "6",
        "t": "1760011204000",
        "f": "a",
        "all": '["a","b","c"]',
    }


def test_stats_of_nothing_is_one_row_and_by_group_none(ask):
    assert ask("stats count(*) as n, avg(v) as a").rows == [[("n", "0")]]
    assert ask("stats count(*) as n by k").rows == []


def test_a_group_without_its_key_leaves_the_key_out(table):
    assert table("stats count(*) as n by k", '{"k": 1}', "x", "y") == [
        {"k": "1", "n": "1"},
        {"n": "2"},
    ]


def test_comparisons_are_summed(table):
    messages = ['{"s": 500}', '{"s": 200}', '{"s": 503}', "none"]
    assert table("stats sum(s >= 500) as bad, max(s = 200) as any", *messages) == [
        {"bad": "2", "any": "1"}
    ]


def test_bins_are_times_and_newest_first_with_empty_ones_absent(table):
    found = table("stats count(*) as n by bin(2s) as t", "a", "b", "c")
    assert found == [
        {"t": "2025-10-09 12:00:02.000", "n": "1"},
        {"t": "2025-10-09 12:00:00.000", "n": "2"},
    ]


def test_an_offset_shifts_the_bins(table):
    (row,) = table("stats count(*) by bin(1h) as t offset 15m", "a")
    assert row["t"] == "2025-10-09 11:15:00.000"


def test_a_second_stats_sees_the_outputs_of_the_first(table):
    messages = [f'{{"k": "{k}", "level": "{level}"}}' for k, level in ("aI", "aI", "bI", "bE")]
    found = table(
        "stats count(*) as n by k, level | stats max(n) as most, count(*) as kinds by level "
        "| sort most desc",
        *messages,
    )
    assert found == [
        {"level": "I", "most": "2", "kinds": "2"},
        {"level": "E", "most": "1", "kinds": "1"},
    ]


def test_after_stats_fields_can_compute_with_its_outputs(table):
    found = table(
        "stats count(*) as n, sum(v) by k | fields k, `sum(v)` / n as mean",
        '{"k": "a", "v": 3}',
        '{"k": "a", "v": 4}',
    )
    assert found == [{"k": "a", "mean": "3.5"}]


def test_topk_gives_the_most_frequent(table):
    messages = [f'{{"k": "{k}"}}' for k in "abbccca"]
    assert table("stats topk(2, k) as t", *messages)[0]["t"] in {'["c","a"]', '["c","b"]'}


# Sorting


def test_natural_order_puts_texts_before_numbers_and_short_runs_of_digits_first(table):
    values = ["10", "9", "2345_", "111A", "5A", "b", "a10", "a9", "01"]
    messages = [f'{{"v": "{v}"}}' for v in values]
    found = [row["v"] for row in table("fields v | sort v", *messages)]
    assert found == ["5A", "111A", "2345_", "a9", "a10", "b", "01", "9", "10"]
    assert [row["v"] for row in table("fields v | sort v desc", *messages)] == found[::-1]


@pytest.mark.parametrize(
    "constant", ["true", "1", "'a'", "null", "isNumeric(@timestamp)", "5m", "@aws.region"]
)
def test_sorting_by_a_constant_leaves_the_newest_first(table, constant):
    found = table(f"fields @message | sort {constant} desc", "a", "b")
    assert [row["@message"] for row in found] == ["b", "a"]


def test_sorting_after_stats_by_what_is_gone_is_harmless(table):
    assert table("stats count(*) as n by k | sort @timestamp desc", '{"k": 1}') == [
        {"k": "1", "n": "1"}
    ]


# Scope, sources, subqueries, statistics


def test_both_ends_of_the_time_range_belong_to_it(table):
    from_, to = 1_760_011_201_000, 1_760_011_202_000
    found = table("fields @message", "a", "b", "c", "d", start_ms=from_, end_ms=to)
    assert [row["@message"] for row in found] == ["c", "b"]


def test_only_the_log_groups_of_the_scope_are_read(table):
    assert table("fields @message", "a", ("/other", "b")) == [{"@message": "a"}]


def test_source_chooses_log_groups_by_name_or_prefix(table):
    events = ["a", ("/other", "b"), ("/other/2", "c")]
    assert table("SOURCE '/other' | fields @message", *events) == [{"@message": "b"}]
    assert len(table("SOURCE '/other' | SOURCE '/aws/lambda/payments'", *events)) == 2
    assert len(table("SOURCE logGroups(namePrefix: ['/oth'])", *events)) == 2
    assert len(table("SOURCE logGroups()", *events)) == 3


def test_the_limit_of_the_call_and_of_the_query_both_hold(ask):
    assert len(ask("fields a", *"abcde", limit=3).rows) == 3
    assert len(ask("fields a | limit 2", *"abcde", limit=3).rows) == 2


def test_statistics_count_what_was_scanned_and_what_passed_the_filters(ask):
    messages = ["ok 1", "ok 22", "no", "ok 3"]
    for text in (
        "filter @message like 'ok' | limit 1",
        "filter @message like 'ok'",
        "filter @message like 'ok' | stats count(*) by bin(1s) | limit 1",
        "filter @message like 'ok' | stats count(*) as n by bin(1s) | filter n > 5",
        "filter @message like 'ok' | dedup @logStream",
        "filter @message like 'ok' | parse @message /(?<c>.)/ multi | stats count(*) by c",
        "filter @message like 'ok' | stats count(*) as n by bin(1s) | filter n > 5 | stats max(n)",
        "filter @message like 'ok' | join left=a right=b where a.@log=b.@log (SOURCE logGroups())",
    ):
        statistics = ask(text, *messages).statistics
        assert statistics.records_matched == 3, text
        assert statistics.records_scanned == 4
        assert statistics.bytes_scanned == 15


def test_a_subquery_gives_the_values_to_choose_from(table):
    found = table(
        "filter k in (SOURCE '/other' | filter v > 1 | fields k) | fields v",
        '{"k": "a", "v": 10}',
        '{"k": "b", "v": 20}',
        ("/other", '{"k": "b", "v": 2}'),
        ("/other", '{"k": "a", "v": 1}'),
    )
    assert found == [{"v": "20"}]


def test_a_subquery_may_read_more_fields_than_the_query(table):
    found = table(
        "filter k in (SOURCE '/other' | filter v > 1 | fields k) | stats count(*) as n",
        '{"k": "a"}',
        '{"k": "b"}',
        '{"k": "b"}',
        ("/other", '{"k": "b", "v": 2}'),
    )
    assert found == [{"n": "2"}]


def test_pattern_groups_what_differs_in_numbers_alone(table):
    found = table(
        "pattern @message | sort `@sampleCount` desc",
        "ERROR order 17 took 3.5 ms",
        "ERROR order 9 took 12 ms",
        "ERROR order 9 took 1 ms",
        "done",
    )
    assert found == [
        {
            "@pattern": "ERROR order <*> took <*> ms",
            "@ratio": "0.75",
            "@sampleCount": "3",
            "@severityLabel": "ERROR",
        },
        {"@pattern": "done", "@ratio": "0.25", "@sampleCount": "1"},
    ]


def test_logfmt_makes_a_map(table):
    found = table(
        "parse @message logfmt as m | fields m.level as level, m.text as text, m.no",
        'at=now level=info text="two words"',
    )
    assert found == [{"level": "info", "text": "two words"}]


def test_filter_index_is_a_filter(table):
    assert table("filterIndex a in ['x'] | fields a", '{"a": "x"}', '{"a": "y"}') == [{"a": "x"}]


def test_unnest_makes_a_row_of_each_item(table):
    found = table(
        "fields jsonParse(@message) as js | unnest js.items into item "
        "| fields item.id as id, js.name | sort id",
        '{"name": "n", "items": [{"id": 2}, {"id": 1}]}',
    )
    assert [(row["id"], row["js.name"]) for row in found] == [("1", "n"), ("2", "n")]


def test_unnest_takes_what_is_no_list_for_a_list_with_one_item(table):
    assert table("fields a | unnest a into b | display b", '{"a": "[x"}') == [{"b": "[x"}]
    assert table("fields 1 + 1 as two | unnest two into b | display b", "x") == [{"b": "2"}]


@pytest.mark.parametrize("written", ["j.`user.id`.n", "jsonParse(@message).`user.id`.n"])
def test_a_key_of_a_map_may_have_dots(table, written):
    text = f"fields jsonParse(@message) as j | fields {written} as n | display n"
    assert table(text, '{"user.id": {"n": 1}}') == [{"n": "1"}]
    assert table(text, '{"user": {"id.n": 2}}') == [{"n": "2"}]
    assert table(text, '{"user": {"id": "n"}}') == [{}]


@pytest.mark.parametrize("number", ["1e400", "\u0661\u0662"])
def test_what_is_too_large_or_not_ascii_is_no_number_but_equals_itself(table, number):
    messages = [f'{{"a": "{number}"}}', '{"a": "7"}']
    for condition in (f"a = '{number}'", f"a in ['{number}', 1]", f"'{number}' = a"):
        assert table(f"filter {condition} | fields a", *messages) == [{"a": number}]


def test_a_text_that_looks_like_a_number_keeps_its_digits(table):
    assert table("fields toupper(concat(b, 0)) as n", '{"b": "1.5"}') == [{"n": "1.50"}]


# Joins, and rows out of rows

API = [("/api", json) for json in ('{"id":"r1","status":200}', '{"id":"r2","status":503}')]
FUNCTION = [
    ("/fn", '{"request":"r2","level":"ERROR"}'),
    ("/fn", '{"request":"r2","level":"INFO"}'),
    ("/fn", '{"request":"r9","level":"ERROR"}'),
]
BESIDE = "join type={} left=api right=fn where api.id = fn.request (SOURCE '/fn' {})"


def test_join_puts_the_events_of_another_log_group_beside(table):
    text = f"{BESIDE.format('inner', '')} | fields api.status, fn.level | sort fn.level"
    assert table(text, *API, *FUNCTION, log_groups=("/api",)) == [
        {"api.status": "503", "fn.level": "ERROR"},
        {"api.status": "503", "fn.level": "INFO"},
    ]


def test_a_left_join_keeps_what_has_nothing_beside_it(table):
    text = f"filter status < 500 | {BESIDE.format('left', '')} | fields api.id, fn.level"
    assert table(text, *API, *FUNCTION, log_groups=("/api",)) == [{"api.id": "r1"}]


def test_join_takes_what_a_query_makes_of_the_other_side(table):
    counted = "| filter level = 'ERROR' | stats count(*) as errors by request"
    text = f"{BESIDE.format('inner', counted)} | stats sum(fn.errors) as n by api.status"
    assert table(text, *API, *FUNCTION, log_groups=("/api",)) == [{"api.status": "503", "n": "1"}]


def test_join_shows_the_fields_chosen_before_it(table):
    text = f"fields status | {BESIDE.format('inner', '| limit 1')}"
    (row,) = table(text, *API, *FUNCTION[:1], log_groups=("/api",))
    assert row == {"api.status": "503", "api.id": "r2", "fn.request": "r2"}


USERS = read_table("id,name,team\n7,Ada,red\n8,Bob,\n7,Eve,blue\n")


def looked_up(table, text, *messages):
    return table(text, *messages, lookup_table={"users": USERS}.get)


def test_lookup_puts_columns_of_a_table_beside(table):
    messages = ('{"id": 7}', '{"id": 8}', '{"id": 9}', "text")
    text = "fields id | lookup users id OUTPUT name, team | sort @timestamp"

    assert looked_up(table, text, *messages) == [
        {"id": "7", "name": "Ada", "team": "red"},
        {"id": "8", "name": "Bob", "team": ""},
        {"id": "9"},
        {},
    ]
    assert looked_up(table, "lookup users id output team | display team", messages[0]) == [
        {"team": "red"}
    ]
    assert looked_up(table, "lookup users id output team", messages[0]) == [
        {"@timestamp": "2025-10-09 12:00:00.000", "@message": '{"id": 7}', "team": "red"}
    ]


def test_lookup_compares_a_field_of_another_name_exactly(table):
    messages = ('{"who": "Ada", "of": "red"}', '{"who": "ada", "of": "red"}', '{"who": "Ada"}')
    text = "fields who | lookup users name as who, team as of OUTPUT id | filter ispresent(id)"

    assert looked_up(table, text, *messages) == [{"who": "Ada", "id": "7"}]


def test_lookup_overwrites_a_field_where_it_finds_something(table):
    messages = ('{"id": 7, "name": "old"}', '{"id": 9, "name": "old"}')
    text = "fields id, name | lookup users id OUTPUT name | sort id"

    assert looked_up(table, text, *messages) == [
        {"id": "7", "name": "Ada"},
        {"id": "9", "name": "old"},
    ]


def test_lookup_stands_before_and_after_stats(table):
    messages = ('{"id": 7}', '{"id": 7}', '{"id": 8}')
    after = "stats count(*) as n by id | lookup users id OUTPUT name"

    assert looked_up(
        table, "lookup users id OUTPUT name | stats count(*) as n by name | sort name", *messages
    ) == [{"name": "Ada", "n": "2"}, {"name": "Bob", "n": "1"}]
    assert looked_up(table, f"{after} | filter n > 1", *messages) == [
        {"id": "7", "n": "2", "name": "Ada"}
    ]
    assert looked_up(table, f"{after} | filter name = 'Bob'", *messages) == [
        {"id": "8", "n": "1", "name": "Bob"}
    ]


def test_lookup_leaves_the_statistics_as_they_were(ask):
    result = ask(
        "filter id > 6 | lookup users id OUTPUT name",
        *('{"id": 7}', '{"id": 1}', '{"id": 9}'),
        lookup_table={"users": USERS}.get,
    )

    assert (result.statistics.records_matched, result.statistics.records_scanned) == (2, 3)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no header row"),
        ("a,,b\n1,2,3", "without a name"),
        ("a,a\n1,2", "one twice"),
        ("a,b\n1,2\n\n3", "line 4 has 1 values for 2 fields"),
        ('a\n"x', "line 2 is no CSV"),
    ],
)
def test_what_is_no_lookup_table_is_refused_with_the_line(text, what):
    with pytest.raises(InvalidTable, match=what):
        read_table(text)


def test_a_lookup_table_is_csv_as_spreadsheets_write_it():
    text = '\ufeffa,"b c"\r\n"x, ""y""","two\nlines"\r\n\r\n'
    assert read_table(text) == LookupTable(("a", "b c"), (('x, "y"', "two\nlines"),))


def test_regex_replace_replaces_every_match(table):
    message = "a1b22"
    for name in ("regexReplace", "regex_replace"):
        assert table(f"fields {name}(@message, '[0-9]+', '#') as x", message) == [{"x": "a#b#"}]
    for text in ("'(', 'x'", r"'[0-9]', '\\1'", "'[0-9]', '$1'", "@message, 'x'"):
        with pytest.raises(MalformedQuery):
            table(f"fields regexReplace(@message, {text})", message)


def test_counts_and_sums_over_time_are_those_of_each_bin(table):
    text = "stats {}(*) as n, {}(v) as s by bin(2s) | sort n"
    for count, total in (("count_over_time", "sum_over_time"), ("countOverTime", "sumOverTime")):
        assert table(text.format(count, total), '{"v": 1}', '{"v": 2}', '{"v": 4}') == [
            {"bin(2s)": "2025-10-09 12:00:02.000", "n": "1", "s": "4"},
            {"bin(2s)": "2025-10-09 12:00:00.000", "n": "2", "s": "3"},
        ]


def test_parse_multi_makes_a_row_for_each_match(table):
    text = r"parse @message /ip=(?<ip>[\d.]+)/ multi | fields ip | sort ip"
    assert table(text, "ip=1 ip=2", "no") == [{"ip": "1"}, {"ip": "2"}, {}]


def test_expand_makes_a_row_for_each_item_under_the_same_name(table):
    found = table("fields jsonParse(a) as l | expand l | fields l | sort l", '{"a":"[2,1]"}')
    assert [row["l"] for row in found] == ["1", "2"]


def test_expand_takes_a_field_of_an_event_that_is_an_array(table):
    messages = ['{"items": ["apple", "banana"], "host": "web-01"}', '{"items": "fig"}', "none"]
    assert table("expand items | stats count(*) as n by items, host", *messages) == [
        {"items": "apple", "host": "web-01", "n": "1"},
        {"items": "banana", "host": "web-01", "n": "1"},
        {"items": "fig", "n": "1"},
        {"n": "1"},
    ]


def test_hundreds_of_fields_can_be_computed_at_once(table):
    fields = ", ".join(f"a + {n} as b{n}, b{n} - a as c{n}" for n in range(140))
    many = ", ".join(f"a{n} + 1 as b{n}" for n in range(400))
    sums = ", ".join(f"sum(a) + {n} as b{n}" for n in range(400))
    (row,) = table(f"fields {fields}", '{"a": 1}')
    assert [row["b9"], row["c9"], row["b139"], row["c139"]] == ["10", "9", "140", "139"]
    assert table(f"fields {many}", '{"a399": 1}') == [{"b399": "2"}]
    (row,) = table(f"stats {sums}", '{"a": 1}', '{"a": 2}')
    assert [row["b0"], row["b399"]] == ["3", "402"]


WORDS = """
accum addtotals appendcols autoregress cidrlookup col countFrequent csv diff field filldown
fillmissing fieldname for json logcompare logfmt mark max multi outlier output outputnew override
p param pattern row timeshift uselower with
""".split()  # noqa: SIM905 - it is a vocabulary


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_language_can_be_a_field(table, word):
    event = f'{{"{word}": 3, "b": 1}}'
    assert table(f"fields {word}, b | filter {word} = 3 and b = 1 | sort {word}, b", event) == [
        {word: "3", "b": "1"}
    ]
    assert table(f"fields b as {word} | display {word}", event) == [{word: "1"}]
    assert table(f"stats sum({word}) as b by {word} | sort b", event) == [{word: "3", "b": "3"}]
    assert table(f"parse {word} /(?<digit>.)/ | display digit", event) == [{"digit": "3"}]
    assert table(f"accum {word} as {word} | display {word}", event) == [{word: "3"}]
    assert table(f"addtotals {word}, b | display Total", event) == [{"Total": "4"}]
    assert table(f"outlier {word} b | fields {word}", event) == [{word: "3"}]


def test_every_stage_of_the_language_can_be_applied():
    assert set(STAGES) == set(get_args(syntax.Stage)) - {syntax.Source}


# Refusals


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("fields @timestamp | count", "count", "expecting"),
        ("fields a |", "", "ends too early"),
        ("filter a = ", "", "ends too early"),
        ("", "", "ends too early"),
        ("lookup users id OUTPUT x", "lookup users id OUTPUT x", "no lookup table users"),
        ("lookup users id", "", "expecting {',', as, output}"),
        ("fields a | anomaly", "anomaly", "anomaly is not offered offline"),
        ("stats rate(a, 5)", "rate(a, 5)", "an interval of fixed length"),
        ("stats count(*) by bin(1mo) offset 10001d", "10001d", "at most 10,000 days"),
        ("fields formatDate(a, '')", "formatDate(a, '')", "the pattern is empty"),
        ("fields foo(a)", "foo(a)", "no function foo"),
        ("filter a like /(/", "/(/", "regular expression"),
        ("filter a like /(?=x)/", "/(?=x)/", "regular expression"),
        ("parse @message 'a * b *' as x", "parse @message 'a * b *' as x", "2 '*' for 1 names"),
        ("fields a | fields x as a", "x as a", "defined already"),
        ("stats count(*) by k | display v", "v", "Unknown symbols found in or after stats: v"),
        ("stats a by k", "a", "neither aggregated nor a key"),
        ("fields count(*)", "count(*)", "in stats alone"),
        ("stats count(*) as n by k | limit 5 | stats max(n)", "limit 5", "after the last one"),
        ("dedup a | sort b", "sort b", "only limit can come after dedup"),
        (
            "stats count(*) by bin(5m) | stats max(`count(*)`) by bin(1h)",
            "bin(1h)",
            "Unknown symbols",
        ),
        ("fields ispresent(@message, 'x')", "ispresent(@message, 'x')", "takes 1 argument, not 2"),
        ("limit 1.5", "1.5", "whole number"),
        ("join left=a right=b where a.x=b.y (SOURCE '/b') | filter z=1", "z", "z is a.z or b.z"),
        (
            "join left=a right=b where a.x=b.y (SOURCE '/b') | stats count(*) by bin(5m)",
            "bin(5m)",
            "@timestamp is a.@timestamp or b.@timestamp",
        ),
        ("join left=a right=b where a.x=c.y (SOURCE '/b')", "a.x=c.y", "a field of a with one"),
        (
            "stats count(*) | join left=a right=b where a.x=b.y (SOURCE '/b')",
            "join left=a right=b where a.x=b.y (SOURCE '/b')",
            "before stats",
        ),
        ("parse @message /x(y)/ multi", "/x(y)/", "no named group"),
        (
            "fields ((((a)))) + " + "-" * 200 + "1",
            None,
            "nested too deeply",
        ),
        ("fields " + "sqrt(" * 40 + "a" + ")" * 40, None, "too complex"),
        ("fields a" + " " * 10_000, None, "longer than 10000"),
        ("filldown" + " | filldown" * 900, None, "use fewer commands"),
        ("fields a" + " | autoregress a p=1-100" * 300, None, "use fewer commands"),
        ("sort a" + "".join(f", a{n}" for n in range(1500)), None, "use fewer commands"),
        ("filter " + " or ".join(["a in (fields a)"] * 400), None, "use fewer commands"),
        ("limit " + "9" * 5000, "9" * 5000, "whole number in range"),
        ("fields a[" + "9" * 5000 + "]", "9" * 5000, "whole number in range"),
        ("stats topk(" + "9" * 5000 + ", a)", None, "topk does not take these arguments"),
        ("stats histogram(a, " + "9" * 5000 + ")", None, "a number of ranges"),
        ("stats count(*) by bin(" + "9" * 5000 + "m)", "9" * 5000 + "m", "too long"),
        ("fields 'a\ud800'", "\ud800", "half of a character"),
        ("SOURCE logGroups(namePrefix: ['a','b','c','d','e','f'])", None, "at most 5"),
    ],
)
def test_what_is_wrong_is_named_and_placed(ask, text, part, says):
    with pytest.raises(MalformedQuery) as caught:
        ask(text)
    assert says in caught.value.message
    if part is not None:
        assert text[caught.value.start : caught.value.end].strip() == part


def test_what_a_person_wrote_never_becomes_sql(table):
    name = "x'); DROP TABLE log_events; --"
    assert table(f'filter a = "{name}" or `{name}` = "b" | fields a as `{name}`', "x") == []
    (row,) = table(f"fields `{name}` as y | parse @message '{{*}}' as `\"; --`", "{}")
    assert row == {}


def test_all_fields_of_one_event_can_be_listed():
    message = 'INFO {"a": {"b": [1, {"c": true}]}, "@t": "x", "none": null, "n": 1.50} {"z": 1}'
    assert discovered(message) == {"a.b.0": "1", "a.b.1.c": "true", "@@t": "x", "n": "1.50"}
    assert discovered("no json {") == {}
    assert len(discovered(str({f"k{i}": i for i in range(999)}).replace("'", '"'))) == 200
