"""`lookup` and `cidrlookup`: columns of a lookup table, beside each row.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Lookup.html
"""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

from collections.abc import Iterable, Sequence

from workshop.insights import addresses, syntax, values
from workshop.insights.errors import MalformedQuery
from workshop.insights.lookup import LookupTable
from workshop.insights.pipeline import Pipeline
from workshop.insights.values import Kind, Value


def apply_lookup(pipeline: Pipeline, stage: syntax.Lookup) -> None:
    """Put columns of a lookup table beside each row that has its keys.

    Not documented, so chosen: a row without a match keeps what it had under those names, and
    of several rows of the table with the same keys the first one counts.
    """
    keys = [key.name for key in stage.keys]
    table = _table(pipeline, stage, [*keys, *stage.outputs])
    subjects = [values.text(pipeline.value(key.field)) for key in stage.keys]
    before = [pipeline.present(name) for name in stage.outputs]
    names, looked_up = _as_rows(pipeline, table.columns(keys, stage.outputs))
    equal = " AND ".join(
        f"{subject} = {name}" for subject, name in zip(subjects, names, strict=False)
    )
    pipeline.flush()
    joined = f"{pipeline.source} AS l LEFT JOIN {looked_up} AS r ON {equal}"
    pipeline.source = f"(SELECT l.*, r.* FROM {joined})"
    additions = []
    for name, column, old in zip(stage.outputs, names[len(subjects) :], before, strict=True):
        kind, (new, kept) = values.unified([Value(column, Kind.TEXT), old])
        sql = f"CASE WHEN {names[0]} IS NOT NULL THEN {new} ELSE {kept} END"
        additions.append((name, Value(sql, kind)))
    pipeline.add(additions)
    for name in stage.outputs:
        pipeline.show(name)


def apply_cidrlookup(pipeline: Pipeline, stage: syntax.Cidrlookup) -> None:
    """Put columns of a lookup table beside each row whose address is in one of its CIDR ranges.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Cidrlookup.html

    Not documented, so chosen: without `AS` the ranges are in the column that is called as the
    field; of several ranges with an address the narrowest counts, of equal ones the first; a row
    without a match keeps what it had; `OUTPUTNEW` fills what is missing or an empty text.
    """
    outputs = [output.field for output in stage.outputs]
    table = _table(pipeline, stage, [stage.ranges, *outputs])
    place = pipeline.numbered()
    address = addresses.sortable(values.text(pipeline.resolve(stage.address)))
    before = [pipeline.present(output.name) for output in stage.outputs]
    columns = _narrowest_first(table, stage.ranges, outputs)
    (first, last, rank, *names), looked_up = _as_rows(pipeline, columns)
    subject = pipeline.column()
    pipeline.layer(f"{address} AS {subject}")
    pipeline.source = (
        f"(SELECT l.*, r.* FROM {pipeline.source} AS l LEFT JOIN {looked_up} AS r "
        f"ON {subject} BETWEEN {first} AND {last} QUALIFY row_number() OVER "
        f"(PARTITION BY {place} ORDER BY CAST({rank} AS BIGINT)) = 1)"
    )
    additions = []
    for output, column, old in zip(stage.outputs, names, before, strict=True):
        kind, (new, kept) = values.unified([Value(column, Kind.TEXT), old])
        if stage.new:
            sql = f"coalesce(nullif({kept}, ''), {new})"
        else:
            sql = f"CASE WHEN {first} IS NOT NULL THEN {new} ELSE {kept} END"
        additions.append((output.name, Value(sql, kind)))
    pipeline.add(additions)
    for output in stage.outputs:
        pipeline.show(output.name)


def _table(
    pipeline: Pipeline, stage: syntax.Lookup | syntax.Cidrlookup, named: Iterable[str]
) -> LookupTable:
    """Give the table of a stage, which has the fields that are named."""
    table = pipeline.scope.lookup_table(stage.table)
    if table is None:
        what = f"there is no lookup table {stage.table}"
        raise MalformedQuery(what, stage.start, stage.end)
    for name in named:
        if name not in table.fields:
            what = f"the lookup table {stage.table} has no field {name}"
            raise MalformedQuery(what, stage.start, stage.end)
    return table


def _narrowest_first(table: LookupTable, ranges: str, others: Sequence[str]) -> list[list[str]]:
    """Give the rows that have a CIDR range, the narrowest first, as columns.

    They are the first address, the last, the number of the row, and the others.
    """
    at, *picked = [table.fields.index(name) for name in (ranges, *others)]
    found = []
    for row in table.rows:
        try:
            first, last = addresses.ends(row[at])
        except ValueError:
            continue
        width = int(last, 16) - int(first, 16)
        found.append((width, [first, last, *(row[index] for index in picked)]))
    found.sort(key=lambda pair: pair[0])
    rows = [[first, last, str(n), *rest] for n, (_, (first, last, *rest)) in enumerate(found)]
    return list(map(list, zip(*rows, strict=True))) or [[] for _ in range(3 + len(picked))]


def _as_rows(pipeline: Pipeline, columns: Sequence[Sequence[str]]) -> tuple[list[str], str]:
    """Give names for columns of a table, and SQL of its rows."""
    names = [pipeline.parameter.unique("looked") for _ in columns]
    lists = [f"unnest({pipeline.parameter(list(column))}::VARCHAR[])" for column in columns]
    listed = ", ".join(f"{one} AS {name}" for one, name in zip(lists, names, strict=True))
    return names, f"(SELECT {listed})"
