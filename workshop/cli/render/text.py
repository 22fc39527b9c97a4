"""Words on a line: folding without losing a character, and nothing that moves the cursor."""

import re
import textwrap
import unicodedata
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

_LEAST = 12

_JOINTS = "/:-"
_CHUNK = re.compile(r"[^\s,]*[\s,]+|[^\s,]+")


def printable(text: str) -> str:
    """Return text in which control characters are spelt out, so that they cannot act.

    A log line may hold escape sequences that would recolour or clear the reader's terminal.
    """
    return "".join(
        "  " if character == "\t" else repr(character)[1:-1] if _acts(character) else character
        for character in text
    )


def fold(text: str, width: int) -> Iterator[str]:
    """Cut a line into pieces that fit, after a comma or a space where there is one.

    What is longer than a line is cut within: after a slash, a colon or a hyphen if it can be.

    Args:
        text: One line; joined together, the pieces give it back unchanged.
        width: Columns for a piece.

    Yields:
        The pieces, at least one.
    """
    piece = ""
    for chunk in _CHUNK.findall(text):
        longest = cell_len(chunk.rstrip())
        # What has to be cut anyhow may begin beside a few words: `File "/a/long/path`.
        beside = longest > width and cell_len(piece) < width // 4
        if piece and cell_len(piece) + longest > width and not beside:
            yield piece
            piece = ""
        piece += chunk
        while cell_len(piece.rstrip()) > width:
            end = _within(piece, max(1, _fitting(piece, width)))
            yield piece[:end]
            piece = piece[end:]
    yield piece


def cut(text: str, width: int) -> str:
    """Shorten a text to a width, with an ellipsis to say so."""
    if cell_len(text) <= width:
        return text
    return text[: _fitting(text, max(0, width - 1))] + "…"


def labelled(label: str, text: str, width: int, label_style: str = "", style: str = "") -> Text:
    """Draw a label and prose beside it, wrapped between words and lined up under itself.

    Args:
        label: What stands first, with the spaces that follow it.
        text: One paragraph; spaces at its beginning are kept.
        width: Columns for the whole.
        label_style: How the label is coloured.
        style: How the prose is coloured.
    """
    column = cell_len(label)
    rows = textwrap.wrap(
        text,
        max(_LEAST, width - column),
        break_on_hyphens=False,
        break_long_words=False,  # an address or a path is to be copied whole
        replace_whitespace=False,
    )
    return Text.assemble((label, label_style), (f"\n{' ' * column}".join(rows), style))


def asked(where: str, question: str, width: int | None = None) -> Text:
    """Draw a question as one would ask it, with what it is asked of.

    Args:
        where: Such as `where`, `metric` or `trace`.
        question: What is asked; beyond the width it goes on in another line.
        width: Columns for the whole; None for as many as it takes.
    """
    if width is not None:
        return labelled(f"{where}  ", question, width, "quiet", "accent")
    return Text.assemble((f"{where}  ", "quiet"), (question, "accent"))


def prose(text: str, width: int, indent: int = 0) -> Iterator[Text]:
    """Draw paragraphs: prose is wrapped, an indented line is code and stays as it is."""
    for line in text.strip("\n").splitlines():
        if line.startswith("    ") or not line.strip():
            yield Text(" " * indent + printable(line), "accent")
        else:
            yield labelled(" " * indent, printable(line), width)


def _within(piece: str, most: int) -> int:
    """Return where to cut a word, in its latter half, so that at most so many are before it."""
    joint = 1 + max(piece.rfind(mark, 0, most) for mark in _JOINTS)
    return joint if joint > most // 2 else most


def _fitting(text: str, width: int) -> int:
    """Return how many characters fit into a width."""
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return index
    return len(text)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
