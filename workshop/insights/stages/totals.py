"""`addtotals`: sums of rows and of columns.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Addtotals.html
"""

# ruff: noqa: S608 - the SQL is made of our own words; all that a person wrote is a parameter

from workshop.insights import syntax, values
from workshop.insights.pipeline import Pipeline
from workshop.insights.values import Kind, Value

_NUMERIC = {Kind.NUMBER, Kind.MEASURE, Kind.BOOLEAN}


def apply_addtotals(pipeline: Pipeline, stage: syntax.Addtotals) -> None:
    """Add a column with the sum of each row, a row with the sum of each column, or both.

    Not documented, so chosen: the numeric fields are those of the result whose value in a row is
    a number or a text that spells one; a row without any has no total; the column of totals is
    summed, too; the row of totals comes last as long as no `sort` follows.
    """
    if stage.fields:
        summed = {field.name: pipeline.resolve(field) for field in stage.fields}
    else:
        summed = {name: value for name, value in pipeline.projection() if _may_be_number(value)}
    if stage.row:
        numbers = ", ".join(_number(value) for value in summed.values())
        total = f"list_sum([{numbers}]::DOUBLE[])"
        pipeline.add([(stage.name, Value(total, Kind.NUMBER))])
        pipeline.show(stage.name)
        summed[stage.name] = pipeline.defined[stage.name]
    if stage.column:
        _add_row(pipeline, summed)


def _add_row(pipeline: Pipeline, summed: dict[str, Value]) -> None:
    """Add a row with the sums of columns, and nothing else, after the last one."""
    pipeline.numbered()
    columns = [(name, value) for name, value in summed.items() if _may_be_number(value)]
    pipeline.add([(name, _summable(value)) for name, value in columns])
    rows = pipeline.parameter.unique("rows")
    sums = []
    for name, _ in columns:
        column = pipeline.defined[name]
        total = values.alike(f"sum({_number(column)})", column)
        sums.append(f"{total.sql} AS {column.sql}")
    if not pipeline.sees_events:
        sums.append("max(matched) AS matched")
    pipeline.source = (
        f"(WITH {rows} AS (SELECT * FROM {pipeline.source}) SELECT * FROM {rows} "
        f"UNION ALL BY NAME SELECT {', '.join(sums) or 'NULL AS nothing'} FROM {rows})"
    )


def _summable(value: Value) -> Value:
    """Give a value in a kind that holds a sum, too."""
    return Value(values.number(value), Kind.NUMBER) if value.kind is Kind.BOOLEAN else value


def _may_be_number(value: Value) -> bool:
    return value.kind in _NUMERIC or value.kind in values.TEXTUAL


def _number(value: Value) -> str:
    """Give a numeric value as a DOUBLE; NULL for any other, `true` as text among them."""
    if value.kind in values.TEXTUAL:
        return values.plain_number(value.sql)
    return values.number(value) if value.kind in _NUMERIC else "NULL::DOUBLE"
