"""`workshop doctor` on the screen: a part, what it needs, and what mends what is missing."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from workshop.cli.render.text import labelled
from workshop.cli.render.verdict import activating, commands

if TYPE_CHECKING:
    from workshop.cli.examination import Part

_LABEL = 23


def parts(found: "Sequence[Part]", activation: str | None, width: int) -> Iterator[Text]:
    """Draw each part with its findings; what mends one stands below it.

    Args:
        found: The parts.
        activation: What to type before `workshop` can be found, if it cannot.
        width: Columns to draw in.
    """
    for part in found:
        yield Text.assemble((part.name, "title"), ("  optional" if part.optional else "", "quiet"))
        for finding in part.findings:
            mark, style = ("✓", "good") if finding.mend is None else ("✗", "bad")
            if part.optional and finding.mend is not None:
                mark, style = "·", "quiet"
            drawn = labelled(f"  {mark} {finding.name:<{_LABEL - 4}}  ", finding.found, width)
            drawn.stylize(style, 2, 3)
            yield drawn
            if finding.mend is not None:
                # A command to copy: it may not be folded between its words.
                yield Text.assemble("    → ", (finding.mend, "command"))
        yield Text()
    works = all(part.works for part in found if not part.optional)
    missing = [part.name for part in found if part.optional and not part.works]
    if works:
        yield labelled("✓ ", "steps, tour and checks can work here", width, "good")
    else:
        yield labelled("✗ ", "mend what is marked above, then: workshop doctor", width, "bad")
    if missing:
        yield labelled("· ", f"not needed for them: {', '.join(missing)}", width, "quiet")
    if activation:
        yield Text()
        yield from commands(activating(activation), width)
