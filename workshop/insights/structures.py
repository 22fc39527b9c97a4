"""Functions of maps and lists, as SQL.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-json-functions
"""

from workshop.insights import values
from workshop.insights.values import Kind, Value


def parsed(value: Value) -> Value:
    """Read a text as a map or a list; any other text gives no value."""
    if value.kind is Kind.JSON:
        return value
    json = "CASE WHEN json_valid({0}) THEN {0} END"
    read = f"CASE WHEN json_type({json}) IN ('OBJECT', 'ARRAY') THEN {{0}} END"
    return Value(values.once(values.text(value), read.format), Kind.JSON)


def written(value: Value) -> Value:
    """Write a map or a list as a text."""
    return Value(value.sql if value.kind is Kind.JSON else values.text(value), Kind.TEXT)


def size(value: Value) -> Value:
    """Count the items of a list; what is no list has no size."""
    counted = "CASE WHEN json_type({0}) = 'ARRAY' THEN CAST(json_array_length({0}) AS DOUBLE) END"
    return Value(values.once(parsed(value).sql, counted.format), Kind.NUMBER)


def holds(value: Value, item: Value) -> Value:
    """Say whether a list has an item, by its text; what is no list has none."""
    listed = (
        "json_extract_string(CASE WHEN json_type({0}) = 'ARRAY' THEN {0} ELSE '[]' END, '$[*]')"
    )
    items = values.once(parsed(value).sql, listed.format)
    return Value(f"coalesce(list_contains({items}, {values.text(item)}), false)", Kind.BOOLEAN)
