"""Whatever is typed gives an answer or a MalformedQuery."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workshop.insights import (
    Compiled,
    MalformedQuery,
    Query,
    Scope,
    compile_query,
    parse,
    read_table,
    rows,
)

USERS = read_table("a,b\n1,x\n")
SCOPE = Scope(("/g",), 0, 2**42, 2**40, lookup_table={"users": USERS}.get)
MESSAGES = (
    "",
    "{",
    '{"a": 1, "b": {"c": [1, "x", null, true, 1e400]}, "a.b": "nan", "@timestamp": "é"}',
    "text {not json} tail",
    "REPORT RequestId: x\tDuration: 1e ms\tMemory Size: 99999999999999999999 MB",
    '{"a": "inf", "k": "' + "9" * 400 + '"}',
)
ATOMS = """
a b.c a.b @message @timestamp @duration @x `a_b` 'text' "t*x*" '' 5m 1mo 99y 0s 3 0 1.5 1e308 -1
99999999999999999999 true null count(*) sum(a) max(@message) min(b) pct(a,99) latest(a)
topk(2,a) values(a) bin(5m) bin(1q) jsonParse(@message) substr(a,1,2) datefloor(a,1h)
fromMillis(a) toInt(a) split(a,'') round(a,400) if(a,b,1) coalesce(a,1,'x') count_distinct(a)
isIpInSubnet(a,'::/8') isValidIp(a) regexReplace(a,'.','x') count_over_time(a)
stddev(a) sqrt(a) formatDate(a,'%q') formatDate(@timestamp,'%d','Asia/Tokyo')
parseDate(a,'yyyy-MM-dd') parseDate(@message,a) haversine(a,1,2,3) decToHex(a) hexToDec(@message)
isPublicIP(a) rate(a,1m) histogram(a,3) histogram(a,b) queryTimeRange() case(a,1) datefloor(a,1q)
""".split()  # noqa: SIM905 - it is a vocabulary
WORDS = [
    *ATOMS,
    *"""
fields display filter where stats sort order limit head tail parse dedup unnest source by as
and or not like in asc desc offset any into pattern diff join lookup users output
accum addtotals autoregress countFrequent filldown fillmissing outlier appendcols cidrlookup
logcompare timeshift sessionize maxspan json csv multi with for field=a p=1-3 col=true override=true
action=remove a*
/x(?<n>.)*/ /(/ | | | | ( )
( ) [ ] , , * + - / % ^ = != <= > =~ ! . # `
""".split(),  # noqa: SIM905
    "\n",
]
OPERATORS = ["+", "-", "*", "/", "%", "^", "=", "!=", "<", ">=", "and", "or", "like", "in"]


@pytest.fixture(scope="module")
def events() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE log_events (id BIGINT, ingestion_time BIGINT, log_group VARCHAR, "
            "log_stream VARCHAR, timestamp BIGINT, message VARCHAR, "
            "size INTEGER GENERATED ALWAYS AS (strlen(message)))"
        )
        connection.executemany(
            "INSERT INTO log_events VALUES (?, 0, '/g', 's', ?, ?)",
            [[index, index * 10**6, message] for index, message in enumerate(MESSAGES)],
        )
        yield connection


def attempt(text: str, events: duckdb.DuckDBPyConnection) -> None:
    try:
        query = parse(text)
        assert isinstance(query, Query)
        compiled = compile_query(query, SCOPE)
        assert isinstance(compiled, Compiled)
    except MalformedQuery as error:
        problem = error
    else:
        rows(compiled, events)
        return
    assert problem.message
    assert 0 <= problem.start <= problem.end <= len(text)


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_characters(events, text):
    attempt(text, events)


@given(st.lists(st.sampled_from(WORDS), max_size=16).map(" ".join))
@settings(max_examples=500, deadline=None)
def test_any_words_of_the_language(events, text):
    attempt(text, events)


def joined(parts: tuple[str, str, str]) -> str:
    left, operator, right = parts
    if operator == "like":
        return f"({left} like 'x')"
    if operator == "in":
        return f"({left} in [{right}, 'x'])"
    return f"({left} {operator} {right})"


EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.tuples(inner, st.sampled_from(OPERATORS), inner).map(joined),
    max_leaves=6,
)
STAGES = st.one_of(
    EXPRESSIONS.map("filter {}".format),
    EXPRESSIONS.map("fields {} as n".format),
    EXPRESSIONS.map("display {}".format),
    EXPRESSIONS.map("sort {} desc".format),
    st.tuples(EXPRESSIONS, st.sampled_from(ATOMS)).map(
        lambda pair: "stats {} as s, count(*) by {} as k".format(*pair)
    ),
    EXPRESSIONS.map("stats max({}) as m, values(a)".format),
    st.sampled_from(
        [
            *("limit 2", "tail 1", "dedup a", "parse 'a*' as z", "parse @message /(?<z>.)/"),
            *("lookup users a OUTPUT b", "lookup users b as n, a OUTPUT a, b"),
            *("cidrlookup users a as b OUTPUT b", "cidrlookup users b as a OUTPUTNEW a as s, b"),
            *("accum a", "accum count(*) as n", "accum s", "autoregress s p=1-3", "filldown"),
            *("filldown s a*", "addtotals", "addtotals col=true", "addtotals fieldname=a s, a"),
            *("outlier a", "outlier action=remove uselower=true mark=true s", "countFrequent s, k"),
            *("stats count(*) as s by bin(1h) as k", "stats max(a) as s, count(*) by bin(1d), a"),
            *("fillmissing", "fillmissing with 0 for s, 'x' for count(*)", "diff", "pattern a"),
            *("logcompare timeshift 1d", "diff previousMonth", "parse csv as s, n"),
            *("sessionize a", "sessionize s, @message maxspan 1h as n"),
            *("json field=a 'b.c' as s", "json field=s '0' as n", "sort s", "display s, count(*)"),
            *("appendcols ( stats count(*) as s )", "appendcols override=true ( fields a, n )"),
        ]
    ),
)


@given(st.lists(STAGES, min_size=1, max_size=4).map(" | ".join))
@settings(max_examples=500, deadline=None)
def test_any_sentences_of_the_language(events, text):
    attempt(text, events)


@pytest.mark.parametrize("function", ["trim", "isReservedIP", "hexToAscii", "ceil", "isBlank"])
def test_what_is_within_a_call_is_not_worked_out_many_times_over(function):
    def size(depth: int) -> int:
        text = f"filter {f'toUpper({function}(' * depth}a{'))' * depth}"
        return len(compile_query(parse(text), SCOPE).sql)

    assert size(8) < 3 * size(4)


def test_an_aggregate_takes_a_subquery_and_a_long_condition(events):
    attempt(
        "stats values(a in (SOURCE '/g' | fields a)), max(isPublicIP(a = b)) by bin(1w)", events
    )
