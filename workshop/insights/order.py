"""The order in which stages take effect, which is not always the order written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields as dataclass_fields

from workshop.insights import regex, syntax


def arranged(stages: Sequence[syntax.Stage], text: str) -> Iterator[syntax.Stage]:
    """Bring the stages of a query with one `stats` to the order in which they take effect."""
    stats = [index for index, stage in enumerate(stages) if isinstance(stage, syntax.Stats)]
    if len(stats) != 1:
        yield from stages
        return
    at = stats[0]
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
        if isinstance(stage, syntax.Fields | syntax.Display):
            outputs |= {squeezed(item.name) for item in stage.items}
        elif isinstance(stage, syntax.Lookup):
            outputs |= {squeezed(name) for name in stage.outputs}
        elif isinstance(stage, syntax.Parse):
            outputs |= {squeezed(name) for name in _parsed_names(stage)}
        after.append(stage)
    yield from before
    yield grouping
    yield from after
    yield from limits


def _parsed_names(stage: syntax.Parse) -> list[str]:
    if isinstance(stage.pattern, syntax.Regex) and not stage.aliases:
        return [name for name in regex.without_names(stage.pattern.pattern)[1] if name]
    return list(stage.aliases)


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
