"""`filter`, `sort`, `limit`, `dedup`, `unnest`: which rows there are, and their order.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Filter.html
"""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

from workshop.insights import syntax, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.pipeline import Pipeline, refuse_whole_json
from workshop.insights.values import Kind, Value

MAX_LIMIT = 100_000
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Limit.html"""


def apply_filter(pipeline: Pipeline, stage: syntax.Filter) -> None:
    """Keep the rows for which a condition holds."""
    pipeline.where(stage.condition)


def apply_sort(pipeline: Pipeline, stage: syntax.Sort) -> None:
    """Sort the rows, at the end."""
    pipeline.sort = stage.terms


def apply_limit(pipeline: Pipeline, stage: syntax.Limit) -> None:
    """Keep the first rows, or the last, at the end."""
    if stage.count > MAX_LIMIT:
        raise MalformedQuery(f"a limit is at most {MAX_LIMIT}", stage.start, stage.end)
    pipeline.limits.append(stage.count)
    if stage.tail:
        pipeline.tail = min(stage.count, pipeline.tail or stage.count)


def apply_dedup(pipeline: Pipeline, stage: syntax.Dedup) -> None:
    """Keep the first row of each key; a row that lacks one stays.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Dedup.html
    """
    pipeline.begin_rows()
    keys = [pipeline.value(key) for key in stage.keys]
    for key, node in zip(keys, stage.keys, strict=True):
        refuse_whole_json(key, node, "dedup")
    texts = [values.mixed(key) for key in keys]
    missing = " OR ".join(f"{text} IS NULL" for text in texts)
    pipeline.source = (
        f"(SELECT * FROM {pipeline.source} QUALIFY {missing} OR "
        f"row_number() OVER (PARTITION BY {', '.join(texts)} ORDER BY {pipeline.order()}) = 1)"
    )
    pipeline.last = "dedup"


def apply_unnest(pipeline: Pipeline, stage: syntax.Unnest) -> None:
    """Make a row of each item of a list.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Unnest.html
    """
    value = pipeline.value(stage.value)
    if value.kind in {Kind.JSON, Kind.ITEM}:
        _make_rows(pipeline, value, stage.name)
    else:  # as documented, a list with one item
        pipeline.add([(stage.name, values.typed(value))])


def apply_expand(pipeline: Pipeline, stage: syntax.Expand) -> None:
    """Make a row of each item of a JSON array, which may be a text.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Expand.html

    Not documented, so chosen: what is no JSON array stays as it is.
    """
    value = pipeline.value(stage.field)
    if value.kind in values.TEXTUAL:
        value = Value(values.text(value), Kind.ITEM)
    if value.kind in {Kind.JSON, Kind.ITEM}:
        _make_rows(pipeline, value, stage.field.name)


def _make_rows(pipeline: Pipeline, value: Value, name: str) -> None:
    """Make a row of each item of a list; anything else is a list of itself."""
    pipeline.begin_rows()
    items = pipeline.column()
    pipeline.layer(
        f"unnest(CASE WHEN NOT json_valid({value.sql}) THEN [{value.sql}] "
        f"WHEN json_type({value.sql}) = 'ARRAY' "
        f"THEN json_extract_string({value.sql}, '$[*]') ELSE [{value.sql}] END) AS {items}"
    )
    pipeline.add([(name, Value(items, Kind.ITEM))])
