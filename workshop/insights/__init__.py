"""Logs Insights QL: query text to a syntax tree, to SQL for DuckDB, to rows.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from workshop.insights.compiled import Column, Compiled
from workshop.insights.compiler import compile_query
from workshop.insights.discovery import discovered
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import Scope
from workshop.insights.lookup import InvalidTable, LookupTable, read_table
from workshop.insights.parser import parse
from workshop.insights.results import (
    Result,
    Statistics,
    TooMuch,
    event_id,
    pointer,
    rows,
    timestamp,
)
from workshop.insights.syntax import Query

__all__ = [
    "Column",
    "Compiled",
    "InvalidTable",
    "LookupTable",
    "MalformedQuery",
    "Query",
    "Result",
    "Scope",
    "Statistics",
    "TooMuch",
    "compile_query",
    "discovered",
    "event_id",
    "parse",
    "pointer",
    "read_table",
    "rows",
    "timestamp",
]
