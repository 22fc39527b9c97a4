"""Syntax tree to SQL."""

from workshop.insights import syntax
from workshop.insights.compiled import Compiled
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import Parameters, Scope
from workshop.insights.pipeline import Pipeline
from workshop.insights.stages import STAGES

# Of SQL: more, and planning it takes DuckDB minutes and gigabytes, in which it hears of no limit.
_MOST_SELECTS = 300
_MOST_CHARACTERS = 500_000


def compile_query(query: syntax.Query, scope: Scope) -> Compiled:
    """Compile a query.

    Args:
        query: From `parse`.
        scope: What it is asked of.

    Raises:
        MalformedQuery: When the query is in the grammar but makes no sense, uses a function
            that is not offered, or asks for too much at once.
    """
    pipeline = Pipeline(query, scope, Parameters(), STAGES)
    try:
        pipeline.apply_stages()
        compiled = pipeline.finished()
    except RecursionError:
        raise MalformedQuery("the query is nested too deeply", query.start, query.end) from None
    if compiled.sql.count("SELECT ") > _MOST_SELECTS or len(compiled.sql) > _MOST_CHARACTERS:
        what = "the query is too complex: use fewer commands, fields or subqueries"
        raise MalformedQuery(what, query.start, query.end)
    return compiled
