"""Code on the screen: files, and what differs between them."""

from collections.abc import Iterator

from rich.text import Text

from workshop.cli.render.telemetry import heading
from workshop.cli.render.text import labelled, printable, prose
from workshop.course.catalogue import Step

_DIFF_STYLES = {"+++": "strong", "---": "strong", "@@": "accent", "+": "added", "-": "removed"}


def diff(text: str) -> Iterator[Text]:
    """Draw a unified diff, line by line."""
    for line in text.splitlines():
        style = next((style for start, style in _DIFF_STYLES.items() if line.startswith(start)), "")
        yield Text(_source(line).plain, style)


def same(step: Step, against: str, width: int) -> Text:
    """Draw that there is no difference."""
    return labelled("", f"{step.name}: your files are the {against}'s, unchanged", width)


def file(path: str, text: str) -> Iterator[Text]:
    """Draw a file under its name, and an empty line."""
    yield Text(path, "title")
    yield from map(_source, text.splitlines())
    yield Text()


def why(text: str, width: int) -> Iterator[Text]:
    """Draw why a solution works."""
    yield heading("why this works")
    yield from prose(text, width, 2)


def _source(line: str) -> Text:
    """Draw a line of code as it is, but for characters that would act on the terminal."""
    return Text("\t".join(map(printable, line.split("\t"))))
