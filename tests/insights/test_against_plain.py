"""The compiler against a plain evaluator, on made-up events and queries."""

import json

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.insights.plain import evaluate
from workshop.insights import MalformedQuery, Scope, compile_query, parse, rows

GROUP = "/g"
SCOPE = Scope((GROUP,), 0, 10**9, 0)

SCALARS = st.one_of(
    st.sampled_from(["INFO", "ERROR", "a1", "a10", "a9", "10", "9", "1.5", "", "true", "x=2;"]),
    st.integers(-3, 600),
    st.sampled_from([0.5, 2.25, True, False, None]),
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"a": SCALARS, "b": SCALARS, "d": st.fixed_dictionaries({"e": SCALARS})}
)
MESSAGES = st.one_of(
    DOCUMENTS.map(json.dumps),
    st.sampled_from(["plain", "a=1;b=2;", "a=;", "ERROR a=x;", "", "a=10;b=9;"]),
)
EVENTS = st.lists(st.tuples(st.integers(0, 5000), MESSAGES), max_size=8)

NAMES = st.sampled_from(["a", "b", "d.e", "p", "@message", "@timestamp", "no"])
LITERALS = st.sampled_from(["1", "0", "200", "'INFO'", "'10'", "'a9'", "'true'", "true", "null"])
OPERANDS = st.one_of(NAMES, NAMES, LITERALS)


def expressions(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(inner, st.sampled_from(["=", "!=", "<", ">="]), inner).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(NAMES, st.sampled_from(["'a'", "/a\\d/", "/ERR|IN/"])).map(
            "({0[0]} like {0[1]})".format
        ),
        NAMES.map("({} not in ['10', 'INFO', 2])".format),
        inner.map("(not {})".format),
        inner.map("ispresent({})".format),
        inner.map("strlen({})".format),
        inner.map("toupper({})".format),
        st.tuples(inner, inner).map("concat({0[0]}, {0[1]})".format),
    )


EXPRESSIONS = st.recursive(OPERANDS, expressions, max_leaves=4)
PARSES = st.sampled_from(
    ["parse 'a=*;' as p", "parse @message 'b=*;' as p", "parse @message /a=(?<p>[^;]*);/"]
)
EVENT_STAGES = st.one_of(
    EXPRESSIONS.map("filter {}".format),
    PARSES,
    st.sampled_from(["limit 3", "sort a", "sort b desc, @timestamp", "sort d.e, a desc"]),
)
PROJECTIONS = st.lists(EXPRESSIONS, min_size=1, max_size=3).map(
    lambda found: "fields " + ", ".join(f"{one} as n{index}" for index, one in enumerate(found))
)
AGGREGATES = st.tuples(
    st.sampled_from(["count", "sum", "avg", "min", "max", "count_distinct", "earliest", "latest"]),
    st.one_of(NAMES, EXPRESSIONS),
).map("{0[0]}({0[1]})".format)
STATS = st.tuples(
    st.lists(
        st.one_of(AGGREGATES, st.just("pct(a, 90)"), st.just("count(*)")), min_size=1, max_size=3
    ),
    st.sampled_from(["", " by a", " by bin(1s), b", " by strlen(@message)", " by p"]),
).map(
    lambda parts: (
        "stats " + ", ".join(f"{one} as s{index}" for index, one in enumerate(parts[0])) + parts[1]
    )
)
PLACED = st.sampled_from(
    [
        *("accum a", "accum d.e as p", "autoregress a p=1-2", "autoregress b as p p=2"),
        *("filldown", "filldown a p", "addtotals", "addtotals col=true a, b"),
        *("addtotals row=false col=true", "outlier a", "outlier param=0.5 uselower=true a d.e"),
        *("outlier action=remove param=0.5 mark=true a b", "parse b csv as p, q", "limit 3"),
        *("filter a > 1", "filter p != 1", "sort a", "sort p desc"),
    ]
)
QUERIES = st.one_of(
    st.tuples(
        st.lists(EVENT_STAGES, max_size=2), PROJECTIONS, st.lists(PLACED, min_size=1, max_size=3)
    ).map(lambda parts: " | ".join([*parts[0], parts[1], *parts[2]])),
    st.tuples(
        st.lists(EVENT_STAGES, max_size=2),
        st.sampled_from(["countFrequent a", "countFrequent a, d.e | addtotals"]),
    ).map(lambda parts: " | ".join([*parts[0], parts[1]])),
    st.tuples(
        st.lists(EVENT_STAGES, max_size=3), PROJECTIONS, st.sampled_from(["", " | dedup a"])
    ).map(lambda parts: " | ".join([*parts[0], parts[1]]) + parts[2]),
    st.tuples(
        st.lists(st.one_of(PARSES, EXPRESSIONS.map("filter {}".format)), max_size=2), STATS
    ).map(lambda parts: " | ".join([*parts[0], parts[1]])),
)


@given(EVENTS, QUERIES)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_both_give_the_same_rows(connection: duckdb.DuckDBPyConnection, events, text):
    query = parse(text)
    try:
        compiled = compile_query(query, SCOPE)
    except MalformedQuery:
        return
    connection.execute("DELETE FROM log_events")
    connection.execute(
        "INSERT INTO log_events SELECT unnest(?::BIGINT[]), 0, ?, 's', unnest(?::BIGINT[]), "
        "unnest(?::VARCHAR[])",
        [
            list(range(1, len(events) + 1)),
            GROUP,
            [time for time, _ in events],
            [message for _, message in events],
        ],
    )
    kept = [
        {"id": index + 1, "timestamp": time, "message": message}
        for index, (time, message) in enumerate(events)
    ]
    found = [[cell for cell in row if cell[0] != "@ptr"] for row in rows(compiled, connection).rows]
    wanted = evaluate(query, kept)
    if compiled.has_pointer:
        assert found == wanted
    else:  # the order of groups is ours to choose
        assert sorted(found) == sorted(wanted)
