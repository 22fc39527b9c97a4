"""The order in which stages take effect, which is not always the order written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields as dataclass_fields

from workshop.insights import regex, syntax
from workshop.insights.errors import MalformedQuery

_MAXIMUM_STATS = 10


def checked_order(stages: Sequence[syntax.Stage]) -> None:
    """Check that stages stand where they may.

    Raises:
        MalformedQuery: One does not, or there are too many `stats`.
    """
    rest = [stage for stage in stages if not isinstance(stage, syntax.Source)]
    for stage in stages[len(stages) - len(rest) :]:
        if isinstance(stage, syntax.Source):
            raise MalformedQuery("SOURCE comes first in a query", stage.start, stage.end)
    stats = [index for index, stage in enumerate(rest) if isinstance(stage, syntax.Stats)]
    if len(stats) > _MAXIMUM_STATS:
        stage = rest[stats[_MAXIMUM_STATS]]
        raise MalformedQuery(f"a query has at most {_MAXIMUM_STATS} stats", stage.start, stage.end)
    if len(stats) > 1:
        for stage in rest[: stats[-1]]:
            if isinstance(stage, syntax.Sort | syntax.Limit):
                what = "with several stats, sort and limit come after the last one"
                raise MalformedQuery(what, stage.start, stage.end)


_PLACED = (
    syntax.Accum
    | syntax.Addtotals
    | syntax.Appendcols
    | syntax.Autoregress
    | syntax.Cidrlookup
    | syntax.CountFrequent
    | syntax.Filldown
    | syntax.Fillmissing
    | syntax.Outlier
    | syntax.Sessionize
)
"""Stages that take effect where they are written, as does all after them."""


def arranged(stages: Sequence[syntax.Stage], text: str) -> Iterator[syntax.Stage]:
    """Bring the stages of a query with one `stats` to the order in which they take effect."""
    stats = [index for index, stage in enumerate(stages) if isinstance(stage, syntax.Stats)]
    placed = [index for index, stage in enumerate(stages) if isinstance(stage, _PLACED)]
    first = min(placed, default=len(stages))
    if len(stats) != 1 or stats[0] > first:
        yield from stages
        return
    yield from _around(stats[0], stages[:first], text)
    yield from stages[first:]


def _around(at: int, stages: Sequence[syntax.Stage], text: str) -> Iterator[syntax.Stage]:
    """Arrange the stages before and after a lone `stats`."""
    grouping = stages[at]
    outputs: set[str] = set()
    if isinstance(grouping, syntax.Stats):
        outputs = {squeezed(item.name) for item in (*grouping.keys, *grouping.items)}
    before = [s for s in stages[:at] if not isinstance(s, syntax.Sort | syntax.Limit)]
    limits = [s for s in stages[:at] if isinstance(s, syntax.Limit)]
    after: list[syntax.Stage] = []
    for stage in stages[at + 1 :]:
        if isinstance(stage, syntax.Filter) and not _only_names(stage.condition, outputs, text):
            before.append(stage)
            continue
        outputs |= {squeezed(name) for name in _made_by(stage)}
        after.append(stage)
    yield from before
    yield grouping
    yield from after
    yield from limits


def _made_by(stage: syntax.Stage) -> list[str]:
    """Name the fields that a stage makes."""
    match stage:
        case syntax.Fields(items=items) | syntax.Display(items=items):
            return [item.name for item in items]
        case (
            syntax.Parse(pattern=syntax.Regex(pattern=pattern), aliases=())
            | syntax.ParseMulti(pattern=syntax.Regex(pattern=pattern), aliases=())
        ):
            return [name for name in regex.without_names(pattern)[1] if name]
        case (
            syntax.Parse(aliases=names)
            | syntax.ParseMulti(aliases=names)
            | syntax.ParseCsv(aliases=names)
            | syntax.Lookup(outputs=names)
        ):
            return list(names)
        case (
            syntax.ParseLogfmt(name=name)
            | syntax.Json(name=name)
            | syntax.Unnest(name=name)
            | syntax.Expand(field=syntax.Field(name=name))
        ):
            return [name]
        case _:
            return []


def _only_names(node: object, outputs: set[str], text: str) -> bool:
    """Whether a condition names nothing but outputs of `stats`, by alias or by text."""
    if isinstance(node, tuple):
        return all(_only_names(item, outputs, text) for item in node)
    if not isinstance(node, syntax.Node) or isinstance(node, syntax.Query):
        return True
    if squeezed(text[node.start : node.end]) in outputs:
        return True
    if isinstance(node, syntax.Field):
        name = squeezed(node.name)
        return name in outputs or any(name.startswith(f"{output}.") for output in outputs)
    if isinstance(node, syntax.Call) and node.name == "bin":
        return False
    return all(
        _only_names(getattr(node, attribute.name), outputs, text)
        for attribute in dataclass_fields(node)
    )


def squeezed(text: str) -> str:
    """Take the white space out, so that `count( * )` is `count(*)`."""
    return re.sub(r"\s+", "", text)
