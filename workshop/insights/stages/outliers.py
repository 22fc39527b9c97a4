"""`outlier`: values that are far from most.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Outlier.html
"""

from workshop.insights import syntax, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.pipeline import Pipeline
from workshop.insights.values import Kind, Value


def apply_outlier(pipeline: Pipeline, stage: syntax.Outlier) -> None:
    """Remove the rows that have an outlier, or bring it to the bound.

    The bounds are `param` times the interquartile range above the third quartile and, with
    `uselower`, below the first.

    Not documented, so chosen: quartiles are interpolated as `pct` does; the marker of a field `a`
    is called `a_outlier` and is 1 or 0; what is no number is no outlier.
    """
    pipeline.numbered()
    removed = []
    for field in stage.fields:
        value = pipeline.resolve(field)
        if value.kind in {Kind.TIME, Kind.JSON}:
            what = f"outlier takes numbers, and {field.name} is none"
            raise MalformedQuery(what, field.start, field.end)
        number, low, high = (pipeline.column() for _ in range(3))
        pipeline.layer(f"{values.number(value)} AS {number}")
        quartile = "quantile_cont({}, {}) OVER ()".format
        pipeline.layer(f"{quartile(number, 0.25)} AS {low}, {quartile(number, 0.75)} AS {high}")
        most = f"({high} + {stage.factor!r} * ({high} - {low}))"
        least = f"({low} - {stage.factor!r} * ({high} - {low}))"
        above = f"coalesce({number} > {most}, false)"
        below = f"coalesce({number} < {least}, false)" if stage.lower else "false"
        if stage.mark:
            marker = f"{field.name}_outlier"
            pipeline.add([(marker, Value(f"({above} OR {below})", Kind.BOOLEAN))])
            pipeline.show(marker)
        if stage.remove:
            removed.append(f"NOT ({above} OR {below})")
        else:
            bound = values.alike(f"CASE WHEN {above} THEN {most} ELSE {least} END", value)
            kept = values.number(value) if value.kind is Kind.BOOLEAN else value.sql
            sql = f"CASE WHEN {above} OR {below} THEN {bound.sql} ELSE {kept} END"
            pipeline.add([(field.name, Value(sql, bound.kind))])
    for condition in removed:
        pipeline.keep(condition)
