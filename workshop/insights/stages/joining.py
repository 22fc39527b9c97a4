"""`join` and `appendcols`: columns of another query, beside each row.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Join.html
"""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

from collections.abc import Sequence

from workshop.insights import syntax, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.pipeline import Pipeline
from workshop.insights.values import MISSING, Value


def apply_join(pipeline: Pipeline, stage: syntax.Join) -> None:
    """Put the rows of another query beside these, where one field of each is the same.

    From here on there are only the fields that the rest of the query names, as `left.field`
    and `right.field`.
    """
    if not pipeline.sees_events or pipeline.sides:
        raise MalformedQuery("join comes once, and before stats", stage.start, stage.end)
    pipeline.sides = (stage.left, stage.right)
    named = [*syntax.field_names(stage.where), *syntax.field_names(pipeline.ahead)]
    if not {stage.left, stage.right} <= {name.partition(".")[0] for name in named[:2]}:
        raise MalformedQuery(
            f"join compares a field of {stage.left} with one of {stage.right}",
            stage.where.start,
            stage.where.end,
        )
    shown = [f"{stage.left}.{item.name}" for item in pipeline.shown.fields]
    pipeline.begin_rows()
    left = _columns_of(pipeline, stage.left, [*named, *shown, f"{stage.left}.@timestamp"])
    pipeline.flush()
    right, right_sql = _right_side(pipeline.nested(stage.query), stage.right, named)
    both = left | right
    selected = [value.sql for value in both.values()]
    one, other_one = (values.text(both[name]) for name in named[:2])
    source = (
        f"(SELECT {', '.join(selected)}, NULL::BIGINT AS matched FROM {pipeline.source} AS l "
        f"{stage.kind.upper()} JOIN {right_sql} AS r ON {one} = {other_one})"
    )
    known = [name for name in named if name in both]
    outputs = list(dict.fromkeys([*shown, *known]))
    pipeline.regroup(source, both, outputs, [left[f"{stage.left}.@timestamp"]])


def _right_side(
    pipeline: Pipeline, alias: str, named: Sequence[str]
) -> tuple[dict[str, Value], str]:
    """Compile the query of a `join` to the columns that are named of it, and its SQL."""
    pipeline.apply_stages()
    pipeline.begin_rows()
    columns = _columns_of(pipeline, alias, named)
    order = pipeline.order()
    limit = f" ORDER BY {order} LIMIT {min(pipeline.limits)}" if pipeline.limits else ""
    pipeline.flush()
    return columns, pipeline.completed(f"(SELECT * FROM {pipeline.source}{limit})")


def _columns_of(pipeline: Pipeline, alias: str, named: Sequence[str]) -> dict[str, Value]:
    """Make a column of each field that is named with an alias before it."""
    found = {}
    for name in dict.fromkeys(named):
        prefix, _, rest = name.partition(".")
        if prefix == alias:
            value = values.typed(pipeline.resolve(syntax.Field(0, 0, rest)))
            column = pipeline.parameter.unique("joined")
            pipeline.layer(f"{value.sql} AS {column}")
            found[name] = Value(column, value.kind)
    return found


def apply_appendcols(pipeline: Pipeline, stage: syntax.Appendcols) -> None:
    """Put the first row of another query beside the first one here, and so on.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Appendcols.html

    Not documented, so chosen: rows of the other query that have none here are left out, and
    where only one of the two queries has a value, that one stands.
    """
    place = pipeline.numbered()
    other = pipeline.nested(stage.query)
    other.apply_stages()
    other.limits.append(stage.most)
    other_place = other.numbered()
    appended = {}
    selected = [f"{other_place} AS {(at := pipeline.parameter.unique('at'))}"]
    for name, value in other.projection():
        column = pipeline.parameter.unique("appended")
        made = values.nullable(value)
        selected.append(f"{made.sql} AS {column}")
        appended[name] = Value(column, made.kind)
    beside = other.completed(f"(SELECT {', '.join(selected)} FROM {other.source})")
    before = dict(pipeline.projection())
    pipeline.source = (
        f"(SELECT l.*, r.* FROM {pipeline.source} AS l LEFT JOIN {beside} AS r ON {place} = {at})"
    )
    additions = []
    for name, new in appended.items():
        old = before.get(name, MISSING)
        kind, sqls = values.unified([new, old] if stage.override else [old, new])
        additions.append((name, Value(f"coalesce({', '.join(sqls)})", kind)))
    pipeline.add(additions)
    for name in appended:
        pipeline.show(name)
