"""`stats`, `countFrequent`, `fillmissing`: rows of one group become one row.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
"""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

from collections.abc import Sequence

from workshop.insights import syntax, times, values
from workshop.insights.aggregates import Aggregation
from workshop.insights.compiled import TOO_MANY_ROWS
from workshop.insights.errors import MalformedQuery
from workshop.insights.expressions import period
from workshop.insights.order import squeezed
from workshop.insights.pipeline import Bin, Pipeline, refuse_whole_json
from workshop.insights.stages.rows import MAX_LIMIT
from workshop.insights.values import Value

_DAY = 86_400_000
_LONGEST_OFFSET = 10_000 * _DAY
_SHORTEST_MONTH = 28 * _DAY


def apply_stats(pipeline: Pipeline, stage: syntax.Stats) -> None:
    """Group by the keys, and aggregate."""
    counted = "any_value(matched)"
    if pipeline.sees_events:  # those that matched, unless a stage such as `unnest` made others
        counted = "count(*)" if pipeline.are_matches else "NULL::BIGINT"
    pipeline.begin_rows()
    pipeline.bin_offset = offset = _offset(stage.offset)
    keys = [(key, pipeline.value(key.value)) for key in stage.keys]
    for key, value in keys:
        refuse_whole_json(value, key, "stats")
    pipeline.bin_offset = 0
    defined: dict[str, Value] = {}
    selected = []
    for key, value in keys:
        column, key_value = pipeline.column(), values.typed(value)
        selected.append(f"{key_value.sql} AS {column}")
        defined[key.name] = Value(column, key_value.kind)
    stats = Aggregation(
        pipeline, pipeline.expressions(), pipeline.column, defined, has_keys=bool(keys)
    )
    made = [(item.name, stats.item(item)) for item in stage.items]
    grouped = f" GROUP BY {', '.join(str(n) for n in range(1, len(keys) + 1))}" if keys else ""
    inner = ", ".join([*selected, *stats.selected, f"{counted} AS matched"])
    source = f"(SELECT {inner} FROM {pipeline.source}{grouped})"
    if pipeline.sees_events:
        source = f"(SELECT * REPLACE (sum(matched) OVER () AS matched) FROM {source})"
    outputs = list(dict.fromkeys([*defined, *(name for name, _ in made)]))
    pipeline.regroup(source, dict(defined), outputs, list(defined.values()))
    for key, _ in keys:
        match key.value:
            case syntax.Call(name="bin", arguments=(syntax.Duration() as duration,)):
                column = defined[key.name].sql
                pipeline.bins[key.name] = Bin(column, period(duration), offset)
    pipeline.add(made)


def _offset(node: syntax.Duration | None) -> int:
    """Give by how many milliseconds bins are moved."""
    if node is None:
        return 0
    length = period(node).milliseconds
    if length is None or length > _LONGEST_OFFSET:
        what = "an offset has a fixed length, of at most 10,000 days"
        raise MalformedQuery(what, node.start, node.end)
    return length


def apply_count_frequent(pipeline: Pipeline, stage: syntax.CountFrequent) -> None:
    """Count each combination of values, the most frequent first.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-CountFrequent.html

    CloudWatch counts about right, this exactly. Chosen: a missing value is a value, as in `stats`.
    """
    counted = syntax.Call(stage.start, stage.end, "count", ())
    item = syntax.Item(stage.start, stage.end, counted, "_approxcount", aliased=True)
    keys = tuple(
        syntax.Item(field.start, field.end, field, field.name, aliased=False)
        for field in stage.fields
    )
    apply_stats(pipeline, syntax.Stats(stage.start, stage.end, (item,), keys, None))
    count = syntax.Field(stage.start, stage.end, item.name)
    pipeline.sort = (syntax.SortTerm(stage.start, stage.end, count, descending=True),)


def apply_fillmissing(pipeline: Pipeline, stage: syntax.Fillmissing) -> None:
    """Add a row for each bin of time that has none.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Fillmissing.html

    Not documented, so chosen: the bins are those of the query's time range; where there are
    further keys, each combination of them that occurs gets all bins. There are at most as many
    rows as `limit` can ask for; how many combinations occur is known when the query runs.
    """
    if len(pipeline.bins) != 1:
        what = "fillmissing comes after stats … by bin(…), with one bin"
        raise MalformedQuery(what, stage.start, stage.end)
    ((name, made),) = pipeline.bins.items()
    step = made.period.milliseconds or _SHORTEST_MONTH
    first, last = pipeline.windows[0]
    count = (last - first) // step + 1
    if count > MAX_LIMIT:
        what = f"the time range of the query has more than {MAX_LIMIT} bins of {name}"
        raise MalformedQuery(what, stage.start, stage.end)
    fillings = _filled(pipeline, stage)
    pipeline.flush()
    time = made.column
    keys = [value.sql for value in pipeline.ordered_by if value.sql != time]
    rows, bins = pipeline.parameter.unique("rows"), pipeline.parameter.unique("bins")
    moments = f"unnest(list_append(range({first}, {last} + 1, {step}), {last}))"
    start = times.floored("t", made.period, made.offset_ms)
    others = _combinations(rows, keys, MAX_LIMIT // count) if keys else "(SELECT 1)"
    same = " AND ".join(
        f"{rows}.{column} IS NOT DISTINCT FROM {bins}.{column}" for column in [time, *keys]
    )
    selected = ", ".join(
        [
            *(f"{bins}.{column} AS {column}" for column in [time, *keys]),
            *(f"{sql} AS {column}" for column, sql in fillings.items()),
            f"(SELECT max(matched) FROM {rows}) AS matched",
        ]
    )
    pipeline.source = (
        f"(WITH {rows} AS (SELECT * FROM {pipeline.source}), {bins} AS (SELECT * FROM "
        f"(SELECT DISTINCT {start} AS {time} FROM (SELECT {moments} AS t)) CROSS JOIN {others}) "
        f"SELECT * FROM {rows} UNION ALL BY NAME SELECT {selected} FROM {bins} "
        f"WHERE NOT EXISTS (FROM {rows} WHERE {same}))"
    )
    pipeline.place = None


def _combinations(rows: str, keys: Sequence[str], most: int) -> str:
    """Give SQL of the combinations of keys that occur; it fails where there are too many."""
    distinct = f"SELECT DISTINCT {', '.join(keys)} FROM {rows} LIMIT {most + 1}"
    return (
        f"(SELECT {', '.join(keys)} FROM (SELECT *, count(*) OVER () AS found FROM ({distinct})) "
        f"WHERE CASE WHEN found > {most} THEN error('{TOO_MANY_ROWS}') ELSE true END)"
    )


def _filled(pipeline: Pipeline, stage: syntax.Fillmissing) -> dict[str, str]:
    """Give the columns of what is filled, in a kind that holds the fillings too, and those."""
    keys = {value.sql for value in pipeline.ordered_by}
    filled: dict[str, str] = {}
    done: set[str] = set()
    for filling in stage.fillings:
        node = filling.field
        text = node.name if isinstance(node, syntax.Field) else pipeline.text_of(node)
        name = next((one for one in pipeline.outputs if squeezed(one) == squeezed(text)), None)
        if name is None or pipeline.defined[name].sql in keys:
            raise MalformedQuery(f"{text} is nothing that stats computed", node.start, node.end)
        if name in done:
            raise MalformedQuery(f"{text} is filled twice", node.start, node.end)
        done.add(name)
        kind, (kept, new) = values.unified([pipeline.defined[name], pipeline.value(filling.value)])
        pipeline.add([(name, Value(kept, kind))])
        filled[pipeline.defined[name].sql] = new
    return filled
