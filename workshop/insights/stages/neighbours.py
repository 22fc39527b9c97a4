"""`accum`, `autoregress`, `filldown`: fields out of the rows before.

The rows before are those above in the order that the rows have at that stage: what a `sort` before
it says, else the newest log event first. AWS does not say which order; this one is chosen.
"""

import re

from workshop.insights import syntax, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.pipeline import Pipeline
from workshop.insights.values import Kind, Value


def apply_accum(pipeline: Pipeline, stage: syntax.Accum) -> None:
    """Add up a field, from the first row to each.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Accum.html

    Not documented, so chosen: without an alias the sum takes the place of the field, and a row
    without a number has no sum.
    """
    place = pipeline.numbered()
    number = values.number(pipeline.value(stage.value))
    total = f"sum({number}) OVER (ORDER BY {place} NULLS LAST ROWS UNBOUNDED PRECEDING)"
    sql = f"CASE WHEN {number} IS NOT NULL THEN {total} END"
    pipeline.add([(stage.name, Value(sql, Kind.NUMBER))])
    pipeline.show(stage.name)


def apply_autoregress(pipeline: Pipeline, stage: syntax.Autoregress) -> None:
    """Copy a field from so many rows before; the first rows have no copy.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Autoregress.html

    Not documented, so chosen: `p` is at most 100, and an alias goes with one copy.
    """
    place = pipeline.numbered()
    value = values.nullable(pipeline.value(stage.value))
    copies = [
        (name, Value(f"lag({value.sql}, {lag}) OVER (ORDER BY {place} NULLS LAST)", value.kind))
        for lag, name in stage.names
    ]
    pipeline.add(copies)
    for _, name in stage.names:
        pipeline.show(name)


def apply_filldown(pipeline: Pipeline, stage: syntax.Filldown) -> None:
    """Give a row that lacks a field the value that the field had last.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Filldown.html
    """
    place = pipeline.numbered()
    filled = {}
    for name, value in _matching(pipeline, stage.fields).items():
        one = values.nullable(value)
        window = f"ORDER BY {place} NULLS LAST ROWS UNBOUNDED PRECEDING"
        filled[name] = Value(f"last_value({one.sql} IGNORE NULLS) OVER ({window})", one.kind)
    pipeline.add(list(filled.items()))


def _matching(
    pipeline: Pipeline, fields: tuple[syntax.Field | syntax.Wildcard, ...]
) -> dict[str, Value]:
    """Give the fields that are named, or match; all that the result has when none is named."""
    shown = dict(pipeline.projection())
    if not fields:
        return shown
    found = {}
    for field in fields:
        if isinstance(field, syntax.Field):
            found[field.name] = pipeline.resolve(field)
            continue
        wanted = re.compile(".*".join(map(re.escape, field.pattern.split("*"))), re.DOTALL)
        known = (shown | pipeline.defined).items()
        matching = {name: value for name, value in known if wanted.fullmatch(name)}
        if not matching:
            what = f"no field that the query has named matches {field.pattern}"
            raise MalformedQuery(what, field.start, field.end)
        found |= matching
    return found
