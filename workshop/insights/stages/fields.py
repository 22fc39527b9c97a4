"""`fields` and `display`: which columns the result has.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Fields.html
"""

from workshop.insights import syntax
from workshop.insights.errors import MalformedQuery
from workshop.insights.pipeline import Pipeline


def apply_fields(pipeline: Pipeline, stage: syntax.Fields) -> None:
    """Add columns to those of every `fields` before."""
    names = {item.name for item in pipeline.shown.fields}
    for item in stage.items:
        if item.aliased and item.name in names:
            raise MalformedQuery(f"{item.name} is defined already", item.start, item.end)
        names.add(item.name)
    pipeline.shown.fields += stage.items
    pipeline.define(stage.items)


def apply_display(pipeline: Pipeline, stage: syntax.Display) -> None:
    """Take the place of the columns so far."""
    pipeline.shown.display = list(stage.items)
    pipeline.define(stage.items)
