"""What DuckDB can be sure of: traces of which a filter expression certainly does not hold.

Pure: an expression in, SQL out. `candidates` looks for words, and has to let through whatever has
them anywhere, and nearly everything where something is asked not to be. Here documents are taken
apart into spans, which costs more. Of a trace that is whole, as nearly all are, some keywords can
then be judged exactly; any other trace is left to be assembled.
"""

import json

from workshop.traces import filter_syntax as syntax
from workshop.traces.candidates import FUNCTIONS, OF_ROOTS, Condition, all_of, any_of, is_unicode
from workshop.traces.candidates import condition as possible
from workshop.traces.documents import MAX_ANNOTATIONS

SPANS = """
spans AS (
    SELECT trace_id, number, start_time AS begun, false AS embedded,
        parent_id, start_time, end_time, document
    FROM segments WHERE trace_id IN (SELECT trace_id FROM possible)
    UNION ALL
    SELECT trace_id, number, begun, true,
        NULL, NULL, NULL, unnest(json_extract(document, '$.subsegments[*]'))
    FROM spans WHERE contains(document, '"subsegments":[')
), told AS MATERIALIZED (
    SELECT *, json_extract(document, ['$.id', '$.name', '$.start_time', '$.end_time',
        '$.in_progress', '$.type'])::VARCHAR[] AS members
    FROM spans
), hung AS (
    SELECT span.*, parent.number AS hangs_on
    FROM told AS span LEFT JOIN told AS parent
    ON parent.trace_id = span.trace_id AND parent.members[1] = '"' || span.parent_id || '"'
        AND (parent.begun, parent.number) < (span.begun, span.number)
)
"""
"""Common table expressions, for `WITH RECURSIVE` after one called `possible` that has `trace_id`.

`hung` has a row for each span of those traces, embedded ones too; `number` and `begun` are of the
document that it lies in, and `hangs_on` is the number of an earlier one with its parent in it.
"""

_ROOT = "NOT embedded AND parent_id IS NULL"
# All are spans that have ended, each with an id of its own; there is one root, a segment; each
# other document hangs on a span of an earlier one, so that none go in a circle.
_WHOLE = Condition(
    f"""(
    bool_and(coalesce(starts_with(members[1], '"') AND starts_with(members[2], '"')
        AND isfinite(TRY_CAST(members[3] AS DOUBLE)) AND isfinite(TRY_CAST(members[4] AS DOUBLE))
        AND coalesce(members[5], 'false') = 'false', false))
    AND count(DISTINCT members[1]) = count(*)
    AND count(*) FILTER ({_ROOT}) = 1
    AND bool_or({_ROOT} AND coalesce(members[6], '') <> '"subsegment"')
    AND count(parent_id) = count(hangs_on)
)"""
)
_NEVER = Condition("false")
_SURE = Condition("true")

# JSON texts of values that count: of annotations, of a status, of other members.
_SCALAR = '(["0-9-].*|true|false)'
_INTEGER = "-?[0-9]+"
_TEXT = '".*'
_NUMBER = "-?[0-9].*"
_BOOLEAN = "(true|false)"
_LARGE = "-?[0-9]{16,}"  # what DuckDB may compare otherwise than Python


def ruled_out(expression: syntax.Expression | None) -> Condition | None:
    """Return when an expression certainly does not hold of a trace.

    Args:
        expression: None holds of every trace.

    Returns:
        On the rows of one trace in `hung`, see `SPANS`; None when it would rule out no more than
        `candidates.condition` does.
    """
    if expression is None or not _has_exact(expression):
        return None
    return all_of([_WHOLE, _sure(expression, holds=False)])


def _has_exact(expression: syntax.Expression) -> bool:
    match expression:
        case syntax.And(terms) | syntax.Or(terms):
            return any(map(_has_exact, terms))
        case syntax.Not(term):
            return _has_exact(term)
        case _:
            return _exact(expression) is not None


def _sure(expression: syntax.Expression, *, holds: bool) -> Condition:
    """Return when an expression certainly holds of a whole trace, or certainly does not."""
    match expression:
        case syntax.And(terms) | syntax.Or(terms):
            each = [_sure(term, holds=holds) for term in terms]
            return all_of(each) if holds is isinstance(expression, syntax.And) else any_of(each)
        case syntax.Not(term):
            return _sure(term, holds=not holds)
    exact = _exact(expression)
    if exact is not None:
        does, known = exact
        return all_of([known, does if holds else _not(does)])
    return _NEVER if holds else _not(possible(expression))


def _exact(expression: syntax.Expression) -> tuple[Condition, Condition] | None:
    """Return when a term holds of a whole trace, and when that can be told; None when never."""
    match expression:
        case syntax.Keyword("partial", comparison):
            asked = comparison.value is None or comparison.value is (comparison.operator == "=")
            return _NEVER if asked else _SURE, _SURE
        case syntax.Keyword("responsetime", comparison):
            return _some("(end_time - start_time)::VARCHAR", (), _NUMBER, comparison, of=_ROOT)
        case syntax.Keyword(name, comparison) if name in OF_ROOTS:
            value = f"json_extract(document, '{OF_ROOTS[name]}')::VARCHAR"
            kind = _INTEGER if name == "http.status" else _TEXT
            return _some(value, (), kind, comparison, of=_ROOT)
        case syntax.Annotation(key, comparison, None):
            value = "json_extract(document, ?)::VARCHAR"
            found = _some(value, (f"/annotations/{key}",), _SCALAR, comparison, of="true")
            if found is None:
                return None
            counted = "sum(len(json_keys(document, '$.annotations')))"
            few = Condition(f"coalesce({counted}, 0) <= {MAX_ANNOTATIONS}")
            return found[0], all_of([found[1], few])
        case _:
            return None


def _some(
    value: str,
    parameters: tuple[object, ...],
    kind: str,
    comparison: syntax.Comparison,
    *,
    of: str,
) -> tuple[Condition, Condition] | None:
    """Return when a comparison holds of the value of some span, and when that can be told.

    Args:
        value: SQL for a span's value as JSON text.
        parameters: Of `value`.
        kind: What such a text must match to count.
        comparison: What is asked.
        of: SQL for which spans have the value.
    """
    operator, wanted = comparison.operator, comparison.value
    sign = "<>" if operator == "!=" else operator
    test = "{} <> 'false'"
    more: tuple[object, ...] = ()
    match wanted:
        case None:
            pass
        case "" if operator in FUNCTIONS:
            test = "{} IS NOT NULL"
        case str() if operator in FUNCTIONS and is_unicode(wanted):
            kind, more = _TEXT, (wanted,)
            test = f"{FUNCTIONS[operator]}(json_extract_string({{}}, '$'), ?)"
        case bool() | str() if operator in ("=", "!=") and is_unicode(wanted):
            kind = _BOOLEAN if isinstance(wanted, bool) else _TEXT
            test, more = f"{{}} {sign} ?", (json.dumps(wanted, ensure_ascii=False),)
        case float() if operator not in FUNCTIONS:
            kind = _INTEGER if kind == _INTEGER else _NUMBER
            test, more = f"TRY_CAST({{}} AS DOUBLE) {sign} ?", (wanted,)
        case _:
            return None
    counted = f"nullif(regexp_extract({value}, '(?s)^{kind}$'), '')"
    large = f"regexp_matches({value}, '^{_LARGE}$')"
    return (
        Condition(f"bool_or({of} AND {test.format(counted)})", (*parameters, *more)),
        _not(Condition(f"bool_or({of} AND {large})", parameters)),
    )


def _not(condition: Condition) -> Condition:
    """Negate a condition; one that is unknown does not hold."""
    return Condition(f"NOT coalesce({condition.sql}, false)", condition.parameters)
