"""`sessionize`: which events are of one visit.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sessionize.html
"""

from collections.abc import Sequence

from workshop.insights import syntax, times, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.pipeline import Pipeline, refuse_whole_json
from workshop.insights.values import Kind, Value


def apply_sessionize(pipeline: Pipeline, stage: syntax.Sessionize) -> None:
    """Say of each row which session it is of.

    A session is the rows with the same identity fields, as long as no gap in time between two of
    them is longer than `maxspan`.

    Not documented, so chosen: sessions are numbered from 1, in the order in which they begin; a
    row that lacks an identity field is of none.
    """
    gap = times.Period(stage.gap.count, stage.gap.unit).milliseconds
    if gap is None:
        raise MalformedQuery("maxspan has a fixed length", stage.gap.start, stage.gap.end)
    place = pipeline.numbered()
    time = times.as_time(pipeline.resolve(syntax.Field(stage.start, stage.end, "@timestamp")))
    identity = []
    for field in stage.fields:
        value = pipeline.resolve(field)
        refuse_whole_json(value, field, "sessionize")
        identity.append(values.mixed(value))
    *keys, moment = _columns(pipeline, [*identity, time])
    known = " AND ".join(f"{column} IS NOT NULL" for column in (*keys, moment))
    same, by_time = f"PARTITION BY {', '.join(keys)}", f"ORDER BY {moment}, {place}"
    silence = f"{moment} - lag({moment}) OVER ({same} {by_time})"
    begins = f"CASE WHEN {known} AND coalesce({silence} > {gap}, true) THEN 1 ELSE 0 END"
    (begun,) = _columns(pipeline, [begins])
    so_far = f"sum({begun}) OVER ({{}} {by_time} ROWS UNBOUNDED PRECEDING)".format
    # How many sessions have begun: of this identity, which tells one of them from another, and of
    # all, which at the first row of a session is its number, and later more.
    own, number = _columns(pipeline, [so_far(same), so_far("")])
    session = f"CAST(min({number}) OVER ({same}, {own}) AS DOUBLE)"
    pipeline.add([(stage.name, Value(f"CASE WHEN {known} THEN {session} END", Kind.NUMBER))])
    pipeline.show(stage.name)


def _columns(pipeline: Pipeline, sqls: Sequence[str]) -> list[str]:
    """Add columns that have no name in the query."""
    names = [pipeline.column() for _ in sqls]
    pipeline.layer(", ".join(f"{sql} AS {name}" for sql, name in zip(sqls, names, strict=True)))
    return names
