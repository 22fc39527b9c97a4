"""Functions of maps and lists, as SQL.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-json-functions
"""

from workshop.insights import values
from workshop.insights.values import Kind, Value


def parsed(value: Value) -> Value:
    """Read a text as a map or a list; any other text gives no value."""
    if value.kind is Kind.JSON:
        return value
    text = values.text(value)
    json = f"CASE WHEN json_valid({text}) THEN {text} END"
    return Value(f"CASE WHEN json_type({json}) IN ('OBJECT', 'ARRAY') THEN {text} END", Kind.JSON)


def written(value: Value) -> Value:
    """Write a map or a list as a text."""
    return Value(value.sql if value.kind is Kind.JSON else values.text(value), Kind.TEXT)


def size(value: Value) -> Value:
    """Count the items of a list; what is no list has no size."""
    array = parsed(value).sql
    return Value(
        f"CASE WHEN json_type({array}) = 'ARRAY' "
        f"THEN CAST(json_array_length({array}) AS DOUBLE) END",
        Kind.NUMBER,
    )


def holds(value: Value, item: Value) -> Value:
    """Say whether a list has an item, by its text; what is no list has none."""
    array = parsed(value).sql
    return Value(
        f"coalesce(list_contains(json_extract_string(CASE WHEN json_type({array}) = 'ARRAY' "
        f"THEN {array} ELSE '[]' END, '$[*]'), {values.text(item)}), false)",
        Kind.BOOLEAN,
    )
