"""The log events that a query reads: its innermost SELECT."""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

import re
from collections.abc import Container

from workshop.insights import discovery, syntax, values
from workshop.insights.expressions import Parameters, Scope
from workshop.insights.values import Kind, Value

_VERBATIM = re.compile(r"[A-Za-z0-9_ .:-]+")


class Events:
    """What a query reads of log events: columns, JSON fields, and what it asks of columns alone.

    Attributes:
        SQL: Stands for the events in SQL until all that is read of them is known.
        conditions: On columns of `log_events`, asked beside the scope: there alone DuckDB skips
            parts of the table for `sort … | limit …`.
    """

    SQL = "events_in_scope"

    def __init__(self, scope: Scope, parameter: Parameters) -> None:
        self.conditions: list[str] = []
        self._scope = scope
        self._parameter = parameter
        self._json: dict[str, Value] = {}
        self._pointers: list[str] = []
        self._json_column = parameter.unique("j")  # a subquery has its own

    @staticmethod
    def is_column(name: str) -> bool:
        """Whether a field is made of the columns of `log_events`, and not of JSON."""
        return name.startswith("@") and not name.startswith("@@")

    def field(self, name: str) -> Value:
        """Give a field of log events."""
        if self.is_column(name):
            return discovery.built_in(
                name, self._parameter, self._scope.account_id, self._scope.region
            )
        if name not in self._json:
            first = len(self._pointers) + 1
            self._pointers += discovery.pointers(name.removeprefix("@"))  # `@@x` is key `@x`
            indices = range(first, len(self._pointers) + 1)
            reads = [f"{self._json_column}[{index}]" for index in indices]
            sql = reads[0] if len(reads) == 1 else f"coalesce({', '.join(reads)})"
            self._json[name] = Value(sql, Kind.TEXT)
        return self._json[name]

    def expect(self, node: syntax.Expression, defined: Container[str]) -> None:
        """Spare most events the reading of their JSON: a field equals a text that they lack.

        Letters and digits stand in JSON as themselves, or as escapes that begin with a `u`.

        Args:
            node: What holds for every event that is wanted.
            defined: Names that are no fields of events.
        """
        match node:
            case syntax.Comparison(
                operator="=", left=syntax.Field(name=name), right=syntax.String(value=text)
            ) if name in self._json and name not in defined:
                if _VERBATIM.fullmatch(text) and not values.looks_like_number(text):
                    self.conditions.append(
                        f"(contains(message, {self._parameter(text)}) OR contains(message, '\\u'))"
                    )

    def read_by(self, sql: str, within: str) -> str:
        """Complete SQL over these events, now that all that is read of them is known.

        Args:
            sql: With `SQL` where the events stand.
            within: The condition that an event is in scope.
        """
        columns = ", ".join(discovery.EVENT_COLUMNS)
        if self._pointers:
            columns += (
                f", {discovery.json_fields(self._pointers, self._parameter)} AS {self._json_column}"
            )
        where = " AND ".join([within, *self.conditions])
        completed = sql.replace(self.SQL, f"(SELECT {columns} FROM log_events WHERE {where})")
        if len(self._pointers) == 1:  # one JSON field as it is: a list of one would cost time
            return completed.replace(f"{self._json_column}[1]", self._json_column)
        return completed
