"""Syntax tree to SQL."""

from workshop.insights import syntax
from workshop.insights.compiled import Compiled
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import Parameters, Scope
from workshop.insights.pipeline import Pipeline
from workshop.insights.stages import STAGES


def compile_query(query: syntax.Query, scope: Scope) -> Compiled:
    """Compile a query.

    Args:
        query: From `parse`.
        scope: What it is asked of.

    Raises:
        MalformedQuery: When the query is in the grammar but makes no sense, or uses a function
            that is not offered.
    """
    pipeline = Pipeline(query, scope, Parameters(), STAGES)
    try:
        pipeline.apply_stages()
        return pipeline.finished()
    except RecursionError:
        raise MalformedQuery("the query is nested too deeply", query.start, query.end) from None
