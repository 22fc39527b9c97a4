"""What DuckDB can rule out before a filter expression is judged.

Pure: an expression in, SQL out. The SQL is a necessary condition: it may let through traces that
do not match, never the other way. It looks for the words of the expression in the text of the
documents, which is far cheaper than to assemble traces, so that a search over 100,000 traces
assembles few of them. The text is JSON without spaces, as the store writes it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workshop.traces import filter_syntax as syntax
from workshop.traces.services import CLIENT


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of SQL on the rows of one trace, in a query grouped by `trace_id`.

    Attributes:
        sql: With `?` for each parameter.
        parameters: In order.
    """

    sql: str
    parameters: tuple[object, ...] = ()


ALL = Condition("true")

_ROUNDING = 1e-6
OF_ROOTS = {
    "http.url": "$.http.request.url",
    "http.method": "$.http.request.method",
    "http.useragent": "$.http.request.user_agent",
    "http.clientip": "$.http.request.client_ip",
    "http.status": "$.http.response.status",
}
FUNCTIONS = {"contains": "contains", "beginswith": "starts_with", "endswith": "ends_with"}
# Where the values of keywords stand in a document, wherever that is.
_MEMBERS = {
    "http.url": "url",
    "http.method": "method",
    "http.useragent": "user_agent",
    "http.clientip": "client_ip",
    "http.status": "status",
    "user": "user",
    "resource.arn": "resource_arn",
    "instance.id": "instance_id",
    "availabilityzone": "availability_zone",
    "message": "message",
}


def condition(expression: syntax.Expression | None) -> Condition:
    """Return what every trace of which an expression holds fulfils.

    Args:
        expression: None holds of every trace.
    """
    return ALL if expression is None else _possible(expression, whole=True)


def _possible(expression: syntax.Expression, *, whole: bool) -> Condition:
    """Return a condition for an expression about a trace (`whole`) or within braces."""
    match expression:
        case syntax.And(terms):
            made = all_of([_possible(term, whole=whole) for term in terms])
        case syntax.Or(terms):
            made = any_of([_possible(term, whole=whole) for term in terms])
        case syntax.Not(syntax.Keyword("ok", syntax.Comparison(None))):
            made = _failed()
        case syntax.Keyword(name, comparison) if whole and name in OF_ROOTS:
            made = _of_root(OF_ROOTS[name], comparison)
        case syntax.Keyword(name, comparison):
            made = _keyword(name, comparison, whole=whole)
        case syntax.Annotation(key, comparison):
            made = _member(key, comparison)
        case syntax.Not():
            made = ALL  # anything is possible
        case _:
            made = _part(expression)
    return made


def _part(
    expression: syntax.Service | syntax.Edge | syntax.RootCause | syntax.RootCauseJson,
) -> Condition:
    """Return a condition for what asks for a part of a trace."""
    match expression:
        case syntax.Service(target, body):
            return all_of([_name(target), _body(body)])
        case syntax.Edge(source, destination, body):
            return all_of([_name(source), _name(destination), _body(body)])
        case syntax.RootCause(kind, _, body):
            failed = {"fault": _fault(), "error": _error(), "responsetime": ALL}[kind]
            return all_of([failed, _body(body)])
        case syntax.RootCauseJson(patterns):
            named = [_has(_json(text)) for text in _names_in(list(patterns or ()))]
            # Of what is slow, the client always knows.
            hidden = [_failed() for one in patterns or () if one.get("ClientImpacting") is False]
            return all_of([*named, *hidden])


def _names_in(pattern: object) -> Iterator[str]:
    """Give the names and messages that a pattern of root causes asks for: documents have them."""
    if isinstance(pattern, Mapping):
        for key, value in pattern.items():
            if key in ("Name", "Message") and isinstance(value, str):
                yield value
            else:
                yield from _names_in(value)
    elif isinstance(pattern, list):
        for item in pattern:
            yield from _names_in(item)


def _body(body: syntax.Expression | None) -> Condition:
    return ALL if body is None else _possible(body, whole=False)


def _keyword(name: str, comparison: syntax.Comparison, *, whole: bool) -> Condition:
    if name in _MEMBERS:
        return _member(_MEMBERS[name], comparison)
    match comparison.value:
        case bool(value):
            return _boolean(name, asked=value is (comparison.operator == "="))
        case None:
            return _boolean(name, asked=True)
        case str(value) if comparison.operator == "=":
            return _type(value) if name == "type" else _has(_json(value))
        case float(value):
            return (_time if whole else _time_within)(name, comparison.operator, value)
        case _:
            return ALL


def _of_root(path: str, comparison: syntax.Comparison) -> Condition:
    """Compare a value of a document itself: that of a root is in no other document."""
    value, operator = comparison.value, comparison.operator
    found = f"json_extract_string(document, '{path}')"
    if not is_unicode(value):
        return ALL
    if operator is None or value == "":
        return Condition(f"bool_or({found} IS NOT NULL)")
    if isinstance(value, float):
        found = f"TRY_CAST({found} AS DOUBLE)"
    if operator in FUNCTIONS:
        return Condition(f"bool_or({FUNCTIONS[operator]}({found}, ?))", (value,))
    sign = "<>" if operator == "!=" else operator
    return Condition(f"bool_or({found} {sign} ?)", (value,))


def _time(name: str, operator: syntax.Operator | None, seconds: float) -> Condition:
    """Compare the longest, or the shortest, that a document of the trace took.

    The sums are made in another order than elsewhere, which may differ in the last bits.
    """
    if name == "duration" and operator in ("=", ">", ">="):
        whole = "max(coalesce(end_time, start_time)) - min(start_time)"
        return Condition(f"{whole} >= ?", (seconds - _ROUNDING,))
    if name == "responsetime" and operator in ("=", ">", ">="):
        return Condition("max(end_time - start_time) >= ?", (seconds - _ROUNDING,))
    if name == "responsetime" and operator in ("<", "<="):
        return Condition("min(end_time - start_time) <= ?", (seconds + _ROUNDING,))
    return ALL


def _time_within(name: str, operator: syntax.Operator | None, seconds: float) -> Condition:
    """Require that much time between a start and an end anywhere in the documents.

    The times of a subsegment, which may tell of a service that sent nothing, are no columns.
    """
    if name not in ("duration", "responsetime") or operator not in ("=", ">", ">="):
        return ALL
    times = f"list_transform({_NUMBERS}, lambda x: TRY_CAST(x AS DOUBLE))"
    return Condition(
        f"max(list_max({times})) - min(list_min({times})) >= ?",
        (_number_after('"end_time":'), _number_after('"start_time":'), seconds - _ROUNDING),
    )


def _boolean(name: str, *, asked: bool) -> Condition:
    if name == "ok":
        return ALL if asked else _failed()
    conditions = {
        "fault": _fault(),
        "error": _error(),
        "throttle": _has('"throttle":true'),
        "inferred": _has('"namespace":"'),
    }
    return conditions.get(name, ALL) if asked else ALL


def _failed() -> Condition:
    return Condition(r"""bool_or(regexp_matches(document, '"(error|fault|throttle)":true'))""")


def _fault() -> Condition:
    return _has('"fault":true')


def _error() -> Condition:
    return any_of([_has('"error":true'), _has('"throttle":true')])


def _name(target: syntax.Target) -> Condition:
    """Require what a target names."""
    texts = [_has(_json(text)) for text in (target.name, target.account_id) if text is not None]
    return all_of(texts if target.type is None else [*texts, _type(target.type)])


def _type(text: str) -> Condition:
    """Require a service of some type: one that has sent a segment, or is inferred from a call."""
    if text == CLIENT:
        return ALL
    namespace = "aws" if text.startswith("AWS::") else "remote"
    return any_of([_has(f'"origin":{_json(text)}'), _has(f'"namespace":"{namespace}"')])


def _member(key: str, comparison: syntax.Comparison) -> Condition:
    """Require a member of some object, with a value that the comparison allows."""
    operator, value = comparison.operator, comparison.value
    written = f"{_json(key)}:"
    match value:
        case bool():
            wanted = "true" if value is (operator == "=") else "false"
            return _has(f"{written}{wanted}")
        case str() if value and operator != "!=":
            text = _json(value)
            if operator == "=":
                return _has(f"{written}{text}")
            if operator == "beginswith":
                return _has(f"{written}{text[:-1]}")
            return all_of([_has(f'{written}"'), _has(text[1:-1])])
        case float() if operator is not None:
            sign = "<>" if operator == "!=" else operator
            return Condition(
                f"bool_or(contains(document, ?) AND len(list_filter({_NUMBERS}, "
                f"lambda x: TRY_CAST(x AS DOUBLE) {sign} ?)) > 0)",
                (written, _number_after(written), value),
            )
        case _:
            return _has(written)


_NUMBERS = "regexp_extract_all(document, ?, 1)"
"""SQL for the numbers that `_number_after` finds, as texts."""


def _number_after(written: str) -> str:
    """Return the regular expression for a member with a number, which is its group 1."""
    return f"{re.escape(written)}(-?[0-9][0-9.eE+-]*)"


def _has(text: str) -> Condition:
    """Require a text in some document of the trace."""
    if not text or not is_unicode(text):
        return ALL
    return Condition("bool_or(contains(document, ?))", (text,))


def is_unicode(value: object) -> bool:
    """Say whether a value has no lone surrogate: DuckDB takes none, and the store has none."""
    return not isinstance(value, str) or not any("\ud800" <= c <= "\udfff" for c in value)


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def all_of(conditions: list[Condition]) -> Condition:
    """Return the condition that all of some hold."""
    kept = [condition for condition in conditions if condition != ALL]
    return _joined(" AND ", kept) if kept else ALL


def any_of(conditions: list[Condition]) -> Condition:
    """Return the condition that one of some holds."""
    return _joined(" OR ", conditions)


def _joined(word: str, conditions: list[Condition]) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    return Condition(
        f"({word.join(condition.sql for condition in conditions)})",
        tuple(value for condition in conditions for value in condition.parameters),
    )
