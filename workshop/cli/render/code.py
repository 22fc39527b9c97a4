"""Code on the screen: files, and what differs between them."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from workshop.cli.render.telemetry import heading
from workshop.cli.render.text import printable, prose

_DIFF_STYLES = {"+++": "strong", "---": "strong", "@@": "accent", "+": "added", "-": "removed"}


def diff(text: str) -> Iterator[Text]:
    """Draw a unified diff, line by line."""
    for line in text.splitlines():
        style = next((style for start, style in _DIFF_STYLES.items() if line.startswith(start)), "")
        yield Text(source(line).plain, style)


def file_name(path: str) -> Text:
    """Draw the name of a file above its content."""
    return Text(path, "title")


def source(line: str) -> Text:
    """Draw a line of code as it is, but for characters that would act on the terminal."""
    return Text("\t".join(map(printable, line.split("\t"))))


def why(text: str, width: int) -> Iterator[RenderableType]:
    """Draw why a solution works."""
    yield heading("why this works")
    yield from prose(text, width, 2)
