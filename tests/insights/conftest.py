"""Log events to ask, without a store: a table in memory."""

from collections.abc import Callable, Iterator, Sequence

import duckdb
import pytest

from workshop.insights import Result, Scope, compile_query, parse, rows

GROUP = "/aws/lambda/payments"
NOON = 1_760_011_200_000  # 2025-10-09 12:00:00 UTC

Ask = Callable[..., Result]


@pytest.fixture(scope="session")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        database.execute(
            "CREATE TABLE log_events (id BIGINT NOT NULL, ingestion_time BIGINT NOT NULL, "
            "log_group VARCHAR NOT NULL, log_stream VARCHAR NOT NULL, "
            "timestamp BIGINT NOT NULL, message VARCHAR NOT NULL, "
            "size INTEGER GENERATED ALWAYS AS (strlen(message)))"
        )
        yield database


@pytest.fixture
def ask(connection: duckdb.DuckDBPyConnection) -> Ask:
    """Ask a query of messages, which are one second, or `apart`, from each other, from noon on.

    A message may be a pair of its log group and its text.
    """

    def ask(
        text: str, *messages: str | tuple[str, str], apart: int = 1000, **scope: object
    ) -> Result:
        connection.execute("DELETE FROM log_events")
        for index, given in enumerate(messages):
            group, message = (GROUP, given) if isinstance(given, str) else given
            time = NOON + index * apart
            connection.execute(
                "INSERT INTO log_events VALUES (?, ?, ?, 'stream', ?, ?)",
                [index + 1, time + 5, group, time, message],
            )
        whole = {
            "log_groups": (GROUP,),
            "start_ms": 0,
            "end_ms": NOON * 2,
            "now_ms": NOON,
            **scope,
        }
        return rows(compile_query(parse(text), Scope(**whole)), connection)

    return ask


@pytest.fixture
def table(ask: Ask) -> Callable[..., list[dict[str, str]]]:
    """Ask, and give each row as a dict without its `@ptr`."""

    def table(text: str, *messages: str | tuple[str, str], **scope: object) -> list[dict[str, str]]:
        result = ask(text, *messages, **scope)
        return [{name: value for name, value in row if name != "@ptr"} for row in result.rows]

    return table


def asked(
    connection: duckdb.DuckDBPyConnection, texts: Sequence[str], text: str
) -> list[list[str]]:
    """Ask a query of messages; give the values of its rows, in order of the messages."""
    numbers = list(range(len(texts)))
    connection.execute("DELETE FROM log_events")
    connection.execute(
        "INSERT INTO log_events SELECT unnest($numbers::BIGINT[]), 0, $group, 's', "
        "$noon - unnest($numbers::BIGINT[]), unnest($texts::VARCHAR[])",
        {"numbers": numbers, "group": GROUP, "noon": NOON, "texts": list(texts)},
    )
    result = rows(compile_query(parse(text), Scope((GROUP,), 0, NOON, NOON)), connection)
    return [[value for name, value in row if name != "@ptr"] for row in result.rows]
